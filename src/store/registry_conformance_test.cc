// What every engine of the registry has to pass (registry_conformance.h): transactions and
// persistence.
#include "store/registry_conformance.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/registry_samples.h"

namespace countersign::store {
namespace {

class RegistryConformanceTest : public ::testing::TestWithParam<EngineCase> {
 protected:
  [[nodiscard]] Registry& registry() { return engine_.registry(); }
  void Put(const AgentRow& row) { ASSERT_TRUE(registry().PutAgent(row).has_value()); }
  // Add adds the order and returns it with its id.
  [[nodiscard]] OrderRow Add(OrderRow row) {
    const auto id = registry().AddOrder(row);
    EXPECT_TRUE(id.has_value());
    row.id = id.value_or(0);
    return row;
  }
  RegistryUnderTest engine_{GetParam()};
};

TEST_P(RegistryConformanceTest, NewRegistryIsEmpty) {
  EXPECT_EQ(registry().FindAgent(SampleAgentId(1)).value(), std::nullopt);
  EXPECT_TRUE(registry().ListAgents({})->empty());
  EXPECT_TRUE(registry().CountAgents()->empty());
  EXPECT_EQ(registry().CountUnadmitted("", FromUnix(0)).value(), 0U);
  EXPECT_EQ(registry().FindOrder(Jti(Sample16(1))).value(), std::nullopt);
  EXPECT_TRUE(registry().DueOrders(FromUnix(1'000'000), 10)->empty());
  EXPECT_EQ(registry().NextAttempt().value(), std::nullopt);
  EXPECT_TRUE(registry().ReceiptsOf(Jti(Sample16(1)))->empty());
  EXPECT_TRUE(registry().ListCertificates()->empty());
  EXPECT_EQ(registry().FindToken("1").value(), std::nullopt);
  EXPECT_TRUE(registry().ListEvents(0, 10)->empty());
  EXPECT_EQ(registry().GetMeta("key").value(), std::nullopt);
}

TEST_P(RegistryConformanceTest, TransactionThatSucceedsIsKept) {
  const Status done = registry().Transact([&]() -> Status {
    COUNTERSIGN_RETURN_IF_ERROR(registry().PutAgent(PlainAgent(1)));
    COUNTERSIGN_RETURN_IF_ERROR(registry().PutMeta("key", "value"));
    EXPECT_EQ(registry().GetMeta("key").value(), "value");  // its own writes are seen inside
    return {};
  });
  EXPECT_TRUE(done.has_value());
  EXPECT_EQ(registry().FindAgent(SampleAgentId(1)).value(), PlainAgent(1));
  EXPECT_EQ(registry().GetMeta("key").value(), "value");
}

TEST_P(RegistryConformanceTest, TransactionThatFailsLeavesNothing) {
  Put(PlainAgent(2));
  AgentRow changed = PlainAgent(2);
  changed.host = "changed";
  const Status failed = registry().Transact([&]() -> Status {
    COUNTERSIGN_RETURN_IF_ERROR(registry().PutAgent(PlainAgent(1)));
    COUNTERSIGN_RETURN_IF_ERROR(registry().PutAgent(changed));
    COUNTERSIGN_RETURN_IF_ERROR(registry().DeleteAgent(SampleAgentId(3)));
    COUNTERSIGN_RETURN_IF_ERROR(
        registry().AddEvent({.at = {}, .kind = "k", .agent = {}, .text = {}}));
    return Fail(Code::kRefused, "no");
  });
  EXPECT_EQ(failed.error(), (Error{Code::kRefused, "no"}));
  EXPECT_EQ(registry().FindAgent(SampleAgentId(1)).value(), std::nullopt);
  EXPECT_EQ(registry().FindAgent(SampleAgentId(2)).value(), PlainAgent(2));
  EXPECT_TRUE(registry().ListEvents(0, 10)->empty());
}

TEST_P(RegistryConformanceTest, FailureInsideDoomsTheTransactionEvenIfPassedOver) {
  static_cast<void>(Add(PlainOrder(1, SampleAgentId(1))));
  const Status failed = registry().Transact([&]() -> Status {
    COUNTERSIGN_RETURN_IF_ERROR(registry().PutMeta("key", "value"));
    EXPECT_FALSE(registry().AddOrder(PlainOrder(1, SampleAgentId(2))).has_value());
    static_cast<void>(registry().PutMeta("more", "value"));
    return {};
  });
  EXPECT_EQ(failed.error().code, Code::kAlreadyExists);
  EXPECT_EQ(registry().GetMeta("key").value(), std::nullopt);
  EXPECT_EQ(registry().GetMeta("more").value(), std::nullopt);
}

TEST_P(RegistryConformanceTest, WritesGoOnAfterAFailedTransaction) {
  EXPECT_FALSE(registry().Transact([] { return Status(Fail(Code::kRefused, "no")); }).has_value());
  EXPECT_TRUE(registry().PutMeta("alone", "1").has_value());
  EXPECT_TRUE(registry().Transact([&] { return registry().PutMeta("key", "1"); }).has_value());
  EXPECT_EQ(registry().GetMeta("alone").value(), "1");
  EXPECT_EQ(registry().GetMeta("key").value(), "1");
}

TEST_P(RegistryConformanceTest, EverythingIsThereAfterReopening) {
  if (!GetParam().persists) GTEST_SKIP() << "the engine keeps nothing";
  Put(FullAgent(1));
  const OrderRow order = Add(FullOrder(2, SampleAgentId(1)));
  ASSERT_TRUE(registry().AddReceipt(SampleAgentId(1), order.jti, "a.b.c", FromUnix(5)).has_value());
  const CertificateRow certificate{
      Sample32(3), Bytes(500, 4), CertificateRole::kOwner, CertificateState::kActive,
      0,           FromUnix(6)};
  ASSERT_TRUE(registry().PutCertificate(certificate).has_value());
  const TokenRow token{"7", Bytes(32, 8), FromUnix(9), 10, "note"};
  ASSERT_TRUE(registry().PutToken(token).has_value());
  ASSERT_TRUE(
      registry().AddEvent({.at = FromUnix(11), .kind = "k", .agent = {}, .text = "t"}).has_value());
  ASSERT_TRUE(registry().PutMeta("key", "value").has_value());
  engine_.Reopen();
  EXPECT_EQ(registry().FindAgent(SampleAgentId(1)).value(), FullAgent(1));
  EXPECT_EQ(registry().FindOrder(order.jti).value(), order);
  EXPECT_EQ(registry().ReceiptsOf(order.jti).value(), std::vector<std::string>{"a.b.c"});
  EXPECT_EQ(registry().ListCertificates().value(), std::vector{certificate});
  EXPECT_EQ(registry().FindToken("7").value(), token);
  EXPECT_EQ(registry().ListEvents(0, 10)->at(0).text, "t");
  EXPECT_EQ(registry().GetMeta("key").value(), "value");
}

TEST_P(RegistryConformanceTest, OpeningAgainMigratesNothingTwice) {
  if (!GetParam().persists) GTEST_SKIP() << "the engine keeps nothing";
  Put(PlainAgent(1));
  for (int i = 0; i < 3; ++i) engine_.Reopen();
  EXPECT_EQ(registry().ListAgents({}).value(), std::vector{PlainAgent(1)});
}

INSTANTIATE_TEST_SUITE_P(Engines, RegistryConformanceTest, ::testing::ValuesIn(EnginesUnderTest()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace countersign::store
