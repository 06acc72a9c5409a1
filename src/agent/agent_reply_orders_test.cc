#include "agent/agent_reports_fixture.h"

// Orders in replies (protocol section 6).
namespace countersign::agent {
namespace {

using AgentReplyOrdersTest = AgentReportsFixture;

TEST_F(AgentReplyOrdersTest, OrdersInAReplyAreRunAndReceipted) {
  const auto ping = OrderForReply();
  const auto coffee = OrderForReply("make-coffee");
  const auto receipts = TakeOrders({ping, coffee});
  ASSERT_EQ(receipts.size(), 2U);
  EXPECT_EQ(receipts[0].order, ping.jti);
  EXPECT_EQ(receipts[0].verdict, Verdict::kDone);
  EXPECT_EQ(receipts[1].order, coffee.jti);
  EXPECT_EQ(receipts[1].verdict, Verdict::kUnknownAction);
}

TEST_F(AgentReplyOrdersTest, OrderWithAnotherChallengeThanTheReplysIsStale) {
  const auto receipts = TakeOrders({bench_.Order()});  // fresh at the listener
  ASSERT_EQ(receipts.size(), 1U);
  EXPECT_EQ(receipts[0].verdict, Verdict::kStale);
}

TEST_F(AgentReplyOrdersTest, OrderOfAReplyIsStaleAtTheListener) {
  auto reply = bench_.Reply(bench_.Report());
  auto order = OrderForReply();
  order.challenge = reply.challenge;
  const std::string message = AgentBench::Sign(order, bench_.server.key);
  EXPECT_EQ(bench_.Verdict(message), Verdict::kStale);
  reply.orders = {message};
  EXPECT_EQ(Answer(reply).receipts.size(), 1U);
  EXPECT_EQ(bench_.Verdict(message), Verdict::kStale);
}

TEST_F(AgentReplyOrdersTest, OrderInAReplyIsRefusedStepByStep) {
  auto with_bundle = OrderForReply();
  with_bundle.x5c = bench_.BundleOf(bench_.server);
  auto for_another = OrderForReply();
  for_another.aud = bench_.authority.MakeServerId();
  auto of_another = OrderForReply();
  of_another.iss = bench_.authority.MakeServerId();
  auto by_another = OrderForReply();
  by_another.x5t = bench_.Issue(11).certificate.thumbprint();
  const auto receipts = TakeOrders({with_bundle, for_another, of_another, by_another});
  ASSERT_EQ(receipts.size(), 4U);
  EXPECT_EQ(receipts[0].verdict, Verdict::kMalformed);
  EXPECT_EQ(receipts[1].verdict, Verdict::kWrongAgent);
  EXPECT_EQ(receipts[2].verdict, Verdict::kWrongServer);
  EXPECT_EQ(receipts[3].verdict, Verdict::kUnknownKey);
}

TEST_F(AgentReplyOrdersTest, OrderRunsOnceWhicheverWayItComes) {
  auto order = OrderForReply();
  EXPECT_EQ(TakeOrders({order, order}).at(1).verdict, Verdict::kDoneBefore);
  order.challenge = bench_.agent().DrawChallenge(bench_.now);
  EXPECT_EQ(bench_.Send(order).verdict, Verdict::kDoneBefore);
}

TEST_F(AgentReplyOrdersTest, UpdateNowInAReplyReportsAgainAndSendsItsReceiptAfterwards) {
  const auto order = OrderForReply("update-now");
  EXPECT_TRUE(TakeOrders({order}).empty());
  EXPECT_EQ(Wait(), Uptime(0));
  EXPECT_TRUE(bench_.agent().TakeReceipts().empty());
  (void)bench_.Exchange();
  const auto receipts = bench_.agent().TakeReceipts();
  ASSERT_EQ(receipts.size(), 1U);
  EXPECT_EQ(bench_.Read(receipts[0]).order, order.jti);
  EXPECT_EQ(bench_.Read(receipts[0]).verdict, Verdict::kDone);
  EXPECT_TRUE(bench_.agent().TakeReceipts().empty());
}

TEST_F(AgentReplyOrdersTest, OrdersAreThoseOfTheCertificateThatTheReplyBrought) {
  const Identity newer = bench_.Issue(11);
  auto reply = bench_.By(newer, bench_.Reply(bench_.Report()));
  auto by_new = OrderForReply();
  by_new.x5t = newer.certificate.thumbprint();
  by_new.challenge = reply.challenge;
  auto by_old = OrderForReply();
  by_old.challenge = reply.challenge;
  reply.orders = {AgentBench::Sign(by_new, newer.key), AgentBench::Sign(by_old, bench_.server.key)};
  const auto outcome = bench_.Take(reply, newer.key);
  ASSERT_EQ(outcome.receipts.size(), 2U);
  EXPECT_EQ(bench_.Read(outcome.receipts[0]).verdict, Verdict::kDone);
  EXPECT_EQ(bench_.Read(outcome.receipts[1]).verdict, Verdict::kUnknownKey);
}

}  // namespace
}  // namespace countersign::agent
