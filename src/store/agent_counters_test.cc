#include "store/agent_counters.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "tests/support/agent_disk.h"

namespace countersign::store {
namespace {

using testing::AgentDisk;
using testing::AgentFile;
using testing::Fate;
using trust::Verdict;

const Instant kNow = FromUnix(1'800'000'000);

class AgentCountersTest : public ::testing::Test {
 protected:
  [[nodiscard]] AgentCounters Load() { return AgentCounters::Load(disk_).value(); }
  AgentDisk disk_;
};

TEST_F(AgentCountersTest, SeqStartsAtOne) {
  AgentCounters counters = Load();
  EXPECT_EQ(counters.NextSeq(), 1U);
  EXPECT_EQ(counters.NextSeq(), 2U);
}

TEST_F(AgentCountersTest, OneWriteServesABlock) {
  AgentCounters counters = Load();
  for (std::uint64_t i = 1; i <= AgentCounters::kSeqBlock; ++i) EXPECT_EQ(counters.NextSeq(), i);
  EXPECT_EQ(disk_.writes().size(), 1U);
  EXPECT_EQ(counters.NextSeq(), AgentCounters::kSeqBlock + 1);
  EXPECT_EQ(disk_.writes().size(), 2U);
}

TEST_F(AgentCountersTest, NoTwoProcessesUseOneNumber) {
  std::uint64_t last = 0;
  for (int i = 0; i < 4; ++i) {
    AgentCounters counters = Load();
    const auto seq = counters.NextSeq();
    ASSERT_TRUE(seq.has_value());
    EXPECT_GT(*seq, last);
    last = *seq;
  }
}

TEST_F(AgentCountersTest, NoNumberWithoutReservation) {
  for (const Fate fate : {Fate::kFailsOld, Fate::kFailsNew}) {
    disk_.set_plan([&](AgentFile, std::size_t) { return fate; });
    AgentCounters counters = Load();
    EXPECT_FALSE(counters.NextSeq().has_value());
    disk_.set_plan({});
    EXPECT_TRUE(counters.NextSeq().has_value());
  }
}

TEST_F(AgentCountersTest, DeathWhileReservingCostsNumbersAndRepeatsNone) {
  AgentCounters first = Load();
  const std::uint64_t last = first.NextSeq().value();
  for (const Fate fate : {Fate::kDiesOld, Fate::kDiesNew}) {
    disk_.set_plan([&](AgentFile, std::size_t) { return fate; });
    AgentCounters dying = Load();
    EXPECT_THROW((void)dying.NextSeq(), testing::PowerCut);
    disk_.set_plan({});
    AgentCounters next = Load();
    EXPECT_GT(next.NextSeq().value(), last);
  }
}

TEST_F(AgentCountersTest, JumpGoesAboveAndIsDurableWithTheNextNumber) {
  {
    AgentCounters counters = Load();
    EXPECT_TRUE(counters.Jump(1'000'000).has_value());
    EXPECT_EQ(counters.NextSeq(), 1'000'001U);
  }
  EXPECT_GT(Load().NextSeq().value(), 1'000'001U);
}

TEST_F(AgentCountersTest, JumpWithinTheBlockOrBackwards) {
  AgentCounters counters = Load();
  EXPECT_EQ(counters.NextSeq(), 1U);
  EXPECT_TRUE(counters.Jump(50).has_value());
  EXPECT_EQ(counters.NextSeq(), 51U);
  EXPECT_TRUE(counters.Jump(5).has_value());
  EXPECT_EQ(counters.NextSeq(), 52U);
}

TEST_F(AgentCountersTest, JumpTooFarAheadIsRefused) {
  AgentCounters counters = Load();
  EXPECT_EQ(counters.Jump(AgentCounters::kMaxJump + 2).error().code, Code::kRefused);
  EXPECT_EQ(counters.NextSeq(), 1U);
  EXPECT_TRUE(counters.Jump(AgentCounters::kMaxJump + 2).has_value());
}

TEST_F(AgentCountersTest, FailuresAreCountedForEachVerdictAndSource) {
  AgentCounters counters = Load();
  counters.CountFailure(Verdict::kStale, "192.0.2.1", kNow);
  counters.CountFailure(Verdict::kStale, "192.0.2.1", kNow + Seconds(60));
  counters.CountFailure(Verdict::kStale, "192.0.2.2", kNow);
  const auto rows = counters.FailuresToReport();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].count, 2U);
  EXPECT_EQ(rows[0].source, "192.0.2.1");
  EXPECT_EQ(rows[0].first, static_cast<std::uint64_t>(ToUnix(kNow)));
  EXPECT_EQ(rows[0].last, rows[0].first + 60);
}

TEST_F(AgentCountersTest, Beyond256RowsTheyAreOthers) {
  AgentCounters counters = Load();
  for (int i = 0; i < 1'000; ++i) {
    counters.CountFailure(Verdict::kMalformed, "source " + std::to_string(i), kNow);
  }
  EXPECT_EQ(counters.AllFailures().size(), AgentCounters::kMaxRows + 1);
  EXPECT_EQ(counters.AllFailures().at({Verdict::kMalformed, "others"}).count, 744U);
}

TEST_F(AgentCountersTest, ReportCarriesTheLargestAndTheSumOfTheRest) {
  AgentCounters counters = Load();
  for (int i = 0; i < 100; ++i) {
    for (int j = 0; j <= i; ++j) {
      counters.CountFailure(Verdict::kMalformed, "source " + std::to_string(i), kNow);
    }
  }
  const auto rows = counters.FailuresToReport();
  ASSERT_EQ(rows.size(), wire::kMaxFailures);
  EXPECT_EQ(rows[0].count, 100U);
  EXPECT_EQ(rows.back().source, "others");
  std::uint64_t sum = 0;
  for (const auto& row : rows) sum += row.count;
  EXPECT_EQ(sum, 5'050U);
}

TEST_F(AgentCountersTest, ReportedTakesBackWhatWasReportedOnly) {
  AgentCounters counters = Load();
  counters.CountFailure(Verdict::kStale, "a", kNow);
  counters.CountFailure(Verdict::kStale, "b", kNow);
  const auto before = counters.AllFailures();
  counters.CountFailure(Verdict::kStale, "b", kNow);
  counters.CountFailure(Verdict::kStale, "c", kNow);
  counters.Reported(before);
  ASSERT_EQ(counters.AllFailures().size(), 2U);
  EXPECT_EQ(counters.AllFailures().at({Verdict::kStale, "b"}).count, 1U);
  EXPECT_EQ(counters.AllFailures().at({Verdict::kStale, "c"}).count, 1U);
}

TEST_F(AgentCountersTest, SaveWritesWhatChangedAndLoadBringsItBack) {
  AgentCounters counters = Load();
  EXPECT_TRUE(counters.Save().has_value());
  EXPECT_TRUE(disk_.writes().empty());
  counters.CountFailure(Verdict::kChain, "2001:db8::/64", kNow);
  counters.set_head("head");
  EXPECT_TRUE(counters.Save().has_value());
  EXPECT_TRUE(counters.Save().has_value());
  EXPECT_EQ(disk_.writes().size(), 1U);
  const AgentCounters loaded = Load();
  EXPECT_EQ(loaded.AllFailures(), counters.AllFailures());
  EXPECT_EQ(loaded.head(), "head");
}

TEST_F(AgentCountersTest, SaveThatFailedIsTriedAgain) {
  AgentCounters counters = Load();
  counters.set_head("head");
  disk_.set_plan([](AgentFile, std::size_t) { return Fate::kFailsOld; });
  EXPECT_FALSE(counters.Save().has_value());
  disk_.set_plan({});
  EXPECT_TRUE(counters.Save().has_value());
  EXPECT_EQ(Load().head(), "head");
}

TEST_F(AgentCountersTest, EveryDamagedByteIsNoticed) {
  AgentCounters counters = Load();
  counters.CountFailure(Verdict::kChain, "a", kNow);
  ASSERT_TRUE(counters.Save().has_value());
  const Bytes good = disk_.counters();
  for (std::size_t i = 0; i < good.size(); ++i) {
    disk_.counters() = good;
    disk_.counters()[i] ^= 0x40;
    EXPECT_EQ(AgentCounters::Load(disk_).error().code, Code::kDamaged) << i;
    disk_.counters() = Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(i));
    if (i == 0) continue;  // nothing at all is a first start
    EXPECT_EQ(AgentCounters::Load(disk_).error().code, Code::kDamaged) << i;
  }
}

TEST_F(AgentCountersTest, AFileFromBeforeIntervalsIsRead) {
  Writer old;
  old.Raw(AsBytes("CSCT")).U8(1).U64(1'024).Prefixed(AsBytes("7:head")).U32(0);
  old.Raw(crypto::Sha256(old.bytes()));
  disk_.counters() = old.Take();
  AgentCounters counters = Load();
  EXPECT_EQ(counters.head(), "7:head");
  EXPECT_EQ(counters.own_interval(), Seconds(0));
  EXPECT_EQ(counters.NextSeq(), 1'025U);
}

TEST_F(AgentCountersTest, TheIntervalOfAnOrderLasts) {
  {
    AgentCounters counters = Load();
    counters.set_own_interval(Seconds(300));
    ASSERT_TRUE(counters.Save());
  }
  EXPECT_EQ(Load().own_interval(), Seconds(300));
}

}  // namespace
}  // namespace countersign::store
