#include <gtest/gtest.h>

#include "agent/agent.h"
#include "tests/support/agent_bench.h"

// The order of durable writes in steps 6 to 10 of protocol section 5, on a disk that fails or dies
// at each of them (accident F4).
namespace countersign::agent {
namespace {

using testing::AgentBench;
using testing::AgentFile;
using testing::Fate;
using testing::Identity;
using testing::PowerCut;
using trust::Verdict;

// FailAt makes the n-th write from now on (0 is the next) have this fate.
void FailAt(AgentBench& bench, std::size_t n, Fate fate) {
  bench.disk.set_plan([count = std::size_t{0}, n, fate](AgentFile, std::size_t) mutable {
    return count++ == n ? fate : Fate::kSucceeds;
  });
}

class AgentWritesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // Past the first start: the order memory is appended to from here on.
    EXPECT_EQ(bench_.Send(bench_.Order()).verdict, Verdict::kDone);
    bench_.disk.ForgetWrites();
  }
  void Cut() {
    bench_.disk.Cut();
    bench_.disk.set_plan({});
    bench_.Start();
  }
  // The verdict on the same order, signed anew.
  [[nodiscard]] Verdict Again(wire::Order order, const crypto::Signer& key) {
    order.challenge = bench_.agent().DrawChallenge(bench_.now);
    return bench_.Verdict(order, key);
  }
  [[nodiscard]] std::size_t Runs(const Jti& jti) const {
    return bench_.log.Count("order " + jti.Text() + ": ");
  }
  AgentBench bench_;
};

TEST_F(AgentWritesTest, StartedIsOnTheDiskBeforeTheActAndDoneBeforeTheAnswer) {
  EXPECT_EQ(bench_.Send(bench_.Order()).verdict, Verdict::kDone);
  EXPECT_EQ(bench_.disk.writes(),
            (std::vector{AgentFile::kOrdersAppend, AgentFile::kOrdersAppend}));
}

TEST_F(AgentWritesTest, TrustIsOnTheDiskBeforeTheOrderIsRecorded) {
  const Identity newer = bench_.Issue(11);
  EXPECT_EQ(bench_.Verdict(bench_.By(newer, bench_.Order()), newer.key), Verdict::kDone);
  EXPECT_EQ(bench_.disk.writes(),
            (std::vector{AgentFile::kTrust, AgentFile::kOrdersAppend, AgentFile::kOrdersAppend}));
}

class CannotRecordTest : public AgentWritesTest, public ::testing::WithParamInterface<Fate> {};

TEST_P(CannotRecordTest, NothingIsRunThatCannotBeRecorded) {
  (void)bench_.Exchange();
  (void)bench_.Exchange();
  const Uptime next = bench_.agent().NextReportAt();
  FailAt(bench_, 0, GetParam());
  const auto order = bench_.Order("report");
  EXPECT_EQ(bench_.Send(order).verdict, Verdict::kCannotRecord);
  EXPECT_EQ(Runs(order.jti), 0U);
  EXPECT_EQ(bench_.agent().NextReportAt(), next);
  // The disk is well again: the same order runs now, once.
  EXPECT_EQ(Again(order, bench_.server.key), Verdict::kDone);
  EXPECT_EQ(Again(order, bench_.server.key), Verdict::kDoneBefore);
  Cut();
  EXPECT_EQ(Again(order, bench_.server.key), Verdict::kDoneBefore);
  EXPECT_EQ(Runs(order.jti), 1U);
}

INSTANTIATE_TEST_SUITE_P(EachFailure, CannotRecordTest,
                         ::testing::Values(Fate::kFailsOld, Fate::kFailsNew, Fate::kFailsTorn));

TEST_F(AgentWritesTest, RecordThatFailedButCameThroughIsInterruptedAfterARestart) {
  FailAt(bench_, 0, Fate::kFailsNew);
  const auto order = bench_.Order();
  EXPECT_EQ(bench_.Send(order).verdict, Verdict::kCannotRecord);
  Cut();
  EXPECT_EQ(Again(order, bench_.server.key), Verdict::kInterrupted);
  EXPECT_EQ(Runs(order.jti), 0U);
}

TEST_F(AgentWritesTest, TrustThatCannotBeStoredHasNotMoved) {
  const Identity newer = bench_.Issue(11);
  FailAt(bench_, 0, Fate::kFailsOld);
  const auto order = bench_.By(newer, bench_.Order());
  EXPECT_EQ(bench_.Verdict(order, newer.key), Verdict::kCannotRecord);
  EXPECT_TRUE(bench_.agent().trust().certificate == bench_.server.certificate);
  EXPECT_EQ(Runs(order.jti), 0U);
  EXPECT_EQ(bench_.Verdict(order, newer.key), Verdict::kStale) << "its challenge is used up";
  EXPECT_EQ(bench_.Send(bench_.Order()).verdict, Verdict::kDone);
  EXPECT_EQ(Again(order, newer.key), Verdict::kDone);
}

TEST_F(AgentWritesTest, ResultThatCannotBeStoredIsToldAndNotRunAgain) {
  FailAt(bench_, 1, Fate::kFailsTorn);
  const auto order = bench_.Order();
  EXPECT_EQ(bench_.Send(order).verdict, Verdict::kDone);
  EXPECT_EQ(Again(order, bench_.server.key), Verdict::kDoneBefore);
  bench_.disk.set_plan({});
  Cut();
  EXPECT_EQ(Again(order, bench_.server.key), Verdict::kInterrupted);
  EXPECT_EQ(Runs(order.jti), 1U);
}

TEST_F(AgentWritesTest, NoSeqNoReceipt) {
  // Uses up the block that was reserved at the first receipt.
  for (std::uint64_t seq = 1; seq < store::AgentCounters::kSeqBlock; ++seq) {
    ASSERT_TRUE(bench_.agent().counters().NextSeq().has_value());
  }
  bench_.disk.set_plan([](AgentFile file, std::size_t) {
    return file == AgentFile::kCounters ? Fate::kFailsOld : Fate::kSucceeds;
  });
  const auto order = bench_.Order();
  EXPECT_EQ(bench_.Give(AgentBench::Sign(order, bench_.server.key)).status, 503);
  EXPECT_FALSE(bench_.agent().MakeReport(bench_.now).has_value());
  bench_.disk.set_plan({});
  EXPECT_EQ(Again(order, bench_.server.key), Verdict::kDoneBefore);
}

struct Death {
  std::size_t write;  // counted from the order's arrival: trust, started, done
  Fate fate;
  std::uint64_t generation;  // held afterwards
  Verdict again;             // on the same order afterwards
  std::size_t runs;          // in all
};

class DeathTest : public AgentWritesTest, public ::testing::WithParamInterface<Death> {};

TEST_P(DeathTest, LeavesTheOldOrTheNewAndNothingRunsTwice) {
  const Death& death = GetParam();
  const Identity newer = bench_.Issue(11);
  const auto order = bench_.By(newer, bench_.Order());
  const std::string message = AgentBench::Sign(order, newer.key);
  FailAt(bench_, death.write, death.fate);
  EXPECT_THROW((void)bench_.Give(message), PowerCut);
  Cut();
  EXPECT_EQ(bench_.agent().trust().generation, death.generation);
  EXPECT_EQ(trust::VerdictName(Again(order, newer.key)), trust::VerdictName(death.again));
  EXPECT_EQ(Runs(order.jti), death.runs);
  Cut();
  EXPECT_NE(Again(order, newer.key), Verdict::kDone);
  EXPECT_EQ(bench_.agent().trust().generation, 11U);
}

INSTANTIATE_TEST_SUITE_P(EachWrite, DeathTest,
                         ::testing::Values(Death{0, Fate::kDiesOld, 10, Verdict::kDone, 1},
                                           Death{0, Fate::kDiesNew, 11, Verdict::kDone, 1},
                                           Death{1, Fate::kDiesOld, 11, Verdict::kDone, 1},
                                           Death{1, Fate::kDiesTorn, 11, Verdict::kDone, 1},
                                           Death{1, Fate::kDiesNew, 11, Verdict::kInterrupted, 0},
                                           Death{2, Fate::kDiesOld, 11, Verdict::kInterrupted, 1},
                                           Death{2, Fate::kDiesTorn, 11, Verdict::kInterrupted, 1},
                                           Death{2, Fate::kDiesNew, 11, Verdict::kDoneBefore, 1}));

TEST_F(AgentWritesTest, DeathWhileTheMemoryIsWrittenAnewLosesNothing) {
  const auto before = bench_.Order();
  EXPECT_EQ(bench_.Send(before).verdict, Verdict::kDone);
  for (const Fate fate : {Fate::kDiesOld, Fate::kDiesNew}) {
    // A torn record makes the next write a whole one.
    FailAt(bench_, 0, Fate::kFailsTorn);
    EXPECT_EQ(bench_.Send(bench_.Order()).verdict, Verdict::kCannotRecord);
    FailAt(bench_, 0, fate);
    const std::string message = AgentBench::Sign(bench_.Order(), bench_.server.key);
    EXPECT_THROW((void)bench_.Give(message), PowerCut);
    Cut();
    EXPECT_EQ(Again(before, bench_.server.key), Verdict::kDoneBefore);
  }
}

// Create.

TEST_F(AgentWritesTest, DamagedFilesAreRefusedAtTheStart) {
  const auto good = bench_.disk.Snapshot();
  bench_.disk.trust()[60] ^= 1;
  EXPECT_EQ(bench_.TryStart().error().code, Code::kDamaged);
  bench_.disk.Restore(good);
  bench_.disk.orders()[10] ^= 1;
  EXPECT_EQ(bench_.TryStart().error().code, Code::kDamaged);
  bench_.disk.Restore(good);
  bench_.disk.counters()[6] ^= 1;
  EXPECT_EQ(bench_.TryStart().error().code, Code::kDamaged);
  bench_.disk.Restore(good);
  bench_.disk.trust().clear();
  EXPECT_EQ(bench_.TryStart().error().code, Code::kNotFound);
  bench_.disk.Restore(good);
  EXPECT_TRUE(bench_.TryStart().has_value());
}

TEST_F(AgentWritesTest, WhatAChangeOfTrustDroppedDoesNotComeBackWithTheFile) {
  trust::OrderMemory memory;
  for (std::size_t i = 0; i < trust::OrderMemory::kMaxHeld; ++i) {
    ASSERT_TRUE(
        memory.Start(bench_.random.Token(), bench_.server.certificate.thumbprint(), bench_.now.wall)
            .has_value());
  }
  bench_.disk.orders() = memory.Encode();
  bench_.Start();
  const Identity newer = bench_.Issue(11);
  const Identity newest = bench_.Issue(12);
  EXPECT_EQ(bench_.Verdict(bench_.By(newer, bench_.Order()), newer.key), Verdict::kDone);
  EXPECT_EQ(bench_.Verdict(bench_.By(newest, bench_.Order()), newest.key), Verdict::kDone);
  const auto parsed = trust::OrderMemory::Parse(bench_.disk.orders());
  ASSERT_TRUE(parsed.has_value());
  EXPECT_GE(parsed->size(), trust::OrderMemory::kMaxEarlier);
  bench_.Start();
  EXPECT_EQ(bench_.Verdict(bench_.By(newest, bench_.Order()), newest.key), Verdict::kDone);
  EXPECT_EQ(trust::OrderMemory::Parse(bench_.disk.orders())->size(),
            trust::OrderMemory::kMaxEarlier + 2);
}

}  // namespace
}  // namespace countersign::agent
