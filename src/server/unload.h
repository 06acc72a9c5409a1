#pragma once

#include <string>
#include <string_view>

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
// Covers: the scope has this agent in it.
[[nodiscard]] bool Covers(std::string_view scope, const AgentId& agent, std::string_view domain);
// Overrides: whoever is in `narrower` is in `wider` too, as far as the scopes themselves tell.
[[nodiscard]] bool Overrides(std::string_view wider, std::string_view narrower);

}  // namespace countersign::server
