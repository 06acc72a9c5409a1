#include "server/fleet.h"
#include "server/move.h"
#include "server/move_fixture.h"

// How the old server hears that an agent has left: receipts, farewells, tombstones.
namespace countersign::server {
namespace {

using store::MoveState;
using store::MovingState;
using testing::FakeAgent;
using trust::Verdict;

class LeavingTest : public MoveFixture {
 protected:
  // Leave is the agent's farewell, from the target.
  ReportAnswer Leave() {
    agent_.Hold(AtTarget());
    wire::Report report = agent_.Report(old_.now);
    report.aud = target_.server_id;
    report.leaving = true;
    return old_.Give(agent_.Sign(report));
  }
  FakeAgent agent_ = old_.KnownAgent();
};

TEST_F(LeavingTest, ReceiptOfAMovedAgentLeavesATombstone) {
  Start({agent_.id});
  Answer(agent_, Verdict::kDone, R"({"server":"x"})");
  EXPECT_EQ(Moving(agent_).state, MovingState::kMoved);
  EXPECT_EQ(old_.Row(agent_).standing, kMoved);
  EXPECT_EQ(old_.Row(agent_).moved_to, target_.server_id.Urn());
  EXPECT_EQ(old_.Events("agent-moved"), 1U);
  Pass(Seconds(1));
  EXPECT_EQ(Newest().state, MoveState::kFinished);
}

TEST_F(LeavingTest, AllOrdersOfAMovedAgentEnd) {
  GiveManyOrders(agent_);
  ASSERT_EQ(Leave().status, 200);
  ASSERT_EQ(old_.Row(agent_).standing, kMoved);
  EXPECT_TRUE(old_.registry->AllOpenOrders(agent_.id, "").value().empty());
}

TEST_F(LeavingTest, LeavingReportDoesWhereTheReceiptWasLost) {
  Start({agent_.id});
  const auto calls = old_.Due();
  ASSERT_EQ(calls.size(), 1U);
  const auto jti = wire::ParseOrder(old_.Sign(calls.front())).value().order.jti;
  EXPECT_EQ(Leave().status, 200);
  EXPECT_EQ(old_.Row(agent_).standing, kMoved);
  EXPECT_EQ(Moving(agent_).state, MovingState::kMoved);
  EXPECT_EQ(old_.Order(jti).state, store::OrderState::kDone);
  // The receipt may come after it.
  wire::Receipt receipt = agent_.Receipt("", Verdict::kDone, old_.now);
  receipt.order = jti;
  receipt.oh = old_.Order(jti).versions.front().oh;
  receipt.aud = old_.server_id;
  receipt.result = R"({"server":"x"})";
  EXPECT_EQ(old_.server().TakePostedReceipt(agent_.Sign(receipt), old_.now), 204);
  EXPECT_EQ(old_.Order(jti).result, receipt.result);
  EXPECT_EQ(old_.registry->ReceiptsOf(jti).value().size(), 1U);
}

TEST_F(LeavingTest, AgentThatTheMoverTookAwayIsATombstoneToo) {
  EXPECT_EQ(Leave().status, 200);
  EXPECT_EQ(old_.Row(agent_).standing, kMoved);
}

TEST_F(LeavingTest, LeavingReportThatIsNotProvedIsNotBelieved) {
  agent_.Hold(AtTarget());
  agent_.nonce.reset();
  wire::Report report = agent_.Report(old_.now);
  report.aud = target_.server_id;
  report.leaving = true;
  EXPECT_EQ(old_.Give(agent_.Sign(report)).status, 200);
  EXPECT_EQ(old_.Row(agent_).standing, kVerified);
}

TEST_F(LeavingTest, OvertakenFarewellIsNotBelieved) {
  FakeAgent before = agent_;
  FakeAgent late = agent_;
  late.Hold(AtTarget());
  wire::Report farewell = late.Report(old_.now);
  farewell.aud = target_.server_id;
  farewell.leaving = true;
  const std::string signed_farewell = late.Sign(farewell);
  // With an earlier nonce of the same agent, which has reported twice since.
  const auto row = old_.Row(agent_);
  ASSERT_FALSE(row.nonces.empty());
  agent_.seq = late.seq;
  auto ahead = row;
  ahead.proved_seq = late.seq + 1;
  old_.Put(ahead);
  EXPECT_EQ(old_.Give(signed_farewell).status, 200);
  EXPECT_EQ(old_.Row(before).standing, kVerified);
  EXPECT_EQ(old_.Row(before).moved_to, "");
}

TEST_F(LeavingTest, OneThatGoesFromServerToServerMakesOneEvent) {
  agent_.Hold(AtTarget());
  FakeAgent& agent = agent_;
  for (int i = 0; i < 4; ++i) {
    wire::Report report = agent.Report(old_.now);
    report.aud = i % 2 == 0 ? target_.server_id : old_.authority.MakeServerId();
    report.leaving = true;
    const auto given = old_.Give(agent.Sign(report));
    ASSERT_EQ(given.status, 200);
    agent.nonce = wire::ParseReply(given.reply).value().reply.nonce;
  }
  EXPECT_EQ(old_.Row(agent).standing, kMoved);
  EXPECT_EQ(old_.Events("agent-moved"), 1U);
}

// With the mover, to and fro: the log has room for what others do, too.
TEST_F(LeavingTest, OneThatGoesToAndFroMakesOneEventAnHour) {
  const auto at_home = old_.AcceptedStateOf(old_.active);
  const auto go = [&] {
    agent_.Hold(AtTarget());
    wire::Report report = agent_.Report(old_.now);
    report.aud = target_.server_id;
    report.leaving = true;
    (void)old_.Tell(agent_, report);
    EXPECT_EQ(old_.Row(agent_).standing, kMoved);
    agent_.Hold(at_home);
    (void)old_.Tell(agent_);
    EXPECT_EQ(old_.Row(agent_).standing, kVerified);
  };
  for (int i = 0; i < 5; ++i) go();
  EXPECT_EQ(old_.Events("agent-moved"), 1U);
  EXPECT_EQ(old_.Events("agent-returned"), 1U);
  old_.now += std::chrono::hours(1);
  go();
  EXPECT_EQ(old_.Events("agent-moved"), 2U);
  EXPECT_EQ(old_.Events("agent-returned"), 2U);
  bool says_how_many = false;
  const auto events = old_.registry->ListEvents(0, 1'000).value();
  for (const auto& event : events) {
    says_how_many = says_how_many || event.text.find("(4 more since") != std::string::npos;
  }
  EXPECT_TRUE(says_how_many);
}

TEST_F(LeavingTest, TombstonesAreNobodysFleet) {
  const FakeAgent stays = old_.KnownAgent();
  Start({agent_.id});
  Answer(agent_, Verdict::kDone);
  EXPECT_EQ(LookAtFleet(old_.server(), old_.now)->all.agents, 1U);
  EXPECT_FALSE(IsExposed(old_.Row(agent_), old_.server().book()));
  EXPECT_FALSE(Server::MayCommand(old_.Row(agent_)));
  const auto selected = Select(old_.server(), {.all = true}).value();
  EXPECT_EQ(selected.agents, Choose({stays.id}).agents);
}

}  // namespace
}  // namespace countersign::server
