#pragma once

#include <filesystem>

#include "base/error.h"
#include "base/log.h"

namespace countersign::daemon {

// RunServer opens the server's folder and serves until SIGTERM or SIGINT; SIGHUP reads the
// configuration anew. Ports and addresses need a restart. Blocks; one thread.
[[nodiscard]] Status RunServer(const std::filesystem::path& folder, Log& log);

}  // namespace countersign::daemon
