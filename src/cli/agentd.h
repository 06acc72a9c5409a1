#pragma once

#include <filesystem>
#include <functional>

#include "base/error.h"

namespace countersign::cli {

// RunDaemon runs a daemon on its folder until it is stopped; `json_log`: JSON lines.
using RunDaemon = std::function<Status(const std::filesystem::path& folder, bool json_log)>;

// RunAgentd is the program countersign-agentd: without a command it runs the agent; `install` and
// `status`. RunServerd is countersignd. Both return the exit code.
[[nodiscard]] int RunAgentd(int argc, char** argv, const RunDaemon& run);
[[nodiscard]] int RunServerd(int argc, char** argv, const RunDaemon& run);

}  // namespace countersign::cli
