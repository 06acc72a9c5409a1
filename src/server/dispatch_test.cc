#include <gtest/gtest.h>

#include "server/day_fixture.h"
#include "server/server.h"
#include "server/standing.h"
#include "tests/support/server_bench.h"

// Orders that the server brings to agents: by calls, and in replies (protocol sections 5 and 6).
namespace countersign::server {
namespace {

using store::OrderState;
using testing::FakeAgent;
using testing::ServerBench;
using trust::Verdict;

class DispatchTest : public ::testing::Test {
 protected:
  // The one call that is due, and its order's octets.
  Call OneCall() {
    const auto calls = bench_.Due();
    EXPECT_EQ(calls.size(), 1U);
    return calls.at(0);
  }
  [[nodiscard]] wire::Order Parsed(std::string_view message) const {
    return wire::ParseOrder(message).value().order;
  }
  CallNext Take(Call& call, const wire::Receipt& receipt) {
    return bench_.server().TakeReceipt(call, agent_.Sign(receipt), bench_.now);
  }
  ServerBench bench_;
  FakeAgent agent_ = bench_.KnownAgent();
};

// Queueing.

TEST_F(DispatchTest, OrdersAreForAdmittedAgentsThatAreThere) {
  FakeAgent unadmitted = bench_.NewAgent();
  (void)bench_.Tell(unadmitted);
  const auto add = [&](std::vector<AgentId> agents) {
    return bench_.server().AddOrders({std::move(agents), "ping", "", kDay}, bench_.now);
  };
  EXPECT_EQ(add({agent_.id, unadmitted.id}).error().code, Code::kRefused);
  EXPECT_EQ(add({agent_.id, bench_.NewAgent().id}).error().code, Code::kNotFound);
  EXPECT_TRUE(bench_.Due().empty()) << "all or none";
  EXPECT_TRUE(add({agent_.id}).has_value());
}

// As earlier versions queued them.
TEST_F(DispatchTest, OrdersThatCanNeverBeSignedEndAndKeepNoneBack) {
  const auto add = [&] {
    return bench_.server()
        .AddOrders({{agent_.id}, "scan", R"({"limit":-1})", kDay}, bench_.now)
        .value()
        .front();
  };
  Jti bad;
  for (std::size_t i = 0; i < Server::kMaxOrdersInReply; ++i) bad = add();
  const Jti good = bench_.AddOrder(agent_);
  const auto reply = bench_.Tell(agent_);
  ASSERT_EQ(reply.orders.size(), 1U);
  EXPECT_EQ(Parsed(reply.orders.front()).jti, good);
  EXPECT_EQ(bench_.Order(bad).state, OrderState::kLapsed);
  EXPECT_EQ(bench_.Order(bad).ended, bench_.now);
  bad = add();
  EXPECT_TRUE(bench_.Due().empty());
  EXPECT_EQ(bench_.Order(bad).state, OrderState::kLapsed);
}

TEST_F(DispatchTest, ReplyCarriesNoMoreThanItMay) {
  for (std::size_t i = 0; i < 2 * Server::kMaxOrdersInReply; ++i) (void)bench_.AddOrder(agent_);
  EXPECT_EQ(bench_.Tell(agent_).orders.size(), Server::kMaxOrdersInReply);
  EXPECT_EQ(bench_.Tell(agent_).orders.size(), 0U) << "as many are under way";
}

TEST_F(DispatchTest, CallGoesToWhereTheReportCameFrom) {
  const Jti jti = bench_.AddOrder(agent_);
  const Call call = OneCall();
  EXPECT_EQ(call.agent, agent_.id);
  EXPECT_EQ(call.jti, jti);
  EXPECT_EQ(call.address.Text(), ServerBench::kAgentAddress);
  EXPECT_EQ(call.port, agent_.profile.port);
  EXPECT_TRUE(bench_.Due().empty()) << "claimed";
}

TEST_F(DispatchTest, AgentsThatAreBusyAreNotCalled) {
  (void)bench_.AddOrder(agent_);
  EXPECT_TRUE(bench_.server().DueCalls(bench_.now, 10, {agent_.id}).value().empty());
  EXPECT_EQ(bench_.Due().size(), 1U);
}

TEST_F(DispatchTest, FiveAttemptsAQuarterOfAnHourApartThenItsReport) {
  const Jti jti = bench_.AddOrder(agent_);
  for (int i = 0; i < 5; ++i) {
    const Call call = OneCall();
    bench_.server().CallFailed(call, "connection refused", bench_.now);
    bench_.now += Seconds(899);
    EXPECT_TRUE(bench_.Due().empty());
    bench_.now += Seconds(1);
  }
  EXPECT_TRUE(bench_.Due().empty());
  bench_.now += kDay / 2;
  EXPECT_TRUE(bench_.Due().empty());
  agent_.nonce.reset();
  (void)bench_.Tell(agent_);
  const auto reply = bench_.Tell(agent_);
  ASSERT_EQ(reply.orders.size(), 1U);
  EXPECT_EQ(Parsed(reply.orders[0]).jti, jti);
}

// Signing.

TEST_F(DispatchTest, OrderIsSignedForThisAgentAndChallenge) {
  (void)bench_.AddOrder(agent_, "report");
  const Call call = OneCall();
  const std::string message = bench_.server().SignCall(call, "Y2hhbGxlbmdl", bench_.now).value();
  const auto signed_order = wire::ParseOrder(message).value();
  EXPECT_TRUE(wire::IsSignedBy(signed_order.envelope, bench_.active.key.public_key()));
  EXPECT_EQ(signed_order.order.iss, bench_.server_id);
  EXPECT_EQ(signed_order.order.aud, agent_.id);
  EXPECT_EQ(signed_order.order.act, "report");
  EXPECT_EQ(signed_order.order.challenge, "Y2hhbGxlbmdl");
  EXPECT_TRUE(signed_order.order.x5c.empty());
  const auto row = bench_.Order(call.jti);
  EXPECT_EQ(row.state, OrderState::kSent);
  ASSERT_EQ(row.versions.size(), 1U);
  EXPECT_EQ(row.versions[0].oh, wire::HashOfOrder(message));
}

TEST_F(DispatchTest, BundleIsOfferedWhenHeldIsNotWhatItShouldBe) {
  bench_.Replace(bench_.Issue(11));
  (void)bench_.AddOrder(agent_);
  const auto order = Parsed(bench_.Sign(OneCall()));
  EXPECT_EQ(order.x5t, bench_.active.certificate.thumbprint());
  EXPECT_EQ(order.x5c.size(), 2U);
}

TEST_F(DispatchTest, BundleIsOfferedAfterUnknownKeyAndThenOnceMore) {
  (void)bench_.AddOrder(agent_);
  Call call = OneCall();
  const std::string first = bench_.Sign(call);
  EXPECT_TRUE(Parsed(first).x5c.empty());
  agent_.Hold(bench_.FirstTrustOf(bench_.Issue(5)));  // restored, without a word
  EXPECT_EQ(Take(call, agent_.Receipt(first, Verdict::kUnknownKey, bench_.now)),
            CallNext::kOnceMore);
  const std::string second = bench_.Sign(call);
  EXPECT_EQ(Parsed(second).x5c.size(), 2U);
  EXPECT_EQ(Parsed(second).jti, Parsed(first).jti);
  EXPECT_EQ(Take(call, agent_.Receipt(second, Verdict::kUnknownKey, bench_.now)), CallNext::kEnded);
}

TEST_F(DispatchTest, StaleIsTriedOnceMoreOnTheConnection) {
  (void)bench_.AddOrder(agent_);
  Call call = OneCall();
  EXPECT_EQ(Take(call, agent_.Receipt(bench_.Sign(call), Verdict::kStale, bench_.now)),
            CallNext::kOnceMore);
  EXPECT_EQ(Take(call, agent_.Receipt(bench_.Sign(call), Verdict::kStale, bench_.now)),
            CallNext::kEnded);
}

TEST_F(DispatchTest, NoOrderIsSignedForAnAgentThatMayNotHaveItAnyMore) {
  (void)bench_.AddOrder(agent_);
  const Call call = OneCall();
  const auto row = bench_.Row(agent_);
  for (int i = 0; i < 3; ++i) {
    auto changed = row;
    (i == 0 ? changed.forgotten : changed.cloned) = true;
    if (i == 2) changed = row, changed.admitted = false;
    bench_.Put(changed);
    EXPECT_EQ(bench_.server().SignCall(call, "YQ", bench_.now).error().code, Code::kRefused);
  }
}

TEST_F(DispatchTest, EndedOrderIsNotSignedAgain) {
  (void)bench_.AddOrder(agent_);
  Call call = OneCall();
  (void)Take(call, agent_.Receipt(bench_.Sign(call), Verdict::kDone, bench_.now));
  EXPECT_EQ(bench_.server().SignCall(call, "YQ", bench_.now).error().code, Code::kRefused);
}

// The age of a jti.

TEST_F(DispatchTest, OrderThatWasNeverSentDrawsANewJtiAfterADay) {
  const Jti jti = bench_.AddOrder(agent_);
  bench_.now += kDay - Seconds(1);
  EXPECT_EQ(OneCall().jti, jti);
  bench_.now += kDay;
  const Call call = OneCall();
  EXPECT_NE(call.jti, jti);
  EXPECT_EQ(Parsed(bench_.Sign(call)).jti, call.jti);
}

TEST_F(DispatchTest, SentOrderOfUnknownFateStaysUnknownAfterADay) {
  const Jti jti = bench_.AddOrder(agent_);
  const Call call = OneCall();
  (void)bench_.Sign(call);
  bench_.now += kDay;
  EXPECT_EQ(bench_.server().SignCall(call, "YQ", bench_.now).error().code, Code::kRefused);
  EXPECT_TRUE(bench_.Due().empty());
  EXPECT_EQ(bench_.Order(jti).state, OrderState::kUnknown);
  EXPECT_TRUE(bench_.Tell(agent_).orders.empty());
}

TEST_F(DispatchTest, UndeliveredOrderLapses) {
  const Jti jti = bench_.AddOrder(agent_);
  bench_.now += 7 * kDay - Seconds(1);
  bench_.server().Tick(bench_.now);
  EXPECT_EQ(bench_.Order(jti).state, OrderState::kQueued);
  bench_.now += Seconds(1);
  EXPECT_TRUE(bench_.Due().empty());
  EXPECT_EQ(bench_.Order(jti).state, OrderState::kLapsed);
  const Jti other = bench_.AddOrder(agent_);
  bench_.now += 7 * kDay;
  bench_.server().Tick(bench_.now);
  EXPECT_EQ(bench_.Order(other).state, OrderState::kLapsed);
}

// In replies.

TEST_F(DispatchTest, ReplyToAProvedReportBringsTheOrders) {
  const Jti jti = bench_.AddOrder(agent_);
  const auto report = agent_.Report(bench_.now);
  const auto reply = bench_.Tell(agent_, report);
  ASSERT_EQ(reply.orders.size(), 1U);
  const auto order = Parsed(reply.orders[0]);
  EXPECT_EQ(order.jti, jti);
  EXPECT_EQ(order.challenge, report.challenge);
  EXPECT_TRUE(order.x5c.empty());
  EXPECT_EQ(bench_.Order(jti).state, OrderState::kSent);
}

TEST_F(DispatchTest, ReplyToAnUnprovedReportBringsNone) {
  (void)bench_.AddOrder(agent_);
  agent_.nonce.reset();
  EXPECT_TRUE(bench_.Tell(agent_).orders.empty());
}

TEST_F(DispatchTest, ReplyBringsOrdersWithTheBundleToAnAgentBehind) {
  (void)bench_.AddOrder(agent_);
  bench_.Replace(bench_.Issue(11));
  const auto reply = bench_.Tell(agent_);
  EXPECT_EQ(reply.x5c.size(), 2U);
  ASSERT_EQ(reply.orders.size(), 1U);
  EXPECT_EQ(Parsed(reply.orders[0]).x5t, reply.x5t);
  EXPECT_TRUE(Parsed(reply.orders[0]).x5c.empty());
}

TEST_F(DispatchTest, ReplyBringsNoneToAnAgentThatIsMismatchedOrNotAdmitted) {
  (void)bench_.AddOrder(agent_);
  auto row = bench_.Row(agent_);
  row.admitted = false;
  bench_.Put(row);
  EXPECT_TRUE(bench_.Tell(agent_).orders.empty());
  row = bench_.Row(agent_);
  row.admitted = true;
  bench_.Put(row);
  const auto other = bench_.authority.MakeServer(
      bench_.authority.MakeOwner(), {.server_ids = {bench_.server_id}, .generation = 3});
  agent_.Hold(bench_.FirstTrustOf(other));
  EXPECT_TRUE(bench_.Tell(agent_).orders.empty());
}

TEST_F(DispatchTest, ReplyBringsAtMostSixteenAndTheRestLater) {
  for (int i = 0; i < 20; ++i) (void)bench_.AddOrder(agent_);
  EXPECT_EQ(bench_.Tell(agent_).orders.size(), 16U);
}

TEST_F(DispatchTest, OrderThatWasJustSentIsNotInTheReply) {
  (void)bench_.AddOrder(agent_);
  (void)bench_.Sign(OneCall());
  bench_.now += Seconds(59);
  EXPECT_TRUE(bench_.Tell(agent_).orders.empty());
  bench_.now += Seconds(1);
  EXPECT_EQ(bench_.Tell(agent_).orders.size(), 1U);
}

TEST_F(DispatchTest, ClockThatWasSetBackDoesNotHoldAnOrderBack) {
  (void)bench_.AddOrder(agent_);
  (void)bench_.Sign(OneCall());
  bench_.now -= 365 * kDay;
  EXPECT_EQ(bench_.Tell(agent_).orders.size(), 1U);
}

// Whom the server calls.

struct Callable {
  std::string_view address;
  std::string_view report_source;
  bool expected;
};

class IsCallableTest : public ::testing::TestWithParam<Callable> {};

TEST_P(IsCallableTest, ByTheRuleOfTheProtocol) {
  ServerBench bench;
  auto config = bench.config;
  config.listen = "192.0.2.200";
  config.call_networks = {"10.1.0.0/16", "127.0.5.0/24", "169.254.0.0/16", "192.0.2.200"};
  bench.Configure(config);
  const auto address = net::IpAddress::Parse(GetParam().address).value();
  EXPECT_EQ(bench.server().IsCallable(address, GetParam().report_source), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Addresses, IsCallableTest,
    ::testing::Values(
        Callable{"192.0.2.7", "192.0.2.7", true}, Callable{"192.0.2.8", "192.0.2.7", false},
        Callable{"10.1.2.3", "192.0.2.7", true}, Callable{"10.2.2.3", "192.0.2.7", false},
        Callable{"127.0.0.1", "127.0.0.1", false}, Callable{"127.0.5.1", "127.0.5.1", true},
        Callable{"::1", "::1", false}, Callable{"169.254.1.1", "169.254.1.1", false},
        Callable{"fe80::1", "fe80::1", false}, Callable{"224.0.0.1", "224.0.0.1", false},
        Callable{"ff02::1", "ff02::1", false}, Callable{"0.0.0.0", "0.0.0.0", false},
        Callable{"::", "::", false}, Callable{"192.0.2.200", "192.0.2.200", false},
        Callable{"::ffff:127.0.0.1", "127.0.0.1", false},
        Callable{"2001:db8::7", "2001:db8::7", true}));

}  // namespace
}  // namespace countersign::server
