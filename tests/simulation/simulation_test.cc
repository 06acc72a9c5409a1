#include "tests/simulation/simulation.h"

#include <gtest/gtest.h>

#include "tests/simulation/seeds_fixture.h"

// Any number of seeds by hand: COUNTERSIGN_SIM_SEEDS=5000. One seed, with its story:
// COUNTERSIGN_SIM_SEED=17.
namespace countersign::simulation {
namespace {

constexpr std::uint64_t kSeeds = 120;
constexpr int kShards = 4;

class SeedsTest : public ::testing::TestWithParam<int> {};

TEST_P(SeedsTest, KeepEveryPromise) {
  Outcome sum;
  const std::uint64_t seeds = FromEnvironment("COUNTERSIGN_SIM_SEEDS").value_or(kSeeds);
  for (std::uint64_t seed = 1 + static_cast<std::uint64_t>(GetParam()); seed <= seeds;
       seed += kShards) {
    const Outcome outcome = Simulate({.seed = seed});
    ASSERT_FALSE(outcome.violation.has_value())
        << *outcome.violation << "\nAgain, with the whole story:\n  "
        << HowToRepeat("COUNTERSIGN_SIM_SEED", seed, "Simulation.OneSeed");
    sum.runs += outcome.runs;
    sum.moves += outcome.moves;
    sum.deaths += outcome.deaths;
    sum.replacements += outcome.replacements;
    sum.attacks += outcome.attacks;
  }
  if (seeds < 4 * kShards) return;
  EXPECT_GT(sum.runs, seeds) << "hardly an order ran";
  EXPECT_GT(sum.moves, seeds) << "hardly any trust moved";
  EXPECT_GT(sum.deaths, seeds) << "hardly an agent died";
  EXPECT_GT(sum.replacements, seeds / kShards) << "hardly a certificate was replaced";
  EXPECT_GT(sum.attacks, seeds) << "hardly an attack";
}

INSTANTIATE_TEST_SUITE_P(Shard, SeedsTest, ::testing::Range(0, kShards));

// COUNTERSIGN_SIM_SEED chooses it, and has its story told.
TEST(Simulation, OneSeed) {
  const auto seed = FromEnvironment("COUNTERSIGN_SIM_SEED");
  const Outcome outcome =
      Simulate({.seed = seed.value_or(1), .print = seed ? Trace::Print::kYes : Trace::Print::kNo});
  EXPECT_FALSE(outcome.violation.has_value()) << *outcome.violation;
}

TEST(Simulation, SameSeedIsTheSameStory) {
  const Outcome first = Simulate({.seed = 7});
  const Outcome second = Simulate({.seed = 7});
  const Outcome other = Simulate({.seed = 8});
  EXPECT_EQ(first.trace_hash, second.trace_hash);
  EXPECT_NE(first.trace_hash, other.trace_hash);
}

// What is broken on purpose is found: the simulator is able to fail.
class BrokenTest : public ::testing::TestWithParam<Broken> {};

TEST_P(BrokenTest, IsFoundWithinSomeSeeds) {
  std::optional<std::string> violation;
  for (std::uint64_t seed = 1; seed <= 40 && !violation; ++seed) {
    violation = Simulate({.seed = seed, .broken = GetParam()}).violation;
  }
  ASSERT_TRUE(violation.has_value());
  const std::string expected = GetParam() == Broken::kDiskLosesOrders  ? "twice"
                               : GetParam() == Broken::kDiskLosesTrust ? "went back"
                                                                       : "did not issue";
  EXPECT_NE(violation->find(expected), std::string::npos) << *violation;
}

INSTANTIATE_TEST_SUITE_P(Something, BrokenTest,
                         ::testing::Values(Broken::kDiskLosesOrders, Broken::kDiskLosesTrust,
                                           Broken::kOwnerIsRobbed));

}  // namespace
}  // namespace countersign::simulation
