#include "server/issuing_fixture.h"

namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;
using ::testing::HasSubstr;

class IssuingReplaceTest : public IssuingTest {
 protected:
  // ExpectUnchanged runs `change`, which must fail and leave everything as it was.
  Error ExpectUnchanged(const std::function<Result<Issued>()>& change) {
    const auto rows = server_.registry->ListCertificates().value();
    const auto keys = server_.Keys();
    const auto backup = server_.storage.content.backup;
    const auto error = FailureOf(change());
    EXPECT_EQ(server_.registry->ListCertificates().value(), rows);
    EXPECT_EQ(server_.Keys(), keys);
    EXPECT_EQ(server_.storage.content.backup, backup);
    EXPECT_FALSE(server_.storage.content.staged.has_value());
    return error;
  }
  // RestoreRegistry puts the certificates of an earlier moment into a new registry, as after a
  // restore of that file alone.
  void RestoreRegistry(const std::vector<store::CertificateRow>& rows) {
    server_.registry = store::OpenSqlite(":memory:").value();
    for (const auto& row : rows) EXPECT_TRUE(server_.registry->PutCertificate(row).has_value());
  }

  ServerInMemory server_;
};

TEST_F(IssuingReplaceTest, NewPairTakesThePlaceOfTheOld) {
  const Issued first = Create(server_);
  const IdentityBook before = server_.Book();
  const auto second = Replace(server_, kNow + kDay);
  ASSERT_TRUE(second.has_value()) << second.error().message;
  EXPECT_EQ(second->replaced, first.certificate);
  EXPECT_FALSE(second->owner_made);
  ExpectWhole(server_, kPassword);

  const IdentityBook book = server_.Book();
  EXPECT_EQ(book.entries().size(), 5U) << "certificates are kept for ever";
  EXPECT_EQ(book.FindServer(first.certificate.thumbprint())->row.state,
            CertificateState::kReplaced);
  EXPECT_EQ(book.FindServer(before.Reserve()->certificate.thumbprint())->row.state,
            CertificateState::kReplaced);
  EXPECT_EQ(book.Active()->identity.generation, static_cast<std::uint64_t>(ToUnix(kNow + kDay)));
  EXPECT_EQ(book.server_ids(), before.server_ids());
  EXPECT_EQ(*book.OwnerCertificate(), *before.OwnerCertificate());
  EXPECT_TRUE(TakesOver(first.certificate, book));
  EXPECT_NE(book.Active()->certificate.serial(), first.certificate.serial());
}

TEST_F(IssuingReplaceTest, GenerationGrowsWithinOneSecond) {
  static_cast<void>(Create(server_));
  const std::uint64_t highest = server_.Book().HighestGeneration();
  ASSERT_TRUE(Replace(server_, kNow).has_value());
  EXPECT_EQ(server_.Book().Active()->identity.generation, highest + 1);
}

TEST_F(IssuingReplaceTest, GenerationGoesAboveWhatAnAgentProved) {
  static_cast<void>(Create(server_));
  ASSERT_TRUE(server_.registry->PutMeta("proved_generation", "9000000000").has_value());
  ASSERT_TRUE(Replace(server_, kNow + kDay).has_value());
  EXPECT_EQ(server_.Book().Active()->identity.generation, 9'000'000'001U);
}

TEST_F(IssuingReplaceTest, LastGenerationIsRefused) {
  static_cast<void>(Create(server_));
  ASSERT_TRUE(server_.registry->PutMeta("proved_generation", "9007199254740990").has_value());
  EXPECT_EQ(ExpectUnchanged([&] { return Replace(server_, kNow + kDay); }).code, Code::kExhausted);
}

TEST_F(IssuingReplaceTest, AgentThatSleptThroughManyRotationsTakesOver) {
  const Issued first = Create(server_);
  for (int day = 1; day <= 5; ++day) {
    ASSERT_TRUE(Replace(server_, kNow + day * kDay).has_value());
  }
  EXPECT_TRUE(TakesOver(first.certificate, server_.Book()));
}

TEST_F(IssuingReplaceTest, WrongPasswordChangesNothingAndSaysWhichIsMeant) {
  static_cast<void>(Create(server_));
  const auto error =
      ExpectUnchanged([&] { return Replace(server_, kNow + kDay, "not the password"); });
  EXPECT_EQ(error.code, Code::kWrongPassword);
  EXPECT_THAT(error.message, HasSubstr("automatic backup"));
  EXPECT_THAT(error.message, HasSubstr("-b"));
  EXPECT_THAT(error.message, ::testing::Not(HasSubstr("not the password")));
  EXPECT_THAT(error.next, HasSubstr("The password is forgotten"));
  const auto end = server_.Book().Reserve()->certificate.not_after();
  EXPECT_THAT(error.message, HasSubstr("agents obey this server until " + FormatUtc(end)));
}

TEST_F(IssuingReplaceTest, MissingBackupIsNamed) {
  static_cast<void>(Create(server_));
  server_.storage.content.backup.reset();
  const auto error = ExpectUnchanged([&] { return Replace(server_, kNow + kDay); });
  EXPECT_EQ(error.code, Code::kNotFound);
  EXPECT_THAT(error.message, HasSubstr("AuthCertBackup/OfficeScanAuth.dat"));
}

TEST_F(IssuingReplaceTest, FileOfAnotherToolInThePlaceOfTheBackupIsRefused) {
  static_cast<void>(Create(server_));
  server_.storage.content.backup = FileOf({MakeImported()}, kPassword);
  const auto error = ExpectUnchanged([&] { return Replace(server_, kNow + kDay); });
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.next, HasSubstr("-ine"));
}

TEST_F(IssuingReplaceTest, BackupOfAnotherIdentityIsRefused) {
  static_cast<void>(Create(server_));
  ServerInMemory other(99);
  static_cast<void>(Create(other));
  server_.storage.content.backup = other.storage.content.backup;
  const auto error = ExpectUnchanged([&] { return Replace(server_, kNow + kDay); });
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr("not that of this server's identity"));
}

TEST_F(IssuingReplaceTest, OlderBackupOfThisIdentityIsGoodEnough) {
  static_cast<void>(Create(server_));
  const auto older = server_.storage.content.backup;
  ASSERT_TRUE(Replace(server_, kNow + kDay).has_value());
  const auto held = server_.Book().Active()->certificate;
  server_.storage.content.backup = older;
  ASSERT_TRUE(Replace(server_, kNow + 2 * kDay).has_value());
  EXPECT_TRUE(TakesOver(held, server_.Book()));
  ExpectWhole(server_, kPassword);
}

TEST_F(IssuingReplaceTest, ClockBeforeTheNewestIssueIsRefusedUnlessItIsSaidToBeRight) {
  static_cast<void>(Create(server_));
  const auto error = ExpectUnchanged([&] { return Replace(server_, kNow - Seconds(1)); });
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.next, HasSubstr("--clock-is-right"));
  const std::uint64_t highest = server_.Book().HighestGeneration();
  ASSERT_TRUE(
      Replace(server_, kNow - 10 * kDay, kPassword, {.clock = ClockIsRight::kYes}).has_value());
  EXPECT_EQ(server_.Book().Active()->identity.generation, highest + 1);
  EXPECT_TRUE(Replace(server_, kNow - 9 * kDay).has_value()) << "the newest issue is the last";
}

TEST_F(IssuingReplaceTest, LostKeysAreMended) {
  const Issued first = Create(server_);
  for (const Digest& key : server_.Keys()) {
    ASSERT_TRUE(server_.ring->Destroy(key).has_value());
  }
  ASSERT_TRUE(Replace(server_, kNow + kDay).has_value());
  EXPECT_TRUE(TakesOver(first.certificate, server_.Book()));
  ExpectWhole(server_, kPassword);
}

TEST_F(IssuingReplaceTest, EmptyRegistryIsMendedFromTheBackup) {
  const Issued first = Create(server_);
  const auto id = server_.Book().server_ids();
  auto agent = HoldingAgent(first.certificate);
  server_.AddAgent(agent);
  ASSERT_TRUE(Replace(server_, kNow + kDay).has_value());
  const auto second = server_.Book().Active()->certificate;
  RestoreRegistry({});
  const auto third = Replace(server_, kNow + 2 * kDay);
  ASSERT_TRUE(third.has_value()) << third.error().message;
  EXPECT_EQ(server_.Book().server_ids(), id);
  EXPECT_TRUE(TakesOver(first.certificate, server_.Book()));
  EXPECT_TRUE(TakesOver(second, server_.Book()));
  ExpectWhole(server_, kPassword);
  const auto row = server_.registry->FindAgent(agent.id).value();
  ASSERT_TRUE(row.has_value());
  EXPECT_TRUE(row->admitted);
  EXPECT_EQ(row->admitted_by, "backup");
}

TEST_F(IssuingReplaceTest, RegistrySetBackIsMendedFromTheBackup) {
  static_cast<void>(Create(server_));
  const auto rows = server_.registry->ListCertificates().value();
  ASSERT_TRUE(Replace(server_, kNow + kDay).has_value());
  const auto held = server_.Book().Active()->certificate;
  RestoreRegistry(rows);
  ASSERT_TRUE(Replace(server_, kNow + Seconds(5)).has_value());
  EXPECT_TRUE(TakesOver(held, server_.Book())) << "above the generation that the backup knows";
  ExpectWhole(server_, kPassword);
}

TEST_F(IssuingReplaceTest, BackupStaysReadableAfterHundredsOfReplacements) {
  const Issued first = Create(server_);
  const auto owner = authority_.MakeOwner();
  const auto key = authority_.MakeKey();
  const auto ids = server_.Book().server_ids();
  for (std::uint64_t generation = 1; generation <= 300; ++generation) {
    const auto past = authority_.IssueServer(owner, key.public_key(),
                                             {.server_ids = ids, .generation = generation});
    ASSERT_TRUE(server_.registry
                    ->PutCertificate({.thumbprint = past.thumbprint(),
                                      .der = past.der(),
                                      .role = CertificateRole::kServer,
                                      .state = CertificateState::kReplaced,
                                      .generation = generation,
                                      .since = kNow})
                    .has_value());
  }
  ASSERT_TRUE(Replace(server_, kNow + kDay).has_value());
  ExpectWhole(server_, kPassword);
  EXPECT_EQ(server_.Book().entries().size(), 305U) << "the registry keeps them all";
  EXPECT_TRUE(TakesOver(first.certificate, server_.Book()));
}

TEST_F(IssuingReplaceTest, ImportedIdentityGetsAnOwnerKey) {
  const auto imported = MakeImported();
  ASSERT_TRUE(Import(server_, FileOf({imported})).has_value());
  const auto issued = Replace(server_, kNow + kDay, kFilePassword);
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  EXPECT_TRUE(issued->owner_made);
  EXPECT_EQ(issued->replaced, imported.certificate);
  ExpectWhole(server_, kFilePassword);

  const IdentityBook book = server_.Book();
  EXPECT_EQ(book.entries().size(), 5U) << "imported, succession, owner, active, reserve";
  EXPECT_FALSE(server_.Keys().contains(imported.key.public_key().digest()));
  EXPECT_TRUE(book.KnowsOwner(imported.key.public_key().digest()));
  EXPECT_TRUE(TakesOver(imported.certificate, book));
  EXPECT_EQ(book.server_ids().front(), Uuid::FromDigest(imported.key.public_key().digest()));
}

TEST_F(IssuingReplaceTest, AgentOfTheImportedKeyTakesOverAfterAnyNumberOfRotations) {
  const auto imported = MakeImported(crypto::KeyKind::kRsa);
  ASSERT_TRUE(Import(server_, FileOf({imported})).has_value());
  for (int day = 1; day <= 3; ++day) {
    const auto issued = Replace(server_, kNow + day * kDay, kFilePassword);
    ASSERT_TRUE(issued.has_value()) << issued.error().message;
    EXPECT_EQ(issued->owner_made, day == 1);
  }
  EXPECT_TRUE(TakesOver(imported.certificate, server_.Book()));
  ExpectWhole(server_, kFilePassword);
}

TEST_F(IssuingReplaceTest, ShortPasswordOfAnImportedFileHasToBeChangedFirst) {
  const auto imported = MakeImported();
  ASSERT_TRUE(Import(server_, FileOf({imported}, "short"), {}, "short").has_value());
  const auto error = ExpectUnchanged([&] { return Replace(server_, kNow + kDay, "short"); });
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_EQ(error.next, "countersign backup password");
  ASSERT_TRUE(
      ChangeBackupPassword(server_.world(), config_, Secret("short"), Secret(kPassword), kNow)
          .has_value());
  ExpectWhole(server_, kPassword);
  EXPECT_TRUE(Replace(server_, kNow + kDay).has_value());
}

TEST_F(IssuingReplaceTest, WrongPasswordOfAnImportedIdentityIsToldAsSuch) {
  ASSERT_TRUE(Import(server_, FileOf({MakeImported()})).has_value());
  const auto error = ExpectUnchanged([&] { return Replace(server_, kNow + kDay, "short"); });
  EXPECT_EQ(error.code, Code::kWrongPassword);
}

TEST_F(IssuingReplaceTest, ReserveTakesOverByItself) {
  const Issued first = Create(server_);
  const auto reserve = server_.Book().Reserve()->certificate;
  const auto issued = PromoteReserve(server_.world(), kNow + 1'000 * kDay);
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  EXPECT_EQ(issued->certificate, reserve);
  EXPECT_EQ(issued->replaced, first.certificate);
  const IdentityBook book = server_.Book();
  EXPECT_EQ(book.Active()->certificate, reserve);
  EXPECT_EQ(book.Reserve(), nullptr);
  EXPECT_EQ(server_.Keys(), std::set<Digest>{reserve.key().digest()});
  EXPECT_EQ(server_.storage.content.public_certificate, reserve.der());
  EXPECT_TRUE(TakesOver(first.certificate, book));
  EXPECT_EQ(FailureOf(PromoteReserve(server_.world(), kNow + 1'001 * kDay)).code, Code::kNotFound);
}

TEST_F(IssuingReplaceTest, ReserveWithoutItsKeyDoesNotTakeOver) {
  static_cast<void>(Create(server_));
  const auto reserve = server_.Book().Reserve()->certificate;
  ASSERT_TRUE(server_.ring->Destroy(reserve.key().digest()).has_value());
  const auto error = ExpectUnchanged([&] { return PromoteReserve(server_.world(), kNow + kDay); });
  EXPECT_EQ(error.code, Code::kNotFound);
  EXPECT_THAT(error.message, HasSubstr(reserve.serial()));
}

TEST_F(IssuingReplaceTest, NewPasswordSealsTheKeysInUseAndNoOthers) {
  static_cast<void>(Create(server_));
  ASSERT_TRUE(PromoteReserve(server_.world(), kNow + 1'000 * kDay).has_value());
  ASSERT_TRUE(ChangeBackupPassword(server_.world(), config_, Secret(kPassword),
                                   Secret(kFilePassword), kNow + 1'001 * kDay)
                  .has_value());
  ExpectWhole(server_, kFilePassword);
  EXPECT_EQ(FailureOf(server_.OpenBackup(kPassword)).code, Code::kWrongPassword);
}

TEST_F(IssuingReplaceTest, NewPasswordIssuesTheReserveThatIsMissing) {
  static_cast<void>(Create(server_));
  ASSERT_TRUE(PromoteReserve(server_.world(), kNow + 1'000 * kDay).has_value());
  const auto active = server_.Book().Active()->certificate;
  ASSERT_TRUE(ChangeBackupPassword(server_.world(), config_, Secret(kPassword), Secret(kPassword),
                                   kNow + 1'001 * kDay)
                  .has_value());
  const IdentityBook book = server_.Book();
  ASSERT_NE(book.Reserve(), nullptr);
  EXPECT_EQ(book.Active()->certificate, active);
  EXPECT_GT(book.Reserve()->identity.generation, book.Active()->identity.generation);
  EXPECT_GT(book.Reserve()->certificate.not_after(), active.not_after() + 1'095 * kDay);
}

TEST_F(IssuingReplaceTest, PasswordChangeRefusesWrongAndWeakOnes) {
  static_cast<void>(Create(server_));
  const auto backup = server_.storage.content.backup;
  EXPECT_EQ(FailureOf(ChangeBackupPassword(server_.world(), config_, Secret("not the password"),
                                           Secret(kFilePassword), kNow))
                .code,
            Code::kWrongPassword);
  EXPECT_EQ(FailureOf(ChangeBackupPassword(server_.world(), config_, Secret(kPassword),
                                           Secret("short"), kNow))
                .code,
            Code::kRefused);
  EXPECT_EQ(server_.storage.content.backup, backup);
}

TEST_F(IssuingReplaceTest, PasswordChangeDoesNotTouchNewerKeysThanTheRegistryKnows) {
  static_cast<void>(Create(server_));
  const auto rows = server_.registry->ListCertificates().value();
  ASSERT_TRUE(Replace(server_, kNow + kDay).has_value());
  const auto keys = server_.Keys();
  RestoreRegistry(rows);
  const auto error = FailureOf(ChangeBackupPassword(server_.world(), config_, Secret(kPassword),
                                                    Secret(kFilePassword), kNow + 2 * kDay));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.next, HasSubstr("-c"));
  EXPECT_EQ(server_.Keys(), keys);
}

// --- the key was stolen ---

TEST_F(IssuingReplaceTest, CompromisedRevokesActiveAndReserve) {
  const Issued first = Create(server_);
  const auto reserve = server_.Book().Reserve()->certificate;
  const auto issued = Replace(server_, kNow + kDay, kPassword, {.compromised = true});
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  const IdentityBook book = server_.Book();
  EXPECT_EQ(book.FindServer(first.certificate.thumbprint())->row.state, CertificateState::kRevoked);
  EXPECT_EQ(book.FindServer(reserve.thumbprint())->row.state, CertificateState::kRevoked);
  EXPECT_GT(book.Active()->identity.generation, book.RevokedGeneration());
  EXPECT_TRUE(TakesOver(first.certificate, book));
  EXPECT_TRUE(TakesOver(reserve, book)) << "the thief may have moved agents to the reserve";
  ExpectWhole(server_, kPassword);
}

TEST_F(IssuingReplaceTest, CompromisedImportedKeyIsToldForWhatItIs) {
  const auto imported = MakeImported();
  ASSERT_TRUE(Import(server_, FileOf({imported})).has_value());
  const auto issued = Replace(server_, kNow + kDay, kFilePassword, {.compromised = true});
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  EXPECT_THAT(issued->notes, ::testing::ElementsAre(HasSubstr("its own owner")));
  EXPECT_TRUE(TakesOver(imported.certificate, server_.Book()));
}

}  // namespace
}  // namespace countersign::server
