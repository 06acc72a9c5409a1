#include <gtest/gtest.h>

#include "server/day_fixture.h"
#include "server/server.h"
#include "server/standing.h"
#include "tests/support/server_bench.h"

// Reports and what a server believes of them: nonces, registration, tokens (protocol section 6).
namespace countersign::server {
namespace {

using testing::FakeAgent;
using testing::ServerBench;

class ReportIntakeTest : public ::testing::Test {
 protected:
  // Whether the server takes this agent's next report, with this echo, as proved.
  bool IsProved(FakeAgent& agent, const std::optional<Nonce>& echo) {
    agent.nonce = echo;
    auto report = agent.Report(bench_.now);
    report.host = "host " + std::to_string(report.seq);
    (void)bench_.Tell(agent, report);
    return bench_.Row(agent).host == report.host;
  }
  // The nonce that an unproved report gets.
  Nonce UnprovedNonce(FakeAgent& agent) {
    agent.nonce.reset();
    return bench_.Tell(agent).nonce;
  }
  // An agent with a token, and the token in the registry.
  FakeAgent TokenAgent(std::optional<std::uint32_t> uses = std::nullopt,
                       std::optional<Instant> expires = std::nullopt) {
    FakeAgent agent = bench_.NewAgent();
    agent.profile.enrol = wire::EnrolToken{"token-1", Bytes(32, 7)};
    EXPECT_TRUE(bench_.registry
                    ->PutToken({.id = "token-1",
                                .secret = Bytes(32, 7),
                                .expires = expires,
                                .uses_left = uses,
                                .note = {}})
                    .has_value());
    return agent;
  }
  ServerBench bench_;
};

// Not a report.

TEST_F(ReportIntakeTest, WhatIsNotSignedByItsKeyIsNoReport) {
  FakeAgent agent = bench_.NewAgent();
  EXPECT_EQ(bench_.Give("hello").status, 400);
  const std::string message = agent.Sign(agent.Report(bench_.now));
  std::string cut = message.substr(0, message.rfind('.') + 1) + std::string(86, 'A');
  EXPECT_EQ(bench_.Give(cut).status, 400);
  EXPECT_FALSE(bench_.Knows(agent));
}

TEST_F(ReportIntakeTest, ForgottenKeyIsRefusedForEver) {
  FakeAgent agent = bench_.KnownAgent();
  auto row = bench_.Row(agent);
  row.forgotten = true;
  bench_.Put(row);
  EXPECT_EQ(bench_.Give(agent.Sign(agent.Report(bench_.now))).status, 403);
  bench_.now += 300 * kDay;
  bench_.server().Tick(bench_.now);
  EXPECT_EQ(bench_.Give(agent.Sign(agent.Report(bench_.now))).status, 403);
}

TEST_F(ReportIntakeTest, AgentAdmittedByARestoredBackupBringsItsKeyAndKeepsIt) {
  FakeAgent agent = bench_.KnownAgent();
  auto row = bench_.Row(agent);
  row.key.clear();  // an automatic backup keeps ids only
  row.nonces.clear();
  row.admitted_by = "backup";
  bench_.Put(row);
  agent.nonce.reset();
  (void)bench_.Tell(agent);
  (void)bench_.Tell(agent);
  EXPECT_EQ(bench_.Row(agent).key, agent.key.public_key().spki());
  EXPECT_TRUE(bench_.Row(agent).admitted);
  EXPECT_EQ(bench_.Row(agent).standing, kVerified);
}

TEST_F(ReportIntakeTest, WholeKeyIsPinned) {
  const FakeAgent agent = bench_.KnownAgent();
  auto row = bench_.Row(agent);
  row.key.back() ^= 1;
  bench_.Put(row);
  FakeAgent again = agent;
  EXPECT_EQ(bench_.Give(again.Sign(again.Report(bench_.now))).status, 403);
}

TEST_F(ReportIntakeTest, WithoutACertificateTheServerIsUnavailableAndForgetsNothing) {
  FakeAgent agent = bench_.KnownAgent();
  const auto nonce = agent.nonce;
  bench_.Put(bench_.active.certificate, store::CertificateRole::kServer,
             store::CertificateState::kRevoked);
  ASSERT_TRUE(bench_.server().Reload(bench_.now).has_value());
  EXPECT_EQ(bench_.Give(agent.Sign(agent.Report(bench_.now))).status, 503);
  bench_.Put(bench_.active.certificate, store::CertificateRole::kServer,
             store::CertificateState::kActive);
  ASSERT_TRUE(bench_.server().Reload(bench_.now).has_value());
  EXPECT_TRUE(IsProved(agent, nonce)) << "the nonce was not spent by a report that failed";
}

// Nonces.

TEST_F(ReportIntakeTest, ReportIsProvedByANonceOnce) {
  FakeAgent agent = bench_.KnownAgent();
  const auto nonce = agent.nonce;
  EXPECT_TRUE(IsProved(agent, nonce));
  EXPECT_FALSE(IsProved(agent, nonce));
}

TEST_F(ReportIntakeTest, UnprovedReportChangesNothingThatIsKnown) {
  FakeAgent agent = bench_.KnownAgent();
  const auto before = bench_.Row(agent);
  bench_.now += Seconds(100);
  FakeAgent changed = agent;
  changed.nonce.reset();
  changed.seq += 1'000;
  changed.instance = bench_.random.Token();
  changed.Hold(bench_.FirstTrustOf(bench_.Issue(3)));
  changed.profile.host = "elsewhere";
  EXPECT_EQ(bench_.Give(changed.Sign(changed.Report(bench_.now)), "198.51.100.1").status, 200);
  auto after = bench_.Row(agent);
  after.nonces = before.nonces;
  EXPECT_EQ(after, before);
}

// Whoever holds a report up must not choose when the server believes it, nor from where.
TEST_F(ReportIntakeTest, AReportThatWasOvertakenSaysNothing) {
  FakeAgent agent = bench_.KnownAgent();
  const Nonce first = bench_.Tell(agent).nonce;
  const Nonce second = UnprovedNonce(agent);
  agent.nonce = first;
  const std::string held_up = agent.Sign(agent.Report(bench_.now));
  agent.nonce = second;
  bench_.Replace(bench_.Issue(11));
  agent.Hold(bench_.AcceptedStateOf(bench_.active));
  agent.profile.host = "newer";
  (void)bench_.Tell(agent);
  const auto before = bench_.Row(agent);
  ASSERT_EQ(before.standing, "verified");
  EXPECT_EQ(bench_.Give(held_up, "192.0.2.66").status, 200);
  const auto after = bench_.Row(agent);
  EXPECT_EQ(after.standing, "verified");
  EXPECT_EQ(after.held_thumbprint, before.held_thumbprint);
  EXPECT_EQ(after.host, "newer");
  EXPECT_EQ(after.source, before.source);
  EXPECT_EQ(after.proved_seq, before.proved_seq);
}

TEST_F(ReportIntakeTest, NonceOfAnotherAgentProvesNothing) {
  FakeAgent agent = bench_.KnownAgent();
  FakeAgent other = bench_.KnownAgent();
  EXPECT_FALSE(IsProved(agent, other.nonce));
  EXPECT_TRUE(IsProved(other, other.nonce));
}

TEST_F(ReportIntakeTest, NonceIsGoodForEightDays) {
  FakeAgent agent = bench_.KnownAgent();
  const auto nonce = agent.nonce;
  FakeAgent other = bench_.KnownAgent();
  const auto late = other.nonce;
  bench_.now += 8 * kDay;
  EXPECT_TRUE(IsProved(agent, nonce));
  bench_.now += Seconds(1);
  EXPECT_FALSE(IsProved(other, late));
}

TEST_F(ReportIntakeTest, NonceSurvivesTheServersRestart) {
  FakeAgent agent = bench_.KnownAgent();
  bench_.Restart();
  EXPECT_TRUE(IsProved(agent, agent.nonce));
}

TEST_F(ReportIntakeTest, EightNewestUnusedOfProvedMessagesAreGood) {
  FakeAgent agent = bench_.KnownAgent();
  // Replies that are lost: each proved by the one before, and one nonce of each stays unused.
  std::vector<Nonce> unused;
  for (int i = 0; i < 10; ++i) {
    const auto proving = bench_.Tell(agent).nonce;  // proved
    unused.push_back(proving);
    agent.nonce = UnprovedNonce(agent);
    unused.push_back(bench_.Tell(agent).nonce);  // proved by the unproved one
    agent.nonce = UnprovedNonce(agent);
  }
  const std::size_t num = unused.size();
  EXPECT_FALSE(IsProved(agent, unused[num - 9]));
  EXPECT_TRUE(IsProved(agent, unused[num - 7]));
  EXPECT_TRUE(IsProved(agent, unused[num - 1]));
}

TEST_F(ReportIntakeTest, UnprovedReportsGetOneNonceForAMinute) {
  FakeAgent agent = bench_.KnownAgent();
  const Nonce first = UnprovedNonce(agent);
  bench_.now += Seconds(59);
  EXPECT_EQ(UnprovedNonce(agent), first);
  bench_.now += Seconds(1);
  const Nonce second = UnprovedNonce(agent);
  EXPECT_NE(second, first);
  bench_.now += Seconds(60);
  const Nonce third = UnprovedNonce(agent);
  EXPECT_FALSE(IsProved(agent, first));
  EXPECT_TRUE(IsProved(agent, second)) << "the predecessor is still good";
  EXPECT_TRUE(IsProved(agent, third));
  EXPECT_NE(UnprovedNonce(agent), third) << "drawn anew when spent";
}

TEST_F(ReportIntakeTest, ReplayedReportDisplacesNoNonce) {
  FakeAgent agent = bench_.KnownAgent();
  const auto good = agent.nonce;
  FakeAgent recorded = agent;
  recorded.nonce.reset();
  const std::string replay = recorded.Sign(recorded.Report(bench_.now));
  for (int i = 0; i < 100; ++i) {
    bench_.now += Seconds(61);
    EXPECT_EQ(bench_.Give(replay).status, 200);
  }
  EXPECT_TRUE(IsProved(agent, good));
}

TEST_F(ReportIntakeTest, ClockThatWasSetBackStillGivesNonces) {
  FakeAgent agent = bench_.KnownAgent();
  const Nonce ahead = UnprovedNonce(agent);
  bench_.now -= 365 * kDay;
  const Nonce back = UnprovedNonce(agent);
  EXPECT_NE(back, ahead);
  EXPECT_TRUE(IsProved(agent, back));
}

// What a proved report says.

TEST_F(ReportIntakeTest, ProvedReportIsBelieved) {
  FakeAgent agent = bench_.KnownAgent();
  agent.profile.host = "new name";
  agent.profile.addresses = {"192.0.2.9"};
  auto report = agent.Report(bench_.now + Seconds(400));
  EXPECT_EQ(bench_.Give(agent.Sign(report), "192.0.2.9").status, 200);
  const auto row = bench_.Row(agent);
  EXPECT_EQ(row.host, "new name");
  EXPECT_EQ(row.source, "192.0.2.9");
  EXPECT_EQ(row.proved_seq, report.seq);
  EXPECT_EQ(row.clock_offset, 400);
  EXPECT_TRUE(HasClockFault(row));
  EXPECT_EQ(row.last_verified, bench_.now);
}

TEST_F(ReportIntakeTest, ReportForAnotherServerIsEvidenceOfHeldAudAndFailuresOnly) {
  FakeAgent agent = bench_.KnownAgent();
  const auto before = bench_.Row(agent);
  const auto elsewhere = bench_.authority.MakeServer(
      bench_.authority.MakeOwner(),
      {.server_ids = {bench_.authority.MakeServerId()}, .generation = 77});
  agent.Hold(bench_.FirstTrustOf(elsewhere));
  agent.profile.host = "moved away";
  agent.seq += 100;
  agent.failures = {{trust::Verdict::kOtherOwner, std::string(wire::kServerSource), 3, 1, 2}};
  (void)bench_.Tell(agent);
  const auto row = bench_.Row(agent);
  EXPECT_EQ(row.held_generation, 77U);
  EXPECT_EQ(row.aud, agent.held->server);
  EXPECT_EQ(row.failures, 3U);
  EXPECT_EQ(row.standing, kMismatched);
  EXPECT_EQ(row.reason, "other-owner");
  EXPECT_EQ(row.host, before.host);
  EXPECT_EQ(row.proved_seq, before.proved_seq);
}

TEST_F(ReportIntakeTest, AgentThatHoldsAnOlderCertificateGetsTheBundle) {
  FakeAgent agent = bench_.KnownAgent();
  const auto next = bench_.Issue(11);
  bench_.Replace(next);
  const auto reply = bench_.Tell(agent);
  EXPECT_EQ(reply.x5t, next.certificate.thumbprint());
  EXPECT_EQ(reply.x5c,
            (std::vector<Bytes>{next.certificate.der(), bench_.owner.certificate.der()}));
  EXPECT_EQ(bench_.Row(agent).standing, kBehind);
  agent.Hold(bench_.AcceptedStateOf(next));
  EXPECT_TRUE(bench_.Tell(agent).x5c.empty());
  EXPECT_EQ(bench_.Row(agent).standing, kVerified);
}

// Registration.

TEST_F(ReportIntakeTest, UnknownAgentIsNewAndGetsTrustUpdatesOnly) {
  FakeAgent agent = bench_.NewAgent();
  (void)bench_.Tell(agent);
  (void)bench_.Tell(agent);
  const auto row = bench_.Row(agent);
  EXPECT_FALSE(row.admitted);
  EXPECT_EQ(row.standing, kNew);
  EXPECT_EQ(row.reason, "not-admitted");
}

TEST_F(ReportIntakeTest, TenAMinuteRegisterFromOneSource) {
  const auto status_from = [&](std::string_view source) {
    FakeAgent agent = bench_.NewAgent();
    return bench_.Give(agent.Sign(agent.Report(bench_.now)), source).status;
  };
  for (int i = 0; i < 10; ++i) EXPECT_EQ(status_from("192.0.2.7"), 200);
  EXPECT_EQ(status_from("192.0.2.7"), 429);
  EXPECT_EQ(status_from("192.0.2.8"), 200);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(status_from("2001:db8::" + std::to_string(i + 1)), 200);
  }
  EXPECT_EQ(status_from("2001:db8::1:1"), 429) << "one /64 is one source";
  bench_.now += Seconds(60);
  EXPECT_EQ(status_from("192.0.2.7"), 200);
  bench_.server().Tick(bench_.now);
  EXPECT_EQ(bench_.Events("unadmitted-refused"), 1U);
}

TEST_F(ReportIntakeTest, RegistrationsAreLimitedInAllAndKnownAgentsAreNot) {
  auto config = bench_.config;
  config.max_unadmitted = 3;
  bench_.Configure(config);
  FakeAgent first = bench_.NewAgent();
  (void)bench_.Tell(first);
  for (int i = 0; i < 2; ++i) {
    FakeAgent agent = bench_.NewAgent();
    (void)bench_.Tell(agent);
  }
  FakeAgent refused = bench_.NewAgent();
  const auto answer = bench_.Give(refused.Sign(refused.Report(bench_.now)));
  EXPECT_EQ(answer.status, 429);
  EXPECT_GT(answer.retry_after, 0U);
  EXPECT_FALSE(bench_.Knows(refused));
  (void)bench_.Tell(first);
  FakeAgent with_token = TokenAgent();
  (void)bench_.Tell(with_token);
}

TEST_F(ReportIntakeTest, SilentUnadmittedAgentIsDroppedAfterSevenDays) {
  FakeAgent silent = bench_.NewAgent();
  (void)bench_.Tell(silent);
  const FakeAgent admitted = bench_.KnownAgent();
  bench_.now += 7 * kDay;
  bench_.server().Tick(bench_.now);
  EXPECT_TRUE(bench_.Knows(silent));
  bench_.now += Seconds(1);
  bench_.server().Tick(bench_.now);
  EXPECT_FALSE(bench_.Knows(silent));
  EXPECT_TRUE(bench_.Knows(admitted));
}

// Tokens.

TEST_F(ReportIntakeTest, TokenAdmitsWhenTheReportIsProved) {
  FakeAgent agent = TokenAgent();
  (void)bench_.Tell(agent);
  EXPECT_FALSE(bench_.Row(agent).admitted) << "it could be a replay";
  (void)bench_.Tell(agent);
  EXPECT_TRUE(bench_.Row(agent).admitted);
  EXPECT_EQ(bench_.Row(agent).admitted_by, "token:token-1");
  EXPECT_EQ(bench_.Events("agent-admitted"), 1U);
}

TEST_F(ReportIntakeTest, ProofOfAnotherSecretOrForAnotherReportAdmitsNobody) {
  FakeAgent agent = TokenAgent();
  const auto good = agent.Report(bench_.now);
  agent.profile.enrol = wire::EnrolToken{"token-1", Bytes(32, 8)};
  (void)bench_.Tell(agent);
  (void)bench_.Tell(agent);
  EXPECT_FALSE(bench_.Row(agent).admitted);
  auto borrowed = agent.Report(bench_.now);
  borrowed.enrol = good.enrol;  // made for another challenge
  (void)bench_.Tell(agent, borrowed);
  EXPECT_FALSE(bench_.Row(agent).admitted);
}

TEST_F(ReportIntakeTest, TokenThatIsUsedUpOrExpiredAdmitsNobody) {
  FakeAgent first = TokenAgent(1);
  (void)bench_.Tell(first);
  (void)bench_.Tell(first);
  EXPECT_TRUE(bench_.Row(first).admitted);
  EXPECT_EQ(bench_.registry->FindToken("token-1").value()->uses_left, 0U);
  FakeAgent second = bench_.NewAgent();
  second.profile.enrol = first.profile.enrol;
  (void)bench_.Tell(second);
  (void)bench_.Tell(second);
  EXPECT_FALSE(bench_.Row(second).admitted);

  FakeAgent late = TokenAgent(std::nullopt, bench_.now);
  (void)bench_.Tell(late);
  (void)bench_.Tell(late);
  EXPECT_FALSE(bench_.Row(late).admitted);
}

}  // namespace
}  // namespace countersign::server
