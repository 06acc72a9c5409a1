#include "server/issuing_fixture.h"

namespace countersign::server {
namespace {

using store::CertificateState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class IssuingImportTest : public IssuingTest {
 protected:
  Error Refused(ByteView file, std::string_view password = kFilePassword,
                const ImportOptions& options = {}) {
    const auto rows = server_.registry->ListCertificates().value();
    const auto keys = server_.Keys();
    const auto backup = server_.storage.content.backup;
    auto error = FailureOf(Import(server_, file, options, password));
    EXPECT_EQ(server_.registry->ListCertificates().value(), rows);
    EXPECT_EQ(server_.Keys(), keys);
    EXPECT_EQ(server_.storage.content.backup, backup);
    return error;
  }
  // WholeBackup is the automatic backup of another server, which replaced its certificate once.
  Bytes WholeBackup() {
    static_cast<void>(Create(other_));
    EXPECT_TRUE(Replace(other_, kNow).has_value());
    return *other_.storage.content.backup;
  }

  ServerInMemory server_;
  ServerInMemory other_{42};
};

TEST_F(IssuingImportTest, EveryAllowedKindOfKeyIsTakenOver) {
  for (const auto kind : {crypto::KeyKind::kRsa, crypto::KeyKind::kP256, crypto::KeyKind::kP384}) {
    ServerInMemory server;
    const auto imported = MakeImported(kind);
    const auto issued = Import(server, FileOf({imported}));
    ASSERT_TRUE(issued.has_value()) << issued.error().message;
    EXPECT_EQ(issued->certificate, imported.certificate);
    EXPECT_FALSE(issued->replaced.has_value());
    ExpectWhole(server, kFilePassword);
    const IdentityBook book = server.Book();
    EXPECT_EQ(book.Reserve(), nullptr) << "an imported identity has none";
    EXPECT_EQ(book.Active()->row.generation,
              static_cast<std::uint64_t>(ToUnix(imported.certificate.not_before())));
    EXPECT_EQ(*book.OwnerCertificate(), imported.certificate);
  }
}

TEST_F(IssuingImportTest, ExportableIsAsAskedFor) {
  const auto imported = MakeImported();
  ASSERT_TRUE(
      Import(server_, FileOf({imported}), {.exportable = keys::Exportable::kNo}).has_value());
  EXPECT_EQ(server_.ring->IsExportable(imported.key.public_key().digest()).value(),
            keys::Exportable::kNo);
}

TEST_F(IssuingImportTest, WrongPasswordAndDamagedFileAreToldApart) {
  const Bytes file = FileOf({MakeImported()});
  EXPECT_EQ(Refused(file, "another").code, Code::kWrongPassword);
  EXPECT_THAT(Refused(file, "another").message, HasSubstr("file to import"));
  Bytes half = file;
  half.resize(half.size() / 2);
  EXPECT_EQ(Refused(half).code, Code::kMalformed);
  EXPECT_EQ(Refused(ToBytes("PK no PKCS#12")).code, Code::kMalformed);
}

TEST_F(IssuingImportTest, SeveralKeysAreNamedAndOneCanBeChosen) {
  const auto first = MakeImported();
  const auto second = MakeImported();
  const auto error = Refused(FileOf({first, second}));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr(HexLower(first.certificate.thumbprint())));
  EXPECT_THAT(error.message, HasSubstr(HexLower(second.certificate.thumbprint())));
  const std::string wanted = HexLower(second.certificate.thumbprint()).substr(0, 10);
  const auto issued = Import(server_, FileOf({first, second}), {.key = wanted});
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  EXPECT_EQ(issued->certificate, second.certificate);
}

TEST_F(IssuingImportTest, NoKeyIsChosenOutOfAWholeBackup) {
  EXPECT_EQ(Refused(WholeBackup(), kPassword, {.key = "0123456789"}).code, Code::kUsage);
}

TEST_F(IssuingImportTest, CertificateOfAnotherKeyIsRefusedByName) {
  const auto imported = MakeImported();
  const auto other = MakeImported();
  const auto error = Refused(FileOf({{imported.key, other.certificate}}));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr(other.certificate.serial()));
  EXPECT_THAT(error.message, HasSubstr(HexLower(imported.key.public_key().digest())));
}

TEST_F(IssuingImportTest, CertificateThatAnotherIssuedIsRefused) {
  const auto owner = authority_.MakeOwner();
  const auto key = authority_.MakeKey();
  const auto issued = authority_.IssueOdd({}, key.public_key(), owner.key);
  const auto error = Refused(FileOf({{key, issued}}));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr("self-signed"));
}

TEST_F(IssuingImportTest, FileWithoutKeyIsRefused) {
  crypto::Pkcs12Contents contents;
  contents.certificates.push_back({MakeImported().certificate.der(), "certificate"});
  const Bytes file = crypto::WritePkcs12(contents, Secret(kFilePassword), kFewIterations).value();
  EXPECT_EQ(Refused(file).code, Code::kMalformed);
}

TEST_F(IssuingImportTest, ExpiredCertificateIsTakenWithAWarning) {
  const auto imported = authority_.MakeImported(
      crypto::KeyKind::kP256, {.not_before = kNow - 2 * kDay, .not_after = kNow - kDay});
  const auto issued = Import(server_, FileOf({imported}));
  ASSERT_TRUE(issued.has_value());
  EXPECT_THAT(issued->notes, ElementsAre(HasSubstr("expired " + FormatUtc(kNow - kDay))));
  ExpectWhole(server_, kFilePassword);
}

TEST_F(IssuingImportTest, ShortPasswordOfTheFileIsTakenWithAWarning) {
  const auto issued = Import(server_, FileOf({MakeImported()}, "short"), {}, "short");
  ASSERT_TRUE(issued.has_value());
  EXPECT_THAT(issued->notes, ElementsAre(HasSubstr("countersign backup password")));
  ExpectWhole(server_, "short");
}

TEST_F(IssuingImportTest, FileWithoutPasswordNeedsOneForTheBackup) {
  const Bytes file = FileOf({MakeImported()}, "");
  EXPECT_EQ(Refused(file, "").code, Code::kRefused);
  const SecretBytes password = Secret(kPassword);
  ASSERT_TRUE(ImportIdentity(server_.world(), config_, file, Secret(""),
                             {.backup_password = &password}, kNow)
                  .has_value());
  ExpectWhole(server_, kPassword);
}

TEST_F(IssuingImportTest, PasswordOfTheBackupMayBeAnother) {
  const Bytes file = FileOf({MakeImported()}, "short");
  const SecretBytes weak = Secret("weak");
  EXPECT_EQ(FailureOf(ImportIdentity(server_.world(), config_, file, Secret("short"),
                                     {.backup_password = &weak}, kNow))
                .code,
            Code::kRefused);
  const SecretBytes password = Secret(kPassword);
  ASSERT_TRUE(ImportIdentity(server_.world(), config_, file, Secret("short"),
                             {.backup_password = &password}, kNow)
                  .has_value());
  ExpectWhole(server_, kPassword);
}

TEST_F(IssuingImportTest, PresentIdentityWithoutAgentsGivesWay) {
  const Issued first = Create(server_);
  const auto imported = MakeImported();
  const auto issued = Import(server_, FileOf({imported}));
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  EXPECT_EQ(issued->replaced, first.certificate);
  ExpectWhole(server_, kFilePassword);
  EXPECT_EQ(server_.Book().FindServer(first.certificate.thumbprint())->row.state,
            CertificateState::kReplaced);
}

TEST_F(IssuingImportTest, AgentsOfThePresentIdentityAreNotCutOffUnasked) {
  const Issued first = Create(server_);
  server_.AddAgent(HoldingAgent(first.certificate));
  server_.AddAgent(HoldingAgent(first.certificate));
  const Bytes file = FileOf({MakeImported()});
  const auto error = Refused(file);
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr("cut off 2 agents"));
  EXPECT_THAT(error.next, HasSubstr("-replace"));
  const Bytes present = *server_.storage.content.backup;
  EXPECT_TRUE(Import(server_, file, {.cut_off = true}).has_value());
  ExpectWhole(server_, kFilePassword);
  EXPECT_THAT(server_.storage.content.kept, ElementsAre(present))
      << "its owner key is nowhere else";
}

TEST_F(IssuingImportTest, AgentsOfTheImportedIdentityOrOfStrangersDoNotCount) {
  static_cast<void>(Create(server_));
  const auto imported = MakeImported();
  server_.AddAgent(HoldingAgent(imported.certificate));
  server_.AddAgent(HoldingAgent(MakeImported().certificate));
  auto unknown = HoldingAgent(server_.Book().Active()->certificate);
  unknown.held_known = false;
  server_.AddAgent(unknown);
  auto waiting = HoldingAgent(server_.Book().Active()->certificate);
  waiting.admitted = false;
  ASSERT_TRUE(server_.registry->PutAgent(waiting).has_value());
  auto forgotten = HoldingAgent(server_.Book().Active()->certificate);
  forgotten.forgotten = true;
  server_.AddAgent(forgotten);
  EXPECT_TRUE(Import(server_, FileOf({imported})).has_value());
}

TEST_F(IssuingImportTest, WholeBackupBringsOwnerReserveAndAgents) {
  static_cast<void>(Create(other_));
  const auto agent = HoldingAgent(other_.Book().Active()->certificate);
  other_.AddAgent(agent);
  ASSERT_TRUE(Replace(other_, kNow).has_value());
  const auto issued = Import(server_, *other_.storage.content.backup, {}, kPassword);
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  ExpectWhole(server_, kPassword);
  const IdentityBook theirs = other_.Book();
  const IdentityBook ours = server_.Book();
  EXPECT_EQ(ours.Active()->certificate, theirs.Active()->certificate);
  EXPECT_EQ(ours.Reserve()->certificate, theirs.Reserve()->certificate);
  EXPECT_EQ(*ours.OwnerCertificate(), *theirs.OwnerCertificate());
  EXPECT_EQ(ours.server_ids(), theirs.server_ids());
  EXPECT_EQ(ours.entries().size(), theirs.entries().size());
  EXPECT_EQ(server_.Keys(), other_.Keys());
  const auto row = server_.registry->FindAgent(agent.id).value();
  ASSERT_TRUE(row.has_value());
  EXPECT_TRUE(row->admitted);
  EXPECT_EQ(row->admitted_by, "backup");
  EXPECT_EQ(row->standing, "new");
  EXPECT_TRUE(Replace(server_, kNow + kDay).has_value()) << "the owner key came along";
}

TEST_F(IssuingImportTest, WholeBackupOntoAServerJustInstalled) {
  const Bytes backup = WholeBackup();
  static_cast<void>(Create(server_));
  server_.AddAgent(HoldingAgent(other_.Book().Active()->certificate));
  ASSERT_TRUE(Import(server_, backup, {}, kPassword).has_value());
  ExpectWhole(server_, kPassword);
  EXPECT_EQ(server_.Book().Active()->certificate, other_.Book().Active()->certificate);
}

TEST_F(IssuingImportTest, WholeBackupWithoutReserveGetsOne) {
  static_cast<void>(Create(other_));
  const auto active = other_.Book().Active()->certificate;
  ASSERT_TRUE(PromoteReserve(other_.world(), kNow + 1'000 * kDay).has_value());
  ServerInMemory third(5);
  // The backup still holds the key of the certificate that was replaced, and agents may hold
  // either.
  ASSERT_TRUE(Import(third, *other_.storage.content.backup, {}, kPassword, kNow + 1'096 * kDay)
                  .has_value());
  const IdentityBook book = third.Book();
  EXPECT_EQ(book.Active()->certificate, other_.Book().Active()->certificate)
      << "the expired one gave way to its reserve";
  ASSERT_NE(book.Reserve(), nullptr);
  EXPECT_GT(book.Reserve()->identity.generation, book.Active()->identity.generation);
  EXPECT_EQ(book.FindServer(active.thumbprint())->row.state, CertificateState::kReplaced);
  ExpectWhole(third, kPassword);
}

TEST_F(IssuingImportTest, WholeBackupOfAnImportedIdentity) {
  const auto imported = MakeImported();
  ASSERT_TRUE(Import(other_, FileOf({imported})).has_value());
  ASSERT_TRUE(Import(server_, *other_.storage.content.backup).has_value());
  EXPECT_EQ(server_.Book().Active()->certificate, imported.certificate);
  ExpectWhole(server_, kFilePassword);
  EXPECT_TRUE(Replace(server_, kNow + kDay, kFilePassword).has_value());
}

TEST_F(IssuingImportTest, OwnBackupAgainMendsWhatIsLost) {
  const Issued first = Create(server_);
  server_.AddAgent(HoldingAgent(first.certificate));
  const Bytes copy = *server_.storage.content.backup;
  for (const Digest& key : server_.Keys()) {
    ASSERT_TRUE(server_.ring->Destroy(key).has_value());
  }
  server_.storage.content = {};
  const auto issued = Import(server_, copy, {}, kPassword);
  ASSERT_TRUE(issued.has_value());
  ExpectWhole(server_, kPassword);
  EXPECT_EQ(server_.Book().Active()->certificate, first.certificate);
  EXPECT_THAT(issued->notes, ElementsAre(HasSubstr("its password is now that of the file")));
}

TEST_F(IssuingImportTest, OlderBackupOfThisIdentityIsRefused) {
  static_cast<void>(Create(server_));
  const Bytes older = *server_.storage.content.backup;
  ASSERT_TRUE(Replace(server_, kNow + kDay).has_value());
  const auto error = Refused(older, kPassword, {.cut_off = true});
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr("older backup"));
  EXPECT_THAT(error.next, HasSubstr("-c"));
}

TEST_F(IssuingImportTest, ClockBeforeTheImportedIdentityIsMindedAtTheNextIssue) {
  const Bytes backup = WholeBackup();
  ASSERT_TRUE(Import(server_, backup, {}, kPassword, kNow - 10 * kDay).has_value());
  EXPECT_EQ(FailureOf(Replace(server_, kNow - 9 * kDay)).code, Code::kRefused);
  EXPECT_TRUE(Replace(server_, kNow + kDay).has_value());
}

TEST_F(IssuingImportTest, MessagesHoldNoPassword) {
  const auto error = Refused(FileOf({MakeImported()}), "SesameSesame");
  EXPECT_THAT(error.message + error.next, Not(HasSubstr("Sesame")));
}

TEST_F(IssuingImportTest, ARestoredServerKnowsWhatWasRevoked) {
  ServerInMemory server;
  const auto first = Create(server);
  const auto reserve = server.Book().Reserve()->certificate;
  ASSERT_TRUE(Replace(server, kNow + kDay, kPassword, {.compromised = true}).has_value());
  ServerInMemory other(9);
  ASSERT_TRUE(
      Import(other, *server.storage.content.backup, {}, kPassword, kNow + 2 * kDay).has_value());
  const IdentityBook book = other.Book();
  EXPECT_EQ(book.FindServer(first.certificate.thumbprint())->row.state,
            store::CertificateState::kRevoked);
  EXPECT_EQ(book.RevokedGeneration(), reserve.generation());
  EXPECT_EQ(book.RevokedUntil(), server.Book().RevokedUntil());
}

}  // namespace
}  // namespace countersign::server
