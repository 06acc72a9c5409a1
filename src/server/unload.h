#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/registry.h"

// Which unload password agents shall have, and how they get it (docs/unload-password.md).
namespace countersign::server {

// The act that brings a verifier. It goes only where nobody but the agent reads along: over TLS
// with the agent's key shown (Call::is_private), or in a reply over TLS to an agent that knew the
// web host's key (Report::pinned).
inline constexpr std::string_view kSetUnload = "set-unload";

// UnloadArgs are its arguments. `verifier`: empty takes the password away.
[[nodiscard]] std::string UnloadArgs(const std::string& verifier);

// Scopes of wishes.
inline constexpr std::string_view kAllAgents = "all";
[[nodiscard]] std::string ScopeOfDomain(std::string_view domain);
[[nodiscard]] std::string ScopeOfAgent(const AgentId& agent);
// ScopesOf lists all that have this agent in them: it, its domain with those above, and all. A
// domain of a report is short, and so is the list.
[[nodiscard]] std::vector<std::string> ScopesOf(const AgentId& agent, std::string_view domain);

// WishUnload writes down a wish for each of these scopes. Earlier ones end whose agents are all
// covered, as far as the scopes themselves tell. REQUIRES: within a transaction.
[[nodiscard]] Status WishUnload(store::Registry& registry, const std::vector<std::string>& scopes,
                                const store::UnloadWishRow& wish);

// BringsEarlierWish: this order brings another verifier than the one that is wished for its agent
// now.
[[nodiscard]] Result<bool> BringsEarlierWish(store::Registry& registry,
                                             const store::OrderRow& order,
                                             const store::AgentRow& row);

// Agents that Server::AdvanceUnload asks at most.
inline constexpr std::size_t kAskUnloadAtOnce = 500;
// BeginAskingUnload has every agent asked anew, some each second (Server::AdvanceUnload), also
// after a restart. REQUIRES: within a transaction.
[[nodiscard]] Status BeginAskingUnload(store::Registry& registry);

}  // namespace countersign::server
