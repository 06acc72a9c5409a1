#include "server/issuing_fixture.h"
#include "server/issuing_internal.h"
#include "server/offline.h"
#include "server/rollout.h"

// What a rollout does to certificates, keys and the automatic backup (protocol section 9).
namespace countersign::server {
namespace {

using store::CertificateState;
using trust::RolloutState;

class IssuingRolloutTest : public IssuingTest {
 protected:
  Result<Issued> Start(const trust::RolloutTerms& terms = {}) {
    const SecretBytes password = Secret(kPassword);
    return StartRollout(server_.world(), config_, &password, terms, ClockIsRight::kNo, kNow + kDay);
  }
  Result<Issued> Back(Instant now = kNow + 2 * kDay) {
    return RollBack(server_.world(), config_, Secret(kPassword), ClockIsRight::kNo, now);
  }
  [[nodiscard]] RolloutState State() {
    return server_.registry->ListRollouts(1).value().at(0).rollout.state;
  }
  [[nodiscard]] CertificateState StateOf(const crypto::Certificate& certificate) {
    return server_.Book().FindServer(certificate.thumbprint())->row.state;
  }
  [[nodiscard]] bool HasKey(const crypto::Certificate& certificate) {
    return server_.Keys().contains(certificate.key().digest());
  }
  [[nodiscard]] bool BackupHas(const crypto::Certificate& certificate) {
    const auto backup = server_.OpenBackup(kPassword).value();
    return std::ranges::any_of(
        backup.server_keys, [&](const auto& key) { return key.public_key() == certificate.key(); });
  }
  void Sent(std::uint64_t generation) {
    ASSERT_TRUE(server_.registry
                    ->PutOffer({.agent = Uuid::FromRandom(authority_.random().Array<16>()),
                                .generation = generation})
                    .has_value());
  }

  ServerInMemory server_;
  Issued first_ = Create(server_);
};

TEST_F(IssuingRolloutTest, StartKeepsTheActiveOneAndReplacesTheReserve) {
  const auto old_reserve = server_.Book().Reserve()->certificate;
  server_.AddAgent(HoldingAgent(first_.certificate));
  const auto started = Start({.canary_share = 500});
  ASSERT_TRUE(started.has_value()) << started.error().message;
  const IdentityBook book = server_.Book();
  EXPECT_EQ(book.Active()->certificate, first_.certificate);
  EXPECT_EQ(book.Pending()->certificate, started->certificate);
  EXPECT_GT(book.Pending()->identity.generation, old_reserve.generation());
  EXPECT_GT(book.Reserve()->identity.generation, book.Pending()->identity.generation);
  EXPECT_EQ(StateOf(old_reserve), CertificateState::kReplaced);
  EXPECT_FALSE(HasKey(old_reserve));
  EXPECT_EQ(server_.Keys().size(), 3U);
  for (const auto* const entry : {book.Active(), book.Pending(), book.Reserve()}) {
    EXPECT_TRUE(BackupHas(entry->certificate));
  }
  EXPECT_FALSE(BackupHas(old_reserve));
  EXPECT_EQ(server_.storage.content.public_certificate, first_.certificate.der());
  EXPECT_EQ(State(), RolloutState::kCanary);
}

TEST_F(IssuingRolloutTest, AFailedStartChangesNothing) {
  const auto rows = server_.registry->ListCertificates().value();
  const SecretBytes wrong = Secret("another password");
  const auto started =
      StartRollout(server_.world(), config_, &wrong, {}, ClockIsRight::kNo, kNow + kDay);
  EXPECT_EQ(FailureOf(started).code, Code::kWrongPassword);
  EXPECT_EQ(FailureOf(Start({.halt_at = 0})).code, Code::kUsage);
  EXPECT_EQ(server_.registry->ListCertificates().value(), rows);
  EXPECT_EQ(server_.registry->ListRollouts(9).value().size(), 0U);
  ExpectWhole(server_, kPassword);
}

TEST_F(IssuingRolloutTest, AFirstWaveOfNobodyIsRefused) {
  EXPECT_EQ(FailureOf(Start({.canary_share = 500})).code, Code::kRefused);
  server_.AddAgent(HoldingAgent(first_.certificate));
  EXPECT_EQ(FailureOf(Start({.domains = {"eu/prais"}})).code, Code::kRefused);
  EXPECT_EQ(server_.registry->ListRollouts(9).value().size(), 0U);
  EXPECT_TRUE(Start({.canary_share = 1}).has_value());
}

TEST_F(IssuingRolloutTest, WhatTheOwnerIsAskedForOutlivesAnAbort) {
  ASSERT_TRUE(Start().has_value());
  const auto asked = MakeOwnerRequest(server_.world(), config_, {.compromised = true}, kNow + kDay);
  ASSERT_TRUE(asked.has_value()) << asked.error().message;
  const std::size_t keys = server_.Keys().size();
  ASSERT_TRUE(AbortRollout(server_.world(), Strand::kNo, kNow + 2 * kDay).has_value());
  ASSERT_TRUE(ReleaseAborted(server_.world(), kNow + 2 * kDay).value());
  EXPECT_EQ(server_.Keys().size(), keys - 1) << "the aborted one's alone";
  EXPECT_EQ(RequestedKeys(server_.world()).value().size(), 2U);
}

TEST_F(IssuingRolloutTest, FinishIsLikeAReplacement) {
  const auto pending = Start()->certificate;
  const auto finished = FinishRollout(server_.world(), kNow + 2 * kDay);
  ASSERT_TRUE(finished.has_value()) << finished.error().message;
  EXPECT_EQ(finished->certificate, pending);
  EXPECT_EQ(finished->replaced, first_.certificate);
  EXPECT_EQ(State(), RolloutState::kFinished);
  EXPECT_FALSE(HasKey(first_.certificate));
  ExpectWhole(server_, kPassword, OldKeys::kMayBeInBackup);
  ASSERT_EQ(finished->notes.size(), 1U);
  EXPECT_NE(finished->notes[0].find(first_.certificate.serial()), std::string::npos);
  EXPECT_TRUE(TakesOver(first_.certificate, server_.Book()));
}

TEST_F(IssuingRolloutTest, WithoutItsKeyThePendingOneIsNotFinished) {
  const auto pending = Start()->certificate;
  ASSERT_TRUE(server_.ring->Destroy(pending.key().digest()).has_value());
  EXPECT_FALSE(FinishRollout(server_.world(), kNow + 2 * kDay).has_value());
  EXPECT_EQ(StateOf(first_.certificate), CertificateState::kActive);
  EXPECT_TRUE(HasKey(first_.certificate));
}

TEST_F(IssuingRolloutTest, RollBackIssuesForTheActiveKey) {
  const auto pending = Start()->certificate;
  Sent(*pending.generation());
  const auto back = Back();
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(back->certificate.key(), first_.certificate.key());
  EXPECT_GT(*back->certificate.generation(), *pending.generation());
  const IdentityBook book = server_.Book();
  EXPECT_EQ(book.Active()->certificate, back->certificate);
  EXPECT_EQ(book.Pending(), nullptr);
  EXPECT_GT(book.Reserve()->identity.generation, book.Active()->identity.generation);
  EXPECT_EQ(State(), RolloutState::kAborted);
  EXPECT_TRUE(HasKey(first_.certificate));
  EXPECT_TRUE(HasKey(pending)) << "an agent may hold it";
  EXPECT_TRUE(TakesOver(first_.certificate, book));
  EXPECT_TRUE(TakesOver(pending, book));
  const auto reserve = book.Reserve()->certificate;
  EXPECT_EQ(server_.Keys(), (std::set<Digest>{first_.certificate.key().digest(),
                                              pending.key().digest(), reserve.key().digest()}));
}

TEST_F(IssuingRolloutTest, AServerRestoredAfterARollBackUsesTheNewerOfTheTwo) {
  ASSERT_TRUE(Start().has_value());
  const auto back = Back()->certificate;
  ServerInMemory other(9);
  ASSERT_TRUE(
      Import(other, *server_.storage.content.backup, {}, kPassword, kNow + 3 * kDay).has_value());
  EXPECT_EQ(other.Book().Active()->certificate, back);
}

TEST_F(IssuingRolloutTest, AServerRestoredDuringARolloutReachesEverybody) {
  const auto pending = Start()->certificate;
  ServerInMemory other(9);
  ASSERT_TRUE(
      Import(other, *server_.storage.content.backup, {}, kPassword, kNow + 3 * kDay).has_value());
  const IdentityBook book = other.Book();
  EXPECT_EQ(book.Active()->certificate, first_.certificate);
  EXPECT_EQ(book.Reserve()->certificate, pending) << "takes over when an agent shows it";
}

TEST_F(IssuingRolloutTest, AReplacementEndsIt) {
  const auto pending = Start()->certificate;
  Sent(*pending.generation());
  const auto replaced = Replace(server_, kNow + 2 * kDay);
  ASSERT_TRUE(replaced.has_value()) << replaced.error().message;
  EXPECT_EQ(State(), RolloutState::kAborted);
  EXPECT_EQ(StateOf(pending), CertificateState::kReplaced);
  ExpectWhole(server_, kPassword);
  EXPECT_TRUE(TakesOver(pending, server_.Book()));
  EXPECT_TRUE(TakesOver(first_.certificate, server_.Book()));
}

TEST_F(IssuingRolloutTest, ATheftRevokesThePendingAndAbortedOnesToo) {
  const auto aborted = Start()->certificate;
  Sent(*aborted.generation());
  ASSERT_TRUE(AbortRollout(server_.world(), Strand::kNo, kNow + kDay).has_value());
  const auto pending = Start()->certificate;
  ASSERT_TRUE(Replace(server_, kNow + 2 * kDay, kPassword, {.compromised = true}).has_value());
  for (const auto& certificate : {aborted, pending, first_.certificate}) {
    EXPECT_EQ(StateOf(certificate), CertificateState::kRevoked);
    EXPECT_FALSE(HasKey(certificate));
  }
  ExpectWhole(server_, kPassword);
}

TEST_F(IssuingRolloutTest, AnImportedIdentityGetsItsOwnerKeyWithTheRollout) {
  ServerInMemory server(11);
  const auto imported = MakeImported();
  ASSERT_TRUE(Import(server, FileOf({imported})).has_value());
  const SecretBytes password = Secret(kFilePassword);
  const auto started =
      StartRollout(server.world(), config_, &password, {}, ClockIsRight::kNo, kNow + kDay);
  ASSERT_TRUE(started.has_value()) << started.error().message;
  EXPECT_TRUE(started->owner_made);
  EXPECT_TRUE(server.Keys().contains(imported.certificate.key().digest()));
  EXPECT_EQ(
      FailureOf(RollBack(server.world(), config_, password, ClockIsRight::kNo, kNow + kDay)).code,
      Code::kRefused);
  ASSERT_TRUE(FinishRollout(server.world(), kNow + 2 * kDay).has_value());
  EXPECT_FALSE(server.Keys().contains(imported.certificate.key().digest()));
  EXPECT_TRUE(TakesOver(imported.certificate, server.Book()));
}

TEST_F(IssuingRolloutTest, KeptKeysAreLimited) {
  for (int i = 0; i < 8; ++i) {
    const auto pending = Start();
    ASSERT_TRUE(pending.has_value()) << pending.error().message;
    Sent(*pending->certificate.generation());
    ASSERT_TRUE(AbortRollout(server_.world(), Strand::kNo, kNow + kDay).has_value());
  }
  EXPECT_EQ(FailureOf(Start()).code, Code::kRefused);
  ASSERT_TRUE(AbortRollout(server_.world(), Strand::kYes, kNow + kDay).has_value());
  EXPECT_TRUE(Start().has_value());
}

TEST_F(IssuingRolloutTest, AChangedPasswordKeepsAllKeysButAbortedOnes) {
  const auto aborted = Start()->certificate;
  Sent(*aborted.generation());
  ASSERT_TRUE(AbortRollout(server_.world(), Strand::kNo, kNow + kDay).has_value());
  const auto pending = Start()->certificate;
  ASSERT_TRUE(ChangeBackupPassword(server_.world(), config_, Secret(kPassword),
                                   Secret("a password that is new"), kNow + 2 * kDay)
                  .has_value());
  const auto backup = server_.OpenBackup("a password that is new").value();
  EXPECT_EQ(backup.server_keys.size(), 3U);
  EXPECT_EQ(KeyOf(backup.server_keys, aborted), nullptr);
  EXPECT_TRUE(HasKey(aborted)) << "in the ring it is, for those who hold it";
  EXPECT_EQ(State(), RolloutState::kRolling);
  EXPECT_EQ(StateOf(pending), CertificateState::kPending);
}

}  // namespace
}  // namespace countersign::server
