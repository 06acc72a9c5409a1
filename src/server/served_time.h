#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace countersign::server {

// ServedTime is the clock by which silence is judged (docs/reachability.md): ours, without the time
// in which this server did not run. Limits that are kept by it move with each stop, and no row of
// an agent is touched for that.
class ServedTime {
 public:
  // Of older stops only their sum is known: ClockOf may be late by it.
  static constexpr std::size_t kMaxStops = 256;

  // Parse reads what Format wrote; nothing for anything else.
  [[nodiscard]] static std::optional<ServedTime> Parse(std::string_view text);
  [[nodiscard]] std::string Format() const;

  // AddStop: it did not run from `from` to `until`. Nothing where that is no time.
  void AddStop(Instant from, Instant until);

  // At is what it shows now.
  [[nodiscard]] Instant At(Instant now) const { return now - stood_; }
  // ClockOf is what our clock showed, or will show, with this moment of it.
  [[nodiscard]] Instant ClockOf(Instant served) const;

  bool operator==(const ServedTime&) const = default;

 private:
  // The clock stood at `at`, and has stood for `stood` since it began.
  struct Stop {
    Instant at;
    Seconds stood{};
    bool operator==(const Stop&) const = default;
  };
  Seconds before_{};  // the first of stops_
  std::vector<Stop> stops_;
  Seconds stood_{};
};

}  // namespace countersign::server
