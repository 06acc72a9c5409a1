#include "agent/agent_reports_fixture.h"

// Reports: nonce, echo, when they are due, and waiting for the answer (protocol section 6).
namespace countersign::agent {
namespace {

using AgentReportsTest = AgentReportsFixture;

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
