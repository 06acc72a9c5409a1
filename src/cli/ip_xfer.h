#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/error.h"
#include "net/control_message.h"

namespace countersign::cli {

// StoppedAgent is what the mover does on an agent that does not run (daemon/mover_control.h); given
// by main, since what does networking is no part of the command line. Returns the answer that a
// running agent would give (JSON).
using StoppedAgent = std::function<Result<std::string>(const std::filesystem::path& folder,
                                                       const net::ControlMessage& request)>;

// RunIpXfer is the program IpXfer (IpXfer_x64): `-e FILE` alone renews the agent's trust by local
// authority; with `-s SERVER` the agent is moved there, or repaired where it is (docs/mover.md).
// Returns the exit code.
[[nodiscard]] int RunIpXfer(int argc, char** argv, const StoppedAgent& stopped);

}  // namespace countersign::cli
