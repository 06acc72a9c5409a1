#include "trust/move.h"

#include "trust/rule_a_fixture.h"

namespace countersign::trust {
namespace {

// An agent of `owner_` is sent to a server of `other_`.
using testing::ForgedCertificate;

class MoveTest : public RuleATest {
 protected:
  [[nodiscard]] testing::Identity Target(std::uint64_t generation = 7) {
    return authority_.MakeServer(other_, {.server_ids = {target_}, .generation = generation});
  }
  [[nodiscard]] Bundle BundleOf(const testing::Identity& server) const {
    return {server.certificate.der(), other_.certificate.der()};
  }
  [[nodiscard]] MoveGoal Goal() const {
    return {.server = target_, .owner = other_.key.public_key().digest(), .least_generation = 7};
  }
  [[nodiscard]] static std::string Judge(const TrustState& held, const MoveGoal& goal,
                                         const Bundle& bundle, const DistrustList& distrust = {}) {
    const auto after = TrustAfterMove(held, goal, bundle, distrust);
    return after ? "accepted" : std::string(VerdictName(after.error()));
  }
  [[nodiscard]] TrustState After(const testing::Identity& server) const {
    const auto after = TrustAfterMove(held_, Goal(), BundleOf(server), {});
    Check(after.has_value(), "a bundle that is accepted");
    return *after;
  }
  const ServerId target_ = authority_.MakeServerId();
};

TEST_F(MoveTest, TargetOfAnotherOwnerIsAccepted) {
  const auto server = Target();
  const TrustState after = After(server);
  EXPECT_EQ(after.certificate, server.certificate);
  EXPECT_EQ(after.owner, other_.key.public_key().digest());
  EXPECT_EQ(after.server, target_);
  EXPECT_EQ(after.generation, 7U);
  EXPECT_EQ(after.bundle.size(), 2U);
  // The file form takes it back whole, the memory of the server that it left included.
  EXPECT_EQ(ParseTrustState(EncodeTrustState(after)).value(), after);
  EXPECT_NE(after.FindHighest(id_), nullptr);
}

TEST_F(MoveTest, AnotherServerOfTheSameOwnerIsAccepted) {
  const auto server = authority_.MakeServer(owner_, {.server_ids = {target_}, .generation = 3});
  const MoveGoal goal{.server = target_, .owner = held_.owner, .least_generation = 3};
  EXPECT_EQ(Judge(held_, goal, {server.certificate.der(), owner_.certificate.der()}), "accepted");
}

TEST_F(MoveTest, SuccessionForOtherServersIsNoHindrance) {
  // Clause 3 of rule A is not asked: the succession names id_, not the target.
  ForgedCertificate server = ServerBy(next_.key, 9);
  server.uris = {target_.Urn()};
  const MoveGoal goal{.server = target_, .owner = held_.owner, .least_generation = 1};
  EXPECT_EQ(Judge(held_, goal, OwnerChange(server, Succession())), "accepted");
}

TEST_F(MoveTest, OwnServerIsNoTarget) {
  MoveGoal goal = Goal();
  goal.server = held_.server;
  EXPECT_EQ(Judge(held_, goal, BundleOf(Target())), "wrong-server");
}

TEST_F(MoveTest, BundleOfAnotherOwnerThanTheWarrantsIsRefused) {
  MoveGoal goal = Goal();
  goal.owner = next_.key.public_key().digest();
  EXPECT_EQ(Judge(held_, goal, BundleOf(Target())), "other-owner");
}

TEST_F(MoveTest, CertificateThatTheOwnerDidNotIssueIsRefused) {
  const Bundle forged = {held_server_.certificate.der(), other_.certificate.der()};
  EXPECT_EQ(Judge(held_, Goal(), forged), "chain");
  EXPECT_EQ(Judge(held_, Goal(), {}), "chain");
  EXPECT_EQ(Judge(held_, Goal(), {other_.certificate.der()}), "chain");
}

TEST_F(MoveTest, CertificateForAnotherServerIsRefused) {
  const auto server = authority_.MakeServer(other_, {.server_ids = {id_}, .generation = 7});
  EXPECT_EQ(Judge(held_, Goal(), BundleOf(server)), "wrong-server");
}

TEST_F(MoveTest, GenerationBelowTheWarrantsIsRefused) {
  EXPECT_EQ(Judge(held_, Goal(), BundleOf(Target(6))), "older-generation");
}

TEST_F(MoveTest, GenerationsOfServersOnceTrustedAreRemembered) {
  const auto server = Target(20);
  TrustState back = After(server);
  back.server = id_;  // as if it had gone back since
  EXPECT_EQ(Judge(back, Goal(), BundleOf(Target(19))), "older-generation");
  EXPECT_EQ(Judge(back, Goal(), BundleOf(Target(20))), "fork");
  EXPECT_EQ(Judge(back, Goal(), BundleOf(server)), "accepted");
  EXPECT_EQ(Judge(back, Goal(), BundleOf(Target(21))), "accepted");
}

TEST_F(MoveTest, DistrustedTargetIsRefused) {
  const DistrustList distrust({other_.key.public_key().digest()});
  EXPECT_EQ(Judge(held_, Goal(), BundleOf(Target()), distrust), "distrusted");
}

TEST_F(MoveTest, MoreServersThanAnAgentRemembersAreRefused) {
  TrustState full = held_;
  while (full.highest.size() < kMaxServerIds) {
    full.highest.push_back({authority_.MakeServerId(), 1, Digest()});
  }
  EXPECT_EQ(Judge(full, Goal(), BundleOf(Target())), "cannot-record");
  full.highest.back().server = target_;
  EXPECT_EQ(Judge(full, Goal(), BundleOf(Target())), "accepted");
}

}  // namespace
}  // namespace countersign::trust
