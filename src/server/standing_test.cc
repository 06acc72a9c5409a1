#include "server/standing.h"

#include <gtest/gtest.h>

#include "tests/support/server_bench.h"

namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;
using testing::Identity;
using testing::ServerBench;

// An earlier owner, its successor `owner`, and the active certificate of generation 10 under it.
class StandingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    bench_.Put(earlier_.certificate, CertificateRole::kOwner, CertificateState::kActive);
    bench_.Put(bench_.authority.IssueSuccession(earlier_, bench_.owner, {bench_.server_id}),
               CertificateRole::kSuccession, CertificateState::kActive);
    ASSERT_TRUE(bench_.server().Reload(bench_.now).has_value());
  }
  [[nodiscard]] store::AgentRow RowHolding(const Identity& identity) const {
    const auto held = wire::HeldOf(bench_.FirstTrustOf(identity));
    store::AgentRow row;
    row.admitted = true;
    row.held_known = true;
    row.held_thumbprint = held.thumbprint;
    row.held_generation = held.generation;
    row.held_owner = held.owner;
    row.held_server = held.server;
    return row;
  }
  [[nodiscard]] Identity Server(const Identity& owner, std::uint64_t generation) {
    return bench_.authority.MakeServer(
        owner, {.server_ids = {bench_.server_id}, .generation = generation});
  }
  [[nodiscard]] Standing Of(const store::AgentRow& row) {
    return StandingOf(row, bench_.server().book());
  }
  [[nodiscard]] Standing Of(const Identity& held) { return Of(RowHolding(held)); }

  ServerBench bench_;
  Identity earlier_ = bench_.authority.MakeOwner();
};

TEST_F(StandingTest, HolderOfTheActiveCertificateIsVerified) {
  EXPECT_EQ(Of(bench_.active), (Standing{kVerified, ""}));
}

TEST_F(StandingTest, OlderGenerationOfThisOwnerIsBehind) {
  EXPECT_EQ(Of(Server(bench_.owner, 9)), (Standing{kBehind, ""}));
}

TEST_F(StandingTest, EarlierOwnerWithASuccessionIsBehind) {
  EXPECT_EQ(Of(Server(earlier_, 3)), (Standing{kBehind, ""}));
}

TEST_F(StandingTest, OwnerWithoutASuccessionIsMismatched) {
  const Identity lost = bench_.authority.MakeOwner();
  bench_.Put(lost.certificate, CertificateRole::kOwner, CertificateState::kActive);
  ASSERT_TRUE(bench_.server().Reload(bench_.now).has_value());
  EXPECT_EQ(Of(Server(lost, 3)), (Standing{kMismatched, "no-succession"}));
}

TEST_F(StandingTest, UnknownOwnerIsMismatched) {
  EXPECT_EQ(Of(Server(bench_.authority.MakeOwner(), 3)), (Standing{kMismatched, "other-owner"}));
}

TEST_F(StandingTest, AnotherServerOfThisOwnerIsMismatched) {
  const auto other = bench_.authority.MakeServer(
      bench_.owner, {.server_ids = {bench_.authority.MakeServerId()}, .generation = 3});
  EXPECT_EQ(Of(other), (Standing{kMismatched, "wrong-server"}));
}

TEST_F(StandingTest, NewerGenerationIsAheadAndAnEqualOneAFork) {
  EXPECT_EQ(Of(Server(bench_.owner, 11)), (Standing{kMismatched, "ahead"}));
  EXPECT_EQ(Of(Server(bench_.owner, 10)), (Standing{kMismatched, "fork"}));
}

TEST_F(StandingTest, RefusedBundleIsMismatchedWithItsVerdict) {
  for (const std::string reason :
       {"other-owner", "chain", "wrong-server", "older-generation", "fork", "distrusted"}) {
    auto row = RowHolding(Server(bench_.owner, 9));
    row.last_refusal = reason;
    EXPECT_EQ(Of(row), (Standing{kMismatched, reason}));
  }
}

TEST_F(StandingTest, RefusalThatHealsByItselfIsBehind) {
  for (const std::string reason : {"stale", "bad-signature", "busy", "certificate-expired"}) {
    auto row = RowHolding(Server(bench_.owner, 9));
    row.last_refusal = reason;
    EXPECT_EQ(Of(row), (Standing{kBehind, ""}));
  }
}

TEST_F(StandingTest, HolderOfTheActiveCertificateThatDistrustsItIsMismatched) {
  auto row = RowHolding(bench_.active);
  row.last_refusal = "distrusted";
  EXPECT_EQ(Of(row), (Standing{kMismatched, "distrusted"}));
  row.last_refusal = "stale";
  EXPECT_EQ(Of(row), (Standing{kVerified, ""}));
}

TEST_F(StandingTest, WhoIsNotAdmittedIsNewUnlessMismatched) {
  auto row = RowHolding(bench_.active);
  row.admitted = false;
  EXPECT_EQ(Of(row), (Standing{kNew, "not-admitted"}));
  row = RowHolding(Server(bench_.authority.MakeOwner(), 3));
  row.admitted = false;
  EXPECT_EQ(Of(row), (Standing{kMismatched, "other-owner"}));
}

TEST_F(StandingTest, WhoHasProvedNothingIsNew) {
  store::AgentRow row;
  EXPECT_EQ(Of(row), (Standing{kNew, "not-admitted"}));
  row.admitted = true;
  EXPECT_EQ(Of(row), (Standing{kNew, ""}));
}

TEST_F(StandingTest, ClonedGoesBeforeEverything) {
  auto row = RowHolding(Server(bench_.authority.MakeOwner(), 3));
  row.cloned = true;
  EXPECT_EQ(Of(row), (Standing{kQuarantined, "cloned"}));
}

TEST_F(StandingTest, ClaimThatIsNotShownIsMismatched) {
  auto row = RowHolding(bench_.active);
  row.want_bundle = true;
  EXPECT_EQ(Of(row), (Standing{kMismatched, "unproved"}));
}

TEST_F(StandingTest, WithoutAnActiveCertificateAllAreMismatched) {
  bench_.Put(bench_.active.certificate, CertificateRole::kServer, CertificateState::kRevoked);
  ASSERT_TRUE(bench_.server().Reload(bench_.now).has_value());
  EXPECT_EQ(Of(bench_.active), (Standing{kMismatched, "no-certificate"}));
}

TEST_F(StandingTest, ImportedIdentityHasNoWayBack) {
  const auto imported = bench_.authority.MakeImported(crypto::KeyKind::kP256);
  bench_.Put(bench_.active.certificate, CertificateRole::kServer, CertificateState::kReplaced);
  bench_.Put(imported.certificate, CertificateRole::kServer, CertificateState::kActive);
  ASSERT_TRUE(bench_.server().Reload(bench_.now).has_value());
  EXPECT_EQ(Of(imported), (Standing{kVerified, ""}));
  EXPECT_EQ(Of(Server(bench_.owner, 3)), (Standing{kMismatched, "other-owner"}));
}

TEST_F(StandingTest, EveryReasonHasWordsAndANextStep) {
  const AgentId id = Uuid::FromRandom({1, 2, 3});
  for (const std::string_view reason :
       {"other-owner", "wrong-server", "ahead", "unproved", "no-succession", "no-certificate",
        "fork", "distrusted", "chain", "older-generation", "not-admitted", "cloned"}) {
    EXPECT_FALSE(ReasonText(reason).empty()) << reason;
    EXPECT_FALSE(NextStep(kMismatched, reason, id).empty()) << reason;
  }
  EXPECT_FALSE(NextStep(kBehind, "", id).empty());
  EXPECT_FALSE(NextStep(kArriving, "", id).empty());
  EXPECT_FALSE(NextStep(kMoved, "", id).empty());
  EXPECT_TRUE(NextStep(kVerified, "", id).empty());
  EXPECT_EQ(NextStep(kNew, "not-admitted", id), "countersign agents approve " + id.Text());
}

TEST_F(StandingTest, ClockFaultIsMoreThanFiveMinutesEitherWay) {
  auto row = RowHolding(bench_.active);
  for (const std::int64_t offset : {0, 300, -300}) {
    row.clock_offset = offset;
    EXPECT_FALSE(HasClockFault(row)) << offset;
  }
  for (const std::int64_t offset : {301, -301}) {
    row.clock_offset = offset;
    EXPECT_TRUE(HasClockFault(row)) << offset;
  }
}

TEST_F(StandingTest, ReloadJudgesEveryAgentAnew) {
  auto agent = bench_.KnownAgent();
  auto row = bench_.Row(agent);
  row.last_refusal = "chain";
  bench_.Put(row);
  bench_.Replace(bench_.Issue(11));
  EXPECT_EQ(bench_.Row(agent).standing, kBehind) << "what it refused is not offered any more";
  bench_.Put(bench_.active.certificate, CertificateRole::kServer, CertificateState::kRevoked);
  ASSERT_TRUE(bench_.server().Reload(bench_.now).has_value());
  EXPECT_EQ(bench_.Row(agent).standing, kMismatched);
  EXPECT_EQ(bench_.Events("agent-mismatched"), 1U);
}

// It says now this and now that; the log has room for what others do, too.
TEST_F(StandingTest, AgentThatAlternatesItsClaimsMakesOneEventAnHour) {
  auto agent = bench_.KnownAgent();
  auto row = bench_.Row(agent);
  auto stranger = RowHolding(Server(bench_.authority.MakeOwner(), 3));
  stranger.id = row.id;
  for (int i = 0; i < 5; ++i) {
    stranger.standing = kVerified;
    ASSERT_TRUE(bench_.server().Rejudge(stranger, bench_.now).has_value());
    EXPECT_EQ(stranger.standing, kMismatched);
  }
  EXPECT_EQ(bench_.Events("agent-mismatched"), 1U);
}

TEST_F(StandingTest, WhatWasInstalledAnewIsRetired) {
  auto row = RowHolding(Server(bench_.authority.MakeOwner(), 3));
  row.cloned = true;
  row.successor = bench_.authority.MakeServerId();
  EXPECT_EQ(Of(row), (Standing{kRetired, "reinstalled"}));
}

// --- after a theft ---

// The server was restored to before a certificate that was stolen too: it does not know that one.
TEST_F(StandingTest, WhatWasStolenMayBeUnknownHere) {
  bench_.Put(Server(bench_.owner, 3).certificate, CertificateRole::kServer,
             CertificateState::kRevoked);
  ASSERT_TRUE(bench_.server().Reload(bench_.now).has_value());
  const IdentityBook& book = bench_.server().book();
  EXPECT_EQ(book.SafeGeneration(), 10U);
  EXPECT_TRUE(IsExposed(RowHolding(Server(bench_.owner, 7)), book));
  EXPECT_FALSE(IsExposed(RowHolding(bench_.active), book));
}

class ExposureTest : public StandingTest {
 protected:
  // Generation 8 was in use and 9 its reserve when the key was stolen; 10 came instead.
  void SetUp() override {
    StandingTest::SetUp();
    bench_.Put(stolen_.certificate, CertificateRole::kServer, CertificateState::kRevoked);
    bench_.Put(reserve_.certificate, CertificateRole::kServer, CertificateState::kRevoked);
    ASSERT_TRUE(bench_.server().Reload(bench_.now).has_value());
  }
  [[nodiscard]] bool Exposed(const store::AgentRow& row) {
    return IsExposed(row, bench_.server().book());
  }
  Identity stolen_ = Server(bench_.owner, 8);
  Identity reserve_ = Server(bench_.owner, 9);
};

TEST_F(ExposureTest, WhoeverHasNotHeardIsExposed) {
  EXPECT_EQ(Of(stolen_), (Standing{kExposed, "revoked"}));
  EXPECT_EQ(Of(reserve_), (Standing{kExposed, "revoked"})) << "the thief may have moved it there";
  EXPECT_EQ(Of(Server(bench_.owner, 3)), (Standing{kExposed, "revoked"}))
      << "an older one takes the stolen certificate by its bundle";
  EXPECT_EQ(Of(Server(earlier_, 3)), (Standing{kExposed, "revoked"}));
}

TEST_F(ExposureTest, WhoeverHasHeardIsNot) {
  EXPECT_EQ(Of(bench_.active), (Standing{kVerified, ""}));
  EXPECT_FALSE(Exposed(RowHolding(bench_.active)));
}

TEST_F(ExposureTest, AnAdmittedAgentThatWasNeverHeardOfMayHoldTheStolenOne) {
  store::AgentRow row;
  row.admitted = true;
  EXPECT_EQ(Of(row), (Standing{kExposed, "revoked"}));
  row.admitted = false;
  EXPECT_EQ(Of(row).standing, kNew);
  EXPECT_TRUE(Exposed(row));
}

TEST_F(ExposureTest, OthersWereNeverCommandedByTheStolenKey) {
  EXPECT_FALSE(Exposed(RowHolding(Server(bench_.authority.MakeOwner(), 3))));
  const auto other = bench_.authority.MakeServer(
      bench_.owner, {.server_ids = {bench_.authority.MakeServerId()}, .generation = 3});
  EXPECT_FALSE(Exposed(RowHolding(other)));
}

TEST_F(ExposureTest, ACloneOrOneThatNeedsHandsIsExposedBesides) {
  auto row = RowHolding(stolen_);
  row.cloned = true;
  EXPECT_EQ(Of(row).standing, kQuarantined);
  EXPECT_TRUE(Exposed(row));
  row.cloned = false;
  row.last_refusal = "chain";
  EXPECT_EQ(Of(row).standing, kMismatched);
  EXPECT_TRUE(Exposed(row));
}

TEST_F(ExposureTest, ItEndsWhenTheLastStolenCertificateExpires) {
  EXPECT_EQ(bench_.server().book().RevokedUntil(),
            std::max(stolen_.certificate.not_after(), reserve_.certificate.not_after()));
}

}  // namespace
}  // namespace countersign::server
