#include "trust/order_memory.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "trust/order_memory_fixture.h"

namespace countersign::trust {
namespace {

// What is answered (step 8)

TEST_F(OrderMemoryTest, UnknownOrderIsNotSeen) {
  EXPECT_FALSE(Knows(1));
  ASSERT_TRUE(Start(1, held_, kNow));
  EXPECT_FALSE(Knows(2));
}

TEST_F(OrderMemoryTest, StartedOrderIsRunning) {
  ASSERT_TRUE(Start(1, held_, kNow));
  EXPECT_EQ(Answer(1), Verdict::kRunning);
}

TEST_F(OrderMemoryTest, FinishedOrderWasDoneBeforeWithItsVerdictAndResult) {
  const std::array verdicts = {Verdict::kDone, Verdict::kFailed, Verdict::kUnknownAction,
                               Verdict::kNotAllowed, Verdict::kBadWarrant};
  for (std::uint32_t n = 0; n < verdicts.size(); ++n) {
    ASSERT_TRUE(Start(n, held_, kNow));
    Finish(n, verdicts[n], R"({"n":1})", kNow);
  }
  for (int restarts = 0; restarts < 2; ++restarts) {
    for (std::uint32_t n = 0; n < verdicts.size(); ++n) {
      const auto before = memory_.Seen(JtiOf(n));
      ASSERT_TRUE(before.has_value());
      EXPECT_EQ(before->verdict, Verdict::kDoneBefore);
      EXPECT_EQ(before->entry->verdict, verdicts[n]);
      EXPECT_EQ(before->entry->result, R"({"n":1})");
      EXPECT_EQ(before->entry->certificate, held_);
      EXPECT_EQ(before->entry->at, kNow);
    }
    Restart();
  }
}

TEST_F(OrderMemoryTest, OrderOfAnEarlierProcessIsInterruptedAndStaysSo) {
  ASSERT_TRUE(Start(1, held_, kNow));
  Restart();
  EXPECT_EQ(Answer(1), Verdict::kInterrupted);
  Compact();
  EXPECT_EQ(Answer(1), Verdict::kInterrupted);
  Restart();
  Restart();
  EXPECT_EQ(Answer(1), Verdict::kInterrupted);
}

TEST_F(OrderMemoryTest, AnswersOutliveAChangeOfTrust) {
  ASSERT_TRUE(Start(1, held_, kNow));
  ASSERT_TRUE(Start(2, held_, kNow));
  Finish(2, Verdict::kDone, "", kNow);
  memory_.TrustMoved(next_);
  EXPECT_EQ(Answer(1), Verdict::kRunning);
  EXPECT_EQ(Answer(2), Verdict::kDoneBefore);
}

TEST_F(OrderMemoryTest, ForgottenStartMayBeTriedAgain) {
  ASSERT_TRUE(memory_.Start(JtiOf(1), held_, kNow).has_value());
  memory_.Forget(JtiOf(1));
  EXPECT_FALSE(Knows(1));
  EXPECT_EQ(memory_.size(), 0U);
  ASSERT_TRUE(Start(1, held_, kNow));
  EXPECT_EQ(Answer(1), Verdict::kRunning);
}

TEST_F(OrderMemoryTest, ForgettingAnUnknownOrderChangesNothing) {
  memory_.Forget(JtiOf(1));
  EXPECT_FALSE(memory_.NeedsCompaction());
}

TEST_F(OrderMemoryTest, ResultOverTheLimitIsNotKept) {
  ASSERT_TRUE(Start(1, held_, kNow));
  Finish(1, Verdict::kDone, std::string(OrderMemory::kMaxResultLen, 'x'), kNow);
  ASSERT_TRUE(Start(2, held_, kNow));
  Finish(2, Verdict::kDone, std::string(OrderMemory::kMaxResultLen + 1, 'x'), kNow);
  Restart();
  EXPECT_EQ(memory_.Seen(JtiOf(1))->entry->result.size(), OrderMemory::kMaxResultLen);
  EXPECT_EQ(memory_.Seen(JtiOf(2))->entry->result, "");
}

// Room: the shares, and what may be dropped

TEST_F(OrderMemoryTest, ShareOfTheCertificateHeldFillsUpToBusy) {
  RunMany(0, OrderMemory::kMaxHeld - 1, held_, kNow);
  ASSERT_TRUE(Start(100'000, held_, kNow));
  EXPECT_FALSE(Start(100'001, held_, kNow));
  EXPECT_FALSE(Knows(100'001));
  EXPECT_TRUE(Knows(0));
  EXPECT_EQ(memory_.size(), OrderMemory::kMaxHeld);
}

TEST_F(OrderMemoryTest, NewCertificateBringsAShareOfItsOwn) {
  RunMany(0, OrderMemory::kMaxHeld, held_, kNow);
  ASSERT_FALSE(Start(100'000, held_, kNow));
  memory_.TrustMoved(next_);
  RunMany(200'000, OrderMemory::kMaxHeld, next_, kNow);
  EXPECT_FALSE(Start(300'000, next_, kNow));
  EXPECT_TRUE(Knows(0));
  EXPECT_EQ(memory_.size(), OrderMemory::kMaxHeld + OrderMemory::kMaxEarlier);
}

TEST_F(OrderMemoryTest, TrustMovedDropsTheOldestOfAllEarlierOnes) {
  const Digest third = CertificateOf(3);
  RunMany(0, 10, held_, kNow);
  memory_.TrustMoved(next_);
  RunMany(100'000, OrderMemory::kMaxHeld, next_, kNow);
  memory_.TrustMoved(third);
  EXPECT_EQ(memory_.size(), OrderMemory::kMaxEarlier);
  EXPECT_FALSE(Knows(0));
  EXPECT_FALSE(Knows(9));
  EXPECT_TRUE(Knows(100'000));
  EXPECT_TRUE(Start(1, third, kNow));
}

TEST_F(OrderMemoryTest, TrustMovedBackCountsTheOldShareAsHeldAgain) {
  RunMany(0, OrderMemory::kMaxHeld, held_, kNow);
  memory_.TrustMoved(next_);
  RunMany(100'000, OrderMemory::kMaxHeld, next_, kNow);
  memory_.TrustMoved(held_);  // the mover
  EXPECT_EQ(memory_.size(), OrderMemory::kMaxHeld + OrderMemory::kMaxEarlier);
  EXPECT_FALSE(Start(300'000, held_, kNow));
}

TEST_F(OrderMemoryTest, TrustMovedNeverDropsTheShareOfTheCertificateHeld) {
  RunMany(0, 10, held_, kNow);  // the oldest of all
  RunMany(100'000, OrderMemory::kMaxHeld, next_, kNow);
  RunMany(200'000, 10, CertificateOf(3), kNow);
  memory_.TrustMoved(held_);
  EXPECT_TRUE(Knows(0));
  EXPECT_FALSE(Knows(100'009));
  EXPECT_TRUE(Knows(100'010));
  EXPECT_EQ(memory_.size(), OrderMemory::kMaxEarlier + 10);
}

TEST_F(OrderMemoryTest, TrustMovedNeverDropsWhatRuns) {
  ASSERT_TRUE(Start(0, held_, kNow));
  RunMany(1, 10, held_, kNow);
  memory_.TrustMoved(next_);
  RunMany(100'000, OrderMemory::kMaxHeld, next_, kNow);
  memory_.TrustMoved(CertificateOf(3));
  EXPECT_EQ(Answer(0), Verdict::kRunning);
  EXPECT_FALSE(Knows(1));
  EXPECT_EQ(memory_.size(), OrderMemory::kMaxEarlier);
  Finish(0, Verdict::kDone, "", kNow);
  EXPECT_EQ(Answer(0), Verdict::kDoneBefore);
}

TEST_F(OrderMemoryTest, EntryWithinTheNewest4096IsKeptHoweverOld) {
  RunMany(0, OrderMemory::kKeepNewest, held_, kNow);
  ASSERT_TRUE(Start(100'000, held_, kNow + 1000 * kHour));
  EXPECT_TRUE(Knows(0));  // it was one of the newest when the order began
}

TEST_F(OrderMemoryTest, EntryBeyondTheNewest4096IsDroppedWhenOlderThan48Hours) {
  RunMany(0, 1, held_, kNow);
  RunMany(1, OrderMemory::kKeepNewest, held_, kNow + kHour);
  ASSERT_TRUE(Start(100'000, held_, kNow + 48 * kHour));  // exactly 48 hours is not older
  EXPECT_TRUE(Knows(0));
  ASSERT_TRUE(Start(100'001, held_, kNow + 48 * kHour + Seconds(1)));
  EXPECT_FALSE(Knows(0));
  EXPECT_TRUE(Knows(1));
}

TEST_F(OrderMemoryTest, DroppingMakesRoomInAFullShare) {
  RunMany(0, OrderMemory::kMaxHeld, held_, kNow);
  EXPECT_FALSE(Start(100'000, held_, kNow + 48 * kHour));
  EXPECT_TRUE(Start(100'000, held_, kNow + 49 * kHour));
  EXPECT_EQ(memory_.size(), OrderMemory::kKeepNewest + 1);
}

TEST_F(OrderMemoryTest, WhatRunsIsNotDroppedByAge) {
  ASSERT_TRUE(Start(0, held_, kNow));
  RunMany(1, OrderMemory::kKeepNewest + 1, held_, kNow);
  ASSERT_TRUE(Start(100'000, held_, kNow + 49 * kHour));
  EXPECT_EQ(Answer(0), Verdict::kRunning);
  EXPECT_FALSE(Knows(1));
  EXPECT_TRUE(Knows(2));  // the newest 4,096 are counted with those that run
}

TEST_F(OrderMemoryTest, AgeCountsFromTheEndOfAnOrder) {
  ASSERT_TRUE(Start(0, held_, kNow));
  Finish(0, Verdict::kDone, "", kNow + 40 * kHour);
  RunMany(1, OrderMemory::kKeepNewest, held_, kNow + 40 * kHour);
  ASSERT_TRUE(Start(100'000, held_, kNow + 60 * kHour));
  EXPECT_TRUE(Knows(0));
}

// The clock

TEST_F(OrderMemoryTest, EntriesOfAClockThatStoodAheadAreAllDatedAnew) {
  const Instant ahead = kNow + 24 * 365 * 10 * kHour;
  RunMany(0, OrderMemory::kMaxHeld, held_, ahead);
  EXPECT_FALSE(Start(100'000, held_, kNow));  // mended: they count from now
  EXPECT_FALSE(Start(100'000, held_, kNow + 48 * kHour));
  EXPECT_TRUE(Start(100'000, held_, kNow + 48 * kHour + Seconds(1)));
  EXPECT_EQ(memory_.size(), OrderMemory::kKeepNewest + 1);
}

TEST_F(OrderMemoryTest, NewDatesReachTheFile) {
  RunMany(0, OrderMemory::kKeepNewest + 1, held_, kNow + 24 * 365 * kHour);
  Compact();
  ASSERT_FALSE(memory_.NeedsCompaction());
  ASSERT_TRUE(Start(100'000, held_, kNow));
  EXPECT_TRUE(memory_.NeedsCompaction());
  Compact();
  Restart();
  EXPECT_EQ(memory_.Seen(JtiOf(0))->entry->at, kNow);
}

TEST_F(OrderMemoryTest, DateAheadIsFoundInTheFileToo) {
  ASSERT_TRUE(Start(1, held_, kNow));
  Finish(1, Verdict::kDone, "", kNow + 10 * kHour);
  Restart();
  ASSERT_TRUE(Start(2, held_, kNow));
  EXPECT_EQ(memory_.Seen(JtiOf(1))->entry->at, kNow);
}

TEST_F(OrderMemoryTest, SmallStepBackOfTheClockWritesNothingAnew) {
  ASSERT_TRUE(Start(1, held_, kNow));
  ASSERT_TRUE(Start(2, held_, kNow - Seconds(2)));
  EXPECT_EQ(memory_.Seen(JtiOf(1))->entry->at, kNow - Seconds(2));
  EXPECT_FALSE(memory_.NeedsCompaction());
}

TEST_F(OrderMemoryTest, AnyClockIsBorne) {
  ASSERT_TRUE(Start(1, held_, FromUnix(std::numeric_limits<std::int64_t>::min())));
  ASSERT_TRUE(Start(2, held_, FromUnix(std::numeric_limits<std::int64_t>::max())));
  Finish(1, Verdict::kDone, "", FromUnix(-1));
  ASSERT_TRUE(Start(3, held_, FromUnix(-1)));
  Restart();
  EXPECT_EQ(memory_.size(), 3U);
}

using OrderMemoryDeathTest = OrderMemoryTest;

TEST_F(OrderMemoryDeathTest, MisuseAborts) {
  ASSERT_TRUE(Start(1, held_, kNow));
  EXPECT_DEATH((void)memory_.Start(JtiOf(1), held_, kNow), "knows");
  EXPECT_DEATH((void)memory_.Finish(JtiOf(2), Verdict::kDone, "", kNow), "does not run");
  EXPECT_DEATH((void)memory_.Finish(JtiOf(1), Verdict::kStale, "", kNow), "does not end");
  Restart();
  EXPECT_DEATH((void)memory_.Finish(JtiOf(1), Verdict::kDone, "", kNow), "does not run");
}

}  // namespace
}  // namespace countersign::trust
