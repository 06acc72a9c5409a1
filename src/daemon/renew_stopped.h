#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/log.h"
#include "crypto/certificate.h"

namespace countersign::daemon {

// RenewStopped is `IpXfer -e FILE` on an agent that does not run: takes its folder's lock, asks the
// server once, stores the outcome. Returns the answer that a running agent would give (JSON).
// Blocks, bounded by the timeouts of one exchange.
[[nodiscard]] Result<std::string> RenewStopped(const std::filesystem::path& folder,
                                               const crypto::Certificate& certificate, bool verify,
                                               Log& log);

}  // namespace countersign::daemon
