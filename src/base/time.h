#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace countersign {

using Seconds = std::chrono::seconds;
// Instant is a point on a wall clock, in Unix seconds. It may be wrong, or be set.
using Instant = std::chrono::sys_seconds;
// Uptime is a point on a clock that counts sleep and cannot be set (CLOCK_BOOTTIME), in ms.
using Uptime = std::chrono::duration<std::int64_t, std::milli>;

[[nodiscard]] inline Instant FromUnix(std::int64_t seconds) { return Instant(Seconds(seconds)); }
[[nodiscard]] inline std::int64_t ToUnix(Instant instant) {
  return instant.time_since_epoch().count();
}

// Times is one reading of both clocks; logic takes it as a parameter and never reads a clock.
struct Times {
  Instant wall;
  Uptime boot;
};

// ReadClocks reads the machine's clocks. Only apps/, daemon/ and cli/ call it.
[[nodiscard]] Times ReadClocks();

// FormatUtc prints RFC 3339 in UTC: 2026-11-21T23:38:00Z.
[[nodiscard]] std::string FormatUtc(Instant instant);
// ParseUtc reads exactly that form.
[[nodiscard]] std::optional<Instant> ParseUtc(std::string_view text);
// FormatDuration prints "3 d 4 h", "2 min", "45 s" for people.
[[nodiscard]] std::string FormatDuration(Seconds duration);

}  // namespace countersign
