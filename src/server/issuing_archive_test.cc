#include "keys/archive.h"
#include "server/issuing_fixture.h"

// -b and -r.
namespace countersign::server {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class IssuingArchiveTest : public IssuingTest {
 protected:
  IssuingArchiveTest() { config_.export_allowed = true; }

  Archive Make(ServerInMemory& server) {
    auto made = MakeArchive(server.world(), config_, Secret(kArchivePassword), nullptr, kNow);
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return *std::move(made);
  }
  Archive MakeWithOwner(ServerInMemory& server, std::string_view password = kPassword) {
    const SecretBytes backup_password = Secret(password);
    auto made =
        MakeArchive(server.world(), config_, Secret(kArchivePassword), &backup_password, kNow);
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return *std::move(made);
  }
  Result<Issued> Restore(ServerInMemory& server, const Archive& archive,
                         ImportOptions options = {}) {
    options.restore = true;
    return Import(server, archive.file, options, kArchivePassword, kNow + kDay);
  }

  ServerInMemory server_;
  ServerInMemory other_{42};
};

TEST_F(IssuingArchiveTest, ComesBackOntoAnEmptyServerWithItsAutomaticBackup) {
  const auto certificate = Create(other_).certificate;
  other_.AddAgent(HoldingAgent(certificate));
  const Archive archive = Make(other_);
  EXPECT_EQ(archive.num_keys, 2U);
  EXPECT_FALSE(archive.owner_key);
  EXPECT_THAT(archive.missing, IsEmpty());
  const auto issued = Restore(server_, archive);
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  EXPECT_TRUE(issued->owner_key);
  EXPECT_THAT(issued->notes, ElementsAre(HasSubstr("under the password that it had")));
  EXPECT_EQ(server_.Keys(), other_.Keys());
  EXPECT_EQ(server_.storage.content.backup, other_.storage.content.backup);
  ExpectWhole(server_, kPassword);
  EXPECT_TRUE(Replace(server_, kNow + 2 * kDay).has_value());
  EXPECT_TRUE(TakesOver(certificate, server_.Book()));
}

TEST_F(IssuingArchiveTest, OwnerKeyIsInItWhenItsPasswordIsGiven) {
  const auto certificate = Create(other_).certificate;
  const Archive archive = MakeWithOwner(other_);
  EXPECT_TRUE(archive.owner_key);
  ASSERT_TRUE(Restore(server_, archive).has_value());
  ExpectWhole(server_, kArchivePassword);
  EXPECT_TRUE(Replace(server_, kNow + 2 * kDay, kArchivePassword).has_value());
  EXPECT_TRUE(TakesOver(certificate, server_.Book()));
}

// The night on which the password of the automatic backup is lost: the server comes back.
TEST_F(IssuingArchiveTest, WithoutAnyOwnerKeyTheServerStillComesBack) {
  const auto certificate = Create(other_).certificate;
  other_.storage.content.backup.reset();
  const Archive archive = Make(other_);
  EXPECT_THAT(archive.missing, ElementsAre(HasSubstr("automatic backup")));
  const auto issued = Restore(server_, archive);
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  EXPECT_FALSE(issued->owner_key);
  EXPECT_THAT(issued->notes, ElementsAre(HasSubstr("owner key is not in the archive")));
  EXPECT_EQ(server_.Book().Active()->certificate, certificate);
  EXPECT_EQ(server_.Keys(), other_.Keys());
  EXPECT_EQ(FailureOf(Replace(server_, kNow + 2 * kDay)).code, Code::kNotFound);
}

TEST_F(IssuingArchiveTest, ImportedIdentityComesBackWithItsOwnerKey) {
  const auto imported = MakeImported();
  ASSERT_TRUE(Import(other_, FileOf({imported})).has_value());
  const auto issued = Restore(server_, Make(other_));
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  EXPECT_EQ(issued->certificate, imported.certificate);
  ExpectWhole(server_, kArchivePassword);
}

TEST_F(IssuingArchiveTest, OntoTheSameServerItMendsALostKeyAndKeepsThePresentBackup) {
  const auto certificate = Create(server_).certificate;
  server_.AddAgent(HoldingAgent(certificate));
  const Archive archive = Make(server_);
  ASSERT_TRUE(
      ChangeBackupPassword(server_.world(), config_, Secret(kPassword), Secret(kFilePassword), kNow)
          .has_value());
  ASSERT_TRUE(server_.ring->Destroy(certificate.key().digest()).has_value());
  const auto issued = Restore(server_, archive);
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  ExpectWhole(server_, kFilePassword);
}

TEST_F(IssuingArchiveTest, OntoAnotherServerItIsRefusedUnlessTold) {
  const auto certificate = Create(server_).certificate;
  server_.AddAgent(HoldingAgent(certificate));
  static_cast<void>(Create(other_));
  const Archive archive = Make(other_);
  const auto error = FailureOf(Restore(server_, archive));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr(certificate.serial()));
  const auto issued = Restore(server_, archive, {.cut_off = true});
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  EXPECT_THAT(issued->notes, Contains(HasSubstr("1 agent that held")));
  EXPECT_THAT(issued->notes, Contains(HasSubstr("is kept as")));
  ExpectWhole(server_, kPassword);
}

TEST_F(IssuingArchiveTest, OlderOneOfTheSameServerIsRefused) {
  static_cast<void>(Create(server_));
  const Archive archive = Make(server_);
  ASSERT_TRUE(Replace(server_, kNow).has_value());
  EXPECT_EQ(FailureOf(Restore(server_, archive)).code, Code::kRefused);
  ExpectWhole(server_, kPassword);
}

TEST_F(IssuingArchiveTest, ForbiddenExportNamesTheFileToCopy) {
  static_cast<void>(Create(server_));
  config_.export_allowed = false;
  const auto error =
      FailureOf(MakeArchive(server_.world(), config_, Secret(kArchivePassword), nullptr, kNow));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr("/server/OfficeScanAuth.dat"));
  EXPECT_THAT(error.next, HasSubstr("/server/OfficeScanAuth.dat"));
}

TEST_F(IssuingArchiveTest, AnOlderArchiveIsTakenWhereExportIsForbidden) {
  static_cast<void>(Create(other_));
  const Archive archive = Make(other_);
  config_.export_allowed = false;
  EXPECT_TRUE(Restore(server_, archive).has_value());
}

TEST_F(IssuingArchiveTest, ShortPasswordIsRefused) {
  static_cast<void>(Create(server_));
  EXPECT_EQ(FailureOf(MakeArchive(server_.world(), config_, Secret("short"), nullptr, kNow)).code,
            Code::kRefused);
}

TEST_F(IssuingArchiveTest, NotExportableKeyStaysBehindAndIsNamed) {
  const auto imported = MakeImported();
  ASSERT_TRUE(
      Import(other_, FileOf({imported}), {.exportable = keys::Exportable::kNo}).has_value());
  const Archive archive = Make(other_);
  EXPECT_EQ(archive.num_keys, 0U);
  EXPECT_THAT(archive.missing, ElementsAre(HasSubstr("not exportable")));
  const auto opened = keys::OpenArchive(archive.file, Secret(kArchivePassword));
  EXPECT_TRUE(opened->contents.server_keys.empty());
  const auto error = FailureOf(Restore(server_, archive));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr("OfficeScanAuth.dat"));
}

TEST_F(IssuingArchiveTest, RestoredAsNotExportable) {
  static_cast<void>(Create(other_));
  ASSERT_TRUE(Restore(server_, Make(other_), {.exportable = keys::Exportable::kNo}).has_value());
  EXPECT_THAT(Make(server_).missing, Not(IsEmpty()));
  EXPECT_EQ(Make(server_).num_keys, 0U);
}

TEST_F(IssuingArchiveTest, WhatIsMissingIsNamed) {
  const auto certificate = Create(server_).certificate;
  server_.storage.content.public_certificate.reset();
  EXPECT_THAT(Make(server_).missing, ElementsAre(HasSubstr("OfcNTCer.dat")));
  server_.storage.content.stores.clear();
  EXPECT_THAT(Make(server_).missing, Contains(HasSubstr("store \"OfficeScan NT\"")));
  ASSERT_TRUE(server_.ring->Destroy(certificate.key().digest()).has_value());
  EXPECT_THAT(Make(server_).missing,
              Contains(HasSubstr("private key of the active certificate " + certificate.serial())));
  const auto late =
      MakeArchive(server_.world(), config_, Secret(kArchivePassword), nullptr, kNow + 2'000 * kDay);
  EXPECT_THAT(late->missing, Contains(HasSubstr("expired")));
}

TEST_F(IssuingArchiveTest, WrongPasswordSaysWhichIsMeant) {
  static_cast<void>(Create(other_));
  const Archive archive = MakeWithOwner(other_);
  const auto error = FailureOf(Import(server_, archive.file, {}, kPassword));
  EXPECT_EQ(error.code, Code::kWrongPassword);
  EXPECT_THAT(error.message, HasSubstr("given to -b"));
  EXPECT_TRUE(server_.registry->ListCertificates().value().empty());
}

}  // namespace
}  // namespace countersign::server
