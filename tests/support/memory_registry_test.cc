#include "tests/support/memory_registry.h"

#include <gtest/gtest.h>

#include "store/registry_conformance.h"

namespace countersign::store {
namespace {

class MapEngine final : public TestEngine {
 public:
  Result<std::unique_ptr<Registry>> Open() override {
    return std::make_unique<testing::MemoryRegistry>();
  }
};

TEST(MemoryRegistryTest, WhatIsThrownOutOfATransactionRollsItBack) {
  testing::MemoryRegistry registry;
  ASSERT_TRUE(registry.PutMeta("key", "old").has_value());
  const auto cut = [&]() -> Status {
    COUNTERSIGN_RETURN_IF_ERROR(registry.PutMeta("key", "new"));
    throw 1;
  };
  EXPECT_THROW((void)registry.Transact(cut), int);
  EXPECT_EQ(registry.GetMeta("key").value(), "old");
  EXPECT_TRUE(registry.Transact([&] { return registry.PutMeta("key", "newer"); }).has_value());
  EXPECT_EQ(registry.GetMeta("key").value(), "newer");
}

TEST(MemoryRegistryTest, IsPutBackToACopy) {
  testing::MemoryRegistry registry;
  ASSERT_TRUE(registry.PutMeta("key", "old").has_value());
  const auto copy = registry.content();
  ASSERT_TRUE(registry.PutMeta("key", "new").has_value());
  registry.PutBack(copy);
  EXPECT_EQ(registry.GetMeta("key").value(), "old");
}

}  // namespace

std::vector<EngineCase> EnginesUnderTest() {
  return {{.name = "Maps",
           .make = []() -> std::unique_ptr<TestEngine> { return std::make_unique<MapEngine>(); },
           .persists = false}};
}

}  // namespace countersign::store
