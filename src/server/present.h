#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "server/identity_book.h"
#include "server/reachability.h"
#include "store/registry.h"
#include "wire/owner_request.h"

// How rows are shown to people and programs, everywhere the same: JSON objects with
// lower_snake_case members, times in RFC 3339 UTC (empty text: never), digests in lower-case hex.
namespace countersign::server {

// CertificateJson: store, role, state, name, subject, issuer, not_before, not_after, serial (as
// `openssl x509 -serial` prints it), sha256, sha1 (only for comparison with viewers that show it),
// generation, server_ids, key.
[[nodiscard]] boost::json::object CertificateJson(const IdentityBook::Entry& entry);

// AgentJson: the columns of `CertificateManager -l` and more.
[[nodiscard]] boost::json::object AgentJson(const store::AgentRow& row, const IdentityBook& book);

// AddReach adds what is known of the way to the agent: reachability, reachability_since,
// reachability_reason, reachability_text, waiting (its report is here, and is answered when there
// is something to say), failed_calls, call_failed_at, call_answered_at.
void AddReach(boost::json::object& agent, const store::AgentRow& row, const Reachability& reach,
              bool waits);

[[nodiscard]] boost::json::object OrderJson(const store::OrderRow& row);
[[nodiscard]] boost::json::object EventJson(const store::EventRow& row);

// StoreOf is the documented certificate store in which a certificate stands.
[[nodiscard]] std::string_view StoreOf(const IdentityBook::Entry& entry);

// OwnerRequestJson: what a person compares before it is signed: server_ids, generation, owner,
// active_key and reserve_key (digests), common_name, not_before, not_after, reserve_not_after,
// compromised, created, admitted (how many).
[[nodiscard]] boost::json::object OwnerRequestJson(const wire::OwnerRequest& request);
[[nodiscard]] boost::json::array TextsJson(const std::vector<std::string>& texts);

}  // namespace countersign::server
