#include "agent/agent_reports_fixture.h"

// Replies, steps 1 to 7 (protocol section 6).
namespace countersign::agent {
namespace {

using AgentRepliesTest = AgentReportsFixture;

TEST_F(AgentRepliesTest, ReplyIsGoodForTheReportMadeLastAndOnce) {
  const auto first = bench_.Report();
  const auto second = bench_.Report();
  EXPECT_EQ(Answer(bench_.Reply(first)).refused, Verdict::kStale);
  const auto third = bench_.Report();
  const auto reply = bench_.Reply(third);
  EXPECT_FALSE(Answer(reply).refused.has_value());
  EXPECT_EQ(Answer(reply).refused, Verdict::kStale);
  EXPECT_EQ(Answer(bench_.Reply(second)).refused, Verdict::kStale);
}

TEST_F(AgentRepliesTest, ReplyWithAChallengeOfTheListenerIsStale) {
  auto reply = bench_.Reply(bench_.Report());
  reply.challenge = bench_.agent().DrawChallenge(bench_.now);
  EXPECT_EQ(Answer(reply).refused, Verdict::kStale);
}

TEST_F(AgentRepliesTest, LateReplyIsStale) {
  const auto report = bench_.Report();
  bench_.Pass(Uptime(300'001));
  EXPECT_EQ(Answer(bench_.Reply(report)).refused, Verdict::kStale);
}

TEST_F(AgentRepliesTest, RefusedReplyChangesNothingAndIsCounted) {
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

TEST_F(AgentRepliesTest, NewerCertificateIsTakenOverWithTheReply) {
  const Identity newer = bench_.Issue(11);
  const auto outcome = bench_.Take(bench_.By(newer, bench_.Reply(bench_.Report())), newer.key);
  EXPECT_FALSE(outcome.refused.has_value());
  EXPECT_TRUE(outcome.trust_moved);
  bench_.Start();
  EXPECT_TRUE(IsHeld(newer));
}

TEST_F(AgentRepliesTest, AgentThatSleptThroughRotationsCatchesUpInOneExchange) {
  const Identity newest = bench_.Issue(99);
  (void)bench_.Take(bench_.By(newest, bench_.Reply(bench_.Report())), newest.key);
  EXPECT_TRUE(IsHeld(newest));
}

TEST_F(AgentRepliesTest, ExpiredReplyMovesTrustAndNothingElse) {
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

TEST_F(AgentRepliesTest, TrustThatCannotBeStoredHasNotMoved) {
  const Identity newer = bench_.Issue(11);
  const auto reply = bench_.By(newer, bench_.Reply(bench_.Report()));
  bench_.disk.set_plan([](AgentFile, std::size_t) { return Fate::kFailsOld; });
  EXPECT_EQ(bench_.Take(reply, newer.key).refused, Verdict::kCannotRecord);
  EXPECT_TRUE(IsHeld(bench_.server));
}

// What a reply tells.

TEST_F(AgentRepliesTest, JumpMakesSeqGoAbove) {
  auto reply = bench_.Reply(bench_.Report());
  reply.jump = 123'456;
  EXPECT_FALSE(Answer(reply).refused.has_value());
  EXPECT_EQ(bench_.Report().seq, 123'457U);
}

TEST_F(AgentRepliesTest, JumpTooFarAheadIsPassedOver) {
  auto reply = bench_.Reply(bench_.Report());
  reply.jump = std::uint64_t{1} << 40;
  EXPECT_FALSE(Answer(reply).refused.has_value());
  EXPECT_LT(bench_.Report().seq, 10U);
}

TEST_F(AgentRepliesTest, WantedBundleComesAtOnceAndOnlyWhileItIsWanted) {
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

TEST_F(AgentRepliesTest, BundleIsTheOneByWhichTheCertificateWasAccepted) {
  const Identity newer = bench_.Issue(11);
  auto reply = bench_.By(newer, bench_.Reply(bench_.Report()));
  reply.want_bundle = true;
  EXPECT_FALSE(bench_.Take(reply, newer.key).refused.has_value());
  EXPECT_EQ(bench_.Report().x5c, bench_.BundleOf(newer));
}

TEST_F(AgentRepliesTest, WantedAgainAndAgainIsNotHurried) {
  (void)bench_.Exchange();
  for (int i = 0; i < 3; ++i) {
    auto reply = bench_.Reply(bench_.Report());
    reply.want_bundle = true;
    EXPECT_FALSE(Answer(reply).refused.has_value());
    EXPECT_EQ(Wait() == Uptime(0), i == 0);
  }
}

TEST_F(AgentRepliesTest, ServerThatWasSetBackCanAskForTheBundle) {
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

TEST_F(AgentRepliesTest, LocalAuthorityReplacesTrustAndForgetsWhatTheOtherServerGave) {
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

}  // namespace
}  // namespace countersign::agent
