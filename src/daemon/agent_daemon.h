#pragma once

#include <filesystem>

#include "base/error.h"
#include "base/log.h"

namespace countersign::daemon {

// RunAgent opens the agent's folder and runs the agent until SIGTERM or SIGINT: listener, reports,
// control socket. After an order to restart the process becomes its program anew. Blocks; one
// thread.
[[nodiscard]] Status RunAgent(const std::filesystem::path& folder, Log& log);

}  // namespace countersign::daemon
