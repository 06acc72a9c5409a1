#include "server/event_limiter.h"

#include <gtest/gtest.h>

#include <array>

namespace countersign::server {
namespace {

class EventLimiterTest : public ::testing::Test {
 protected:
  std::optional<std::uint64_t> Take(std::uint64_t agent, std::string_view kind = "agent-moved") {
    std::array<std::uint8_t, 16> octets{};
    for (std::size_t i = 0; i < 4; ++i) octets[i] = static_cast<std::uint8_t>(agent >> (8 * i));
    return limiter_.Take(kind, Uuid::FromRandom(octets), now_);
  }
  EventLimiter limiter_;
  Instant now_ = FromUnix(1'000'000);
};

TEST_F(EventLimiterTest, OneInAnHourAndTheNextSaysHowManyWereLeftOut) {
  EXPECT_EQ(Take(1), 0U);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(Take(1), std::nullopt);
  now_ += EventLimiter::kOnceIn - Seconds(1);
  EXPECT_EQ(Take(1), std::nullopt);
  now_ += Seconds(1);
  EXPECT_EQ(Take(1), 10U);
  EXPECT_EQ(Take(1), std::nullopt);
}

TEST_F(EventLimiterTest, OthersAndOtherKindsAreOnesOfTheirOwn) {
  EXPECT_EQ(Take(1), 0U);
  EXPECT_EQ(Take(2), 0U);
  EXPECT_EQ(Take(1, "agent-returned"), 0U);
}

TEST_F(EventLimiterTest, ClockThatIsSetBackSilencesNobody) {
  EXPECT_EQ(Take(1), 0U);
  now_ -= Seconds(86'400);
  EXPECT_EQ(Take(1), 0U);
  EXPECT_EQ(Take(1), std::nullopt);
}

TEST_F(EventLimiterTest, OneIsForgottenEarlyOnlyBehindAsManyOthers) {
  EXPECT_EQ(Take(0), 0U);
  for (std::uint64_t i = 1; i <= EventLimiter::kMaxKept; ++i) {
    EXPECT_EQ(Take(i), 0U);
    if (i % 1'000 == 0) {
      EXPECT_EQ(Take(i), std::nullopt);
    }
  }
  EXPECT_EQ(Take(0), std::nullopt);
  for (std::uint64_t i = 1; i <= EventLimiter::kMaxKept; ++i) {
    (void)Take(EventLimiter::kMaxKept + i);
  }
  EXPECT_EQ(Take(0), 0U);
}

}  // namespace
}  // namespace countersign::server
