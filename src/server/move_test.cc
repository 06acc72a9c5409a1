#include "server/move.h"

#include "server/fleet.h"
#include "server/move_fixture.h"

// The old server's side of moves: who is ordered away, how fast, and how it ends.
namespace countersign::server {
namespace {

using store::MoveState;
using store::MovingState;
using testing::FakeAgent;
using trust::Verdict;

class MoveTest : public MoveFixture {
 protected:
  [[nodiscard]] Code CodeOf(const std::vector<std::string>& warrants) {
    const auto move = TryStart({agent_.id}, warrants, {});
    return move ? Code::kInternal : move.error().code;
  }
  FakeAgent agent_ = old_.KnownAgent();
};

TEST_F(MoveTest, OrderBringsWarrantAndBundle) {
  const std::string warrant = Sign(Draft({agent_.id}));
  ASSERT_TRUE(TryStart({agent_.id}, {warrant}, {.rate_per_minute = 0}).has_value());
  old_.server().AdvanceMove(old_.now);
  const auto calls = old_.Due();
  ASSERT_EQ(calls.size(), 1U);
  const auto order = wire::ParseOrder(old_.Sign(calls.front())).value().order;
  EXPECT_EQ(order.act, kMoveAct);
  const auto args = wire::ParseMoveArgs(order.args).value();
  EXPECT_EQ(args.warrant, warrant);
  EXPECT_EQ(args.bundle, Announcement().bundle);
  // The registry keeps them once, and not in every order.
  EXPECT_EQ(old_.Order(order.jti).args, "");
  EXPECT_EQ(Moving(agent_).state, MovingState::kOrdered);
}

TEST_F(MoveTest, RateIsSpreadOverTheMinute) {
  std::vector<AgentId> agents = {agent_.id};
  for (int i = 0; i < 9; ++i) agents.push_back(old_.KnownAgent().id);
  Start(agents, {.rate_per_minute = 6});
  EXPECT_EQ(Counts().ordered, 1U);
  Pass(Seconds(9));
  EXPECT_EQ(Counts().ordered, 1U);
  Pass(Seconds(11));
  EXPECT_EQ(Counts().ordered, 3U);
  Pass(Seconds(39));
  EXPECT_EQ(Counts().ordered, 6U);
  Pass(Seconds(600));
  EXPECT_EQ(Counts().ordered, 7U);
}

TEST_F(MoveTest, TooManyFailuresHaltIt) {
  const FakeAgent other = old_.KnownAgent();
  Start({agent_.id, other.id}, {.rate_per_minute = 1});
  FakeAgent first = Moving(agent_).state == MovingState::kOrdered ? agent_ : other;
  Answer(first, Verdict::kFailed, R"({"reason":"not-accepted","error":"no"})");
  EXPECT_EQ(Moving(first).state, MovingState::kFailed);
  EXPECT_EQ(Moving(first).reason, "not-accepted");
  EXPECT_EQ(Moving(first).text, "no");
  Pass(Seconds(120));
  EXPECT_EQ(Newest().state, MoveState::kHalted);
  EXPECT_EQ(Counts().waiting, 1U);
  EXPECT_EQ(old_.Events("move-halted"), 1U);
  ASSERT_TRUE(
      ResumeMove(old_.server(), {.rate_per_minute = 0, .halt_at = 10'000}, old_.now).has_value());
  Pass(Seconds(1));
  EXPECT_EQ(Counts().ordered, 2U);
}

TEST_F(MoveTest, WordOfAnAgentIsNoReasonUnlessItIsOne) {
  Start({agent_.id});
  Answer(agent_, Verdict::kFailed, R"({"reason":"<b>","error":"x"})");
  EXPECT_EQ(Moving(agent_).reason, "failed");
}

TEST_F(MoveTest, InterruptedOneIsOrderedAnew) {
  Start({agent_.id});
  Answer(agent_, Verdict::kInterrupted);
  EXPECT_EQ(Moving(agent_).state, MovingState::kWaiting);
  Pass(Seconds(1));
  EXPECT_EQ(Moving(agent_).state, MovingState::kOrdered);
  EXPECT_EQ(Moving(agent_).tries, 2U);
}

TEST_F(MoveTest, AbortWithdrawsWhatWasNotSent) {
  Start({agent_.id});
  const auto open = old_.registry->OpenOrders(agent_.id, 9).value();
  ASSERT_EQ(open.size(), 1U);
  ASSERT_TRUE(AbortMove(old_.server(), old_.now).has_value());
  EXPECT_EQ(old_.Order(open.front().jti).state, store::OrderState::kLapsed);
  EXPECT_EQ(Newest().state, MoveState::kAborted);
  EXPECT_TRUE(old_.Due().empty());
  EXPECT_EQ(AbortMove(old_.server(), old_.now).error().code, Code::kNotFound);
}

TEST_F(MoveTest, AbortFindsTheOrderBehindManyOthers) {
  GiveManyOrders(agent_);
  Start({agent_.id});
  ASSERT_EQ(OpenMoves(agent_), 1U);
  ASSERT_TRUE(AbortMove(old_.server(), old_.now).has_value());
  EXPECT_EQ(OpenMoves(agent_), 0U);
  EXPECT_EQ(Moving(agent_).state, MovingState::kWaiting);
}

TEST_F(MoveTest, SweepSeesTheOrderBehindManyOthers) {
  GiveManyOrders(agent_);
  Start({agent_.id});
  old_.now += std::chrono::hours(25);
  ASSERT_TRUE(SweepMoves(old_.server().world(), old_.now).has_value());
  EXPECT_EQ(Moving(agent_).state, MovingState::kOrdered);
}

TEST_F(MoveTest, AbortSendsNothingAgainThatWasSent) {
  Start({agent_.id});
  auto calls = old_.Due();
  ASSERT_EQ(calls.size(), 1U);
  const std::string message = old_.Sign(calls.front());
  const auto jti = wire::ParseOrder(message).value().order.jti;
  ASSERT_TRUE(AbortMove(old_.server(), old_.now).has_value());
  EXPECT_EQ(old_.Order(jti).state, store::OrderState::kUnknown);
  old_.now += Server::kRetryAfter;
  EXPECT_TRUE(old_.Due().empty());
  EXPECT_TRUE(old_.Tell(agent_).orders.empty());
  // The answer is believed all the same.
  agent_.Hold(AtTarget());
  wire::Receipt receipt = agent_.Receipt(message, Verdict::kDone, old_.now);
  receipt.aud = old_.server_id;
  EXPECT_EQ(old_.server().TakeReceipt(calls.front(), agent_.Sign(receipt), old_.now),
            CallNext::kEnded);
  EXPECT_EQ(Moving(agent_).state, MovingState::kMoved);
  EXPECT_EQ(old_.Row(agent_).standing, kMoved);
}

// A person's own order is not sent with the campaign's warrant.
TEST_F(MoveTest, OrderOutsideOfItsTurnHasNoWarrant) {
  const FakeAgent other = old_.KnownAgent();
  Start({agent_.id, other.id}, {.rate_per_minute = 1});
  const FakeAgent waits = Moving(agent_).state == MovingState::kWaiting ? agent_ : other;
  store::OrderRow order;
  order.agent = waits.id;
  order.act = kMoveAct;
  EXPECT_EQ(ArgsOfOrder(*old_.registry, order).value(), "");
  const FakeAgent ordered = waits.id == other.id ? agent_ : other;
  order.agent = ordered.id;
  EXPECT_NE(ArgsOfOrder(*old_.registry, order).value(), "");
  ASSERT_TRUE(AbortMove(old_.server(), old_.now).has_value());
  EXPECT_EQ(ArgsOfOrder(*old_.registry, order).value(), "");
}

TEST_F(MoveTest, OneThatWasAbortedMakesRoomForAnother) {
  Start({agent_.id});
  EXPECT_EQ(CodeOf({Sign(Draft({agent_.id}))}), Code::kRefused);
  ASSERT_TRUE(AbortMove(old_.server(), old_.now).has_value());
  EXPECT_TRUE(TryStart({agent_.id}, {Sign(Draft({agent_.id}))}, {}).has_value());
}

TEST_F(MoveTest, ItGoesOnAfterARestart) {
  const FakeAgent other = old_.KnownAgent();
  Start({agent_.id, other.id}, {.rate_per_minute = 1});
  EXPECT_EQ(Counts().ordered, 1U);
  old_.Restart();
  Pass(Seconds(61));
  EXPECT_EQ(Counts().ordered, 2U);
}

TEST_F(MoveTest, WarrantThatIsNotForThisIsRefused) {
  wire::Warrant other = Draft({agent_.id});
  other.target->server = target_.authority.MakeServerId();
  EXPECT_EQ(CodeOf({Sign(other)}), Code::kRefused);
  other = Draft({agent_.id});
  other.server = target_.server_id;
  EXPECT_EQ(CodeOf({Sign(other)}), Code::kRefused);
  other = Draft({agent_.id});
  other.x5c = target_.owner.certificate.der();
  EXPECT_EQ(CodeOf({wire::SignWarrant(other, target_.owner.key).value()}), Code::kRefused);
  EXPECT_EQ(CodeOf({Sign(Draft({old_.KnownAgent().id}))}), Code::kRefused);
  EXPECT_EQ(CodeOf({"a.b.c"}), Code::kRefused);
  EXPECT_EQ(CodeOf({}), Code::kRefused);
  const std::string old = Sign(Draft({agent_.id}));
  Pass(std::chrono::hours(24 * 11));
  EXPECT_EQ(CodeOf({old}), Code::kRefused);
}

TEST_F(MoveTest, WarrantForAllIsForEachOfThem) {
  EXPECT_TRUE(TryStart({agent_.id, old_.KnownAgent().id}, {Sign(Draft({}))}, {}).has_value());
}

TEST_F(MoveTest, BundleThatAgentsWouldNotTakeIsFoundBeforeTheStart) {
  wire::MoveAnnouncement announcement = Announcement();
  announcement.bundle.back() = old_.owner.certificate.der();
  const auto move = StartMove(old_.server(),
                              {.target = announcement,
                               .selected = Choose({agent_.id}),
                               .warrants = {Sign(Draft({agent_.id}))},
                               .terms = {}},
                              old_.now);
  EXPECT_EQ(move.error().code, Code::kRefused);
}

TEST_F(MoveTest, NobodyIsLeftWhenTheWarrantsRunOut) {
  Start({agent_.id});
  Pass(std::chrono::hours(24 * 11));
  EXPECT_EQ(Moving(agent_).reason, kWarrantExpired);
  Pass(Seconds(1));
  EXPECT_EQ(Newest().state, MoveState::kFinished);
}

TEST_F(MoveTest, OrderThatEndedWithoutAnAnswerIsGivenAnew) {
  Start({agent_.id});
  const auto calls = old_.Due();
  (void)old_.Sign(calls.at(0));
  old_.now += std::chrono::hours(25);
  old_.server().Tick(old_.now);  // the order becomes unknown
  auto open = old_.registry->OpenOrders(agent_.id, 9).value();
  for (auto& order : open) {
    order.state = store::OrderState::kUnknown;
    ASSERT_TRUE(old_.registry->PutOrder(order).has_value());
  }
  ASSERT_TRUE(SweepMoves(old_.server().world(), old_.now).has_value());
  EXPECT_EQ(Moving(agent_).state, MovingState::kWaiting);
}

TEST_F(MoveTest, SweepGoesOnWhereItEnded) {
  constexpr std::uint64_t kRows = 1'500;
  const auto move = Start({agent_.id});
  for (std::uint64_t i = 1; i < kRows; ++i) {
    const AgentId agent =
        Uuid::FromRandom({static_cast<std::uint8_t>(i % 256), static_cast<std::uint8_t>(i / 256)});
    ASSERT_TRUE(old_.registry->moves()
                    .PutMoving({.move = move.id,
                                .agent = agent,
                                .state = MovingState::kOrdered,
                                .reason = {},
                                .text = {},
                                .warrant = 0,
                                .tries = 0,
                                .since = old_.now})
                    .has_value());
  }
  ASSERT_EQ(Counts().ordered, kRows);
  old_.now += std::chrono::hours(25);
  ASSERT_TRUE(SweepMoves(old_.server().world(), old_.now).has_value());
  EXPECT_GE(Counts().ordered, kRows - 1'000);
  ASSERT_TRUE(SweepMoves(old_.server().world(), old_.now).has_value());
  EXPECT_EQ(Counts().ordered, 1U);  // whose order is still open
  EXPECT_EQ(Counts().waiting, kRows - 1);
}

TEST_F(MoveTest, AgentThatNeedsHandsIsNamedAtOnce) {
  auto row = old_.Row(agent_);
  row.cloned = true;
  ASSERT_TRUE(old_.server().Rejudge(row, old_.now).has_value());
  old_.Put(row);
  EXPECT_EQ(Select(old_.server(), {.agents = {agent_.id}}).error().code, Code::kRefused);
  EXPECT_EQ(Select(old_.server(), {.all = true})->left_out, 1U);
}

// The list of the first campaign is good for the second.
TEST_F(MoveTest, NamedAgentThatHasMovedAlreadyIsLeftOut) {
  Start({agent_.id});
  Answer(agent_, Verdict::kDone);
  const FakeAgent other = old_.KnownAgent();
  const auto selected = Select(old_.server(), {.agents = {agent_.id, other.id}});
  ASSERT_TRUE(selected.has_value()) << selected.error().message;
  EXPECT_EQ(selected->agents, Choose({other.id}).agents);
  EXPECT_EQ(selected->moved, 1U);
  EXPECT_EQ(selected->left_out, 0U);
}

}  // namespace
}  // namespace countersign::server
