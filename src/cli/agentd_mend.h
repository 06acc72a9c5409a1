#pragma once

#include <boost/json/object.hpp>
#include <expected>
#include <filesystem>
#include <string>

#include "cli/agentd_commands.h"

// `countersign-agentd install` over an agent that is there (docs/agent.md).
namespace countersign::cli {

// MendFailure is an error with an exit code of its own.
struct MendFailure {
  Error error;
  Exit exit = Exit::kInternal;
};

// MendAgent brings an installed agent to what a package says: trust, by local authority and after
// the server has proved itself; address, ports and domain; the token. It keeps its key, and so its
// row. The unload password is asked for if one is set and trust or server change. Returns "result":
// "kept", "repaired" or "moved", and "text". kUnavailable: the
// server cannot be asked for its proof. On failure nothing was changed.
[[nodiscard]] std::expected<boost::json::object, MendFailure> MendAgent(
    const InstallCommand& command, const std::filesystem::path& folder,
    const std::filesystem::path& package, const AgentdActions& actions);

// StalePackage is the error of a package whose certificate the server does not use.
[[nodiscard]] std::unexpected<Error> StalePackage(const std::string& packaged,
                                                  const std::string& used);

}  // namespace countersign::cli
