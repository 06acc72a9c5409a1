#include "server/move.h"
#include "server/move_fixture.h"

// Agents that had moved and are back.
namespace countersign::server {
namespace {

using store::MoveState;
using store::MovingState;
using testing::FakeAgent;
using trust::Verdict;

// A stray: an older copy of its disk is back.
class StrayTest : public MoveFixture {
 protected:
  StrayTest() {
    Start({agent_.id});
    Answer(agent_, Verdict::kDone);
    Pass(Seconds(1));
    copy_.Restart(old_.random);
  }
  FakeAgent agent_ = old_.KnownAgent();
  FakeAgent copy_ = agent_;
};

TEST_F(StrayTest, IsOrderedAwayAgainWhileTheWarrantIsGood) {
  old_.Tell(copy_);
  const wire::Reply reply = old_.Tell(copy_);
  EXPECT_EQ(old_.Row(copy_).standing, kMismatched);
  EXPECT_EQ(old_.Row(copy_).reason, kStray);
  ASSERT_EQ(reply.orders.size(), 1U);
  const auto order = wire::ParseOrder(reply.orders.front()).value().order;
  EXPECT_EQ(order.act, kMoveAct);
  EXPECT_TRUE(wire::ParseMoveArgs(order.args).has_value());
  EXPECT_EQ(old_.Events("agent-stray"), 1U);
}

// The mover's exchange in the agent's place: the order is not sent to somebody who does not carry
// it out, and the agent gets it with its own next report, and not only when it counts as lost.
TEST_F(StrayTest, ReportInItsPlaceLeavesTheOrderToItsOwn) {
  old_.Tell(copy_);
  const auto source = net::IpAddress::Parse(testing::ServerBench::kAgentAddress).value();
  const auto answer = old_.server().TakeReport(copy_.Sign(copy_.Report(old_.now)), source, old_.now,
                                               Seconds(0), Orders::kLater);
  ASSERT_EQ(answer.status, 200);
  const auto reply = wire::ParseReply(answer.reply).value().reply;
  EXPECT_TRUE(reply.orders.empty());
  EXPECT_EQ(old_.Row(copy_).reason, kStray);
  copy_.nonce = reply.nonce;
  EXPECT_EQ(old_.Tell(copy_).orders.size(), 1U);
}

TEST_F(StrayTest, OrderToMoveBehindManyOthersIsNoReasonForAnother) {
  GiveManyOrders(copy_);
  old_.Tell(copy_);
  old_.Tell(copy_);
  ASSERT_EQ(old_.Row(copy_).reason, kStray);
  Pass(Server::kRetryAfter);
  old_.Tell(copy_);
  EXPECT_EQ(OpenMoves(copy_), 1U);
}

TEST_F(StrayTest, ThatIsKeptLosesItsOrderBehindManyOthers) {
  GiveManyOrders(copy_);
  old_.Tell(copy_);
  old_.Tell(copy_);
  ASSERT_EQ(OpenMoves(copy_), 1U);
  auto row = old_.Row(copy_);
  ASSERT_TRUE(KeepStray(*old_.registry, row, old_.now).has_value());
  EXPECT_EQ(OpenMoves(copy_), 0U);
}

TEST_F(StrayTest, IsNamedWithTheMoverAfterwards) {
  Pass(std::chrono::hours(24 * 11));
  old_.Tell(copy_);
  EXPECT_TRUE(old_.Tell(copy_).orders.empty());
  const auto row = old_.Row(copy_);
  EXPECT_EQ(row.reason, kStray);
  EXPECT_NE(NextStep(row.standing, row.reason, row.id).find("IpXfer"), std::string::npos);
}

TEST_F(StrayTest, OneThatHasUsedTheWarrantUpWasBroughtBack) {
  old_.Tell(copy_);
  const wire::Reply reply = old_.Tell(copy_);
  ASSERT_EQ(reply.orders.size(), 1U);
  wire::Receipt receipt = copy_.Receipt(reply.orders.front(), Verdict::kBadWarrant, old_.now);
  receipt.result = R"({"reason":"used-warrant","error":"it was used up"})";
  EXPECT_EQ(old_.server().TakePostedReceipt(copy_.Sign(receipt), old_.now), 204);
  EXPECT_EQ(old_.Row(copy_).standing, kVerified);
  EXPECT_EQ(old_.Row(copy_).moved_to, "");
  EXPECT_EQ(old_.Events("agent-returned"), 1U);
  EXPECT_TRUE(old_.Tell(copy_).orders.empty());
}

TEST_F(StrayTest, StaysOneWhenItsOrderFails) {
  old_.Tell(copy_);
  const wire::Reply reply = old_.Tell(copy_);
  ASSERT_EQ(reply.orders.size(), 1U);
  wire::Receipt receipt = copy_.Receipt(reply.orders.front(), Verdict::kFailed, old_.now);
  receipt.result = R"({"reason":"target-not-reached","error":"no way"})";
  EXPECT_EQ(old_.server().TakePostedReceipt(copy_.Sign(receipt), old_.now), 204);
  // No new order at once, but after a while, and one event for both.
  EXPECT_TRUE(old_.Tell(copy_).orders.empty());
  EXPECT_EQ(old_.Row(copy_).reason, kStray);
  Pass(Server::kRetryAfter);
  EXPECT_EQ(old_.Tell(copy_).orders.size(), 1U);
  EXPECT_EQ(old_.Row(copy_).reason, kStray);
  EXPECT_EQ(old_.Row(copy_).moved_to, target_.server_id.Urn());
  EXPECT_EQ(old_.Events("agent-stray"), 1U);
  EXPECT_EQ(old_.Events("agent-returned"), 0U);
}

TEST_F(StrayTest, StaysOneWhenTheWarrantRunsOutOverIt) {
  const FakeAgent other = old_.KnownAgent();  // keeps the next campaign running
  Start({agent_.id, other.id});
  old_.Tell(copy_);
  old_.Tell(copy_);
  ASSERT_EQ(Moving(copy_).state, MovingState::kOrdered);
  Pass(std::chrono::hours(24 * 11));
  EXPECT_EQ(Moving(copy_).state, MovingState::kMoved);
  EXPECT_EQ(Moving(other).state, MovingState::kFailed);
  old_.Tell(copy_);
  old_.Tell(copy_);
  EXPECT_EQ(old_.Row(copy_).reason, kStray);
}

TEST_F(StrayTest, StaysOneWhenItGivesNoAnswer) {
  const FakeAgent other = old_.KnownAgent();
  Start({agent_.id, other.id});
  old_.Tell(copy_);
  old_.Tell(copy_);
  auto moving = Moving(copy_);
  moving.state = MovingState::kOrdered;
  moving.tries = kMaxMoveTries;
  moving.since = old_.now;
  ASSERT_TRUE(old_.registry->moves().PutMoving(moving).has_value());
  old_.now += std::chrono::hours(25);
  auto open = old_.registry->OpenOrders(agent_.id, 9).value();
  for (auto& order : open) {
    order.state = store::OrderState::kUnknown;
    ASSERT_TRUE(old_.registry->PutOrder(order).has_value());
  }
  ASSERT_TRUE(SweepMoves(old_.server().world(), old_.now).has_value());
  EXPECT_EQ(Moving(copy_).state, MovingState::kMoved);
  EXPECT_EQ(old_.Row(copy_).moved_to, target_.server_id.Urn());
}

TEST_F(StrayTest, OneThatTheMoverTookAwayAndBackIsSimplyBack) {
  FakeAgent other = old_.KnownAgent();
  FakeAgent before = other;
  other.Hold(AtTarget());
  wire::Report report = other.Report(old_.now);
  report.aud = target_.server_id;
  report.leaving = true;
  (void)old_.Give(other.Sign(report));
  before.Restart(old_.random);
  old_.Tell(before);
  old_.Tell(before);
  EXPECT_EQ(old_.Row(before).standing, kVerified);
}

TEST_F(StrayTest, APersonMayKeepIt) {
  old_.Tell(copy_);
  old_.Tell(copy_);
  auto row = old_.Row(copy_);
  ASSERT_TRUE(KeepStray(*old_.registry, row, old_.now).has_value());
  old_.Put(row);
  EXPECT_TRUE(old_.Tell(copy_).orders.empty());
  EXPECT_EQ(old_.Row(copy_).standing, kVerified);
  EXPECT_EQ(Moving(copy_).state, MovingState::kFailed);
  EXPECT_EQ(Moving(copy_).reason, kCameBack);
}

// Nor does the campaign wait for it, or take it up again: not a day later, not when it is resumed.
TEST_F(StrayTest, OneThatWasKeptStaysWhileTheCampaignGoesOn) {
  const FakeAgent other = old_.KnownAgent();
  auto move = Newest();
  move.state = MoveState::kRunning;  // the campaign that took it away has others to move
  ASSERT_TRUE(old_.registry->moves().PutMove(move).has_value());
  ASSERT_TRUE(old_.registry->moves()
                  .PutMoving({.move = move.id, .agent = other.id, .since = old_.now})
                  .has_value());
  old_.Tell(copy_);
  old_.Tell(copy_);
  ASSERT_EQ(Moving(copy_).state, MovingState::kOrdered);
  auto row = old_.Row(copy_);
  ASSERT_TRUE(KeepStray(*old_.registry, row, old_.now).has_value());
  old_.Put(row);
  old_.now += std::chrono::hours(25);
  ASSERT_TRUE(SweepMoves(old_.server().world(), old_.now).has_value());
  EXPECT_EQ(Moving(copy_).state, MovingState::kFailed);
  ASSERT_TRUE(
      ResumeMove(old_.server(), {.rate_per_minute = 0, .halt_at = 10'000}, old_.now).has_value());
  Pass(Seconds(1));
  EXPECT_EQ(Moving(copy_).state, MovingState::kFailed);
  EXPECT_TRUE(old_.Tell(copy_).orders.empty());
  EXPECT_EQ(old_.Row(copy_).standing, kVerified);
}

}  // namespace
}  // namespace countersign::server
