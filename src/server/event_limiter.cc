#include "server/event_limiter.h"

namespace countersign::server {

std::optional<std::uint64_t> EventLimiter::Take(std::string_view kind, const AgentId& agent,
                                                Instant now) {
  // A time ahead of `now`, which a clock that was set back leaves, is over.
  const auto is_over = [&](Instant at) { return at > now || now - at >= kOnceIn; };
  if (present_.size() >= kMaxKept || is_over(since_)) {
    earlier_ = std::exchange(present_, {});
    since_ = now;
  }
  const std::pair key(agent, std::string(kind));
  std::uint64_t left_out = 0;
  for (Book* const book : {&present_, &earlier_}) {
    const auto at = book->find(key);
    if (at == book->end()) continue;
    if (!is_over(at->second.at)) {
      ++at->second.left_out;
      return std::nullopt;
    }
    left_out = at->second.left_out;
    book->erase(at);
  }
  present_[key] = {.at = now, .left_out = 0};
  return left_out;
}

}  // namespace countersign::server
