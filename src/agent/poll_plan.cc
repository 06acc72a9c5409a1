#include "agent/poll_plan.h"

#include <algorithm>
#include <utility>

namespace countersign::agent {
namespace {

constexpr Uptime kAtOnce = Uptime(500);       // most, after an answer that was worth it
constexpr Uptime kBriefly = Uptime(1'000);    // least, after one that was not
constexpr Uptime kBrokenOff = Uptime(5'000);  // what fails sooner says nothing about long waits
constexpr unsigned kMaxEarly = 12;

Uptime Random(RandomSource& random, Uptime most) {
  const auto drawn = random.Array<4>();
  std::uint64_t value = 0;
  for (const std::uint8_t octet : drawn) value = value << 8 | octet;
  return Uptime(static_cast<std::int64_t>(
      value % (static_cast<std::uint64_t>(std::max<std::int64_t>(most.count(), 0)) + 1)));
}

}  // namespace

Seconds PollPlan::Begin(Uptime now, Wait wait) {
  if (halved_until_ <= now) most_ = kLongest;
  current_ = std::min(std::exchange(told_, Seconds(0)), most_);
  if (wait == Wait::kNo) current_ = Seconds(0);
  began_ = now;
  return current_;
}

std::optional<Uptime> PollPlan::Answered(Seconds told, bool brings, Uptime now,
                                         RandomSource& random) {
  const bool was_held = current_.count() > 0 && now - began_ >= current_ - Seconds(1);
  early_ = brings || was_held ? 0 : std::min(early_ + 1, kMaxEarly);
  current_ = Seconds(0);
  told_ = told;
  if (told.count() == 0) {
    early_ = 0;
    return std::nullopt;
  }
  if (early_ == 0) return Random(random, kAtOnce);
  // The first answer after a plain report is one of these: a fleet that comes back spreads out.
  const Uptime least = kBriefly * (1LL << (early_ - 1));
  return least + Random(random, 4 * least);
}

void PollPlan::Failed(Uptime now) {
  if (current_.count() > 0 && now - began_ >= kBrokenOff) {
    most_ = std::max(kShortest, current_ / 2);
    halved_until_ = now + kHalvedFor;
  }
  current_ = told_ = Seconds(0);
  early_ = 0;
}

}  // namespace countersign::agent
