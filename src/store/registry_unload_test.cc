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
  [[nodiscard]] std::vector<UnloadWishRow> All() {
    return registry().ListUnloadWishes(0, 99).value();
  }
  [[nodiscard]] static UnloadWishRow Of(std::string scope) { return {.scope = std::move(scope)}; }
  std::int64_t Add(const UnloadWishRow& row) { return registry().AddUnloadWish(row).value(); }
  void Put(const UnloadStateRow& row) { ASSERT_TRUE(registry().PutUnloadState(row).has_value()); }
  RegistryUnderTest engine_{GetParam()};
};

TEST_P(RegistryUnloadTest, WishesComeBackInTheirOrderAndByTheirNumber) {
  EXPECT_TRUE(All().empty());
  UnloadWishRow one = SampleWish(1);
  UnloadWishRow two = SampleWish(2);
  two.verifier.clear();
  one.id = Add(one);
  two.id = Add(two);
  EXPECT_LT(one.id, two.id);
  EXPECT_EQ(All(), (std::vector{one, two}));
  EXPECT_EQ(registry().ListUnloadWishes(0, 1).value(), std::vector{one});
  EXPECT_EQ(registry().ListUnloadWishes(one.id, 9).value(), std::vector{two});
  EXPECT_EQ(registry().FindUnloadWish(one.id).value(), one);
  EXPECT_EQ(registry().FindUnloadWish(two.id + 1).value(), std::nullopt);
}

TEST_P(RegistryUnloadTest, TheNewestOfSomeScopesIsFound) {
  for (const char* const scope : {"all", "domain:a", "domain:b", "domain:a"}) Add(Of(scope));
  const auto newest = [&](const std::vector<std::string>& scopes) {
    const auto wish = registry().NewestUnloadWish(scopes).value();
    return wish ? wish->id : 0;
  };
  EXPECT_EQ(newest({"domain:a", "all"}), 4);
  EXPECT_EQ(newest({"all", "domain:b"}), 3);
  EXPECT_EQ(newest({"all"}), 1);
  EXPECT_EQ(newest({"domain:", "domain:aa", "ALL"}), 0);
  EXPECT_EQ(newest({}), 0);
}

TEST_P(RegistryUnloadTest, DroppedWishesAreGoneAndTheirNumbersAreNotUsedAgain) {
  Add(Of("domain:a"));
  Add(Of("domain:ab"));
  const std::int64_t newest = Add(Of("domain:a"));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(registry().DropUnloadWishes("domain:a").has_value());
  ASSERT_EQ(All().size(), 1U);
  EXPECT_EQ(All().front().scope, "domain:ab");
  ASSERT_TRUE(registry().DropUnloadWishesFrom("").has_value());
  EXPECT_TRUE(All().empty());
  EXPECT_GT(Add(SampleWish(3)), newest);
}

TEST_P(RegistryUnloadTest, WishesAreDroppedByTheBeginningOfTheirScope) {
  const std::vector<std::string> kept = {"a", "a.b", "a0", "b", "a/\x7f", "A/"};
  for (const std::string& scope : kept) Add(Of(scope));
  for (const char* const scope : {"a\xff/", "a\xff/x", "a\xff/\xff\xff"}) Add(Of(scope));
  ASSERT_TRUE(registry().DropUnloadWishesFrom("a\xff/").has_value());
  std::vector<std::string> left;
  for (const auto& row : All()) left.push_back(row.scope);
  EXPECT_EQ(left, kept);
  Add(Of("\xff\xffx"));
  ASSERT_TRUE(registry().DropUnloadWishesFrom("\xff\xff").has_value());
  ASSERT_TRUE(registry().DropUnloadWishesFrom("a\xff").has_value());
  EXPECT_EQ(All().size(), kept.size());
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
  EXPECT_TRUE(All().empty());
  EXPECT_EQ(registry().FindUnloadState(SampleAgentId(1)).value(), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Engines, RegistryUnloadTest, ::testing::ValuesIn(EnginesUnderTest()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace countersign::store
