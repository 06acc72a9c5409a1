#include "server/backup_check.h"
#include "server/history.h"
#include "server/issuing_fixture.h"
#include "server/issuing_internal.h"
#include "server/rollout.h"

// Imports, restores and backups while a rollout is under way, or was aborted.
namespace countersign::server {
namespace {

using store::CertificateState;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using trust::RolloutState;

class RolloutRestoreTest : public IssuingTest {
 protected:
  RolloutRestoreTest() { config_.export_allowed = true; }

  crypto::Certificate Start() {
    const SecretBytes password = Secret(kPassword);
    const auto started =
        StartRollout(server_.world(), config_, &password, {}, ClockIsRight::kNo, kNow + kDay);
    EXPECT_TRUE(started.has_value()) << started.error().message;
    return started->certificate;
  }
  crypto::Certificate StartFromReserve() {
    const auto started =
        StartRollout(server_.world(), config_, nullptr, {}, ClockIsRight::kNo, kNow + kDay);
    EXPECT_TRUE(started.has_value()) << started.error().message;
    return started->certificate;
  }
  void Abort() {
    ASSERT_TRUE(AbortRollout(server_.world(), Strand::kNo, kNow + 2 * kDay).has_value());
  }
  Archive Archived() {
    auto made = MakeArchive(server_.world(), config_, Secret(kArchivePassword), nullptr, kNow);
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return *std::move(made);
  }
  Result<Issued> ImportBackup(ServerInMemory& server, const Bytes& file) {
    return Import(server, file, {}, kPassword, kNow + 3 * kDay);
  }
  BackupCheck Verify() {
    auto check = CheckAutomaticBackup(server_.world(), Secret(kPassword), kNow + 3 * kDay);
    EXPECT_TRUE(check.has_value()) << check.error().message;
    return *std::move(check);
  }
  void Sent(std::uint64_t generation) {
    ASSERT_TRUE(server_.registry
                    ->PutOffer({.agent = Uuid::FromRandom(authority_.random().Array<16>()),
                                .generation = generation})
                    .has_value());
  }
  [[nodiscard]] CertificateState StateOf(const crypto::Certificate& certificate) {
    return server_.Book().FindServer(certificate.thumbprint())->row.state;
  }
  [[nodiscard]] bool HasKey(const crypto::Certificate& certificate) {
    return server_.Keys().contains(certificate.key().digest());
  }
  [[nodiscard]] bool BackupHas(const crypto::Certificate& certificate) {
    return KeyOf(server_.OpenBackup(kPassword)->server_keys, certificate) != nullptr;
  }
  // The kinds of the events, the oldest first.
  [[nodiscard]] std::vector<std::string> Kinds() {
    std::vector<std::string> kinds;
    const auto events = server_.registry->ListEvents(0, 1'000);
    EXPECT_TRUE(events.has_value());
    for (const auto& event : *events) kinds.push_back(event.kind);
    return kinds;
  }

  ServerInMemory server_;
  Issued first_ = Create(server_);
};

TEST_F(RolloutRestoreTest, AnArchiveHoldsThePendingKey) {
  const auto pending = Start();
  const Archive archive = Archived();
  EXPECT_EQ(archive.num_keys, 3U);
  EXPECT_THAT(archive.missing, IsEmpty());
  ServerInMemory other(9);
  const auto restored =
      Import(other, archive.file, {.restore = true}, kArchivePassword, kNow + 3 * kDay);
  ASSERT_TRUE(restored.has_value()) << restored.error().message;
  EXPECT_EQ(other.Book().Active()->certificate, first_.certificate);
  EXPECT_EQ(other.Book().Reserve()->certificate, pending) << "takes over when an agent shows it";
  EXPECT_TRUE(other.Keys().contains(pending.key().digest()));
}

TEST_F(RolloutRestoreTest, OwnIdentityIsNotTakenOverDuringARollout) {
  const auto pending = Start();
  const auto rows = server_.registry->ListCertificates().value();
  for (const Bytes& file : {*server_.storage.content.backup, Archived().file}) {
    const bool is_backup = file == *server_.storage.content.backup;
    const auto error = FailureOf(Import(server_, file, {.cut_off = true, .restore = !is_backup},
                                        is_backup ? kPassword : kArchivePassword, kNow + 3 * kDay));
    EXPECT_EQ(error.code, Code::kRefused);
    EXPECT_THAT(error.message, HasSubstr(std::to_string(*pending.generation())));
    EXPECT_EQ(error.next, "countersign rollout finish, or countersign rollout abort");
  }
  EXPECT_EQ(server_.registry->ListCertificates().value(), rows);
  Abort();
  EXPECT_TRUE(ImportBackup(server_, *server_.storage.content.backup).has_value());
}

TEST_F(RolloutRestoreTest, NorWhereTheActiveOneWasImported) {
  ServerInMemory server(11);
  ASSERT_TRUE(Import(server, FileOf({MakeImported()})).has_value());
  const SecretBytes password = Secret(kFilePassword);
  ASSERT_TRUE(StartRollout(server.world(), config_, &password, {}, ClockIsRight::kNo, kNow + kDay)
                  .has_value());
  const auto imported = Import(server, *server.storage.content.backup);
  EXPECT_EQ(FailureOf(imported).next, "countersign rollout finish, or countersign rollout abort");
}

TEST_F(RolloutRestoreTest, AnotherIdentityEndsIt) {
  const auto pending = Start();
  ASSERT_TRUE(Import(server_, FileOf({MakeImported()})).has_value());
  EXPECT_EQ(StateOf(pending), CertificateState::kReplaced);
  EXPECT_EQ(server_.registry->ListRollouts(1)->at(0).rollout.state, RolloutState::kAborted);
}

TEST_F(RolloutRestoreTest, AnAbortedOneStaysThatWhenTheBackupComesBack) {
  const auto aborted = Start();
  const auto reserve = server_.Book().Reserve()->certificate;
  Sent(*aborted.generation());
  Abort();
  ASSERT_TRUE(BackupHas(aborted)) << "the abort takes no password";
  const auto imported = ImportBackup(server_, *server_.storage.content.backup);
  ASSERT_TRUE(imported.has_value()) << imported.error().message;
  EXPECT_EQ(StateOf(aborted), CertificateState::kAborted);
  EXPECT_TRUE(HasKey(aborted)) << "agents may hold it";
  EXPECT_EQ(server_.Book().Active()->certificate, first_.certificate);
  EXPECT_EQ(server_.Book().Reserve()->certificate, reserve);
  EXPECT_FALSE(BackupHas(aborted)) << "it is sealed anew";
}

TEST_F(RolloutRestoreTest, ARevokedOneIsNotTakenBack) {
  ServerInMemory server(11);
  const Bytes file = FileOf({MakeImported()});
  ASSERT_TRUE(Import(server, file).has_value());
  ASSERT_TRUE(Replace(server, kNow + kDay, kFilePassword, {.compromised = true}).has_value());
  const auto rows = server.registry->ListCertificates().value();
  const auto error =
      FailureOf(Import(server, file, {.cut_off = true}, kFilePassword, kNow + 2 * kDay));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr("revoked on this server"));
  EXPECT_EQ(server.registry->ListCertificates().value(), rows);
}

TEST_F(RolloutRestoreTest, TheBackupOfARolloutIsWhole) {
  const auto pending = Start();
  for (const auto& held : {first_.certificate, pending}) {
    auto row = HoldingAgent(held);
    server_.AddAgent(row);
  }
  ASSERT_TRUE(ChangeBackupPassword(server_.world(), config_, Secret(kPassword), Secret(kPassword),
                                   kNow + 2 * kDay)
                  .has_value());
  const BackupCheck check = Verify();
  EXPECT_THAT(check.problems, IsEmpty());
  EXPECT_EQ(check.num_served, 2U);
  EXPECT_THAT(check.notes, ElementsAre(HasSubstr("before the rollout")));
}

TEST_F(RolloutRestoreTest, ABackupFromBeforeTheRolloutLacksItsCertificate) {
  const Bytes before = *server_.storage.content.backup;
  const auto pending = Start();
  const auto check = CheckBackup(server_.world(), before, Secret(kPassword), kNow + 2 * kDay);
  ASSERT_TRUE(check.has_value()) << check.error().message;
  EXPECT_THAT(check->problems,
              ElementsAre(HasSubstr(pending.serial() + " of the rollout under way")));
}

TEST_F(RolloutRestoreTest, TheBackupIsToldToHoldAnAbortedKeyUntilItIsSealedAnew) {
  const auto aborted = Start();
  Abort();
  EXPECT_THAT(Verify().problems, ElementsAre(HasSubstr(aborted.serial() + ", which was aborted")));
  ASSERT_TRUE(ChangeBackupPassword(server_.world(), config_, Secret(kPassword), Secret(kPassword),
                                   kNow + 2 * kDay)
                  .has_value());
  EXPECT_THAT(Verify().problems, IsEmpty());
}

TEST_F(RolloutRestoreTest, AReserveMadeMeanwhileOutlivesThePendingOne) {
  const auto pending = StartFromReserve();
  ASSERT_EQ(server_.Book().Reserve(), nullptr);
  const auto error = FailureOf(CheckAutomaticBackup(server_.world(), Secret("no"), kNow + kDay));
  EXPECT_THAT(error.message, HasSubstr("until " + FormatUtc(pending.not_after())));
  ASSERT_TRUE(ChangeBackupPassword(server_.world(), config_, Secret(kPassword), Secret(kPassword),
                                   kNow + 2 * kDay)
                  .has_value());
  const auto reserve = server_.Book().Reserve()->certificate;
  EXPECT_GT(reserve.not_after(), pending.not_after());
  EXPECT_GT(*reserve.generation(), *pending.generation());
}

TEST_F(RolloutRestoreTest, WhatEndsItWritesTheEventBeforeItsOwn) {
  const auto pending = Start();
  ASSERT_TRUE(Replace(server_, kNow + 2 * kDay).has_value());
  const auto kinds = Kinds();
  ASSERT_GE(kinds.size(), 2U);
  EXPECT_EQ(std::vector(kinds.end() - 2, kinds.end()),
            (std::vector<std::string>{"rollout-aborted", "certificate-replaced"}));
  const auto checked = CheckHistory(server_.world());
  ASSERT_TRUE(checked.has_value());
  EXPECT_FALSE(checked->problem.has_value());
  EXPECT_EQ(checked->num_unsigned, 0U);
  EXPECT_EQ(checked->num_lines, 4U) << "created, started, aborted, replaced";
  EXPECT_EQ(StateOf(pending), CertificateState::kReplaced);
}

TEST_F(RolloutRestoreTest, AfterATheftNobodyIsKnownToHoldAnAbortedOne) {
  const auto aborted = Start();
  Sent(*aborted.generation());
  Abort();
  ASSERT_TRUE(Replace(server_, kNow + 3 * kDay, kPassword, {.compromised = true}).has_value());
  EXPECT_EQ(StateOf(aborted), CertificateState::kRevoked);
  EXPECT_EQ(server_.registry->CountOffers(*aborted.generation()).value(), store::OfferCounts());
}

TEST_F(RolloutRestoreTest, WhoMayHoldAnAbortedOneIsNotForgottenByAnyOtherChange) {
  const auto aborted = Start();
  Sent(*aborted.generation());
  Abort();
  const auto pending = Start();
  Sent(*pending.generation());
  ASSERT_TRUE(Replace(server_, kNow + 3 * kDay).has_value());
  EXPECT_EQ(server_.registry->CountOffers(*aborted.generation())->sent, 1U);
  EXPECT_EQ(server_.registry->CountOffers(*pending.generation()).value(), store::OfferCounts());
}

TEST_F(RolloutRestoreTest, FinishSaysWhatTheBackupBeginsWith) {
  static_cast<void>(Start());
  const auto finished = FinishRollout(server_.world(), kNow + 2 * kDay);
  ASSERT_TRUE(finished.has_value()) << finished.error().message;
  EXPECT_THAT(finished->notes, Contains(HasSubstr("for followers, until its password is next "
                                                  "given: countersign backup password")));
}

}  // namespace
}  // namespace countersign::server
