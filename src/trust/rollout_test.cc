#include "trust/rollout.h"

#include <gtest/gtest.h>

#include <ostream>
#include <tuple>

#include "tests/support/seeded_random.h"

namespace countersign::trust {
namespace {

constexpr Seconds kQuiet = std::chrono::minutes(30);
const Instant kBegin = FromUnix(1'800'000'000);

AgentId AgentNumber(std::uint8_t number) {
  std::array<std::uint8_t, 16> bytes{};
  bytes[15] = number;
  return AgentId(bytes);
}

Rollout Planned(RolloutTerms terms = {}) {
  Rollout rollout;
  rollout.generation = 12;
  rollout.thumbprint.fill(7);
  rollout.terms = std::move(terms);
  return rollout;
}

// In brings a rollout into a state by the ways that there are.
Rollout In(RolloutState state) {
  Rollout rollout = Planned({.canary_share = 500});
  if (state == RolloutState::kPlanned) return rollout;
  Begin(rollout, kBegin);
  switch (state) {
    case RolloutState::kPlanned:
    case RolloutState::kCanary:
      break;
    case RolloutState::kRolling:
      EXPECT_TRUE(Resume(rollout, kBegin).has_value());
      break;
    case RolloutState::kGate:
      EXPECT_TRUE(Resume(rollout, kBegin).has_value());
      EXPECT_TRUE(
          Advance(rollout, {.agents = 2, .taken = 1, .all_asked = true}, Seconds(0), kBegin));
      break;
    case RolloutState::kPaused:
      EXPECT_TRUE(Pause(rollout, kBegin).has_value());
      break;
    case RolloutState::kHalted:
      EXPECT_TRUE(Advance(rollout, {.agents = 2, .refused = 1}, Seconds(0), kBegin));
      break;
    case RolloutState::kFinished:
      EXPECT_TRUE(Finish(rollout, kBegin).has_value());
      break;
    case RolloutState::kAborted:
      EXPECT_TRUE(Abort(rollout, "why", kBegin).has_value());
      break;
  }
  EXPECT_EQ(rollout.state, state);
  return rollout;
}

enum class Ask { kPause, kResume, kAbort, kFinish };

Status Do(Rollout& rollout, Ask ask) {
  switch (ask) {
    case Ask::kPause:
      return Pause(rollout, kBegin + kQuiet);
    case Ask::kResume:
      return Resume(rollout, kBegin + kQuiet);
    case Ask::kAbort:
      return Abort(rollout, "asked for", kBegin + kQuiet);
    case Ask::kFinish:
      return Finish(rollout, kBegin + kQuiet);
  }
  return Fail(Code::kInternal, "no such ask");
}

struct Row {
  RolloutState from;
  Ask ask;
  std::optional<RolloutState> to;  // nothing: refused
};

std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << RolloutStateName(row.from) << " asked for " << static_cast<int>(row.ask);
}

class RolloutAskTest : public ::testing::TestWithParam<Row> {};

TEST_P(RolloutAskTest, GoesWhereTheTableSays) {
  Rollout rollout = In(GetParam().from);
  const Rollout before = rollout;
  const Status done = Do(rollout, GetParam().ask);
  if (!GetParam().to) {
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, Code::kRefused);
    EXPECT_NE(done.error().message.find(RolloutStateName(before.state)), std::string::npos);
    EXPECT_EQ(rollout, before);
    return;
  }
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(rollout.state, *GetParam().to);
  EXPECT_EQ(rollout.since, kBegin + kQuiet);
}

using S = RolloutState;
INSTANTIATE_TEST_SUITE_P(
    Table, RolloutAskTest,
    ::testing::Values(
        Row{S::kPlanned, Ask::kPause, {}}, Row{S::kPlanned, Ask::kResume, {}},
        Row{S::kPlanned, Ask::kAbort, S::kAborted}, Row{S::kPlanned, Ask::kFinish, S::kFinished},
        Row{S::kCanary, Ask::kPause, S::kPaused}, Row{S::kCanary, Ask::kResume, S::kRolling},
        Row{S::kCanary, Ask::kAbort, S::kAborted}, Row{S::kCanary, Ask::kFinish, S::kFinished},
        Row{S::kRolling, Ask::kPause, S::kPaused}, Row{S::kRolling, Ask::kResume, S::kRolling},
        Row{S::kRolling, Ask::kAbort, S::kAborted}, Row{S::kRolling, Ask::kFinish, S::kFinished},
        Row{S::kGate, Ask::kPause, S::kPaused}, Row{S::kGate, Ask::kResume, S::kRolling},
        Row{S::kGate, Ask::kAbort, S::kAborted}, Row{S::kGate, Ask::kFinish, S::kFinished},
        Row{S::kPaused, Ask::kPause, {}}, Row{S::kPaused, Ask::kResume, S::kCanary},
        Row{S::kPaused, Ask::kAbort, S::kAborted}, Row{S::kPaused, Ask::kFinish, S::kFinished},
        Row{S::kHalted, Ask::kPause, {}}, Row{S::kHalted, Ask::kResume, S::kCanary},
        Row{S::kHalted, Ask::kAbort, S::kAborted}, Row{S::kHalted, Ask::kFinish, S::kFinished},
        Row{S::kFinished, Ask::kPause, {}}, Row{S::kFinished, Ask::kResume, {}},
        Row{S::kFinished, Ask::kAbort, {}}, Row{S::kFinished, Ask::kFinish, {}},
        Row{S::kAborted, Ask::kPause, {}}, Row{S::kAborted, Ask::kResume, {}},
        Row{S::kAborted, Ask::kAbort, {}}, Row{S::kAborted, Ask::kFinish, {}}));

struct Course {
  std::string name;
  RolloutState from;
  RolloutCounts counts;
  Seconds after;  // since it entered the state
  RolloutState to;
};
std::ostream& operator<<(std::ostream& out, const Course& course) { return out << course.name; }

class RolloutCourseTest : public ::testing::TestWithParam<Course> {};

TEST_P(RolloutCourseTest, MovesByItselfAsTheTableSays) {
  const Course& course = GetParam();
  Rollout rollout = In(course.from);
  const bool moved = Advance(rollout, course.counts, kQuiet, kBegin + course.after);
  EXPECT_EQ(rollout.state, course.to);
  EXPECT_EQ(moved, course.from != course.to);
  EXPECT_EQ(rollout.why.empty(), course.to != S::kHalted && course.to != S::kAborted);
}

constexpr Seconds kSoak = std::chrono::hours(1);
INSTANTIATE_TEST_SUITE_P(
    Table, RolloutCourseTest,
    ::testing::Values(
        Course{"CanarySoaks", S::kCanary, {10, 5, 0, 0, true}, kSoak - Seconds(1), S::kCanary},
        Course{"CanaryPasses", S::kCanary, {10, 5, 0, 0, true}, kSoak, S::kRolling},
        Course{"NobodyTookIt", S::kCanary, {10, 0, 0, 0, true}, kSoak * 9, S::kCanary},
        Course{"NotAllAsked", S::kCanary, {10, 5, 0, 0, false}, kSoak * 9, S::kCanary},
        Course{"SilentOnesAreWaitedForAWhile", S::kCanary, {10, 5, 1, 0, true}, kSoak, S::kRolling},
        Course{"OneRefusedOfFew", S::kCanary, {1'000, 5, 0, 1, true}, kSoak, S::kHalted},
        Course{"HaltsAtOnce", S::kRolling, {1'000, 97, 0, 2, false}, Seconds(0), S::kHalted},
        Course{"RefusedNoMoreThanHaltAt",
               S::kRolling,
               {1'000, 98, 0, 2, false},
               Seconds(0),
               S::kRolling},
        Course{"HaltsAtTheGate", S::kGate, {1'000, 97, 0, 3, true}, Seconds(0), S::kHalted},
        Course{"RollingWaitsForTheQuiet",
               S::kRolling,
               {10, 5, 0, 0, true},
               kQuiet - Seconds(1),
               S::kRolling},
        Course{"QuietLeadsToTheGate", S::kRolling, {10, 5, 5, 0, true}, kQuiet, S::kGate},
        Course{"NotAllAskedYet", S::kRolling, {10, 5, 0, 0, false}, kQuiet * 9, S::kRolling},
        Course{"NoGateWhereAllHaveIt", S::kRolling, {10, 10, 0, 0, true}, kQuiet, S::kRolling},
        Course{"PausedStays", S::kPaused, {10, 0, 0, 10, true}, kQuiet * 9, S::kPaused},
        Course{"HaltedStays", S::kHalted, {10, 9, 0, 0, true}, kQuiet * 9, S::kHalted},
        Course{"FinishedStays", S::kFinished, {10, 0, 0, 10, true}, kQuiet * 9, S::kFinished},
        Course{"AbortedStays", S::kAborted, {10, 0, 0, 10, true}, kQuiet * 9, S::kAborted},
        Course{"PlannedStays", S::kPlanned, {10, 5, 0, 5, true}, kQuiet * 9, S::kPlanned}),
    [](const auto& course) { return course.param.name; });

TEST(RolloutTest, CanaryWaitsForWhoWasAskedJustNow) {
  Rollout rollout = In(S::kCanary);
  rollout.moved = kBegin + kSoak - Seconds(1);
  EXPECT_FALSE(Advance(rollout, {10, 5, 1, 0, true}, kQuiet, kBegin + kSoak));
  EXPECT_TRUE(Advance(rollout, {10, 5, 0, 0, true}, kQuiet, kBegin + kSoak));
}

TEST(RolloutTest, WithoutACanaryEverybodyIsAsked) {
  Rollout rollout = Planned();
  Begin(rollout, kBegin);
  EXPECT_EQ(rollout.state, S::kRolling);
  EXPECT_EQ(rollout.started, kBegin);
  EXPECT_TRUE(IsOffered(rollout, AgentNumber(1), ""));
}

TEST(RolloutTest, HaltedGoesOnWhereItWas) {
  Rollout rollout = In(S::kRolling);
  ASSERT_TRUE(Advance(rollout, {.agents = 2, .refused = 1}, kQuiet, kBegin));
  ASSERT_TRUE(Resume(rollout, kBegin).has_value());
  EXPECT_EQ(rollout.state, S::kRolling);
  EXPECT_EQ(rollout.why, "");
}

TEST(RolloutTest, AHaltForgetsThatTheGateWasShown) {
  Rollout rollout = In(S::kGate);
  rollout.gate_shown = kBegin;
  ASSERT_TRUE(Advance(rollout, {.agents = 2, .refused = 1}, kQuiet, kBegin));
  EXPECT_EQ(rollout.gate_shown, std::nullopt);
}

TEST(RolloutTest, OnlyOpenStatesOffer) {
  for (const auto state : {S::kPlanned, S::kCanary, S::kRolling, S::kGate, S::kPaused, S::kHalted,
                           S::kFinished, S::kAborted}) {
    Rollout rollout = In(state);
    rollout.canary_below = UINT64_MAX;
    const bool open = state == S::kCanary || state == S::kRolling || state == S::kGate;
    EXPECT_EQ(IsOffered(rollout, AgentNumber(1), ""), open) << RolloutStateName(state);
    EXPECT_EQ(OffersLeft(rollout, kBegin, 5), open ? 5U : 0U) << RolloutStateName(state);
    EXPECT_EQ(IsUnderWay(state), state != S::kFinished && state != S::kAborted);
  }
}

TEST(RolloutTest, CanaryByShareHasThatManyAndNeverNobody) {
  testing::SeededRandom random(1);
  std::vector<AgentId> agents;
  for (int i = 0; i < 1'000; ++i) agents.emplace_back(random.Array<16>());
  for (const auto& [count, share, wanted] :
       std::vector<std::tuple<std::size_t, BasisPoints, int>>{{1'000, 500, 50},
                                                              {1'000, 1, 1},
                                                              {3, 500, 1},
                                                              {1, 1, 1},
                                                              {999, 10'000, 999},
                                                              {0, 500, 0}}) {
    Rollout rollout = Planned({.canary_share = share});
    std::vector<std::uint64_t> positions;
    for (std::size_t i = 0; i < count; ++i) {
      positions.push_back(PositionOf(rollout.thumbprint, agents[i]));
    }
    rollout.canary_below = CanaryBelow(positions, share);
    Begin(rollout, kBegin);
    int offered = 0;
    for (std::size_t i = 0; i < count; ++i) offered += IsOffered(rollout, agents[i], "") ? 1 : 0;
    EXPECT_EQ(offered, wanted) << count << " agents, " << share;
  }
}

TEST(RolloutTest, AnotherCertificateDrawsAnotherCanary) {
  Digest other{};
  EXPECT_NE(PositionOf(Planned().thumbprint, AgentNumber(1)), PositionOf(other, AgentNumber(1)));
}

TEST(RolloutTest, DomainsHaveThoseBeneathThem) {
  EXPECT_TRUE(IsInDomain("eu", "eu"));
  EXPECT_TRUE(IsInDomain("eu/paris", "eu"));
  EXPECT_FALSE(IsInDomain("europe", "eu"));
  EXPECT_FALSE(IsInDomain("", "eu"));
  Rollout rollout = Planned({.domains = {"eu", "us/ny"}});
  Begin(rollout, kBegin);
  EXPECT_EQ(rollout.state, S::kCanary);
  EXPECT_TRUE(IsOffered(rollout, AgentNumber(1), "us/ny"));
  EXPECT_FALSE(IsOffered(rollout, AgentNumber(1), "us"));
}

TEST(RolloutTest, RateIsKeptByTheHour) {
  Rollout rollout = Planned({.rate_per_hour = 60});
  Begin(rollout, kBegin);
  EXPECT_EQ(OffersLeft(rollout, kBegin, 100), 1U);
  rollout.rate_used = 1;
  EXPECT_EQ(OffersLeft(rollout, kBegin + Seconds(59), 100), 0U);
  EXPECT_EQ(OffersLeft(rollout, kBegin + Seconds(60), 100), 1U);
  EXPECT_EQ(OffersLeft(rollout, kBegin + Seconds(3'599), 7), 7U);
  EXPECT_EQ(OffersLeft(rollout, kBegin + Seconds(3'600 * 62), 1'000), 60U)
      << "a weekend without contact saves nothing up";
}

TEST(RolloutTest, AnotherHourBeginsWhenOneIsOver) {
  Rollout rollout = Planned({.rate_per_hour = 60});
  Begin(rollout, kBegin);
  rollout.rate_used = 60;
  KeepTime(rollout, kBegin + Seconds(3'599));
  EXPECT_EQ(rollout.rate_used, 60U);
  KeepTime(rollout, kBegin + Seconds(3'600));
  EXPECT_EQ(rollout.rate_used, 0U);
  EXPECT_EQ(OffersLeft(rollout, kBegin + Seconds(3'600), 100), 1U);
}

TEST(RolloutTest, AClockThatWasSetBackStopsNothing) {
  Rollout rollout = In(S::kCanary);
  const Instant earlier = kBegin - std::chrono::hours(24);
  rollout.rate_used = 9;
  KeepTime(rollout, earlier);
  EXPECT_EQ(rollout.since, earlier);
  EXPECT_EQ(rollout.moved, earlier);
  EXPECT_EQ(rollout.rate_used, 0U);
  EXPECT_TRUE(Advance(rollout, {10, 5, 0, 0, true}, kQuiet, earlier + kSoak));
}

TEST(RolloutTest, APauseDoesNotSaveUpOffers) {
  Rollout rollout = Planned({.rate_per_hour = 60});
  Begin(rollout, kBegin);
  ASSERT_TRUE(Pause(rollout, kBegin).has_value());
  ASSERT_TRUE(Resume(rollout, kBegin + Seconds(36'000)).has_value());
  EXPECT_EQ(OffersLeft(rollout, kBegin + Seconds(36'000), 100), 1U);
}

TEST(RolloutTest, IsCompleteWhenAllHaveIt) {
  EXPECT_TRUE(IsComplete(In(S::kRolling), {.agents = 3, .taken = 3}));
  EXPECT_TRUE(IsComplete(In(S::kGate), {.agents = 3, .taken = 3}));
  EXPECT_FALSE(IsComplete(In(S::kRolling), {.agents = 3, .taken = 2}));
  EXPECT_FALSE(IsComplete(In(S::kCanary), {.agents = 3, .taken = 3})) << "it soaks first";
  EXPECT_FALSE(IsComplete(In(S::kPaused), {.agents = 3, .taken = 3})) << "a person stopped it";
}

TEST(RolloutTest, LooksAgainWhenTheSoakOrTheQuietEnds) {
  Rollout rollout = In(S::kCanary);
  EXPECT_EQ(LookAgainAt(rollout, kQuiet, kBegin), kBegin + kQuiet);
  EXPECT_EQ(LookAgainAt(rollout, kQuiet, kBegin + kQuiet), kBegin + kSoak);
  EXPECT_EQ(LookAgainAt(rollout, kQuiet, kBegin + kSoak), Instant::max());
  EXPECT_EQ(LookAgainAt(In(S::kRolling), kQuiet, kBegin), kBegin + kQuiet);
  EXPECT_EQ(LookAgainAt(In(S::kPaused), kQuiet, kBegin), Instant::max());
}

TEST(RolloutTest, TermsAreChecked) {
  EXPECT_TRUE(CheckTerms({}).has_value());
  EXPECT_FALSE(CheckTerms({.canary_share = 10'001}).has_value());
  EXPECT_FALSE(CheckTerms({.halt_at = 0}).has_value());
  EXPECT_FALSE(CheckTerms({.halt_at = 10'001}).has_value());
  EXPECT_FALSE(CheckTerms({.domains = {""}}).has_value());
  EXPECT_FALSE(CheckTerms({.domains = std::vector<std::string>(65, "eu")}).has_value());
  EXPECT_FALSE(CheckTerms({.soak = Seconds(-1)}).has_value());
  EXPECT_FALSE(CheckTerms({.soak = std::chrono::hours(24 * 366)}).has_value());
}

}  // namespace
}  // namespace countersign::trust
