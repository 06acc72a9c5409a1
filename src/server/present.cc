#include "server/present.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "server/standing.h"
#include "store/server_files.h"

namespace countersign::server {
namespace {

boost::json::value ByJson(const std::optional<store::Actor>& by) {
  if (!by) return nullptr;
  return boost::json::object{
      {"uid", by->uid}, {"name", by->name}, {"terminal", by->terminal}, {"login", by->login}};
}

std::string Time(const std::optional<Instant>& at) { return at ? FormatUtc(*at) : std::string(); }

std::string_view RoleName(store::CertificateRole role) {
  switch (role) {
    case store::CertificateRole::kOwner:
      return "owner";
    case store::CertificateRole::kSuccession:
      return "succession";
    case store::CertificateRole::kServer:
      break;
  }
  return "server";
}

std::string_view StateName(store::CertificateState state) {
  switch (state) {
    case store::CertificateState::kReserve:
      return "reserve";
    case store::CertificateState::kPending:
      return "pending";
    case store::CertificateState::kActive:
      return "active";
    case store::CertificateState::kRevoked:
      return "revoked";
    case store::CertificateState::kAborted:
      return "aborted";
    case store::CertificateState::kReplaced:
      break;
  }
  return "replaced";
}

}  // namespace

std::string_view StoreOf(const IdentityBook::Entry& entry) {
  if (entry.row.role != store::CertificateRole::kServer) return "";
  switch (entry.row.state) {
    case store::CertificateState::kActive:
      return store::kStoreActive;
    case store::CertificateState::kReplaced:
    case store::CertificateState::kRevoked:
      return store::kStoreExpired;
    case store::CertificateState::kReserve:
    case store::CertificateState::kPending:
    case store::CertificateState::kAborted:
      return "";
  }
  return "";
}

boost::json::object CertificateJson(const IdentityBook::Entry& entry) {
  const crypto::Certificate& certificate = entry.certificate;
  boost::json::array server_ids;
  for (const auto& id : certificate.server_ids()) server_ids.emplace_back(id.Text());
  return {{"store", StoreOf(entry)},
          {"role", RoleName(entry.row.role)},
          {"state", StateName(entry.row.state)},
          {"name", certificate.common_name()},
          {"subject", certificate.subject()},
          {"issuer", certificate.issuer()},
          {"not_before", FormatUtc(certificate.not_before())},
          {"not_after", FormatUtc(certificate.not_after())},
          {"serial", certificate.serial()},
          {"sha256", HexLower(certificate.thumbprint())},
          {"sha1", HexLower(crypto::Sha1(certificate.der()))},
          {"generation", entry.row.generation},
          {"server_ids", std::move(server_ids)},
          {"key", certificate.key().Description()},
          {"since", FormatUtc(entry.row.since)}};
}

boost::json::object AgentJson(const store::AgentRow& row, const IdentityBook& book) {
  const auto* const active = book.Active();
  const std::string_view reason = row.forgotten ? kForgotten : std::string_view(row.reason);
  boost::json::array addresses;
  for (const auto& address : row.addresses) addresses.emplace_back(address);
  return {{"agent", row.id.Text()},
          {"host", row.host},
          {"address", row.source},
          {"port", row.port},
          {"tls", row.tls},
          {"addresses", std::move(addresses)},
          {"domain", row.domain},
          {"platform", row.platform},
          {"version", row.version},
          {"standing", row.standing},
          {"reason", reason},
          {"reason_text", ReasonText(reason)},
          {"since", FormatUtc(row.standing_since)},
          {"next_step", NextStep(row.standing, reason, row.id)},
          {"thumbprint_held", row.held_known ? HexLower(row.held_thumbprint) : ""},
          {"thumbprint_expected", active == nullptr ? "" : HexLower(active->row.thumbprint)},
          {"generation_held", row.held_generation},
          {"owner_held", row.held_known ? HexLower(row.held_owner) : ""},
          {"server_held", row.held_known ? row.held_server.Text() : ""},
          {"admitted", row.admitted},
          {"admitted_by", row.admitted_by},
          {"forgotten", row.forgotten},
          {"successor", row.successor.is_nil() ? "" : row.successor.Text()},
          {"moved_to", row.moved_to},
          {"exposed", IsExposed(row, book)},
          {"earlier_owner", HoldsEarlierOwner(row, book)},
          {"restored", row.jump != 0},
          {"cloned", row.cloned},
          {"clock_offset_seconds", row.clock_offset},
          {"clock_fault", HasClockFault(row)},
          {"first_seen", FormatUtc(row.first_seen)},
          {"last_contact", Time(row.last_contact)},
          {"last_verified", Time(row.last_verified)},
          {"failures", row.failures},
          {"last_refusal", row.last_refusal}};
}

void AddReach(boost::json::object& agent, const store::AgentRow& row, const Reachability& reach,
              bool waits) {
  agent["reachability"] = ReachName(reach.reach);
  agent["reachability_since"] = FormatUtc(reach.since);
  agent["reachability_reason"] = reach.reason;
  agent["reachability_text"] = ReachText(reach.reason);
  agent["waiting"] = waits;
  agent["failed_calls"] = row.failed_calls;
  agent["call_failed_at"] = Time(row.call_failed_at);
  agent["call_answered_at"] = Time(row.call_answered_at);
}

boost::json::object OrderJson(const store::OrderRow& row) {
  return {{"order", row.jti.Text()},
          {"agent", row.agent.Text()},
          {"act", row.act},
          {"state", store::OrderStateName(row.state)},
          {"verdict", row.verdict},
          {"earlier", row.earlier},
          {"result", row.result},
          {"by", row.by},
          {"created", FormatUtc(row.created)},
          {"expires", FormatUtc(row.expires)},
          {"ended", Time(row.ended)},
          {"attempts", row.attempts}};
}

boost::json::object EventJson(const store::EventRow& row) {
  return {{"id", row.id},       {"at", FormatUtc(row.at)}, {"kind", row.kind},
          {"agent", row.agent}, {"text", row.text},        {"by", ByJson(row.by)}};
}

boost::json::object OwnerRequestJson(const wire::OwnerRequest& request) {
  boost::json::array server_ids;
  for (const auto& id : request.server_ids) server_ids.emplace_back(id.Text());
  return {{"server_ids", std::move(server_ids)},
          {"generation", request.generation},
          {"owner", HexLower(request.owner)},
          {"active_key", HexLower(crypto::Sha256(request.active_key))},
          {"reserve_key", HexLower(crypto::Sha256(request.reserve_key))},
          {"common_name", request.common_name},
          {"not_before", FormatUtc(request.not_before)},
          {"not_after", FormatUtc(request.not_after)},
          {"reserve_not_after", FormatUtc(request.reserve_not_after)},
          {"compromised", request.compromised},
          {"created", FormatUtc(request.created)},
          {"admitted", request.admitted.size()}};
}

boost::json::array TextsJson(const std::vector<std::string>& texts) {
  boost::json::array array;
  for (const auto& text : texts) array.emplace_back(text);
  return array;
}

}  // namespace countersign::server
