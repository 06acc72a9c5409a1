#include "server/move_fixture.h"

// The target's side of moves.
namespace countersign::server {
namespace {

using store::ExpectedState;
using testing::FakeAgent;

class ArrivalTest : public MoveFixture {
 protected:
  // An agent of the old server, as it introduces itself to the target: it holds what it is to hold.
  [[nodiscard]] FakeAgent Comer() {
    FakeAgent agent(target_.authority.MakeKey());
    agent.instance = target_.random.Token();
    agent.Hold(AtTarget());
    return agent;
  }
  void Expect(const FakeAgent& agent, Seconds for_long = std::chrono::hours(24)) {
    ASSERT_TRUE(ExpectAgents(
                    target_.server().world(),
                    {.agents = {agent.id}, .from = old_.server_id, .until = target_.now + for_long},
                    target_.now)
                    .has_value());
  }
  [[nodiscard]] ExpectedState StateOf(const FakeAgent& agent) {
    return target_.registry->moves().FindExpected(agent.id).value()->state;
  }
};

TEST_F(ArrivalTest, AnnouncedAgentIsAcceptedArrivesAndIsAdmittedWhenProved) {
  FakeAgent agent = Comer();
  Expect(agent);
  EXPECT_TRUE(target_.Tell(agent).accepted);
  EXPECT_EQ(target_.Row(agent).standing, kArriving);
  EXPECT_FALSE(target_.Row(agent).admitted);
  EXPECT_EQ(StateOf(agent), ExpectedState::kArriving);
  EXPECT_TRUE(target_.Tell(agent).accepted);
  EXPECT_EQ(target_.Row(agent).standing, kVerified);
  EXPECT_EQ(target_.Row(agent).admitted_by, "move");
  EXPECT_EQ(StateOf(agent), ExpectedState::kArrived);
  EXPECT_EQ(target_.Events("agent-admitted"), 1U);
}

TEST_F(ArrivalTest, RepeatingIsHarmless) {
  FakeAgent agent = Comer();
  Expect(agent);
  for (int i = 0; i < 3; ++i) {
    agent.nonce.reset();
    EXPECT_TRUE(target_.Tell(agent).accepted);
    EXPECT_EQ(target_.Row(agent).standing, kArriving);
  }
  target_.Tell(agent);
  agent.nonce.reset();
  EXPECT_TRUE(target_.Tell(agent).accepted);
  EXPECT_EQ(target_.Row(agent).standing, kVerified);
}

TEST_F(ArrivalTest, AgentThatNobodyAnnouncedIsNew) {
  FakeAgent agent = Comer();
  EXPECT_FALSE(target_.Tell(agent).accepted);
  EXPECT_EQ(target_.Row(agent).standing, kNew);
}

TEST_F(ArrivalTest, AnnouncementIsOverAtItsTime) {
  FakeAgent agent = Comer();
  Expect(agent, Seconds(60));
  EXPECT_TRUE(target_.Tell(agent).accepted);
  target_.now += Seconds(61);
  EXPECT_FALSE(target_.Tell(agent).accepted);
  EXPECT_EQ(target_.Row(agent).standing, kNew);
}

TEST_F(ArrivalTest, LimitsOnStrangersAreNoneForTheAnnounced) {
  store::ServerConfig config = target_.config;
  config.max_unadmitted = 0;
  target_.Configure(config);
  FakeAgent agent = Comer();
  EXPECT_EQ(target_.Give(agent.Sign(agent.Report(target_.now))).status, 429);
  Expect(agent);
  EXPECT_TRUE(target_.Tell(agent).accepted);
}

TEST_F(ArrivalTest, AnnouncedAgentOfAnotherCertificateIsNotAdmitted) {
  FakeAgent agent = Comer();
  Expect(agent);
  agent.Hold(old_.FirstTrustOf(old_.active));
  wire::Report report = agent.Report(target_.now);
  report.aud = target_.server_id;
  (void)target_.Tell(agent, report);
  report = agent.Report(target_.now);
  report.aud = target_.server_id;
  (void)target_.Tell(agent, report);
  EXPECT_FALSE(target_.Row(agent).admitted);
  EXPECT_EQ(target_.Row(agent).standing, kArriving);
}

TEST_F(ArrivalTest, AgentThatComesBackIsNoTombstoneAnyMore) {
  FakeAgent agent = old_.KnownAgent();
  Start({agent.id});
  Answer(agent, trust::Verdict::kDone);
  ASSERT_EQ(old_.Row(agent).standing, kMoved);
  // Its new server sends it back: the old one was told, and is the target now.
  ASSERT_TRUE(ExpectAgents(old_.server().world(),
                           {.agents = {agent.id},
                            .from = target_.server_id,
                            .until = old_.now + std::chrono::hours(1)},
                           old_.now)
                  .has_value());
  agent.Hold(old_.AcceptedStateOf(old_.active));
  agent.nonce.reset();
  EXPECT_TRUE(old_.Tell(agent).accepted);
  EXPECT_EQ(old_.Row(agent).standing, kMoved);  // nothing is proved yet
  EXPECT_TRUE(old_.Tell(agent).orders.empty());
  EXPECT_EQ(old_.Row(agent).standing, kVerified);
  EXPECT_EQ(old_.Row(agent).moved_to, "");
  EXPECT_TRUE(Server::MayCommand(old_.Row(agent)));
}

TEST_F(ArrivalTest, AnnouncementIsForOneArrival) {
  FakeAgent agent = Comer();
  Expect(agent);
  target_.Tell(agent);
  target_.Tell(agent);
  ASSERT_EQ(StateOf(agent), ExpectedState::kArrived);
  const FakeAgent snapshot = agent;
  agent.Hold(old_.AcceptedStateOf(old_.active));
  wire::Report report = agent.Report(target_.now);
  report.aud = old_.server_id;
  report.leaving = true;
  ASSERT_EQ(target_.Give(agent.Sign(report)).status, 200);
  ASSERT_EQ(target_.Row(agent).standing, kMoved);
  FakeAgent copy = snapshot;
  copy.Restart(target_.random);
  copy.nonce.reset();
  EXPECT_FALSE(target_.Tell(copy).accepted);  // unproved, as a replayed one is
  EXPECT_EQ(target_.Row(copy).standing, kMoved);
  target_.Tell(copy);
  EXPECT_NE(target_.Row(copy).standing, kArriving);
  EXPECT_EQ(StateOf(copy), ExpectedState::kArrived);
  Expect(copy);
  EXPECT_EQ(StateOf(copy), ExpectedState::kExpected);
}

TEST_F(ArrivalTest, CloneIsNotAccepted) {
  FakeAgent agent = Comer();
  Expect(agent);
  EXPECT_TRUE(target_.Tell(agent).accepted);
  auto row = target_.Row(agent);
  row.cloned = true;
  target_.Put(row);
  agent.nonce.reset();
  EXPECT_FALSE(target_.Tell(agent).accepted);
  EXPECT_EQ(target_.Row(agent).standing, kQuarantined);
}

TEST_F(ArrivalTest, TombstoneIsNotAccepted) {
  FakeAgent agent = old_.KnownAgent();
  Start({agent.id});
  Answer(agent, trust::Verdict::kDone);
  agent.Hold(old_.AcceptedStateOf(old_.active));
  agent.nonce.reset();
  EXPECT_FALSE(old_.Tell(agent).accepted);
}

TEST_F(ArrivalTest, AnnouncementIsWhatAgentsTake) {
  const auto announcement = Announcement();
  EXPECT_EQ(announcement.target.server, target_.server_id);
  EXPECT_EQ(announcement.target.owner, target_.owner.key.public_key().digest());
  EXPECT_EQ(announcement.target.generation, 10U);
  EXPECT_EQ(wire::ParseMoveAnnouncement(wire::FormatMoveAnnouncement(announcement)).value(),
            announcement);
}

}  // namespace
}  // namespace countersign::server
