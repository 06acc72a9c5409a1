#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/error.h"
#include "crypto/certificate.h"

namespace countersign::cli {

// RenewStopped renews the trust of an agent that does not run (daemon/renew_stopped.h); given by
// main, since what does networking is no part of the command line.
using RenewStopped = std::function<Result<std::string>(
    const std::filesystem::path& folder, const crypto::Certificate& certificate, bool verify)>;

// RunIpXfer is the program IpXfer (IpXfer_x64). For now `-e FILE` alone: it renews the agent's
// trust by local authority. Returns the exit code.
[[nodiscard]] int RunIpXfer(int argc, char** argv, const RenewStopped& renew_stopped);

}  // namespace countersign::cli
