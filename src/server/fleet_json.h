#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <vector>

#include "server/fleet.h"

// A fleet and its rollout as administrators' programs get them (server/admin.h).
namespace countersign::server {

// FleetJson: agents, taken, at_once, next_contact, unseen, hands; unseen_since [{days, agents}],
// never_seen; reasons [{reason, text, agents}]; domains [{domain, …}], the biggest 100, and the
// others summed up as domain null.
[[nodiscard]] boost::json::object FleetJson(const Fleet& fleet);

// MemberJson: agent, host, domain, class, reason, text, next, last_contact.
[[nodiscard]] boost::json::object MemberJson(const store::AgentRow& row, const Member& member);

// RolloutJson: state, generation, serial, since, started, by, canary_share, domains, rate, halt_at,
// soak_seconds, why, must_end_by, next; and, with counts, agents, taken, sent, refused, waiting.
[[nodiscard]] boost::json::object RolloutJson(const IdentityBook& book,
                                              const store::RolloutRow& row,
                                              const std::optional<trust::RolloutCounts>& counts);

}  // namespace countersign::server
