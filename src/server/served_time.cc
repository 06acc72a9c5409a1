#include "server/served_time.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <ranges>

namespace countersign::server {
namespace {

// In seconds; what is beyond was not written by us, and sums of it would overflow.
constexpr std::int64_t kMost = std::int64_t{1} << 60;

std::optional<std::int64_t> NextNumber(std::string_view& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value > kMost || value < -kMost) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  text.remove_prefix(std::min<std::size_t>(1, text.size()));  // what lies between
  return value;
}

}  // namespace

// How long it stood before all, then of each stop where and how long in all.
std::string ServedTime::Format() const {
  std::string text = std::to_string(before_.count());
  for (const Stop& stop : stops_) {
    text += " " + std::to_string(ToUnix(stop.at)) + " " + std::to_string(stop.stood.count());
  }
  return text;
}

std::optional<ServedTime> ServedTime::Parse(std::string_view text) {
  ServedTime time;
  std::string_view rest = text;
  const auto before = NextNumber(rest);
  if (!before || *before < 0) return std::nullopt;
  time.before_ = time.stood_ = Seconds(*before);
  while (!rest.empty() && time.stops_.size() < kMaxStops) {
    const auto at = NextNumber(rest);
    const auto stood = at ? NextNumber(rest) : std::nullopt;
    if (!stood || Seconds(*stood) <= time.stood_) return std::nullopt;
    if (!time.stops_.empty() && FromUnix(*at) < time.stops_.back().at) return std::nullopt;
    time.stood_ = Seconds(*stood);
    time.stops_.push_back({FromUnix(*at), time.stood_});
  }
  if (time.Format() != text) return std::nullopt;
  return time;
}

// After a clock that was set back, what lies between counts as the stop before.
void ServedTime::AddStop(Instant from, Instant until) {
  if (until <= from) return;
  Instant at = At(from);
  if (!stops_.empty()) at = std::max(at, stops_.back().at);
  stood_ += until - from;
  stops_.push_back({at, stood_});
  if (stops_.size() <= kMaxStops) return;
  before_ = stops_.front().stood;
  stops_.erase(stops_.begin());
}

Instant ServedTime::ClockOf(Instant served) const {
  for (const Stop& stop : stops_ | std::views::reverse) {
    if (stop.at < served) return served + stop.stood;
  }
  return served + before_;
}

}  // namespace countersign::server
