#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/ids.h"
#include "base/time.h"

namespace countersign::server {

// EventLimiter keeps an agent from filling the event log: what it can make happen to and fro, by
// what it says that it holds, is one event of each kind in an hour. In memory alone: a restart
// begins anew. Pure, not thread-safe.
class EventLimiter {
 public:
  static constexpr Seconds kOnceIn = std::chrono::hours(1);
  // What is remembered is twice as much at most. An agent is forgotten early only when as many
  // other events were recorded since its own.
  static constexpr std::size_t kMaxKept = 100'000;

  // Take returns how many of this kind were left out since the last one of this agent; nothing:
  // that was within kOnceIn, and this one is to be left out, too.
  [[nodiscard]] std::optional<std::uint64_t> Take(std::string_view kind, const AgentId& agent,
                                                  Instant now);

 private:
  struct Kept {
    Instant at;
    std::uint64_t left_out = 0;
  };
  using Book = std::map<std::pair<AgentId, std::string>, Kept>;
  Book present_;
  Book earlier_;
  Instant since_;  // of `present_`
};

}  // namespace countersign::server
