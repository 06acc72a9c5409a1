// What every engine of the registry has to pass (registry_conformance.h): moves.
#include <gtest/gtest.h>

#include <vector>

#include "store/registry_conformance.h"
#include "store/registry_samples.h"

namespace countersign::store {
namespace {

MoveRow SampleMove(MoveState state = MoveState::kHalted) {
  return {.id = 0,
          .server = ServerId(Sample16(1)),
          .owner = Sample32(2),
          .least_generation = ~std::uint64_t{0},
          .addresses = {"new.example:8080", "[2001:db8::1]:8080", kOddText},
          .bundle = Bytes(3'000, 0x5a),
          .state = state,
          .rate_per_minute = ~std::uint64_t{0},
          .halt_at = 10'000,
          .started = FromUnix(3),
          .since = FromUnix(-4),
          .expires = FromUnix(5),
          .rate_since = FromUnix(6),
          .rate_used = 7,
          .why = kOddText + "w",
          .by = kOddText + "b"};
}

MovingRow Moving(std::int64_t move, std::uint32_t agent, MovingState state = MovingState::kWaiting,
                 std::string reason = "") {
  return {.move = move, .agent = SampleAgentId(agent), .state = state, .reason = std::move(reason)};
}

ExpectedRow Expected(std::uint32_t agent, std::int64_t until,
                     ExpectedState state = ExpectedState::kExpected) {
  return {.agent = SampleAgentId(agent),
          .from = ServerId(Sample16(9)),
          .state = state,
          .until = FromUnix(until),
          .since = FromUnix(-1)};
}

class RegistryMovesTest : public ::testing::TestWithParam<EngineCase> {
 protected:
  [[nodiscard]] Registry& registry() { return engine_.registry(); }
  [[nodiscard]] MoveTable& moves() { return registry().moves(); }
  void Put(const MovingRow& row) { ASSERT_TRUE(moves().PutMoving(row).has_value()); }
  // Recount counts the rows themselves.
  [[nodiscard]] MovingCounts Recount(std::int64_t move) {
    MovingCounts counts;
    const auto rows = moves().ListMoving(move, std::nullopt, std::nullopt, 99).value();
    for (const auto& row : rows) {
      ++(row.state == MovingState::kWaiting   ? counts.waiting
         : row.state == MovingState::kOrdered ? counts.ordered
         : row.state == MovingState::kMoved   ? counts.moved
                                              : counts.failed);
    }
    return counts;
  }
  void ExpectCounts(const MovingCounts& counts) {
    EXPECT_EQ(moves().CountMoving(1).value(), counts);
    for (const std::int64_t move : {1, 2})
      EXPECT_EQ(moves().CountMoving(move).value(), Recount(move));
  }
  void Put(const ExpectedRow& row) { ASSERT_TRUE(moves().PutExpected(row).has_value()); }
  RegistryUnderTest engine_{GetParam()};
};

TEST_P(RegistryMovesTest, MoveComesBackAndIsReplacedById) {
  MoveRow row = SampleMove();
  row.id = moves().AddMove(row).value();
  EXPECT_EQ(moves().FindMove(row.id).value(), row);
  row.state = MoveState::kFinished;
  row.addresses.clear();
  ASSERT_TRUE(moves().PutMove(row).has_value());
  EXPECT_EQ(moves().FindMove(row.id).value(), row);
}

TEST_P(RegistryMovesTest, UnknownMoveIsNotFound) {
  EXPECT_EQ(moves().FindMove(7).value(), std::nullopt);
  MoveRow row = SampleMove();
  row.id = 7;
  EXPECT_EQ(moves().PutMove(row).error().code, Code::kNotFound);
}

TEST_P(RegistryMovesTest, TheOneUnderWayComesFirstThenTheNewest) {
  const auto halted = moves().AddMove(SampleMove()).value();
  const auto aborted = moves().AddMove(SampleMove(MoveState::kAborted)).value();
  const auto finished = moves().AddMove(SampleMove(MoveState::kFinished)).value();
  std::vector<std::int64_t> ids;
  const auto rows = moves().ListMoves(9).value();
  for (const auto& row : rows) ids.push_back(row.id);
  EXPECT_EQ(ids, (std::vector{halted, finished, aborted}));
  EXPECT_EQ(moves().ListMoves(1).value().size(), 1U);
}

TEST_P(RegistryMovesTest, WarrantsAreFoundByNumber) {
  ASSERT_TRUE(moves().PutWarrant(1, 0, "a.b.c").has_value());
  ASSERT_TRUE(moves().PutWarrant(1, ~std::uint32_t{0}, "d").has_value());
  EXPECT_EQ(moves().FindWarrant(1, 0).value(), "a.b.c");
  EXPECT_EQ(moves().FindWarrant(1, ~std::uint32_t{0}).value(), "d");
  EXPECT_EQ(moves().FindWarrant(2, 0).value(), std::nullopt);
}

TEST_P(RegistryMovesTest, AgentOfMoveComesBackAndIsReplaced) {
  MovingRow row{.move = 5,
                .agent = SampleAgentId(1),
                .state = MovingState::kFailed,
                .reason = kOddText + "r",
                .text = kOddText + "t",
                .warrant = ~std::uint32_t{0},
                .tries = 6,
                .since = FromUnix(-7)};
  Put(row);
  EXPECT_EQ(moves().FindMoving(row.agent).value(), row);
  row.state = MovingState::kMoved;
  Put(row);
  EXPECT_EQ(moves().FindMoving(row.agent).value(), row);
  EXPECT_EQ(moves().FindMoving(SampleAgentId(2)).value(), std::nullopt);
}

TEST_P(RegistryMovesTest, TheNewestCampaignOfAnAgentIsFound) {
  Put(Moving(7, 1, MovingState::kMoved));
  Put(Moving(9, 1));
  Put(Moving(8, 1));
  Put(Moving(99, 2));
  EXPECT_EQ(moves().FindMoving(SampleAgentId(1)).value(), Moving(9, 1));
}

TEST_P(RegistryMovesTest, AgentsAreListedByStateInPages) {
  for (const std::uint32_t agent : {3U, 1U, 2U}) Put(Moving(1, agent));
  Put(Moving(1, 4, MovingState::kFailed, "fork"));
  Put(Moving(2, 5));
  const auto first = moves().ListMoving(1, MovingState::kWaiting, std::nullopt, 2).value();
  EXPECT_EQ(first, (std::vector{Moving(1, 1), Moving(1, 2)}));
  const auto rest = moves().ListMoving(1, MovingState::kWaiting, first.back().agent, 2).value();
  EXPECT_EQ(rest, std::vector{Moving(1, 3)});
  EXPECT_EQ(moves().ListMoving(1, std::nullopt, std::nullopt, 9).value().size(), 4U);
}

TEST_P(RegistryMovesTest, CountsByStateAndReason) {
  Put(Moving(1, 1));
  Put(Moving(1, 2, MovingState::kOrdered));
  Put(Moving(1, 3, MovingState::kMoved));
  Put(Moving(1, 4, MovingState::kFailed, "fork"));
  Put(Moving(1, 5, MovingState::kFailed, "chain"));
  Put(Moving(1, 6, MovingState::kFailed, "fork"));
  Put(Moving(2, 7, MovingState::kFailed, "other"));
  EXPECT_EQ(moves().CountMoving(1).value(),
            (MovingCounts{.waiting = 1, .ordered = 1, .moved = 1, .failed = 3}));
  EXPECT_EQ(moves().CountReasons(1).value(), (std::vector<ReasonCount>{{"chain", 1}, {"fork", 2}}));
}

TEST_P(RegistryMovesTest, CountsFollowEveryChange) {
  ExpectCounts({});
  for (const std::uint32_t agent : {1U, 2U, 3U}) {
    ASSERT_TRUE(registry().PutAgent(PlainAgent(agent)).has_value());
    Put(Moving(1, agent));
    Put(Moving(2, agent, MovingState::kOrdered));
  }
  ExpectCounts({.waiting = 3});
  Put(Moving(1, 1, MovingState::kOrdered));
  Put(Moving(1, 1, MovingState::kOrdered));
  ExpectCounts({.waiting = 2, .ordered = 1});
  Put(Moving(1, 1, MovingState::kFailed, "fork"));
  Put(Moving(1, 1, MovingState::kFailed, "chain"));
  Put(Moving(1, 2, MovingState::kMoved));
  ExpectCounts({.waiting = 1, .moved = 1, .failed = 1});
  ASSERT_TRUE(moves().RetryFailed(1, "came-back", FromUnix(50)).has_value());
  ExpectCounts({.waiting = 2, .moved = 1});
  ASSERT_TRUE(registry().DeleteAgent(SampleAgentId(2)).has_value());
  ExpectCounts({.waiting = 2});
}

TEST_P(RegistryMovesTest, CountsAreTakenBackWithTheirTransaction) {
  ASSERT_TRUE(registry().PutAgent(PlainAgent(1)).has_value());
  Put(Moving(1, 1));
  const auto failed = registry().Transact([&]() -> Status {
    Put(Moving(1, 1, MovingState::kMoved));
    Put(Moving(1, 2));
    COUNTERSIGN_RETURN_IF_ERROR(registry().DeleteAgent(SampleAgentId(1)));
    return Fail(Code::kIo, "no");
  });
  EXPECT_FALSE(failed.has_value());
  ExpectCounts({.waiting = 1});
}

TEST_P(RegistryMovesTest, FailedOnesWaitAnew) {
  MovingRow failed = Moving(1, 1, MovingState::kFailed, "fork");
  failed.warrant = 3;
  failed.tries = 4;
  failed.text = "why";
  Put(failed);
  Put(Moving(1, 2, MovingState::kMoved));
  Put(Moving(2, 3, MovingState::kFailed, "fork"));
  Put(Moving(1, 4, MovingState::kFailed, "came-back"));
  ASSERT_TRUE(moves().RetryFailed(1, "came-back", FromUnix(50)).has_value());
  EXPECT_EQ(moves().FindMoving(SampleAgentId(4)).value(),
            Moving(1, 4, MovingState::kFailed, "came-back"));
  MovingRow again = Moving(1, 1);
  again.warrant = 3;
  again.since = FromUnix(50);
  EXPECT_EQ(moves().FindMoving(SampleAgentId(1)).value(), again);
  EXPECT_EQ(moves().FindMoving(SampleAgentId(2)).value(), Moving(1, 2, MovingState::kMoved));
  EXPECT_EQ(moves().FindMoving(SampleAgentId(3)).value()->state, MovingState::kFailed);
}

TEST_P(RegistryMovesTest, TheyGoWithTheAgent) {
  ASSERT_TRUE(registry().PutAgent(PlainAgent(1)).has_value());
  Put(Moving(1, 1));
  Put(Moving(2, 1));
  Put(Expected(1, 100));
  ASSERT_TRUE(registry().DeleteAgent(SampleAgentId(1)).has_value());
  EXPECT_EQ(moves().FindMoving(SampleAgentId(1)).value(), std::nullopt);
  EXPECT_TRUE(moves().FindExpected(SampleAgentId(1)).value().has_value());
}

TEST_P(RegistryMovesTest, ExpectedAgentsComeBackInPages) {
  for (const std::uint32_t agent : {3U, 1U, 2U}) Put(Expected(agent, 100));
  Put(Expected(2, 200, ExpectedState::kArriving));
  EXPECT_EQ(moves().FindExpected(SampleAgentId(2)).value(),
            Expected(2, 200, ExpectedState::kArriving));
  EXPECT_EQ(moves().FindExpected(SampleAgentId(4)).value(), std::nullopt);
  EXPECT_EQ(moves().ListExpected(SampleAgentId(1), 1).value(),
            (std::vector{Expected(2, 200, ExpectedState::kArriving)}));
}

TEST_P(RegistryMovesTest, ExpectedOnesAreCountedUntilTheirTimeIsOver) {
  Put(Expected(1, 100));
  Put(Expected(2, 101));
  Put(Expected(3, 101, ExpectedState::kArriving));
  Put(Expected(4, 100, ExpectedState::kArrived));
  EXPECT_EQ(moves().CountExpected(FromUnix(100)).value(),
            (ExpectedCounts{.expected = 1, .arriving = 1, .arrived = 1}));
}

TEST_P(RegistryMovesTest, ExpectedOnesAreDroppedByTime) {
  Put(Expected(1, 99));
  Put(Expected(2, 100));
  EXPECT_EQ(moves().DropExpected(FromUnix(100)).value(), 1U);
  EXPECT_EQ(moves().FindExpected(SampleAgentId(1)).value(), std::nullopt);
  EXPECT_TRUE(moves().FindExpected(SampleAgentId(2)).value().has_value());
}

TEST_P(RegistryMovesTest, TransactionThatFailsTakesThemBack) {
  const auto failed = registry().Transact([&]() -> Status {
    (void)moves().AddMove(SampleMove());
    Put(Moving(1, 1));
    Put(Expected(1, 5));
    return Fail(Code::kIo, "no");
  });
  EXPECT_FALSE(failed.has_value());
  EXPECT_TRUE(moves().ListMoves(9).value().empty());
  EXPECT_EQ(moves().FindMoving(SampleAgentId(1)).value(), std::nullopt);
  EXPECT_EQ(moves().FindExpected(SampleAgentId(1)).value(), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Engines, RegistryMovesTest, ::testing::ValuesIn(EnginesUnderTest()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace countersign::store
