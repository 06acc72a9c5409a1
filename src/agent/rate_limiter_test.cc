#include "agent/rate_limiter.h"

#include <gtest/gtest.h>

namespace countersign::agent {
namespace {

class RateLimiterTest : public ::testing::Test {
 protected:
  // How many of `count` failures of one source in a moment get a receipt.
  int Fail(std::string_view source, int count) {
    int receipts = 0;
    for (int i = 0; i < count; ++i) {
      if (limiter_.MayTry(source, now_) && limiter_.Failed(source, now_)) ++receipts;
    }
    return receipts;
  }
  void Pass(std::int64_t seconds) { now_ += Seconds(seconds); }

  RateLimiter limiter_;
  Uptime now_{5'000'000};
};

TEST_F(RateLimiterTest, OneSourceGetsTenAndThenOneEachFiveSeconds) {
  EXPECT_EQ(Fail("a", 100), 10);
  Pass(4);
  EXPECT_EQ(Fail("a", 100), 0);
  Pass(1);
  EXPECT_EQ(Fail("a", 100), 1);
  Pass(3'600);
  EXPECT_EQ(Fail("a", 100), 10);
}

TEST_F(RateLimiterTest, AllStrangersTogetherGetFifty) {
  int receipts = 0;
  for (int i = 0; i < 100; ++i) receipts += Fail(std::to_string(i), 1);
  EXPECT_EQ(receipts, 50);
  Pass(2);
  EXPECT_EQ(Fail("late", 100), 10);
  EXPECT_EQ(Fail("later", 1), 0);
}

TEST_F(RateLimiterTest, StrangersDoNotKeepANewSourceFromBeingJudged) {
  for (int i = 0; i < 100; ++i) (void)Fail(std::to_string(i), 10);
  EXPECT_TRUE(limiter_.MayTry("server", now_));
}

TEST_F(RateLimiterTest, KnownSourceHasAShareThatStrangersCannotUseUp) {
  limiter_.Succeeded("server", now_);
  for (int i = 0; i < 100; ++i) (void)Fail(std::to_string(i), 10);
  EXPECT_EQ(Fail("server", 5), 5);
  Pass(60);
  EXPECT_EQ(Fail("server", 100), 60);
}

TEST_F(RateLimiterTest, SourceIsKnownForADay) {
  limiter_.Succeeded("server", now_);
  Pass(24 * 3'600);
  EXPECT_EQ(Fail("server", 100), 10);
}

TEST_F(RateLimiterTest, ManySourcesPushOutStrangersBeforeTheKnown) {
  limiter_.Succeeded("server", now_);
  Pass(60);
  for (std::size_t i = 0; i < 2 * RateLimiter::kMaxSources; ++i) (void)Fail(std::to_string(i), 1);
  EXPECT_EQ(Fail("server", 100), 60);
}

TEST_F(RateLimiterTest, ClockThatStepsBackGivesNothing) {
  (void)Fail("a", 100);
  Pass(-100);
  EXPECT_EQ(Fail("a", 100), 0);
}

}  // namespace
}  // namespace countersign::agent
