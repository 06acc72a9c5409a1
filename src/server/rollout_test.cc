#include "server/rollout.h"

#include "server/rollout_fixture.h"
#include "wire/history.h"

// How a rollout goes on, agent by agent (protocol section 9).
namespace countersign::server {
namespace {

using store::CertificateState;
using store::OfferCounts;
using testing::FakeAgent;
using trust::RolloutState;

constexpr Seconds kSoak = std::chrono::hours(1);

TEST_F(RolloutTest, OnlyTheCanaryIsOfferedIt) {
  auto agents = Agents(20);
  Start({.canary_share = 1'000});
  EXPECT_EQ(State(), RolloutState::kCanary);
  for (auto& agent : agents) Settle(agent);
  EXPECT_EQ(NumHolding(agents), 2);
  EXPECT_EQ(Counts(), (OfferCounts{.sent = 0, .taken = 2, .refused = 0}));
  for (auto& agent : agents) {
    EXPECT_EQ(Exchange(agent).signer, Holds(agent) ? Signer::kPending : Signer::kActive);
    EXPECT_EQ(bench_.Row(agent).standing, kVerified);
  }
}

TEST_F(RolloutTest, CanaryByDomain) {
  auto paris = Agents(2, "eu/paris");
  auto others = Agents(3, "us");
  Start({.domains = {"eu"}});
  for (auto& agent : paris) Settle(agent);
  for (auto& agent : others) Settle(agent);
  EXPECT_EQ(NumHolding(paris), 2);
  EXPECT_EQ(NumHolding(others), 0);
}

TEST_F(RolloutTest, GoesFromTheCanaryToEverybodyAndFinishesByItself) {
  auto agents = Agents(20);
  Start({.canary_share = 1'000});
  for (auto& agent : agents) Settle(agent);
  Tick();
  Tick(kSoak - Seconds(1));
  EXPECT_EQ(State(), RolloutState::kCanary);
  for (auto& agent : agents) Settle(agent);  // those pushed to report
  Advance();
  EXPECT_EQ(State(), RolloutState::kCanary);
  Advance(Seconds(1));
  EXPECT_EQ(State(), RolloutState::kRolling) << "at once, not with the next Tick";
  EXPECT_EQ(bench_.Events("rollout-rolling"), 1U);
  for (auto& agent : agents) Settle(agent);
  EXPECT_EQ(NumHolding(agents), 20);
  EXPECT_TRUE(HasKey(bench_.active));
  Advance();
  EXPECT_EQ(State(), RolloutState::kFinished);
  EXPECT_EQ(bench_.server().rollout(), std::nullopt);
  EXPECT_EQ(StateOf(next_), CertificateState::kActive);
  EXPECT_EQ(StateOf(bench_.active), CertificateState::kReplaced);
  EXPECT_FALSE(HasKey(bench_.active)) << "the earlier key is destroyed";
  for (auto& agent : agents) {
    EXPECT_EQ(Exchange(agent).with, With::kNoBundle);
    EXPECT_EQ(bench_.Row(agent).standing, kVerified);
  }
}

TEST_F(RolloutTest, WhoRefusesHaltsItAndStaysCommandable) {
  auto agents = Agents(3);
  refusing_ = {agents[0].id};
  Start();
  for (auto& agent : agents) Settle(agent);
  Advance();
  EXPECT_EQ(State(), RolloutState::kHalted);
  EXPECT_NE(Rollout().rollout.why.find("1 of 3"), std::string::npos) << Rollout().rollout.why;
  EXPECT_EQ(bench_.Events("rollout-halted"), 1U);
  const auto offer = bench_.registry->FindOffer(agents[0].id, 11).value();
  EXPECT_EQ(offer->state, store::OfferState::kRefused);
  EXPECT_EQ(offer->verdict, "distrusted");
  EXPECT_EQ(bench_.Row(agents[0]).standing, kVerified);
  (void)bench_.AddOrder(agents[0]);
  EXPECT_EQ(Exchange(agents[0]), (Answer{Signer::kActive, With::kNoBundle, 1}));
}

TEST_F(RolloutTest, HaltedOffersToNobodyElse) {
  auto agents = Agents(3);
  refusing_ = {agents[0].id};
  Start({.halt_at = 4'000});
  Settle(agents[0]);
  Advance();
  ASSERT_EQ(State(), RolloutState::kHalted);
  Settle(agents[1]);
  EXPECT_FALSE(Holds(agents[1]));
}

TEST_F(RolloutTest, ResumeAsksAnewThoseThatRefused) {
  auto agents = Agents(2);
  refusing_ = {agents[0].id};
  Start();
  for (auto& agent : agents) Settle(agent);
  Advance();
  ASSERT_EQ(State(), RolloutState::kHalted);
  refusing_.clear();
  ASSERT_TRUE(ResumeRollout(bench_.server().world(), {}, bench_.now).has_value());
  Reload();
  for (auto& agent : agents) Settle(agent);
  EXPECT_EQ(NumHolding(agents), 2);
  Advance();
  EXPECT_EQ(State(), RolloutState::kFinished);
}

TEST_F(RolloutTest, ResumeChangesTheTerms) {
  auto agents = Agents(2);
  refusing_ = {agents[0].id};
  Start();
  for (auto& agent : agents) Settle(agent);
  Advance();
  const ResumeOptions options{.halt_at = trust::kEverybody, .rate_per_hour = 7};
  ASSERT_TRUE(ResumeRollout(bench_.server().world(), options, bench_.now).has_value());
  Reload();
  for (auto& agent : agents) Settle(agent);
  Advance();
  EXPECT_EQ(State(), RolloutState::kRolling);
  EXPECT_EQ(Rollout().rollout.terms.rate_per_hour, 7U);
  EXPECT_EQ(Counts().refused, 1U);
}

TEST_F(RolloutTest, PausedServesHoldersAndOffersToNobody) {
  auto agents = Agents(2);
  Start();
  Settle(agents[0]);
  ASSERT_TRUE(PauseRollout(bench_.server().world(), bench_.now).has_value());
  Reload();
  (void)bench_.AddOrder(agents[0]);
  (void)bench_.AddOrder(agents[1]);
  EXPECT_EQ(Exchange(agents[0]), (Answer{Signer::kPending, With::kNoBundle, 1}));
  EXPECT_EQ(Exchange(agents[1]), (Answer{Signer::kActive, With::kNoBundle, 1}));
  EXPECT_FALSE(PauseRollout(bench_.server().world(), bench_.now).has_value());
}

TEST_F(RolloutTest, RateIsKept) {
  auto agents = Agents(5);
  Start({.rate_per_hour = 60});
  for (auto& agent : agents) Settle(agent);
  EXPECT_EQ(NumHolding(agents), 1);
  bench_.now += Seconds(120);
  for (auto& agent : agents) Settle(agent);
  EXPECT_EQ(NumHolding(agents), 3);
  bench_.Restart();
  for (auto& agent : agents) Settle(agent);
  EXPECT_EQ(NumHolding(agents), 3) << "a restart gives nothing away";
}

TEST_F(RolloutTest, CallsThoseThatCanBeCalled) {
  auto agents = Agents(3);
  refusing_ = {agents[0].id};
  Start();
  Advance();
  EXPECT_EQ(Counts().sent, 3U) << "noted before anything goes out";
  EXPECT_TRUE(Rollout().all_asked);
  auto calls = bench_.Due();
  ASSERT_EQ(calls.size(), 3U);
  for (auto& call : calls) {
    EXPECT_EQ(bench_.Order(call.jti).act, "update-now");
    const auto order = wire::ParseOrder(bench_.Sign(call));
    ASSERT_TRUE(order.has_value());
    EXPECT_EQ(order->order.x5t, next_.certificate.thumbprint());
    EXPECT_FALSE(order->order.x5c.empty());
  }
}

TEST_F(RolloutTest, ACallThatIsRefusedIsMadeAgainWithTheActiveOne) {
  auto agents = Agents(1);
  Start();
  (void)bench_.AddOrder(agents[0]);
  Call call = bench_.Due().at(0);
  const std::string order = bench_.Sign(call);
  const std::string receipt =
      agents[0].Sign(agents[0].Receipt(order, trust::Verdict::kDistrusted, bench_.now));
  EXPECT_EQ(bench_.server().TakeReceipt(call, receipt, bench_.now), CallNext::kOnceMore);
  const auto again = wire::ParseOrder(bench_.Sign(call));
  EXPECT_EQ(again->order.x5t, bench_.active.certificate.thumbprint());
  EXPECT_EQ(Counts().refused, 1U);
  EXPECT_EQ(bench_.Row(agents[0]).standing, kVerified);
}

TEST_F(RolloutTest, WhoNeverTakesItCountsAsRefusing) {
  auto agents = Agents(1);
  FakeAgent& agent = agents[0];
  Start();
  const auto before = agent.held;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Exchange(agent).signer, Signer::kPending);
    agent.Hold(*before);  // as if the reply had been lost, but not its nonce
  }
  EXPECT_EQ(Exchange(agent).signer, Signer::kActive);
  EXPECT_EQ(bench_.registry->FindOffer(agent.id, 11).value()->verdict, "not-taken");
}

TEST_F(RolloutTest, OneAlteredReplyMakesNoRefusal) {
  auto agents = Agents(1);
  refusing_ = {agents[0].id};
  Start();
  (void)Exchange(agents[0]);  // whose reply somebody altered
  refusing_.clear();
  (void)bench_.AddOrder(agents[0]);
  EXPECT_EQ(Exchange(agents[0]), (Answer{Signer::kPending, With::kBundle, 1}));
  (void)Exchange(agents[0]);
  EXPECT_EQ(Counts(), (OfferCounts{.sent = 0, .taken = 1, .refused = 0}));
}

TEST_F(RolloutTest, CallsThatWereLostMakeNoRefusal) {
  auto agents = Agents(1);
  Start();
  (void)bench_.AddOrder(agents[0]);
  Call call = bench_.Due().at(0);
  for (int i = 0; i < 9; ++i) (void)bench_.Sign(call);
  EXPECT_EQ(Exchange(agents[0]).signer, Signer::kPending);
}

TEST_F(RolloutTest, AnAgentThatLiesAboutItsGenerationUsesUpNothing) {
  auto agents = Agents(2);
  Start({.rate_per_hour = 60});
  for (int i = 0; i < 9; ++i) {
    auto report = agents[0].Report(bench_.now);
    report.held.generation = (std::uint64_t{1} << 53) - 1;
    const auto reply = wire::ParseReply(bench_.Give(agents[0].Sign(report)).reply);
    agents[0].nonce = reply->reply.nonce;
  }
  EXPECT_LE(Rollout().rollout.rate_used, 1U);
}

TEST_F(RolloutTest, WithoutThePendingKeyTheActiveOneServes) {
  auto agents = Agents(1);
  Start();
  ASSERT_TRUE(bench_.ring->Destroy(next_.certificate.key().digest()).has_value());
  (void)bench_.AddOrder(agents[0]);
  EXPECT_EQ(Exchange(agents[0]), (Answer{Signer::kActive, With::kNoBundle, 1}));
}

TEST_F(RolloutTest, AnAgentThatIsAheadIsNotOfferedWhatItWouldRefuse) {
  auto agents = Agents(1);
  Start();
  auto row = bench_.Row(agents[0]);
  row.held_generation = 12;
  bench_.Put(row);
  Advance();
  EXPECT_EQ(Counts(), OfferCounts());
}

TEST_F(RolloutTest, WhoFlapsDoesNotKeepItFromTheGate) {
  auto agents = Agents(2);
  Start();
  Advance();
  for (int i = 0; i < 5; ++i) {
    const auto before = agents[0].held;
    Settle(agents[0]);
    Advance(std::chrono::minutes(5));
    agents[0].Hold(*before);
    Settle(agents[0]);
  }
  Tick();
  EXPECT_EQ(State(), RolloutState::kGate);
}

TEST_F(RolloutTest, ResumeAtTheGateAsksAnewWhoRefused) {
  auto agents = Agents(2);
  refusing_ = {agents[0].id};
  Start({.halt_at = trust::kEverybody});
  Advance();
  for (auto& agent : agents) Settle(agent);
  Tick(std::chrono::minutes(20));
  Tick(std::chrono::minutes(20));
  ASSERT_EQ(State(), RolloutState::kGate);
  refusing_.clear();
  ASSERT_TRUE(ResumeRollout(bench_.server().world(), {}, bench_.now).has_value());
  ASSERT_TRUE(bench_.server().LoadRollout().has_value());
  Settle(agents[0]);
  Advance();
  EXPECT_EQ(State(), RolloutState::kFinished);
}

TEST_F(RolloutTest, PausingAndResumingCallsNobodyTwice) {
  (void)Agents(2);
  Start();
  Advance();
  World& world = bench_.server().world();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(PauseRollout(world, bench_.now).has_value());
    ASSERT_TRUE(ResumeRollout(world, {}, bench_.now).has_value());
    ASSERT_TRUE(bench_.server().LoadRollout().has_value());
    Advance();
  }
  EXPECT_EQ(bench_.Due().size(), 2U);
  const auto open = bench_.registry->DueOrders(bench_.now + std::chrono::hours(1), 100);
  EXPECT_EQ(open->size(), 2U);
}

TEST_F(RolloutTest, UnprovedReportsAreOfferedNothing) {
  auto agents = Agents(1);
  Start();
  for (int i = 0; i < 9; ++i) {
    agents[0].nonce.reset();
    EXPECT_EQ(Exchange(agents[0]).signer, Signer::kActive) << "a replay could be meant";
  }
  EXPECT_EQ(Counts(), OfferCounts());
}

TEST_F(RolloutTest, UnadmittedAndClonedAgentsAreOfferedNothing) {
  FakeAgent stranger = bench_.NewAgent();
  (void)bench_.Tell(stranger);
  auto agents = Agents(1);
  auto row = bench_.Row(agents[0]);
  row.cloned = true;
  bench_.Put(row);
  Start();
  Advance();
  Settle(stranger);
  Settle(agents[0]);
  EXPECT_EQ(Counts(), OfferCounts());
}

TEST_F(RolloutTest, ARestartGoesOnWhereItWas) {
  auto agents = Agents(20);
  Start({.canary_share = 1'000});
  for (auto& agent : agents) Settle(agent);
  const auto before = Rollout();
  bench_.Restart();
  EXPECT_EQ(bench_.server().rollout(), before);
  for (auto& agent : agents) Settle(agent);
  EXPECT_EQ(NumHolding(agents), 2);
}

TEST_F(RolloutTest, SilenceLeadsToTheGate) {
  auto agents = Agents(2);
  Start();
  Advance();
  Settle(agents[0]);
  Tick();
  EXPECT_EQ(State(), RolloutState::kRolling);
  Tick(std::chrono::minutes(20));
  EXPECT_EQ(State(), RolloutState::kGate);
  EXPECT_EQ(bench_.Events("rollout-gate"), 1U);
  Settle(agents[1]);
  EXPECT_TRUE(Holds(agents[1])) << "the gate still offers it";
  Advance();
  EXPECT_EQ(State(), RolloutState::kFinished);
}

TEST_F(RolloutTest, AnAgentThatWasSetBackTakesItOverAgain) {
  auto agents = Agents(2);
  Start();
  const FakeAgent snapshot = agents[0];
  Settle(agents[0]);
  ASSERT_EQ(Counts().taken, 1U);
  agents[0] = snapshot;
  (void)Exchange(agents[0]);
  Settle(agents[0]);
  EXPECT_TRUE(Holds(agents[0]));
  EXPECT_EQ(Counts().taken, 1U);
}

TEST_F(RolloutTest, OneAtATimeAndNothingWithoutAReserve) {
  (void)Agents(1);
  Start();
  World& world = bench_.server().world();
  const auto start = [&] {
    return StartRollout(world, bench_.config, nullptr, {}, ClockIsRight::kNo, bench_.now);
  };
  EXPECT_EQ(start().error().code, Code::kRefused);
  ASSERT_TRUE(FinishRollout(world, bench_.now).has_value());
  EXPECT_EQ(start().error().code, Code::kNotFound);
  EXPECT_EQ(FinishRollout(world, bench_.now).error().code, Code::kNotFound);
  EXPECT_EQ(PauseRollout(world, bench_.now).error().code, Code::kNotFound);
  EXPECT_EQ(AbortRollout(world, Strand::kNo, bench_.now).error().code, Code::kNotFound);
  store::ServerConfig follower = bench_.config;
  follower.follower_of = "issuer.example";
  EXPECT_EQ(StartRollout(world, follower, nullptr, {}, ClockIsRight::kNo, bench_.now).error().code,
            Code::kRefused);
}

TEST_F(RolloutTest, EveryDecisionIsInTheHistory) {
  (void)Agents(1);
  World& world = bench_.server().world();
  Start();
  ASSERT_TRUE(PauseRollout(world, bench_.now).has_value());
  ASSERT_TRUE(ResumeRollout(world, {}, bench_.now).has_value());
  ASSERT_TRUE(AbortRollout(world, Strand::kNo, bench_.now).has_value());
  std::string lines;
  const auto rows = bench_.registry->ListHistory(0, 100).value();
  for (const auto& row : rows) {
    lines += wire::ParseHistoryLine(row.line)->line.kind + " ";
  }
  EXPECT_EQ(lines, "rollout-started rollout-paused rollout-resumed rollout-aborted ");
}

}  // namespace
}  // namespace countersign::server
