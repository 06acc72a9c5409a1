#include "tests/simulation/decade.h"

#include <gtest/gtest.h>

#include "tests/simulation/seeds_fixture.h"

// Any number of seeds by hand: COUNTERSIGN_DECADE_SEEDS=20000, with COUNTERSIGN_DECADE_AGENTS=3000
// for a big fleet. One seed, with its story: COUNTERSIGN_DECADE_SEED=17.
namespace countersign::simulation {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kDecadeSeeds = 96;  // the same code, many times slower
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr std::uint64_t kDecadeSeeds = 96;
#else
constexpr std::uint64_t kDecadeSeeds = 1'000;
#endif
#else
constexpr std::uint64_t kDecadeSeeds = 1'000;
#endif
constexpr int kDecadeShards = 8;

int AgentsFromEnvironment() {
  return static_cast<int>(FromEnvironment("COUNTERSIGN_DECADE_AGENTS").value_or(0));
}

class DecadeSeedsTest : public ::testing::TestWithParam<int> {};

TEST_P(DecadeSeedsTest, KeepEveryPromise) {
  DecadeOutcome sum;
  const std::uint64_t seeds = FromEnvironment("COUNTERSIGN_DECADE_SEEDS").value_or(kDecadeSeeds);
  for (std::uint64_t seed = 1 + static_cast<std::uint64_t>(GetParam()); seed <= seeds;
       seed += kDecadeShards) {
    const DecadeOutcome outcome = SimulateDecade({.seed = seed, .agents = AgentsFromEnvironment()});
    EXPECT_FALSE(outcome.violation.has_value())
        << *outcome.violation << "\nAgain, with the whole story:\n  "
        << HowToRepeat("COUNTERSIGN_DECADE_SEED", seed, "Decade.OneSeed");
    sum += outcome;
  }
  if (seeds < 100) return;
  const std::uint64_t many = seeds / kDecadeShards / 10;  // one in ten
  EXPECT_GT(sum.exchanges, seeds) << "hardly a report";
  EXPECT_GT(sum.moves, seeds / 2) << "hardly any trust moved";
  EXPECT_GT(sum.runs, seeds / 2) << "hardly an order ran";
  EXPECT_GT(sum.deaths, many) << "hardly an agent died";
  EXPECT_GT(sum.replacements, many) << "hardly a certificate was replaced";
  EXPECT_GT(sum.promotions, many) << "hardly a reserve took over";
  EXPECT_GT(sum.thefts, many) << "hardly a theft";
  EXPECT_GT(sum.exposures, many) << "hardly an agent was exposed";
  EXPECT_GT(sum.attacks, many) << "hardly an attack";
  EXPECT_GT(sum.successes, many) << "the thief hardly ever had what it takes";
  EXPECT_GT(sum.server_restores, many) << "hardly a server was restored";
  EXPECT_GT(sum.agent_restores, many) << "hardly an agent was restored";
  EXPECT_GT(sum.clones, many) << "hardly an agent was cloned";
  EXPECT_GT(sum.owner_changes, many) << "hardly an owner changed";
  EXPECT_GT(sum.rollouts, many) << "hardly a rollout";
  EXPECT_GT(sum.finished, many / 4) << "hardly a rollout was finished";
  EXPECT_GT(sum.aborted, many / 4) << "hardly a rollout was aborted";
  EXPECT_GT(sum.rollbacks, many / 8) << "hardly a rollout was rolled back";
  EXPECT_GT(sum.stranded, 0U) << "nobody was ever stranded";
}

INSTANTIATE_TEST_SUITE_P(Shard, DecadeSeedsTest, ::testing::Range(0, kDecadeShards));

// COUNTERSIGN_DECADE_SEED chooses it, and has its story told.
TEST(Decade, OneSeed) {
  const auto seed = FromEnvironment("COUNTERSIGN_DECADE_SEED");
  const DecadeOutcome outcome =
      SimulateDecade({.seed = seed.value_or(1),
                      .agents = AgentsFromEnvironment(),
                      .print = seed ? Trace::Print::kYes : Trace::Print::kNo});
  EXPECT_FALSE(outcome.violation.has_value()) << *outcome.violation;
}

// Seeds that find a bug when it is put back, each with what it was. (What a seed means changes with
// the story: found anew then.)
struct FoundCase {
  std::uint64_t seed;
  const char* bug;
};
void PrintTo(const FoundCase& one, std::ostream* out) { *out << one.seed << ": " << one.bug; }

class DecadeFoundTest : public ::testing::TestWithParam<FoundCase> {};

TEST_P(DecadeFoundTest, StaysMended) {
  const auto outcome = SimulateDecade({.seed = GetParam().seed});
  EXPECT_FALSE(outcome.violation.has_value()) << *outcome.violation;
}

INSTANTIATE_TEST_SUITE_P(
    Bug, DecadeFoundTest,
    ::testing::Values(FoundCase{2, "a clone that had not heard fell off the list of exposed ones"},
                      FoundCase{5, "holders of an aborted certificate were offered nothing newer"},
                      FoundCase{7, "the same"}, FoundCase{71, "the same"}));

TEST(Decade, SameSeedIsTheSameStory) {
  const auto first = SimulateDecade({.seed = 7});
  const auto second = SimulateDecade({.seed = 7});
  const auto other = SimulateDecade({.seed = 8});
  EXPECT_EQ(first.trace_hash, second.trace_hash);
  EXPECT_NE(first.trace_hash, other.trace_hash);
}

// What is broken on purpose is found: each check is able to fail.
struct BrokenCase {
  DecadeBroken broken;
  const char* expected;  // in the violation
};
void PrintTo(const BrokenCase& one, std::ostream* out) { *out << one.expected; }

class DecadeBrokenTest : public ::testing::TestWithParam<BrokenCase> {};

TEST_P(DecadeBrokenTest, IsFoundWithinSomeSeeds) {
  std::optional<std::string> violation;
  for (std::uint64_t seed = 1; seed <= 60 && !violation; ++seed) {
    violation = SimulateDecade({.seed = seed, .broken = GetParam().broken}).violation;
  }
  ASSERT_TRUE(violation.has_value());
  EXPECT_NE(violation->find(GetParam().expected), std::string::npos) << *violation;
}

INSTANTIATE_TEST_SUITE_P(
    Something, DecadeBrokenTest,
    ::testing::Values(BrokenCase{DecadeBroken::kOwnerIsRobbed, "did not issue"},
                      BrokenCase{DecadeBroken::kDiskLosesTrust, "went back"},
                      BrokenCase{DecadeBroken::kReplacedNotRevoked, "is not on the list"},
                      BrokenCase{DecadeBroken::kThiefStays, "though it has heard"},
                      BrokenCase{DecadeBroken::kListTooShort, "is not on the list"},
                      BrokenCase{DecadeBroken::kListTooLong, "still on the list"},
                      BrokenCase{DecadeBroken::kLosesContact, "is lost"},
                      BrokenCase{DecadeBroken::kClonesUnnoticed, "unnoticed"},
                      BrokenCase{DecadeBroken::kKeyOfAbortedDestroyed, "is stranded"},
                      BrokenCase{DecadeBroken::kGateNamesTooFew, "no gate named it"}));

}  // namespace
}  // namespace countersign::simulation
