#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

// Shares and durations as people type them on a command line.
namespace countersign::cli {

// ParseShare reads "5%" or "0.5%" as basis points: 1 (0.01%) to 10,000. kUsage says what is wrong
// with it.
[[nodiscard]] Result<std::uint32_t> ParseShare(std::string_view text);
// FormatShare is the way back: "5%", "0.5%".
[[nodiscard]] std::string FormatShare(std::uint64_t basis_points);

// ParseDuration reads "90s", "30min" (or "30m"), "1h", "2d", or a number of seconds; at most 10,000
// days. kUsage says what is wrong with it.
[[nodiscard]] Result<Seconds> ParseDuration(std::string_view text);

}  // namespace countersign::cli
