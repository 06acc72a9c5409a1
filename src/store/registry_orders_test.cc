// What every engine of the registry has to pass (registry_conformance.h): orders and receipts.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/registry_conformance.h"
#include "store/registry_samples.h"

namespace countersign::store {
namespace {

class RegistryOrdersTest : public ::testing::TestWithParam<EngineCase> {
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

TEST_P(RegistryOrdersTest, OrderComesBackWithEveryField) {
  const OrderRow full = Add(FullOrder(1, SampleAgentId(1)));
  const OrderRow plain = Add(PlainOrder(2, SampleAgentId(1)));
  EXPECT_EQ(registry().FindOrder(full.jti).value(), full);
  EXPECT_EQ(registry().FindOrder(plain.jti).value(), plain);
  EXPECT_LT(full.id, plain.id);
}

TEST_P(RegistryOrdersTest, EveryStateComesBack) {
  std::uint32_t number = 0;
  for (const OrderState state : {OrderState::kQueued, OrderState::kSent, OrderState::kUnknown,
                                 OrderState::kDone, OrderState::kLapsed}) {
    OrderRow row = PlainOrder(++number, SampleAgentId(1));
    row.state = state;
    EXPECT_EQ(registry().FindOrder(row.jti).value(), std::nullopt);
    row = Add(row);
    EXPECT_EQ(registry().FindOrder(row.jti).value(), row);
  }
}

TEST_P(RegistryOrdersTest, BigOrderComesBack) {
  OrderRow row = FullOrder(1, SampleAgentId(1));
  row.args.assign(1024 * 1024, '\0');
  row.versions.assign(1'000, row.versions.front());
  row = Add(row);
  EXPECT_EQ(registry().FindOrder(row.jti).value(), row);
}

TEST_P(RegistryOrdersTest, SecondOrderOfOneJtiIsRefused) {
  const OrderRow first = Add(PlainOrder(1, SampleAgentId(1)));
  EXPECT_EQ(registry().AddOrder(PlainOrder(1, SampleAgentId(2))).error().code,
            Code::kAlreadyExists);
  EXPECT_EQ(registry().FindOrder(first.jti).value(), first);
}

TEST_P(RegistryOrdersTest, PutOrderReplacesById) {
  const OrderRow first = Add(PlainOrder(1, SampleAgentId(1)));
  OrderRow changed = FullOrder(2, SampleAgentId(2));
  changed.id = first.id;
  EXPECT_TRUE(registry().PutOrder(changed).has_value());
  EXPECT_EQ(registry().FindOrder(first.jti).value(), std::nullopt);
  EXPECT_EQ(registry().FindOrder(changed.jti).value(), changed);
}

TEST_P(RegistryOrdersTest, PutOrderOfAnUnknownIdFails) {
  OrderRow row = PlainOrder(1, SampleAgentId(1));
  row.id = 77;
  EXPECT_EQ(registry().PutOrder(row).error().code, Code::kNotFound);
  EXPECT_EQ(registry().FindOrder(row.jti).value(), std::nullopt);
}

TEST_P(RegistryOrdersTest, OpenOrdersAreOneAgentsQueuedAndSentOldestFirst) {
  OrderRow sent = PlainOrder(1, SampleAgentId(1));
  sent.state = OrderState::kSent;
  sent = Add(sent);
  static_cast<void>(Add(FullOrder(2, SampleAgentId(1))));  // done
  static_cast<void>(Add(PlainOrder(3, SampleAgentId(2))));
  const OrderRow queued = Add(PlainOrder(4, SampleAgentId(1)));
  EXPECT_EQ(registry().OpenOrders(SampleAgentId(1), 10).value(), (std::vector{sent, queued}));
  EXPECT_EQ(registry().OpenOrders(SampleAgentId(1), 1).value(), std::vector{sent});
  EXPECT_TRUE(registry().OpenOrders(SampleAgentId(3), 10)->empty());
}

TEST_P(RegistryOrdersTest, AllOpenOrdersAreThoseOfTheActHoweverMany) {
  constexpr std::uint8_t kOthers = 40;
  std::vector<OrderRow> open;
  for (std::uint8_t i = 1; i <= kOthers; ++i) {
    open.push_back(Add(PlainOrder(i, SampleAgentId(1))));
  }
  OrderRow sought = PlainOrder(kOthers + 1, SampleAgentId(1));
  sought.act = "sought";
  open.push_back(Add(sought));
  OrderRow done = PlainOrder(kOthers + 2, SampleAgentId(1));
  done.act = "sought";
  done.state = OrderState::kDone;
  static_cast<void>(Add(done));
  static_cast<void>(Add(PlainOrder(kOthers + 3, SampleAgentId(2))));
  EXPECT_EQ(registry().AllOpenOrders(SampleAgentId(1), "").value(), open);
  EXPECT_EQ(registry().AllOpenOrders(SampleAgentId(1), "sought").value(), std::vector{open.back()});
  EXPECT_TRUE(registry().AllOpenOrders(SampleAgentId(2), "sought")->empty());
}

TEST_P(RegistryOrdersTest, DueOrdersAreOneForEachAgentItsOldest) {
  const OrderRow first = Add(PlainOrder(1, SampleAgentId(1)));
  static_cast<void>(Add(PlainOrder(2, SampleAgentId(1))));
  const OrderRow other = Add(PlainOrder(3, SampleAgentId(2)));
  EXPECT_EQ(registry().DueOrders(FromUnix(1'000), 10).value(), (std::vector{first, other}));
  EXPECT_EQ(registry().DueOrders(FromUnix(1'000), 1).value(), std::vector{first});
}

TEST_P(RegistryOrdersTest, DueOrdersAreThoseWhoseTimeHasCome) {
  OrderRow later = PlainOrder(1, SampleAgentId(1));
  later.next_attempt = FromUnix(1'001);
  later = Add(later);
  const OrderRow due = Add(PlainOrder(2, SampleAgentId(1)));
  OrderRow sent = PlainOrder(3, SampleAgentId(2));
  sent.state = OrderState::kSent;
  sent = Add(sent);
  OrderRow lapsed = PlainOrder(4, SampleAgentId(3));
  lapsed.state = OrderState::kLapsed;
  static_cast<void>(Add(lapsed));
  EXPECT_TRUE(registry().DueOrders(FromUnix(999), 10)->empty());
  EXPECT_EQ(registry().DueOrders(FromUnix(1'000), 10).value(), (std::vector{due, sent}));
  // At 1,001 both of agent 1 are due, and the older one goes first.
  EXPECT_EQ(registry().DueOrders(FromUnix(1'001), 10).value(), (std::vector{sent, later}));
}

TEST_P(RegistryOrdersTest, DueOrdersStartWithTheLongestDue) {
  OrderRow late = PlainOrder(1, SampleAgentId(1));
  late.next_attempt = FromUnix(500);
  late = Add(late);
  OrderRow early = PlainOrder(2, SampleAgentId(2));
  early.next_attempt = FromUnix(400);
  early = Add(early);
  EXPECT_EQ(registry().DueOrders(FromUnix(1'000), 10).value(), (std::vector{early, late}));
}

TEST_P(RegistryOrdersTest, NextAttemptIsTheEarliestOfOpenOrders) {
  OrderRow row = Add(PlainOrder(1, SampleAgentId(1)));
  static_cast<void>(Add(FullOrder(2, SampleAgentId(2))));  // done, at 41
  EXPECT_EQ(registry().NextAttempt().value(), FromUnix(1'000));
  OrderRow sent = PlainOrder(3, SampleAgentId(2));
  sent.state = OrderState::kSent;
  sent.next_attempt = FromUnix(700);
  sent = Add(sent);
  EXPECT_EQ(registry().NextAttempt().value(), FromUnix(700));
  sent.state = OrderState::kDone;
  ASSERT_TRUE(registry().PutOrder(sent).has_value());
  row.next_attempt = FromUnix(2'000);
  ASSERT_TRUE(registry().PutOrder(row).has_value());
  EXPECT_EQ(registry().NextAttempt().value(), FromUnix(2'000));
}

TEST_P(RegistryOrdersTest, ExpiredOrdersLapseOrBecomeUnknown) {
  OrderRow queued = PlainOrder(1, SampleAgentId(1));
  queued.expires = FromUnix(5'000);
  queued = Add(queued);
  OrderRow sent = PlainOrder(2, SampleAgentId(2));
  sent.state = OrderState::kSent;
  sent.expires = FromUnix(4'000);
  sent = Add(sent);
  const OrderRow later = Add(PlainOrder(3, SampleAgentId(3)));
  OrderRow done = FullOrder(4, SampleAgentId(4));
  done.expires = FromUnix(1);
  done = Add(done);
  EXPECT_EQ(registry().LapseOrders(FromUnix(3'999)).value(), 0U);
  EXPECT_EQ(registry().LapseOrders(FromUnix(5'000)).value(), 2U);
  EXPECT_EQ(registry().LapseOrders(FromUnix(5'000)).value(), 0U);
  queued.state = OrderState::kLapsed;
  queued.ended = FromUnix(5'000);
  sent.state = OrderState::kUnknown;
  EXPECT_EQ(registry().FindOrder(queued.jti).value(), queued);
  EXPECT_EQ(registry().FindOrder(sent.jti).value(), sent);
  EXPECT_EQ(registry().FindOrder(later.jti).value(), later);
  EXPECT_EQ(registry().FindOrder(done.jti).value(), done);
  EXPECT_EQ(registry().DueOrders(FromUnix(9'000), 10).value(), std::vector{later});
}

TEST_P(RegistryOrdersTest, ReceiptsComeBackInOrderOfArrival) {
  const Jti jti(Sample16(1));
  ASSERT_TRUE(registry().AddReceipt(SampleAgentId(1), jti, kOddText, FromUnix(2)).has_value());
  ASSERT_TRUE(registry().AddReceipt(SampleAgentId(1), jti, "b.b.b", FromUnix(1)).has_value());
  ASSERT_TRUE(registry().AddReceipt(SampleAgentId(1), jti, "b.b.b", FromUnix(1)).has_value());
  ASSERT_TRUE(
      registry().AddReceipt(SampleAgentId(1), Jti(Sample16(2)), "c.c.c", FromUnix(1)).has_value());
  EXPECT_EQ(registry().ReceiptsOf(jti).value(),
            (std::vector<std::string>{kOddText, "b.b.b", "b.b.b"}));
}

TEST_P(RegistryOrdersTest, OrdersOutliveTheirAgent) {
  Put(PlainAgent(1));
  const OrderRow row = Add(PlainOrder(1, SampleAgentId(1)));
  ASSERT_TRUE(registry().DeleteAgent(SampleAgentId(1)).has_value());
  EXPECT_EQ(registry().FindOrder(row.jti).value(), row);
}

INSTANTIATE_TEST_SUITE_P(Engines, RegistryOrdersTest, ::testing::ValuesIn(EnginesUnderTest()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace countersign::store
