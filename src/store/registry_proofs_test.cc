// What every engine of the registry has to pass (registry_conformance.h): proofs.
#include <gtest/gtest.h>

#include <string>

#include "store/registry_conformance.h"
#include "store/registry_samples.h"

namespace countersign::store {
namespace {

ProofRow SampleProof(std::uint32_t number) {
  return {.agent = SampleAgentId(number),
          .generation = (std::uint64_t{1} << 53) - number,
          .thumbprint = Sample32(number),
          .kind = ProofKind::kReceipt,
          .at = FromUnix(-100 - static_cast<std::int64_t>(number)),
          .message = kOddText + std::to_string(number)};
}

class RegistryProofsTest : public ::testing::TestWithParam<EngineCase> {
 protected:
  [[nodiscard]] Registry& registry() { return engine_.registry(); }
  void Put(const AgentRow& row) { ASSERT_TRUE(registry().PutAgent(row).has_value()); }
  void Put(const ProofRow& row) { ASSERT_TRUE(registry().PutProof(row).has_value()); }
  RegistryUnderTest engine_{GetParam()};
};

TEST_P(RegistryProofsTest, ProofComesBackByItsAgent) {
  Put(SampleProof(1));
  Put(SampleProof(2));
  EXPECT_EQ(registry().FindProof(SampleAgentId(1)).value(), SampleProof(1));
  EXPECT_EQ(registry().FindProof(SampleAgentId(2)).value(), SampleProof(2));
  EXPECT_EQ(registry().FindProof(SampleAgentId(3)).value(), std::nullopt);
}

TEST_P(RegistryProofsTest, EachAgentHasOneProof) {
  Put(SampleProof(1));
  ProofRow next = SampleProof(1);
  next.generation = 0;
  next.thumbprint = Sample32(9);
  next.kind = ProofKind::kReport;
  next.at = FromUnix(7);
  next.message = std::string(64 * 1024, 'm');
  Put(next);
  EXPECT_EQ(registry().FindProof(SampleAgentId(1)).value(), next);
}

TEST_P(RegistryProofsTest, DeletedProofIsGoneAndNoOther) {
  Put(SampleProof(1));
  Put(SampleProof(2));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(registry().DeleteProof(SampleAgentId(1)).has_value());
    EXPECT_EQ(registry().FindProof(SampleAgentId(1)).value(), std::nullopt);
  }
  EXPECT_EQ(registry().FindProof(SampleAgentId(2)).value(), SampleProof(2));
}

TEST_P(RegistryProofsTest, ProofStaysWithItsAgentHoweverOftenThatIsWritten) {
  AgentRow agent = PlainAgent(1);
  Put(agent);
  Put(SampleProof(1));
  agent.standing = "behind";
  Put(agent);
  agent.forgotten = true;
  Put(agent);
  EXPECT_EQ(registry().FindProof(agent.id).value(), SampleProof(1));
}

TEST_P(RegistryProofsTest, ProofGoesWithItsAgent) {
  for (const std::uint32_t number : {1U, 2U, 3U}) {
    Put(PlainAgent(number));
    Put(SampleProof(number));
  }
  ASSERT_TRUE(registry().DeleteAgent(SampleAgentId(1)).has_value());
  AgentRow silent = PlainAgent(2);
  silent.admitted = false;
  Put(silent);
  EXPECT_EQ(registry().DropSilentUnadmitted(FromUnix(1'000'000)).value(), 1U);
  EXPECT_EQ(registry().FindProof(SampleAgentId(1)).value(), std::nullopt);
  EXPECT_EQ(registry().FindProof(SampleAgentId(2)).value(), std::nullopt);
  EXPECT_EQ(registry().FindProof(SampleAgentId(3)).value(), SampleProof(3));
}

TEST_P(RegistryProofsTest, ProofIsThereAfterTheRegistryIsOpenedAgain) {
  if (!GetParam().persists) GTEST_SKIP();
  Put(SampleProof(1));
  engine_.Reopen();
  EXPECT_EQ(registry().FindProof(SampleAgentId(1)).value(), SampleProof(1));
}

TEST(ProofKindTest, EveryKindHasItsName) {
  EXPECT_EQ(ProofKindName(ProofKind::kReport), "report");
  EXPECT_EQ(ProofKindName(ProofKind::kReceipt), "receipt");
}

INSTANTIATE_TEST_SUITE_P(Engines, RegistryProofsTest, ::testing::ValuesIn(EnginesUnderTest()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace countersign::store
