// What every engine of the registry has to pass (registry_conformance.h): rollouts and offers.
#include <gtest/gtest.h>

#include <vector>

#include "store/registry_conformance.h"
#include "store/registry_samples.h"

namespace countersign::store {
namespace {

constexpr std::uint64_t kGeneration = (std::uint64_t{1} << 53) - 1;

RolloutRow SampleRollout(std::uint64_t generation) {
  RolloutRow row;
  row.rollout = {.generation = generation,
                 .thumbprint = Sample32(1),
                 .terms = {.canary_share = 123,
                           .domains = {"eu/paris", kOddText},
                           .rate_per_hour = 456,
                           .halt_at = 10'000,
                           .soak = Seconds(789)},
                 .canary_below = ~std::uint64_t{0},
                 .state = trust::RolloutState::kHalted,
                 .goes_on_as = trust::RolloutState::kGate,
                 .started = FromUnix(1),
                 .since = FromUnix(-2),
                 .moved = FromUnix(3),
                 .rate_since = FromUnix(4),
                 .rate_used = 5,
                 .gate_shown = FromUnix(6),
                 .why = kOddText + "w"};
  row.by = kOddText + "b";
  row.asked_to = SampleAgentId(7);
  row.all_asked = true;
  return row;
}

OfferRow SampleOffer(std::uint32_t agent, std::uint64_t generation,
                     OfferState state = OfferState::kSent) {
  return {.agent = SampleAgentId(agent), .generation = generation, .state = state};
}

class RegistryRolloutsTest : public ::testing::TestWithParam<EngineCase> {
 protected:
  [[nodiscard]] Registry& registry() { return engine_.registry(); }
  void Put(const OfferRow& row) { ASSERT_TRUE(registry().PutOffer(row).has_value()); }
  RegistryUnderTest engine_{GetParam()};
};

TEST_P(RegistryRolloutsTest, RolloutsComeBackNewestFirst) {
  for (const std::uint64_t generation : {std::uint64_t{5}, kGeneration, std::uint64_t{9}}) {
    ASSERT_TRUE(registry().PutRollout(SampleRollout(generation)).has_value());
  }
  const auto rows = registry().ListRollouts(2).value();
  EXPECT_EQ(rows, (std::vector{SampleRollout(kGeneration), SampleRollout(9)}));
}

TEST_P(RegistryRolloutsTest, TheOneUnderWayComesFirst) {
  RolloutRow ended = SampleRollout(kGeneration);
  ended.rollout.state = trust::RolloutState::kFinished;
  ASSERT_TRUE(registry().PutRollout(ended).has_value());
  ASSERT_TRUE(registry().PutRollout(SampleRollout(5)).has_value());
  EXPECT_EQ(registry().ListRollouts(9).value(), (std::vector{SampleRollout(5), ended}));
}

TEST_P(RegistryRolloutsTest, PutRolloutReplacesByGeneration) {
  ASSERT_TRUE(registry().PutRollout(SampleRollout(5)).has_value());
  RolloutRow changed;
  changed.rollout.generation = 5;
  ASSERT_TRUE(registry().PutRollout(changed).has_value());
  EXPECT_EQ(registry().ListRollouts(10).value(), std::vector{changed});
}

TEST_P(RegistryRolloutsTest, OffersComeBackAndAreReplaced) {
  OfferRow offer{.agent = SampleAgentId(1),
                 .generation = kGeneration,
                 .state = OfferState::kRefused,
                 .verdict = kOddText,
                 .sends = ~std::uint32_t{0},
                 .since = FromUnix(-8)};
  Put(offer);
  Put(SampleOffer(1, 5));
  EXPECT_EQ(registry().FindOffer(SampleAgentId(1), kGeneration).value(), offer);
  offer.state = OfferState::kTaken;
  offer.sends = 0;
  Put(offer);
  EXPECT_EQ(registry().FindOffer(SampleAgentId(1), kGeneration).value(), offer);
  EXPECT_EQ(registry().FindOffer(SampleAgentId(2), kGeneration).value(), std::nullopt);
}

TEST_P(RegistryRolloutsTest, CountsOneGeneration) {
  Put(SampleOffer(1, 5, OfferState::kSent));
  Put(SampleOffer(2, 5, OfferState::kTaken));
  Put(SampleOffer(3, 5, OfferState::kTaken));
  Put(SampleOffer(4, 5, OfferState::kRefused));
  Put(SampleOffer(4, 6, OfferState::kRefused));
  EXPECT_EQ(registry().CountOffers(5).value(), (OfferCounts{.sent = 1, .taken = 2, .refused = 1}));
  EXPECT_EQ(registry().CountOffers(7).value(), OfferCounts());
}

TEST_P(RegistryRolloutsTest, ListsPageByAgent) {
  for (const std::uint32_t agent : {3U, 1U, 2U}) Put(SampleOffer(agent, 5));
  Put(SampleOffer(1, 6));
  EXPECT_EQ(registry().ListOffers(5, std::nullopt, 2).value(),
            (std::vector{SampleOffer(1, 5), SampleOffer(2, 5)}));
  EXPECT_EQ(registry().ListOffers(5, SampleAgentId(2), 2).value(),
            (std::vector{SampleOffer(3, 5)}));
}

TEST_P(RegistryRolloutsTest, RetryRefusedLeavesTheOthers) {
  OfferRow refused = SampleOffer(1, 5, OfferState::kRefused);
  refused.verdict = "distrusted";
  refused.sends = 4;
  Put(refused);
  Put(SampleOffer(2, 5, OfferState::kTaken));
  Put(SampleOffer(3, 6, OfferState::kRefused));
  ASSERT_TRUE(registry().RetryRefused(5, FromUnix(70)).has_value());
  OfferRow again = SampleOffer(1, 5);
  again.since = FromUnix(70);
  EXPECT_EQ(registry().FindOffer(SampleAgentId(1), 5).value(), again);
  EXPECT_EQ(registry().CountOffers(5).value(), (OfferCounts{.sent = 1, .taken = 1, .refused = 0}));
  EXPECT_EQ(registry().CountOffers(6).value().refused, 1U);
}

TEST_P(RegistryRolloutsTest, DropsByAgentAndByGeneration) {
  for (const std::uint64_t generation : {4U, 5U, 6U}) {
    Put(SampleOffer(1, generation));
    Put(SampleOffer(2, generation));
  }
  ASSERT_TRUE(registry().DropOffersBelow(SampleAgentId(1), 6).has_value());
  ASSERT_TRUE(registry().DropOffersOf(4).has_value());
  EXPECT_EQ(registry().ListOffers(4, std::nullopt, 9).value().size(), 0U);
  EXPECT_EQ(registry().ListOffers(5, std::nullopt, 9).value(), std::vector{SampleOffer(2, 5)});
  EXPECT_EQ(registry().ListOffers(6, std::nullopt, 9).value().size(), 2U);
}

TEST_P(RegistryRolloutsTest, OffersGoWithTheirAgent) {
  ASSERT_TRUE(registry().PutAgent(PlainAgent(1)).has_value());
  Put(SampleOffer(1, 5));
  Put(SampleOffer(2, 5));
  ASSERT_TRUE(registry().PutAgent(PlainAgent(1)).has_value());
  EXPECT_EQ(registry().CountOffers(5).value().sent, 2U) << "writing an agent drops nothing";
  ASSERT_TRUE(registry().DeleteAgent(SampleAgentId(1)).has_value());
  EXPECT_EQ(registry().ListOffers(5, std::nullopt, 9).value(), std::vector{SampleOffer(2, 5)});
}

INSTANTIATE_TEST_SUITE_P(Engines, RegistryRolloutsTest, ::testing::ValuesIn(EnginesUnderTest()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace countersign::store
