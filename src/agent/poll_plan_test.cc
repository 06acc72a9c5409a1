#include "agent/poll_plan.h"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.h"

namespace countersign::agent {
namespace {

class PollPlanTest : public ::testing::Test {
 protected:
  // Answer is a reply `after` the report was begun.
  std::optional<Uptime> Answer(Seconds told, bool brings, Uptime after) {
    now_ += after;
    const auto next = plan_.Answered(told, brings, now_, random_);
    if (next) now_ += *next;
    return next;
  }
  // Wait is a report that waits and is held to its end.
  void Wait() {
    const Seconds wait = plan_.Begin(now_);
    const auto next = Answer(Seconds(240), false, wait);
    ASSERT_TRUE(next);
    EXPECT_LE(*next, Uptime(500));
  }

  PollPlan plan_;
  testing::SeededRandom random_{1};
  Uptime now_{1'000'000};
};

TEST_F(PollPlanTest, WaitsOnlyWhenItIsAskedTo) {
  EXPECT_EQ(plan_.Begin(now_), Seconds(0));
  EXPECT_FALSE(Answer(Seconds(0), false, Uptime(10)));
  EXPECT_EQ(plan_.Begin(now_), Seconds(0));
  const auto next = Answer(Seconds(100), false, Uptime(10));
  ASSERT_TRUE(next);
  EXPECT_GE(*next, Uptime(1'000));
  EXPECT_LE(*next, Uptime(5'000));
  EXPECT_EQ(plan_.Begin(now_), Seconds(100));
  EXPECT_EQ(plan_.current(), Seconds(100));
}

TEST_F(PollPlanTest, ReportsAgainAtOnceWhenItWaitedOrGotSomething) {
  (void)plan_.Begin(now_);
  (void)Answer(Seconds(240), false, Uptime(10));
  Wait();
  (void)plan_.Begin(now_);
  const auto next = Answer(Seconds(240), true, Uptime(3'000));
  ASSERT_TRUE(next);
  EXPECT_LE(*next, Uptime(500));
}

TEST_F(PollPlanTest, EmptyEarlyAnswersPutTheNextReportOffFurtherAndFurther) {
  Uptime last{0};
  for (int i = 0; i < 12; ++i) {
    (void)plan_.Begin(now_);
    const auto next = Answer(Seconds(240), false, Uptime(10));
    ASSERT_TRUE(next);
    EXPECT_GE(*next, Uptime(1'000 * (1LL << i)));
    last = *next;
  }
  EXPECT_GE(last, Uptime(2'048'000));
  Wait();
}

TEST_F(PollPlanTest, ReplyThatAsksForNothingEndsIt) {
  (void)plan_.Begin(now_);
  (void)Answer(Seconds(240), false, Uptime(10));
  (void)plan_.Begin(now_);
  EXPECT_FALSE(Answer(Seconds(0), false, Uptime(10)));
  EXPECT_EQ(plan_.Begin(now_), Seconds(0));
}

TEST_F(PollPlanTest, ReportThatAnOrderAskedForDoesNotWait) {
  (void)plan_.Begin(now_);
  (void)Answer(Seconds(240), false, Uptime(10));
  EXPECT_EQ(plan_.Begin(now_, PollPlan::Wait::kNo), Seconds(0));
  (void)Answer(Seconds(240), false, Uptime(10));
  EXPECT_EQ(plan_.Begin(now_), Seconds(240));
}

TEST_F(PollPlanTest, WaitThatBreaksOffIsHalvedForSixHours) {
  for (const int expected : {240, 120, 60, 30, 15, 15}) {
    (void)plan_.Begin(now_);
    (void)Answer(Seconds(240), false, Uptime(10));
    EXPECT_EQ(plan_.Begin(now_), Seconds(expected));
    now_ += Uptime(10'000);
    plan_.Failed(now_);
    EXPECT_EQ(plan_.Begin(now_), Seconds(0)) << "a failure ends the waiting";
  }
  now_ += PollPlan::kHalvedFor;
  (void)plan_.Begin(now_);
  (void)Answer(Seconds(240), false, Uptime(10));
  EXPECT_EQ(plan_.Begin(now_), Seconds(240));
}

TEST_F(PollPlanTest, ServerThatIsAwayHalvesNothing) {
  (void)plan_.Begin(now_);
  (void)Answer(Seconds(240), false, Uptime(10));
  EXPECT_EQ(plan_.Begin(now_), Seconds(240));
  plan_.Failed(now_ + Uptime(100));
  (void)plan_.Begin(now_);
  (void)Answer(Seconds(240), false, Uptime(10));
  EXPECT_EQ(plan_.Begin(now_), Seconds(240));
}

}  // namespace
}  // namespace countersign::agent
