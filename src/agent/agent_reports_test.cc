#include <gtest/gtest.h>

#include "agent/agent.h"
#include "tests/support/agent_bench.h"

// Reports and replies as an agent makes and takes them (protocol section 6).
namespace countersign::agent {
namespace {

using testing::AgentBench;
using testing::AgentFile;
using testing::Fate;
using testing::Identity;
using trust::Verdict;

class AgentReportsTest : public ::testing::Test {
 protected:
  [[nodiscard]] bool IsHeld(const Identity& identity) {
    return bench_.agent().trust().certificate == identity.certificate;
  }
  [[nodiscard]] Uptime Wait() { return bench_.agent().NextReportAt() - bench_.now.boot; }
  Agent::ReplyOutcome Answer(const wire::Reply& reply) {
    return bench_.Take(reply, bench_.server.key);
  }
  // The receipts of a reply with these orders, signed by the held certificate.
  std::vector<wire::Receipt> TakeOrders(const std::vector<wire::Order>& orders) {
    auto reply = bench_.Reply(bench_.Report());
    for (wire::Order order : orders) {
      if (order.challenge.empty()) order.challenge = reply.challenge;
      reply.orders.push_back(AgentBench::Sign(order, bench_.server.key));
    }
    const auto outcome = Answer(reply);
    EXPECT_FALSE(outcome.refused.has_value());
    std::vector<wire::Receipt> receipts;
    for (const auto& receipt : outcome.receipts) receipts.push_back(bench_.Read(receipt));
    return receipts;
  }
  [[nodiscard]] wire::Order OrderForReply(std::string act = "ping") {
    auto order = bench_.Order(std::move(act));
    order.challenge.clear();  // that of the reply
    return order;
  }
  AgentBench bench_;
};

// Nonce, echo, and when to report.

TEST_F(AgentReportsTest, FirstReportIsDueAtTheStart) {
  EXPECT_EQ(bench_.agent().NextReportAt(), bench_.now.boot);
}

TEST_F(AgentReportsTest, ReportSaysWhatIsHeldAndWhoReports) {
  const auto report = bench_.Report();
  EXPECT_EQ(report.iss, bench_.id);
  EXPECT_EQ(report.aud, bench_.server_id);
  EXPECT_EQ(report.held, wire::HeldOf(bench_.agent().trust()));
  EXPECT_EQ(report.instance, bench_.agent().instance());
  EXPECT_FALSE(report.echo.has_value());
  EXPECT_TRUE(report.x5c.empty());
}

TEST_F(AgentReportsTest, WithoutANonceItReportsAgainAtOnceOnce) {
  const auto reply = bench_.Reply(bench_.Report());
  EXPECT_FALSE(Answer(reply).refused.has_value());
  EXPECT_EQ(Wait(), Uptime(0));
  const auto second = bench_.Report();
  EXPECT_EQ(second.echo, reply.nonce);
  EXPECT_FALSE(Answer(bench_.Reply(second)).refused.has_value());
  EXPECT_GT(Wait(), Seconds(800));
  EXPECT_LE(Wait(), Seconds(900));
}

TEST_F(AgentReportsTest, NonceProvesOneReportOnly) {
  (void)bench_.Exchange();
  EXPECT_TRUE(bench_.Report().echo.has_value());
  bench_.agent().ReportFailed("cut", 0, bench_.now);
  EXPECT_FALSE(bench_.Report().echo.has_value());
}

TEST_F(AgentReportsTest, NonceFieldServesWhereTheReplyIsRefused) {
  const Nonce nonce = bench_.random.Token();
  (void)bench_.Report();
  EXPECT_EQ(bench_.agent().TakeReply("no reply", nonce.Text(), bench_.now).refused,
            Verdict::kMalformed);
  EXPECT_EQ(bench_.Report().echo, nonce);
}

TEST_F(AgentReportsTest, VerifiedNonceGoesBeforeTheField) {
  const auto reply = bench_.Reply(bench_.Report());
  const auto message = wire::SignReply(reply, bench_.server.key).value();
  (void)bench_.agent().TakeReply(message, bench_.random.Token().Text(), bench_.now);
  EXPECT_EQ(bench_.Report().echo, reply.nonce);
}

TEST_F(AgentReportsTest, BackOffDoublesUpToTheIntervalAndEndsWithAReply) {
  Uptime most(5'000);
  for (int i = 0; i < 30; ++i) {
    (void)bench_.Report();
    bench_.agent().ReportFailed("connection refused", 0, bench_.now);
    EXPECT_GE(Wait(), most / 2);
    EXPECT_LE(Wait(), most);
    most = std::min<Uptime>(most * 2, Seconds(3'600));
  }
  (void)bench_.Exchange();
  (void)bench_.Report();
  bench_.agent().ReportFailed("connection refused", 0, bench_.now);
  EXPECT_LE(Wait(), Uptime(5'000));
}

TEST_F(AgentReportsTest, RetryAfterIsKeptWithinAnHour) {
  (void)bench_.Report();
  bench_.agent().ReportFailed("429", 60, bench_.now);
  EXPECT_EQ(Wait(), Seconds(60));
  bench_.agent().ReportFailed("429", 1'000'000, bench_.now);
  EXPECT_EQ(Wait(), Seconds(3'600));
}

TEST_F(AgentReportsTest, FailuresAreToldWithinAnHour) {
  auto reply = bench_.Reply(bench_.Report());
  reply.interval = 86'400;
  EXPECT_FALSE(Answer(reply).refused.has_value());
  reply = bench_.Reply(bench_.Report());
  reply.interval = 86'400;
  EXPECT_FALSE(Answer(reply).refused.has_value());
  EXPECT_GT(Wait(), std::chrono::hours(20));
  (void)bench_.Give("x", "198.51.100.9");
  EXPECT_LE(Wait(), std::chrono::minutes(60));
}

TEST_F(AgentReportsTest, FailuresAreCumulativeUntilAProvedReportWasAnswered) {
  (void)bench_.Give("x", "198.51.100.9");
  EXPECT_EQ(bench_.Report().failures.size(), 1U);
  bench_.agent().ReportFailed("cut", 0, bench_.now);
  (void)bench_.Exchange();  // without echo: the server took nothing from it
  EXPECT_EQ(bench_.Report().failures.size(), 1U);
  bench_.agent().ReportFailed("cut", 0, bench_.now);
  (void)bench_.Exchange();
  (void)bench_.Exchange();
  EXPECT_TRUE(bench_.Report().failures.empty());
}

TEST_F(AgentReportsTest, NoSeqNoReportAndNoHurry) {
  bench_.disk.set_plan([](AgentFile, std::size_t) { return Fate::kFailsOld; });
  EXPECT_FALSE(bench_.agent().MakeReport(bench_.now).has_value());
  EXPECT_GT(Wait(), Uptime(0));
}

// Replies, steps 1 to 7.

TEST_F(AgentReportsTest, ReplyIsGoodForTheReportMadeLastAndOnce) {
  const auto first = bench_.Report();
  const auto second = bench_.Report();
  EXPECT_EQ(Answer(bench_.Reply(first)).refused, Verdict::kStale);
  const auto third = bench_.Report();
  const auto reply = bench_.Reply(third);
  EXPECT_FALSE(Answer(reply).refused.has_value());
  EXPECT_EQ(Answer(reply).refused, Verdict::kStale);
  EXPECT_EQ(Answer(bench_.Reply(second)).refused, Verdict::kStale);
}

TEST_F(AgentReportsTest, ReplyWithAChallengeOfTheListenerIsStale) {
  auto reply = bench_.Reply(bench_.Report());
  reply.challenge = bench_.agent().DrawChallenge(bench_.now);
  EXPECT_EQ(Answer(reply).refused, Verdict::kStale);
}

TEST_F(AgentReportsTest, LateReplyIsStale) {
  const auto report = bench_.Report();
  bench_.Pass(Uptime(300'001));
  EXPECT_EQ(Answer(bench_.Reply(report)).refused, Verdict::kStale);
}

TEST_F(AgentReportsTest, RefusedReplyChangesNothingAndIsCounted) {
  const Identity thief = bench_.authority.MakeImported();
  auto reply = bench_.Reply(bench_.Report());
  reply.x5t = thief.certificate.thumbprint();
  reply.x5c = {thief.certificate.der(), thief.certificate.der()};
  reply.jump = 1'000;
  const auto message = wire::SignReply(reply, thief.key).value();
  EXPECT_EQ(bench_.agent().TakeReply(message, "", bench_.now).refused, Verdict::kOtherOwner);
  EXPECT_TRUE(IsHeld(bench_.server));
  const auto report = bench_.Report();
  EXPECT_LT(report.seq, 1'000U);
  EXPECT_FALSE(report.echo.has_value());
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_EQ(report.failures[0].verdict, Verdict::kOtherOwner);
  EXPECT_EQ(report.failures[0].source, wire::kServerSource);
}

TEST_F(AgentReportsTest, NewerCertificateIsTakenOverWithTheReply) {
  const Identity newer = bench_.Issue(11);
  const auto outcome = bench_.Take(bench_.By(newer, bench_.Reply(bench_.Report())), newer.key);
  EXPECT_FALSE(outcome.refused.has_value());
  EXPECT_TRUE(outcome.trust_moved);
  bench_.Start();
  EXPECT_TRUE(IsHeld(newer));
}

TEST_F(AgentReportsTest, AgentThatSleptThroughRotationsCatchesUpInOneExchange) {
  const Identity newest = bench_.Issue(99);
  (void)bench_.Take(bench_.By(newest, bench_.Reply(bench_.Report())), newest.key);
  EXPECT_TRUE(IsHeld(newest));
}

TEST_F(AgentReportsTest, ExpiredReplyMovesTrustAndNothingElse) {
  const Identity expired = bench_.Issue(11, bench_.now.wall - Seconds(1));
  auto reply = bench_.By(expired, bench_.Reply(bench_.Report()));
  reply.jump = 5'000;
  auto order = OrderForReply("report");
  order.x5t = reply.x5t;
  order.challenge = reply.challenge;
  reply.orders = {AgentBench::Sign(order, expired.key)};
  const auto outcome = bench_.Take(reply, expired.key);
  EXPECT_EQ(outcome.refused, Verdict::kCertificateExpired);
  EXPECT_TRUE(outcome.trust_moved);
  EXPECT_TRUE(outcome.receipts.empty());
  EXPECT_TRUE(IsHeld(expired));
  const auto report = bench_.Report();
  EXPECT_LT(report.seq, 5'000U);
  EXPECT_EQ(report.echo, reply.nonce) << "by its field";
}

TEST_F(AgentReportsTest, TrustThatCannotBeStoredHasNotMoved) {
  const Identity newer = bench_.Issue(11);
  const auto reply = bench_.By(newer, bench_.Reply(bench_.Report()));
  bench_.disk.set_plan([](AgentFile, std::size_t) { return Fate::kFailsOld; });
  EXPECT_EQ(bench_.Take(reply, newer.key).refused, Verdict::kCannotRecord);
  EXPECT_TRUE(IsHeld(bench_.server));
}

// What a reply tells.

TEST_F(AgentReportsTest, JumpMakesSeqGoAbove) {
  auto reply = bench_.Reply(bench_.Report());
  reply.jump = 123'456;
  EXPECT_FALSE(Answer(reply).refused.has_value());
  EXPECT_EQ(bench_.Report().seq, 123'457U);
}

TEST_F(AgentReportsTest, JumpTooFarAheadIsPassedOver) {
  auto reply = bench_.Reply(bench_.Report());
  reply.jump = std::uint64_t{1} << 40;
  EXPECT_FALSE(Answer(reply).refused.has_value());
  EXPECT_LT(bench_.Report().seq, 10U);
}

TEST_F(AgentReportsTest, WantedBundleComesAtOnceAndOnlyWhileItIsWanted) {
  (void)bench_.Exchange();
  auto reply = bench_.Reply(bench_.Report());
  reply.want_bundle = true;
  EXPECT_FALSE(Answer(reply).refused.has_value());
  EXPECT_EQ(Wait(), Uptime(0));
  const auto report = bench_.Report();
  EXPECT_EQ(report.x5c, std::vector<Bytes>{bench_.server.certificate.der()})
      << "after first trust: the certificate alone";
  EXPECT_FALSE(Answer(bench_.Reply(report)).refused.has_value());
  EXPECT_TRUE(bench_.Report().x5c.empty());
}

TEST_F(AgentReportsTest, BundleIsTheOneByWhichTheCertificateWasAccepted) {
  const Identity newer = bench_.Issue(11);
  auto reply = bench_.By(newer, bench_.Reply(bench_.Report()));
  reply.want_bundle = true;
  EXPECT_FALSE(bench_.Take(reply, newer.key).refused.has_value());
  EXPECT_EQ(bench_.Report().x5c, bench_.BundleOf(newer));
}

TEST_F(AgentReportsTest, WantedAgainAndAgainIsNotHurried) {
  (void)bench_.Exchange();
  for (int i = 0; i < 3; ++i) {
    auto reply = bench_.Reply(bench_.Report());
    reply.want_bundle = true;
    EXPECT_FALSE(Answer(reply).refused.has_value());
    EXPECT_EQ(Wait() == Uptime(0), i == 0);
  }
}

TEST_F(AgentReportsTest, ServerThatWasSetBackCanAskForTheBundle) {
  const Identity newer = bench_.Issue(11);
  (void)bench_.Take(bench_.By(newer, bench_.Reply(bench_.Report())), newer.key);
  auto reply = bench_.By(bench_.server, bench_.Reply(bench_.Report()));
  reply.want_bundle = true;
  EXPECT_EQ(bench_.Take(reply, bench_.server.key).refused, Verdict::kOlderGeneration);
  EXPECT_EQ(bench_.Report().x5c, bench_.BundleOf(newer));
  reply = bench_.By(bench_.server, bench_.Reply(bench_.Report()));
  EXPECT_EQ(bench_.Take(reply, bench_.server.key).refused, Verdict::kOlderGeneration);
  EXPECT_TRUE(bench_.Report().x5c.empty());
}

TEST_F(AgentReportsTest, LocalAuthorityReplacesTrustAndForgetsWhatTheOtherServerGave) {
  (void)bench_.Exchange();
  bench_.Pass(Uptime(1'000));
  const auto other = bench_.authority.MakeServer(
      bench_.authority.MakeOwner(),
      {.server_ids = {bench_.authority.MakeServerId()}, .generation = 1});
  const auto state = trust::FirstTrust(other.certificate, &bench_.agent().trust()).value();
  ASSERT_TRUE(bench_.agent().AdoptTrust(state, bench_.now).has_value());
  EXPECT_TRUE(IsHeld(other));
  EXPECT_EQ(Wait(), Uptime(0));
  EXPECT_FALSE(bench_.Report().echo.has_value());
}

// Orders in replies.

TEST_F(AgentReportsTest, OrdersInAReplyAreRunAndReceipted) {
  const auto ping = OrderForReply();
  const auto coffee = OrderForReply("make-coffee");
  const auto receipts = TakeOrders({ping, coffee});
  ASSERT_EQ(receipts.size(), 2U);
  EXPECT_EQ(receipts[0].order, ping.jti);
  EXPECT_EQ(receipts[0].verdict, Verdict::kDone);
  EXPECT_EQ(receipts[1].order, coffee.jti);
  EXPECT_EQ(receipts[1].verdict, Verdict::kUnknownAction);
}

TEST_F(AgentReportsTest, OrderWithAnotherChallengeThanTheReplysIsStale) {
  const auto receipts = TakeOrders({bench_.Order()});  // fresh at the listener
  ASSERT_EQ(receipts.size(), 1U);
  EXPECT_EQ(receipts[0].verdict, Verdict::kStale);
}

TEST_F(AgentReportsTest, OrderOfAReplyIsStaleAtTheListener) {
  auto reply = bench_.Reply(bench_.Report());
  auto order = OrderForReply();
  order.challenge = reply.challenge;
  const std::string message = AgentBench::Sign(order, bench_.server.key);
  EXPECT_EQ(bench_.Verdict(message), Verdict::kStale);
  reply.orders = {message};
  EXPECT_EQ(Answer(reply).receipts.size(), 1U);
  EXPECT_EQ(bench_.Verdict(message), Verdict::kStale);
}

TEST_F(AgentReportsTest, OrderInAReplyIsRefusedStepByStep) {
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

TEST_F(AgentReportsTest, OrderRunsOnceWhicheverWayItComes) {
  auto order = OrderForReply();
  EXPECT_EQ(TakeOrders({order, order}).at(1).verdict, Verdict::kDoneBefore);
  order.challenge = bench_.agent().DrawChallenge(bench_.now);
  EXPECT_EQ(bench_.Send(order).verdict, Verdict::kDoneBefore);
}

TEST_F(AgentReportsTest, UpdateNowInAReplyReportsAgainAndSendsItsReceiptAfterwards) {
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

TEST_F(AgentReportsTest, OrdersAreThoseOfTheCertificateThatTheReplyBrought) {
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

// Waiting for the answer.

TEST_F(AgentReportsTest, ReportWaitsWhereTheReplyBeforeAskedForIt) {
  bench_.Exchange();
  EXPECT_EQ(bench_.agent().report_wait(), Seconds(0));
  auto reply = bench_.Reply(bench_.Report());
  reply.wait = 100;
  ASSERT_FALSE(Answer(reply).refused.has_value());
  EXPECT_LE(Wait(), Uptime(5'000));
  bench_.Pass(Wait());
  (void)bench_.Report();
  EXPECT_EQ(bench_.agent().report_wait(), Seconds(100));
  EXPECT_GT(Wait(), Uptime(100'000)) << "no other report is due meanwhile";
}

TEST_F(AgentReportsTest, ReportThatAnOrderAskedForDoesNotWaitAndRecallsOneThatDoes) {
  bench_.Exchange();
  auto reply = bench_.Reply(bench_.Report());
  reply.wait = 100;
  ASSERT_FALSE(Answer(reply).refused.has_value());
  bench_.Pass(Wait());
  (void)bench_.Report();
  bench_.agent().ReportSoon(bench_.now, Uptime(0));
  EXPECT_EQ(Wait(), Uptime(0));
  bench_.agent().ReportRecalled(bench_.now);
  (void)bench_.Report();
  EXPECT_EQ(bench_.agent().report_wait(), Seconds(0));
}

TEST_F(AgentReportsTest, FailedReportEndsTheWaiting) {
  bench_.Exchange();
  auto reply = bench_.Reply(bench_.Report());
  reply.wait = 100;
  ASSERT_FALSE(Answer(reply).refused.has_value());
  bench_.Pass(Wait());
  (void)bench_.Report();
  bench_.agent().ReportFailed("no answer", 0, bench_.now);
  bench_.Pass(Wait());
  (void)bench_.Report();
  EXPECT_EQ(bench_.agent().report_wait(), Seconds(0));
}

}  // namespace
}  // namespace countersign::agent
