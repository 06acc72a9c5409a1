#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "server/admin.h"
#include "server/rollout.h"
#include "server/rollout_fixture.h"

// What becomes of a rollout that is aborted, or ended by something else (protocol section 9).
namespace countersign::server {
namespace {

using store::CertificateState;
using testing::FakeAgent;
using trust::RolloutState;

class RolloutAbortTest : public RolloutTest {};

TEST_F(RolloutAbortTest, WhoHoldsAnAbortedOneIsCommandedByIt) {
  auto agents = Agents(2);
  Start();
  Settle(agents[0]);
  ASSERT_TRUE(AbortRollout(bench_.server().world(), Strand::kNo, bench_.now).has_value());
  Reload();
  EXPECT_EQ(StateOf(next_), CertificateState::kAborted);
  (void)bench_.AddOrder(agents[0]);
  EXPECT_EQ(Exchange(agents[0]), (Answer{Signer::kPending, With::kNoBundle, 1}));
  EXPECT_EQ(bench_.Row(agents[0]).standing, kBehind);
  EXPECT_EQ(bench_.Row(agents[0]).reason, "aborted");
  Settle(agents[1]);
  EXPECT_FALSE(Holds(agents[1]));
  Tick();
  EXPECT_TRUE(HasKey(next_));
}

TEST_F(RolloutAbortTest, AnAbortedKeyGoesWhenAllProvedAHigherGeneration) {
  auto agents = Agents(2);
  Start();
  for (auto& agent : agents) Settle(agent);  // all have it, but nobody moved the rollout on
  ASSERT_TRUE(AbortRollout(bench_.server().world(), Strand::kNo, bench_.now).has_value());
  Reload();
  const auto third = bench_.Issue(12);
  bench_.Replace(third);
  for (auto& agent : agents) {
    Tick();
    EXPECT_TRUE(HasKey(next_));
    agent.Hold(bench_.AcceptedStateOf(third));
    (void)Exchange(agent);
  }
  Tick();
  EXPECT_FALSE(HasKey(next_));
  EXPECT_EQ(StateOf(next_), CertificateState::kReplaced);
  EXPECT_EQ(bench_.Events("aborted-key-destroyed"), 1U);
}

TEST_F(RolloutAbortTest, WhoHoldsAnAbortedOneIsOfferedTheNextActiveOne) {
  auto agents = Agents(1);
  Start();
  Settle(agents[0]);
  ASSERT_TRUE(AbortRollout(bench_.server().world(), Strand::kNo, bench_.now).has_value());
  Reload();
  bench_.Replace(bench_.Issue(12));
  EXPECT_EQ(Exchange(agents[0]), (Answer{Signer::kActive, With::kBundle, 0}));
}

TEST_F(RolloutAbortTest, WhoHoldsAnAbortedOneIsOfferedTheNextPendingOne) {
  auto agents = Agents(2);
  for (auto& agent : agents) agent.profile.domain = agent.id == agents[0].id ? "eu" : "us";
  Start();
  for (auto& agent : agents) Settle(agent);
  ASSERT_TRUE(AbortRollout(bench_.server().world(), Strand::kNo, bench_.now).has_value());
  const auto third = bench_.Issue(12);
  bench_.Put(third.certificate, store::CertificateRole::kServer, store::CertificateState::kReserve);
  ASSERT_TRUE(bench_.ring->Add(third.key, keys::Exportable::kNo).has_value());
  Reload();
  Start({.domains = {"eu"}});
  EXPECT_EQ(Exchange(agents[0]), (Answer{Signer::kOther, With::kBundle, 0}));
  EXPECT_EQ(Exchange(agents[1]), (Answer{Signer::kPending, With::kNoBundle, 0}))
      << "outside the first wave: by the one that it holds";
}

TEST_F(RolloutAbortTest, AnAbortedKeyThatNobodyCanHoldGoesAtOnce) {
  (void)Agents(1);
  Start();
  ASSERT_TRUE(AbortRollout(bench_.server().world(), Strand::kNo, bench_.now).has_value());
  Reload();
  Tick();
  EXPECT_FALSE(HasKey(next_));
}

TEST_F(RolloutAbortTest, StrandingGivesTheKeyUp) {
  auto agents = Agents(1);
  Start();
  Settle(agents[0]);
  World& world = bench_.server().world();
  ASSERT_TRUE(AbortRollout(world, Strand::kNo, bench_.now).has_value());
  ASSERT_TRUE(AbortRollout(world, Strand::kYes, bench_.now).has_value());
  Reload();
  EXPECT_FALSE(HasKey(next_));
  EXPECT_EQ(bench_.Row(agents[0]).standing, kMismatched);
  EXPECT_EQ(bench_.Row(agents[0]).reason, "stranded");
  const auto third = bench_.Issue(12);
  bench_.Replace(third);
  EXPECT_EQ(bench_.Row(agents[0]).standing, kBehind) << "the next certificate takes it along";
  EXPECT_EQ(AbortRollout(world, Strand::kYes, bench_.now).error().code, Code::kNotFound);
}

TEST_F(RolloutAbortTest, TheReserveTakesOverBeforeThePendingOneEnds) {
  constexpr Seconds kYear = std::chrono::hours(24 * 365);
  const Instant end = bench_.active.certificate.not_after();
  const auto make = [&](std::uint64_t generation, Instant not_after) {
    return bench_.authority.MakeServer(
        bench_.owner,
        {.server_ids = {bench_.server_id}, .generation = generation, .not_after = not_after});
  };
  const auto longer = make(12, end + kYear);
  const auto reserve = make(13, end + 2 * kYear);
  (void)Agents(1);
  bench_.Put(next_.certificate, store::CertificateRole::kServer, CertificateState::kReplaced);
  bench_.Put(longer.certificate, store::CertificateRole::kServer, CertificateState::kReserve);
  for (const auto& one : {longer, reserve}) {
    ASSERT_TRUE(bench_.ring->Add(one.key, keys::Exportable::kNo).has_value());
  }
  Reload();
  Start();
  bench_.Put(reserve.certificate, store::CertificateRole::kServer, CertificateState::kReserve);
  Reload();
  bench_.now = end - std::chrono::hours(24);
  Tick();
  EXPECT_EQ(StateOf(reserve), CertificateState::kReserve);
  EXPECT_EQ(StateOf(longer), CertificateState::kPending);
  bench_.now = end + kYear - std::chrono::hours(24 * 90);
  Tick();
  EXPECT_EQ(StateOf(reserve), CertificateState::kActive);
  EXPECT_EQ(State(), RolloutState::kAborted);
}

TEST_F(RolloutAbortTest, NobodyIsGivenUpWhoWasNotNamed) {
  auto agents = Agents(1);
  Start();
  Settle(agents[0]);
  ASSERT_TRUE(AbortRollout(bench_.server().world(), Strand::kNo, bench_.now).has_value());
  auto row = Rollout();
  row.rollout.gate_shown.reset();  // as a rollback leaves it
  ASSERT_TRUE(bench_.registry->PutRollout(row).has_value());
  Reload();
  AdminMessage request;
  request.json = {{"command", "rollout-abort"}, {"accept", true}};
  const auto shown = Admin(bench_.server()).Handle(request, User(), bench_.now).json;
  EXPECT_FALSE(shown.at("done").as_bool());
  EXPECT_EQ(shown.at("names").as_array().size(), 1U);
  EXPECT_TRUE(HasKey(next_));
  const auto given_up = Admin(bench_.server()).Handle(request, User(), bench_.now).json;
  EXPECT_TRUE(given_up.at("done").as_bool());
  EXPECT_FALSE(HasKey(next_));
}

}  // namespace
}  // namespace countersign::server
