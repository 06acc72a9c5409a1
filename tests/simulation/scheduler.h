#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace countersign::simulation {

using SimTime = std::int64_t;  // ms since the simulation began

inline constexpr SimTime kSecond = 1'000;
inline constexpr SimTime kMinute = 60 * kSecond;
inline constexpr SimTime kHour = 60 * kMinute;

// Scheduler is the only source of what happens next: one thing at a time, in order of time and,
// within a moment, in the order in which it was asked for.
class Scheduler {
 public:
  [[nodiscard]] SimTime now() const { return now_; }
  void After(SimTime delay, std::function<void()> what) {
    events_.emplace(std::pair(now_ + (delay > 0 ? delay : 0), next_++), std::move(what));
  }
  // RunOne does what comes next, if it comes before `end`; otherwise time is `end`.
  [[nodiscard]] bool RunOne(SimTime end) {
    if (events_.empty() || events_.begin()->first.first >= end) {
      now_ = end;
      return false;
    }
    auto event = events_.extract(events_.begin());
    now_ = event.key().first;
    event.mapped()();
    return true;
  }

 private:
  std::map<std::pair<SimTime, std::uint64_t>, std::function<void()>> events_;
  std::uint64_t next_ = 0;
  SimTime now_ = 0;
};

}  // namespace countersign::simulation
