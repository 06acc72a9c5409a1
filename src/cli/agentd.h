#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/error.h"
#include "doctor/agent_check.h"
#include "net/control_message.h"

namespace countersign::cli {

// RunDaemon runs a daemon on its folder until it is stopped; `json_log`: JSON lines.
using RunDaemon = std::function<Status(const std::filesystem::path& folder, bool json_log)>;

// AgentdActions are what the program does by the network; given by main, since that is no part of
// the command line.
struct AgentdActions {
  RunDaemon run;
  // daemon/agent_probe.h ProbeAgent; `always`: an exchange is made in any case.
  std::function<doctor::AgentFacts(const std::filesystem::path& folder, bool always)> probe;
  // daemon/mover_control.h MoveStopped: `IpXfer -e` and the mover's full form, on an agent that
  // does not run.
  std::function<Result<std::string>(const std::filesystem::path& folder,
                                    const net::ControlMessage& request)>
      move_stopped;
};

// RunAgentd is the program countersign-agentd: without a command it runs the agent (docs/agent.md).
// RunServerd is countersignd. Both return the exit code.
[[nodiscard]] int RunAgentd(int argc, char** argv, const AgentdActions& actions);
[[nodiscard]] int RunServerd(int argc, char** argv, const RunDaemon& run);

}  // namespace countersign::cli
