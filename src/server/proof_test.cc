#include <gtest/gtest.h>

#include "base/encoding.h"
#include "server/reminders.h"
#include "server/server.h"
#include "server/standing.h"
#include "tests/support/server_bench.h"

// Restored, cloned, rewound (protocol section 6, accidents F1 and F3).
namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;
using testing::FakeAgent;
using testing::Identity;
using testing::ServerBench;

class ProofTest : public ::testing::Test {
 protected:
  ServerBench bench_;
};

// Restored.

TEST_F(ProofTest, AgentSetBackToABackupIsToldToJumpUntilItHas) {
  FakeAgent agent = bench_.KnownAgent();
  const FakeAgent backup = agent;
  for (int i = 0; i < 5; ++i) (void)bench_.Tell(agent);
  const std::uint64_t highest = agent.seq;

  FakeAgent restored = backup;
  restored.instance = bench_.random.Token();
  restored.nonce.reset();
  (void)bench_.Tell(restored);
  EXPECT_EQ(bench_.Row(agent).jump, 0U) << "not judged in an unproved message";
  const auto reply = bench_.Tell(restored);
  EXPECT_EQ(reply.jump, highest);
  EXPECT_EQ(bench_.Events("agent-restored"), 1U);
  EXPECT_EQ(bench_.Tell(restored).jump, highest) << "in every reply";
  restored.seq = highest;
  EXPECT_FALSE(bench_.Tell(restored).jump.has_value());
  EXPECT_EQ(bench_.Events("agent-restored"), 1U);
  EXPECT_FALSE(bench_.Row(agent).cloned) << "a step back alone never means cloned";
}

TEST_F(ProofTest, MessagesThatOvertakeEachOtherAreNoStepBack) {
  FakeAgent agent = bench_.KnownAgent();
  const Jti jti = bench_.AddOrder(agent);
  auto calls = bench_.Due();
  ASSERT_EQ(calls.size(), 1U);
  const std::string order = bench_.Sign(calls[0]);
  const auto receipt = agent.Receipt(order, trust::Verdict::kDone, bench_.now);
  (void)bench_.Tell(agent);  // later seq, arrives first
  (void)bench_.server().TakeReceipt(calls[0], agent.Sign(receipt), bench_.now);
  EXPECT_EQ(bench_.Order(jti).state, store::OrderState::kDone);
  EXPECT_EQ(bench_.Row(agent).jump, 0U);
}

// Cloned.

TEST_F(ProofTest, TwoThatRunAtOnceAreFound) {
  FakeAgent one = bench_.KnownAgent();
  FakeAgent two = one;
  two.Restart(bench_.random);
  for (int i = 0; i < 6; ++i) {
    (void)bench_.Tell(one);
    (void)bench_.Tell(two);
    bench_.now += Seconds(900);
  }
  const auto row = bench_.Row(one);
  EXPECT_TRUE(row.cloned);
  EXPECT_EQ(row.standing, kQuarantined);
  EXPECT_EQ(bench_.Events("agent-cloned"), 1U);
}

TEST_F(ProofTest, RestartsAreNoClones) {
  FakeAgent agent = bench_.KnownAgent();
  for (int i = 0; i < 20; ++i) {
    agent.Restart(bench_.random);
    (void)bench_.Tell(agent);
    if (i % 3 != 0) (void)bench_.Tell(agent);
    if (i % 2 == 0) agent.nonce.reset();  // a reply was lost
    (void)bench_.Tell(agent);
  }
  EXPECT_FALSE(bench_.Row(agent).cloned);
  EXPECT_TRUE(bench_.Row(agent).returns.empty());
}

TEST_F(ProofTest, LateMessagesOfTheInstanceBeforeAreNoReturn) {
  FakeAgent agent = bench_.KnownAgent();
  std::vector<std::string> late;
  for (int i = 0; i < 3; ++i) {
    (void)bench_.AddOrder(agent);
    FakeAgent before = agent;
    late.push_back(before.Sign(before.Report(bench_.now)));  // delayed, with its nonce
    agent.nonce.reset();
    agent.Restart(bench_.random);
    (void)bench_.Tell(agent);
    (void)bench_.Tell(agent);
    const auto current = bench_.Row(agent).instance;
    EXPECT_EQ(bench_.Give(late.back()).status, 200);
    EXPECT_EQ(bench_.Row(agent).instance, current) << "it does not become the current one";
  }
  EXPECT_TRUE(bench_.Row(agent).returns.empty());
}

TEST_F(ProofTest, ReturnsMoreThanADayApartAreNotTogether) {
  FakeAgent one = bench_.KnownAgent();
  FakeAgent two = one;
  two.Restart(bench_.random);
  (void)bench_.Tell(two);
  (void)bench_.Tell(two);
  (void)bench_.Tell(one);
  (void)bench_.Tell(one);
  ASSERT_EQ(bench_.Row(one).returns.size(), 1U);
  bench_.now += std::chrono::hours(25);
  (void)bench_.Tell(two);
  (void)bench_.Tell(two);
  EXPECT_FALSE(bench_.Row(one).cloned);
  (void)bench_.Tell(one);
  (void)bench_.Tell(one);
  EXPECT_TRUE(bench_.Row(one).cloned);
}

TEST_F(ProofTest, ClonedAgentGetsTrustUpdatesOnly) {
  FakeAgent agent = bench_.KnownAgent();
  const Jti jti = bench_.AddOrder(agent);
  auto row = bench_.Row(agent);
  row.cloned = true;
  bench_.Put(row);
  EXPECT_TRUE(bench_.Tell(agent).orders.empty());
  EXPECT_TRUE(bench_.Due().empty());
  EXPECT_EQ(bench_.Order(jti).state, store::OrderState::kQueued);
  bench_.Replace(bench_.Issue(11));
  EXPECT_EQ(bench_.Tell(agent).x5c.size(), 2U);
}

// Rewound.

class RewoundTest : public ProofTest {
 protected:
  // One exchange after which the server says what it wants, and one that follows.
  void TellTwice(FakeAgent& agent) {
    (void)bench_.Tell(agent);
    agent.show_bundle = bench_.Row(agent).want_bundle;
    (void)bench_.Tell(agent);
  }
  [[nodiscard]] std::optional<std::string> ProvedGeneration() {
    return bench_.registry->GetMeta("proved_generation").value();
  }
  // Generation 20, which the server issued and does not remember.
  Identity later_ = bench_.Issue(20);
};

TEST_F(RewoundTest, ClaimCountsWithItsBundleOnly) {
  FakeAgent agent = bench_.KnownAgent();
  agent.Hold(bench_.AcceptedStateOf(later_));
  const auto reply = bench_.Tell(agent);
  EXPECT_TRUE(reply.want_bundle);
  EXPECT_EQ(bench_.Row(agent).held_generation, 10U) << "not believed yet";
  EXPECT_EQ(bench_.Row(agent).reason, "unproved");
  EXPECT_EQ(bench_.Events("server-rewound"), 0U);

  agent.show_bundle = true;
  EXPECT_FALSE(bench_.Tell(agent).want_bundle);
  const auto row = bench_.Row(agent);
  EXPECT_EQ(row.held_generation, 20U);
  EXPECT_EQ(row.standing, kMismatched);
  EXPECT_EQ(row.reason, "ahead");
  EXPECT_FALSE(row.held_bundle.empty());
  EXPECT_EQ(bench_.Events("server-rewound"), 1U);
  EXPECT_EQ(ProvedGeneration(), "20");
}

TEST_F(RewoundTest, OthersAreServedAsBefore) {
  FakeAgent ahead = bench_.KnownAgent();
  FakeAgent other = bench_.KnownAgent();
  ahead.Hold(bench_.AcceptedStateOf(later_));
  TellTwice(ahead);
  (void)bench_.AddOrder(other);
  EXPECT_EQ(bench_.Tell(other).orders.size(), 1U);
}

TEST_F(RewoundTest, HighestProvedGenerationIsRemembered) {
  for (const std::uint64_t generation : {20U, 30U, 25U}) {
    FakeAgent agent = bench_.KnownAgent();
    agent.Hold(bench_.AcceptedStateOf(bench_.Issue(generation)));
    TellTwice(agent);
    EXPECT_EQ(bench_.Row(agent).held_generation, generation);
  }
  EXPECT_EQ(ProvedGeneration(), "30");
  EXPECT_EQ(bench_.Events("server-rewound"), 2U);
}

TEST_F(RewoundTest, CertificateAloneIsCheckedUnderTheOwner) {
  FakeAgent agent = bench_.KnownAgent();
  agent.Hold(bench_.FirstTrustOf(later_));
  TellTwice(agent);
  EXPECT_EQ(bench_.Row(agent).held_generation, 20U);
}

TEST_F(RewoundTest, OwnerThatFollowsFromThisOneIsBelieved) {
  const auto next_owner = bench_.authority.MakeOwner();
  const auto succession =
      bench_.authority.IssueSuccession(bench_.owner, next_owner, {bench_.server_id});
  const auto next =
      bench_.authority.MakeServer(next_owner, {.server_ids = {bench_.server_id}, .generation = 20});
  FakeAgent agent = bench_.KnownAgent();
  auto state = bench_.FirstTrustOf(next);
  state.bundle = {next.certificate, succession, bench_.owner.certificate};
  agent.Hold(state);
  TellTwice(agent);
  EXPECT_EQ(bench_.Row(agent).held_generation, 20U);
  const auto reminder = RewoundReminder(bench_.server().world(), bench_.server().book()).value();
  ASSERT_TRUE(reminder.has_value());
  EXPECT_NE(reminder->next.find("-ine"), std::string::npos) << "`-c` does not reach it";
  EXPECT_NE(reminder->next.find(HexLower(next_owner.key.public_key().digest())), std::string::npos);
}

TEST_F(RewoundTest, IsSaidUntilTheServerHasIssuedAboveIt) {
  const auto reminder = [&] {
    return RewoundReminder(bench_.server().world(), bench_.server().book()).value();
  };
  EXPECT_FALSE(reminder().has_value());
  FakeAgent agent = bench_.KnownAgent();
  agent.Hold(bench_.AcceptedStateOf(later_));
  TellTwice(agent);
  ASSERT_TRUE(reminder().has_value());
  EXPECT_EQ(reminder()->next, "CertificateManager -c PASSWORD");
  bench_.server().Tick(bench_.now);
  bench_.server().Tick(bench_.now + std::chrono::hours(25));
  EXPECT_EQ(bench_.Events("server-behind"), 2U) << "daily";
  bench_.Replace(bench_.Issue(21));
  EXPECT_FALSE(reminder().has_value());
}

TEST_F(RewoundTest, ReserveSeenInUseIsPromoted) {
  const auto reserve = bench_.Issue(15);
  bench_.Put(reserve.certificate, CertificateRole::kServer, CertificateState::kReserve);
  ASSERT_TRUE(bench_.ring->Add(reserve.key, keys::Exportable::kNo).has_value());
  ASSERT_TRUE(bench_.server().Reload(bench_.now).has_value());
  FakeAgent agent = bench_.KnownAgent();
  agent.Hold(bench_.AcceptedStateOf(reserve));
  (void)bench_.Tell(agent);
  bench_.server().Tick(bench_.now);
  ASSERT_NE(bench_.server().book().Active(), nullptr);
  EXPECT_EQ(bench_.server().book().Active()->certificate, reserve.certificate);
  EXPECT_EQ(bench_.Events("server-rewound"), 1U);
  EXPECT_EQ(bench_.Row(agent).standing, kVerified);
}

// A compromised endpoint (T4), also one that has the server key (T1), cannot make it believe so.

class LieTest : public RewoundTest {
 protected:
  void ExpectNotBelieved(const std::vector<crypto::Certificate>& bundle) {
    FakeAgent agent = bench_.KnownAgent();
    const auto& certificate = bundle.front();
    auto report = agent.Report(bench_.now);
    for (int i = 0; i < 2; ++i) {
      report.held = {
          .thumbprint = certificate.thumbprint(),
          .generation = certificate.generation().value_or(99),
          .owner =
              (i == 0 || bundle.size() == 1 ? bench_.owner.certificate : bundle[1]).key().digest(),
          .server = bench_.server_id};
      for (const auto& one : bundle) report.x5c.push_back(one.der());
      (void)bench_.Tell(agent, report);
      report = agent.Report(bench_.now);
    }
    EXPECT_EQ(bench_.Row(agent).held_generation, 10U);
    EXPECT_EQ(bench_.Events("server-rewound"), 0U);
    EXPECT_FALSE(ProvedGeneration().has_value());
  }
};

TEST_F(LieTest, ByAnotherOwner) {
  const auto thief = bench_.authority.MakeOwner();
  const auto fake =
      bench_.authority.MakeServer(thief, {.server_ids = {bench_.server_id}, .generation = 99});
  ExpectNotBelieved({fake.certificate, thief.certificate});
  ExpectNotBelieved({fake.certificate, bench_.owner.certificate});
  ExpectNotBelieved({fake.certificate});
}

TEST_F(LieTest, IssuedWithTheServerKey) {
  const auto fake = bench_.authority.MakeServer(
      bench_.active, {.server_ids = {bench_.server_id}, .generation = 99});
  ExpectNotBelieved({fake.certificate, bench_.active.certificate, bench_.owner.certificate});
  ExpectNotBelieved({fake.certificate});
}

TEST_F(LieTest, ForAnotherServer) {
  const auto other = bench_.authority.MakeServer(
      bench_.owner, {.server_ids = {bench_.authority.MakeServerId()}, .generation = 99});
  ExpectNotBelieved({other.certificate, bench_.owner.certificate});
  ExpectNotBelieved({other.certificate});
}

TEST_F(LieTest, BySuccessionFromAnEarlierOwner) {
  // The key of an identity that this server had before its owner was made has been stolen.
  const auto earlier = bench_.authority.MakeOwner();
  bench_.Put(earlier.certificate, CertificateRole::kOwner, CertificateState::kActive);
  bench_.Put(bench_.authority.IssueSuccession(earlier, bench_.owner, {bench_.server_id}),
             CertificateRole::kSuccession, CertificateState::kActive);
  ASSERT_TRUE(bench_.server().Reload(bench_.now).has_value());
  const auto thief = bench_.authority.MakeOwner();
  const auto fake =
      bench_.authority.MakeServer(thief, {.server_ids = {bench_.server_id}, .generation = 99});
  ExpectNotBelieved({fake.certificate,
                     bench_.authority.IssueSuccession(earlier, thief, {bench_.server_id}),
                     earlier.certificate});
}

}  // namespace
}  // namespace countersign::server
