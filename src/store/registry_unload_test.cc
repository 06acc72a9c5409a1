// What every engine of the registry has to pass (registry_conformance.h): unload passwords.
#include <gtest/gtest.h>

#include <string>

#include "store/registry_conformance.h"
#include "store/registry_samples.h"

namespace countersign::store {
namespace {

UnloadWishRow SampleWish(std::uint32_t number) {
  return {.id = 0,
          .scope = "domain:" + kOddText + std::to_string(number),
          .verifier = "verifier " + std::to_string(number),
          .by = kOddText + "by",
          .since = FromUnix(-100 - static_cast<std::int64_t>(number))};
}

UnloadStateRow SampleState(std::uint32_t number) {
  return {.agent = SampleAgentId(number),
          .wish = (std::int64_t{1} << 53) - number,
          .order = Jti(Sample16(number + 100)),
          .verdict = "done " + std::to_string(number),
          .since = FromUnix(-200 - static_cast<std::int64_t>(number))};
}

class RegistryUnloadTest : public ::testing::TestWithParam<EngineCase> {
 protected:
  [[nodiscard]] Registry& registry() { return engine_.registry(); }
  std::int64_t Add(const UnloadWishRow& row) { return registry().AddUnloadWish(row).value(); }
  void Put(const UnloadStateRow& row) { ASSERT_TRUE(registry().PutUnloadState(row).has_value()); }
  RegistryUnderTest engine_{GetParam()};
};

TEST_P(RegistryUnloadTest, WishesComeBackInTheirOrder) {
  EXPECT_TRUE(registry().ListUnloadWishes()->empty());
  UnloadWishRow one = SampleWish(1);
  UnloadWishRow two = SampleWish(2);
  two.verifier.clear();
  one.id = Add(one);
  two.id = Add(two);
  EXPECT_LT(one.id, two.id);
  EXPECT_EQ(registry().ListUnloadWishes().value(), (std::vector{one, two}));
}

TEST_P(RegistryUnloadTest, DeletedWishIsGoneAndItsNumberIsNotUsedAgain) {
  const std::int64_t one = Add(SampleWish(1));
  const std::int64_t two = Add(SampleWish(2));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(registry().DeleteUnloadWish(two).has_value());
  ASSERT_EQ(registry().ListUnloadWishes()->size(), 1U);
  EXPECT_EQ(registry().ListUnloadWishes()->front().id, one);
  EXPECT_GT(Add(SampleWish(3)), two);
}

TEST_P(RegistryUnloadTest, StateComesBackByItsAgentAndIsReplaced) {
  Put(SampleState(1));
  Put(SampleState(2));
  EXPECT_EQ(registry().FindUnloadState(SampleAgentId(1)).value(), SampleState(1));
  EXPECT_EQ(registry().FindUnloadState(SampleAgentId(3)).value(), std::nullopt);
  UnloadStateRow next = SampleState(9);
  next.agent = SampleAgentId(1);
  Put(next);
  EXPECT_EQ(registry().FindUnloadState(SampleAgentId(1)).value(), next);
  EXPECT_EQ(registry().FindUnloadState(SampleAgentId(2)).value(), SampleState(2));
}

TEST_P(RegistryUnloadTest, StateGoesWithItsAgent) {
  for (const std::uint32_t number : {1U, 2U}) {
    ASSERT_TRUE(registry().PutAgent(PlainAgent(number)).has_value());
    Put(SampleState(number));
    ASSERT_TRUE(registry().PutAgent(PlainAgent(number)).has_value());
    EXPECT_NE(registry().FindUnloadState(SampleAgentId(number)).value(), std::nullopt);
  }
  ASSERT_TRUE(registry().DeleteAgent(SampleAgentId(1)).has_value());
  EXPECT_EQ(registry().FindUnloadState(SampleAgentId(1)).value(), std::nullopt);
  EXPECT_EQ(registry().FindUnloadState(SampleAgentId(2)).value(), SampleState(2));
}

TEST_P(RegistryUnloadTest, RolledBackTransactionLeavesNothing) {
  const auto failed = registry().Transact([&]() -> Status {
    Add(SampleWish(1));
    Put(SampleState(1));
    return Fail(Code::kRefused, "no");
  });
  EXPECT_FALSE(failed.has_value());
  EXPECT_TRUE(registry().ListUnloadWishes()->empty());
  EXPECT_EQ(registry().FindUnloadState(SampleAgentId(1)).value(), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Engines, RegistryUnloadTest, ::testing::ValuesIn(EnginesUnderTest()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace countersign::store
