#include <gtest/gtest.h>

#include "server/server.h"
#include "server/standing.h"
#include "tests/support/must.h"
#include "tests/support/server_bench.h"

// Reports whose answer is held back, and agents that cannot be called (protocol section 6).
namespace countersign::server {
namespace {

using testing::FakeAgent;
using testing::Must;
using testing::ServerBench;

class LongPollTest : public ::testing::Test {
 protected:
  void SetUp() override { Configure(); }
  void Configure() {
    config_.unreachable_networks = networks_;
    bench_.Configure(config_);
  }
  // Post is a report with `?wait=`.
  ReportAnswer Post(FakeAgent& agent, Seconds wait = Seconds(240)) {
    return bench_.server().TakeReport(agent.Sign(agent.Report(bench_.now)), kSource, bench_.now,
                                      wait);
  }
  // Wait is a report that is held, and its place in the waiting room.
  HeldReport Wait(FakeAgent& agent) {
    auto answer = Post(agent);
    EXPECT_TRUE(answer.held.has_value()) << answer.status;
    ticket_ = bench_.server().waiting().Enter(agent.id, kSource, [this] { ++told_; });
    return std::move(answer.held).value_or(HeldReport());
  }
  wire::Reply Finish(FakeAgent& agent, const HeldReport& held) {
    if (ticket_) (void)bench_.server().waiting().Leave(*std::exchange(ticket_, std::nullopt));
    const auto answer = bench_.server().FinishReply(held, bench_.now);
    EXPECT_EQ(answer.status, 200);
    auto reply = Must(wire::ParseReply(answer.reply)).reply;
    agent.nonce = reply.nonce;
    return reply;
  }
  // Unreachable is an admitted agent in an unreachable network.
  FakeAgent Unreachable() {
    networks_ = {"192.0.2.0/24"};
    Configure();
    return bench_.KnownAgent();
  }

  const net::IpAddress kSource = net::IpAddress::Parse(ServerBench::kAgentAddress).value();
  ServerBench bench_;
  store::ServerConfig config_ = bench_.config;
  std::vector<std::string> networks_;
  std::optional<WaitingRoom::Ticket> ticket_;
  int told_ = 0;
};

TEST_F(LongPollTest, AnswerIsHeldUntilItIsMade) {
  FakeAgent agent = bench_.KnownAgent();
  const auto report = agent.Report(bench_.now);
  const auto answer =
      bench_.server().TakeReport(agent.Sign(report), kSource, bench_.now, Seconds(240));
  ASSERT_TRUE(answer.held.has_value());
  EXPECT_TRUE(answer.reply.empty());
  bench_.now += Seconds(239);
  const auto reply = Finish(agent, *answer.held);
  EXPECT_EQ(reply.challenge, report.challenge);
  EXPECT_EQ(reply.iat, static_cast<std::uint64_t>(ToUnix(bench_.now)));
  EXPECT_TRUE(reply.orders.empty());
}

TEST_F(LongPollTest, WithoutWaitThereIsAlwaysAnAnswer) {
  FakeAgent agent = bench_.KnownAgent();
  EXPECT_FALSE(Post(agent, Seconds(0)).held.has_value());
}

TEST_F(LongPollTest, TheReportIsJudgedOnceAndAtOnce) {
  FakeAgent agent = bench_.KnownAgent();
  const auto held = Wait(agent);
  const auto before = bench_.Row(agent);
  EXPECT_EQ(before.last_verified, bench_.now);
  bench_.now += Seconds(100);
  (void)Finish(agent, held);
  auto after = bench_.Row(agent);
  EXPECT_EQ(after.nonces.size(), before.nonces.size() + 1);
  after.nonces = before.nonces;
  EXPECT_EQ(after, before);
}

TEST_F(LongPollTest, NonceOfALateReplyProvesTheNextReport) {
  FakeAgent agent = bench_.KnownAgent();
  const auto held = Wait(agent);
  bench_.now += Seconds(100);
  (void)Finish(agent, held);
  bench_.now += Seconds(1);
  (void)bench_.Tell(agent);
  EXPECT_EQ(bench_.Row(agent).last_verified, bench_.now);
}

TEST_F(LongPollTest, OrderIsAnsweredAtOnce) {
  FakeAgent agent = Unreachable();
  bench_.AddOrder(agent);
  const auto answer = Post(agent);
  EXPECT_FALSE(answer.held.has_value());
  EXPECT_EQ(Must(wire::ParseReply(answer.reply)).reply.orders.size(), 1U);
}

TEST_F(LongPollTest, OrderThatComesMeanwhileTellsAndComesWithTheReply) {
  FakeAgent agent = Unreachable();
  const auto held = Wait(agent);
  bench_.now += Seconds(30);
  const Jti jti = bench_.AddOrder(agent);
  EXPECT_TRUE(bench_.Due().empty());
  EXPECT_EQ(told_, 1);
  const auto reply = Finish(agent, held);
  ASSERT_EQ(reply.orders.size(), 1U);
  const auto receipt =
      agent.Sign(agent.Receipt(reply.orders[0], trust::Verdict::kDone, bench_.now));
  EXPECT_EQ(bench_.server().TakePostedReceipt(receipt, bench_.now), 204);
  EXPECT_EQ(bench_.Order(jti).state, store::OrderState::kDone);
  EXPECT_EQ(bench_.Order(jti).attempts, 0U);
}

TEST_F(LongPollTest, AgentThatCouldBeCalledIsNotCalledWhileItWaits) {
  config_.long_poll = store::LongPoll::kAll;
  Configure();
  FakeAgent agent = bench_.KnownAgent();
  (void)Wait(agent);
  bench_.AddOrder(agent);
  EXPECT_TRUE(bench_.Due().empty());
  EXPECT_EQ(told_, 1);
}

// No reply to a report that was not pinned brings a secret: waiting for one would be for ever.
TEST_F(LongPollTest, AgentIsCalledForASecretWhileItWaits) {
  config_.long_poll = store::LongPoll::kAll;
  Configure();
  FakeAgent agent = bench_.KnownAgent();
  (void)Wait(agent);
  auto row = bench_.Row(agent);
  row.tls = true;
  bench_.Put(row);
  bench_.AddOrder(agent, "set-unload");
  EXPECT_EQ(bench_.Due().size(), 1U);
}

TEST_F(LongPollTest, OrderThatCannotBeSignedKeepsNothingBack) {
  FakeAgent agent = Unreachable();
  auto bad = bench_.Order(bench_.AddOrder(agent));
  bad.args = "{";
  ASSERT_TRUE(bench_.registry->PutOrder(bad).has_value());
  const Jti good = bench_.AddOrder(agent);
  const wire::Reply reply = bench_.Tell(agent);
  ASSERT_EQ(reply.orders.size(), 1U);
  EXPECT_EQ(Must(wire::ParseOrder(reply.orders[0])).order.jti, good);
  EXPECT_EQ(bench_.Order(bad.jti).state, store::OrderState::kLapsed);
}

TEST_F(LongPollTest, OrderThatTheReplyDidNotBringIsTriedAgain) {
  FakeAgent agent = Unreachable();
  const auto held = Wait(agent);
  bench_.AddOrder(agent);
  (void)bench_.Due();
  (void)Finish(agent, held);  // and the reply is lost
  bench_.now += std::chrono::minutes(2);
  agent.nonce.reset();
  (void)bench_.Tell(agent);
  const auto again = Post(agent);
  ASSERT_FALSE(again.held.has_value());
  EXPECT_EQ(Must(wire::ParseReply(again.reply)).reply.orders.size(), 1U);
}

TEST_F(LongPollTest, OrderLostWithAReplyIsNewsAgainAfterAMinute) {
  FakeAgent agent = Unreachable();
  const auto held = Wait(agent);
  bench_.AddOrder(agent);
  (void)bench_.Due();
  (void)Finish(agent, held);  // and the reply is lost
  bench_.now += Seconds(10);
  agent.nonce.reset();
  (void)bench_.Tell(agent);
  const auto again = Wait(agent);
  told_ = 0;
  bench_.now += Seconds(49);
  (void)bench_.Due();
  EXPECT_EQ(told_, 0);
  bench_.now += Seconds(2);
  (void)bench_.Due();
  EXPECT_EQ(told_, 1);
  EXPECT_EQ(Finish(agent, again).orders.size(), 1U);
}

TEST_F(LongPollTest, UnprovedReportsNeverWait) {
  FakeAgent agent = bench_.KnownAgent();
  agent.nonce.reset();
  EXPECT_FALSE(Post(agent).held.has_value());
}

TEST_F(LongPollTest, AgentThatIsNotAdmittedNeverWaits) {
  FakeAgent agent = bench_.NewAgent();
  (void)bench_.Tell(agent);
  EXPECT_FALSE(Post(agent).held.has_value());
}

TEST_F(LongPollTest, BundleIsNews) {
  FakeAgent agent = bench_.KnownAgent();
  bench_.Replace(bench_.Issue(11));
  const auto answer = Post(agent);
  ASSERT_FALSE(answer.held.has_value());
  EXPECT_FALSE(Must(wire::ParseReply(answer.reply)).reply.x5c.empty());
}

TEST_F(LongPollTest, ChangeOfTheCertificateIsToldToWhoWaits) {
  FakeAgent agent = bench_.KnownAgent();
  const auto held = Wait(agent);
  bench_.Replace(bench_.Issue(11));
  bench_.server().waiting().TellSome(10);
  EXPECT_EQ(told_, 1);
  EXPECT_FALSE(Finish(agent, held).x5c.empty());
}

TEST_F(LongPollTest, JumpIsNews) {
  FakeAgent agent = bench_.KnownAgent();
  auto row = bench_.Row(agent);
  row.jump = 5'000;
  bench_.Put(row);
  EXPECT_FALSE(Post(agent).held.has_value());
}

TEST_F(LongPollTest, WithoutRoomTheAnswerComesAtOnce) {
  config_.max_waiting_per_source = 1;
  Configure();
  FakeAgent first = bench_.KnownAgent();
  FakeAgent second = bench_.KnownAgent();
  (void)Wait(first);
  EXPECT_FALSE(Post(second).held.has_value());
}

TEST_F(LongPollTest, OffMeansThatNobodyWaits) {
  config_.long_poll = store::LongPoll::kOff;
  Configure();
  FakeAgent agent = bench_.KnownAgent();
  EXPECT_FALSE(Post(agent).held.has_value());
}

TEST_F(LongPollTest, ForgottenWhileItWaited) {
  FakeAgent agent = bench_.KnownAgent();
  const auto held = Wait(agent);
  auto row = bench_.Row(agent);
  row.forgotten = true;
  bench_.Put(row);
  EXPECT_EQ(bench_.server().FinishReply(held, bench_.now).status, 403);
}

TEST_F(LongPollTest, CloneThatWaitsIsNoticedByItsNextReports) {
  FakeAgent agent = bench_.KnownAgent();
  FakeAgent clone = agent;
  for (int round = 0; round < 4; ++round) {
    for (FakeAgent* one : {&agent, &clone}) {
      if (round == 0 && one == &clone) one->Restart(bench_.random);
      one->nonce.reset();
      (void)bench_.Tell(*one);
      const auto held = Post(*one).held;
      if (held) (void)Finish(*one, *held);
    }
  }
  EXPECT_TRUE(bench_.Row(agent).cloned);
  EXPECT_FALSE(Post(agent).held.has_value());
}

// What replies ask for.

TEST_F(LongPollTest, RepliesAskUnreachableAgentsToWaitAndReportMoreOften) {
  FakeAgent agent = bench_.KnownAgent();
  EXPECT_EQ(bench_.Tell(agent).wait, 0U);
  networks_ = {"192.0.2.0/24"};
  Configure();
  const auto reply = bench_.Tell(agent);
  EXPECT_EQ(reply.wait, 240U);
  EXPECT_EQ(reply.interval, 300U);
}

TEST_F(LongPollTest, RepliesAskNobodyToWaitWithoutRoom) {
  config_.max_waiting = 0;
  FakeAgent agent = Unreachable();
  EXPECT_EQ(bench_.Tell(agent).wait, 0U);
}

// Calls.

TEST_F(LongPollTest, NobodyIsCalledInAnUnreachableNetwork) {
  FakeAgent agent = Unreachable();
  EXPECT_FALSE(bench_.server().AddressOf(bench_.Row(agent)).has_value());
  bench_.AddOrder(agent);
  EXPECT_TRUE(bench_.Due().empty());
  bench_.now += std::chrono::hours(1);
  EXPECT_TRUE(bench_.Due().empty());
  EXPECT_EQ(bench_.Tell(agent).orders.size(), 1U) << "its report brings the order";
}

TEST_F(LongPollTest, FailedCallsAndReportsMakeItUnreachableAndLeaveItsStanding) {
  FakeAgent agent = bench_.KnownAgent();
  bench_.AddOrder(agent);
  for (int i = 0; i < 2; ++i) {
    const auto calls = bench_.Due();
    ASSERT_EQ(calls.size(), 1U);
    bench_.server().CallFailed(calls[0], "connection timed out", bench_.now);
    (void)bench_.Tell(agent);
    bench_.now += std::chrono::minutes(16);
  }
  const auto row = bench_.Row(agent);
  EXPECT_EQ(row.standing, kVerified);
  EXPECT_EQ(bench_.server().reach().Of(row, *row.last_verified).reach, Reach::kUnreachable);
  EXPECT_TRUE(bench_.Due().empty()) << "the next call can wait";
}

TEST_F(LongPollTest, AnsweredCallIsNoted) {
  FakeAgent agent = bench_.KnownAgent();
  bench_.AddOrder(agent);
  auto calls = bench_.Due();
  ASSERT_EQ(calls.size(), 1U);
  const auto receipt =
      agent.Sign(agent.Receipt(bench_.Sign(calls[0]), trust::Verdict::kDone, bench_.now));
  (void)bench_.server().TakeReceipt(calls[0], receipt, bench_.now);
  EXPECT_EQ(bench_.Row(agent).call_answered_at, bench_.now);
}

TEST_F(LongPollTest, AnotherMachineAtItsAddressIsAFailedCall) {
  FakeAgent agent = bench_.KnownAgent();
  FakeAgent other = bench_.KnownAgent();
  bench_.AddOrder(agent);
  auto calls = bench_.Due();
  ASSERT_EQ(calls.size(), 1U);
  const auto receipt =
      other.Sign(other.Receipt(bench_.Sign(calls[0]), trust::Verdict::kWrongAgent, bench_.now));
  (void)bench_.server().TakeReceipt(calls[0], receipt, bench_.now);
  EXPECT_EQ(bench_.Row(agent).failed_calls, 1U);
  EXPECT_EQ(bench_.Row(other).failed_calls, 0U);
}

TEST_F(LongPollTest, CallThatWeDropIsNoFaultOfTheAgent) {
  FakeAgent agent = bench_.KnownAgent();
  bench_.AddOrder(agent);
  const auto calls = bench_.Due();
  ASSERT_EQ(calls.size(), 1U);
  bench_.server().CallDropped(calls[0], "not open any more", bench_.now);
  EXPECT_EQ(bench_.Row(agent).failed_calls, 0U);
}

// The server's own silence.

TEST_F(LongPollTest, TimeWithoutTheServerIsNoSilenceOfTheAgents) {
  bench_.server().Tick(bench_.now);
  FakeAgent agent = bench_.KnownAgent();
  bench_.now += Seconds(120);
  bench_.server().Tick(bench_.now);
  bench_.now += std::chrono::hours(30);
  bench_.Restart();
  bench_.server().Tick(bench_.now);
  EXPECT_EQ(bench_.server().reach().Of(bench_.Row(agent), bench_.now).reach, Reach::kOnline);
  bench_.now += std::chrono::hours(1);
  bench_.server().Tick(bench_.now);
  EXPECT_EQ(bench_.server().reach().Of(bench_.Row(agent), bench_.now).reach, Reach::kOffline);
}

TEST_F(LongPollTest, WhoWasOfflineBeforeARestartIsIt) {
  bench_.server().Tick(bench_.now);
  FakeAgent agent = bench_.KnownAgent();
  bench_.now += std::chrono::hours(2);
  bench_.server().Tick(bench_.now);
  bench_.now += std::chrono::hours(30);
  bench_.Restart();
  bench_.server().Tick(bench_.now);
  EXPECT_EQ(bench_.server().reach().Of(bench_.Row(agent), bench_.now).reach, Reach::kOffline);
}

TEST_F(LongPollTest, StopsInSuccessionAddUp) {
  bench_.server().Tick(bench_.now);
  FakeAgent agent = bench_.KnownAgent();
  for (int i = 0; i < 2; ++i) {
    bench_.now += std::chrono::minutes(10);
    bench_.server().Tick(bench_.now);
    bench_.now += std::chrono::hours(2);
    bench_.Restart();
    bench_.server().Tick(bench_.now);
  }
  const auto& reach = bench_.server().reach();
  const auto row = bench_.Row(agent);
  EXPECT_EQ(reach.Of(row, bench_.now + std::chrono::minutes(10)).reach, Reach::kOnline);
  EXPECT_EQ(reach.Of(row, bench_.now + std::chrono::minutes(11)).reach, Reach::kOffline);
}

TEST_F(LongPollTest, StartTouchesNoAgentAndMovesNoBeginOfSilence) {
  bench_.server().Tick(bench_.now);
  FakeAgent agent = bench_.KnownAgent();
  bench_.now += std::chrono::hours(2);
  bench_.server().Tick(bench_.now);
  const auto before = bench_.Row(agent);
  const auto since = bench_.server().reach().Of(before, bench_.now).since;
  EXPECT_EQ(since, *before.last_verified + 2 * bench_.config.report_interval + ReachPolicy::kGrace);
  for (int i = 0; i < 2; ++i) {
    bench_.now += std::chrono::hours(30);
    bench_.Restart();
    bench_.server().Tick(bench_.now);
  }
  EXPECT_EQ(bench_.Row(agent), before);
  EXPECT_EQ(bench_.server().reach().Of(before, bench_.now).since, since);
}

TEST_F(LongPollTest, DamagedTimesOfThisServerAreReplaced) {
  bench_.server().Tick(bench_.now);
  ASSERT_TRUE(bench_.registry->PutMeta("served-time", "damaged").has_value());
  bench_.Restart();
  bench_.now += Seconds(60);
  bench_.server().Tick(bench_.now);
  EXPECT_EQ(bench_.registry->GetMeta("served-time").value(),
            bench_.server().reach().served().Format());
  FakeAgent agent = bench_.KnownAgent();
  EXPECT_EQ(bench_.server().reach().Of(bench_.Row(agent), bench_.now).reach, Reach::kOnline);
}

}  // namespace
}  // namespace countersign::server
