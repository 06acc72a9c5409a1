#include "server/issuing_fixture.h"

// Two fleets on one certificate, followers of one issuer, and one owner for several servers.
namespace countersign::server {
namespace {

using store::CertificateState;
using ::testing::HasSubstr;

class IssuingMergeTest : public IssuingTest {
 protected:
  // Merge imports `file` with the present password given.
  Result<Issued> Merge(ByteView file, std::string_view file_password,
                       std::string_view present_password = kPassword) {
    const SecretBytes present = Secret(present_password);
    return Import(server_, file, {.present_password = &present}, file_password, kNow + kDay);
  }
  // A server with an agent that holds its certificate.
  crypto::Certificate ServerWithAgent() {
    const auto certificate = Create(server_).certificate;
    server_.AddAgent(HoldingAgent(certificate));
    return certificate;
  }

  ServerInMemory server_;
  ServerInMemory other_{42};
};

TEST_F(IssuingMergeTest, BothFleetsEndOnOneCertificate) {
  const auto ours = ServerWithAgent();
  const auto imported = MakeImported();
  const auto issued = Merge(FileOf({imported}), kFilePassword);
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  EXPECT_TRUE(issued->merged);
  EXPECT_EQ(issued->replaced, ours);
  EXPECT_EQ(issued->certificate.server_ids().size(), 2U);
  EXPECT_EQ(issued->certificate.server_ids().front(), ours.server_ids().front())
      << "its own server id stays the first";
  ExpectWhole(server_, kPassword);
  const IdentityBook book = server_.Book();
  EXPECT_TRUE(TakesOver(ours, book));
  EXPECT_TRUE(TakesOver(imported.certificate, book));
  EXPECT_FALSE(server_.Keys().contains(imported.key.public_key().digest()))
      << "the imported key is not needed any more";
}

TEST_F(IssuingMergeTest, AFleetOfAnotherCountersignServerFollows) {
  const auto ours = ServerWithAgent();
  const auto theirs = Create(other_).certificate;
  const auto agent = HoldingAgent(theirs);
  other_.AddAgent(agent);
  ASSERT_TRUE(Replace(other_, kNow).has_value());
  const auto newest = other_.Book().Active()->certificate;
  const auto issued = Merge(*other_.storage.content.backup, kPassword);
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  const IdentityBook book = server_.Book();
  EXPECT_TRUE(TakesOver(ours, book));
  EXPECT_TRUE(TakesOver(theirs, book)) << "also one that missed a replacement there";
  EXPECT_TRUE(TakesOver(newest, book));
  EXPECT_TRUE(server_.registry->FindAgent(agent.id).value()->admitted);
  EXPECT_GT(book.Active()->identity.generation, trust::IdentityOf(newest)->generation);
  ExpectWhole(server_, kPassword);
  EXPECT_TRUE(Replace(server_, kNow + 2 * kDay).has_value()) << "and goes on for both";
  EXPECT_TRUE(TakesOver(theirs, server_.Book()));
}

// An imported identity has no owner key yet: one is made, and both sign a succession to it.
TEST_F(IssuingMergeTest, TwoImportedIdentitiesMeetUnderANewOwner) {
  const auto first = MakeImported();
  const auto second = MakeImported(crypto::KeyKind::kRsa);
  ASSERT_TRUE(Import(server_, FileOf({first})).has_value());
  server_.AddAgent(HoldingAgent(first.certificate));
  const auto issued = Merge(FileOf({second}), kFilePassword, kFilePassword);
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  EXPECT_TRUE(issued->owner_made);
  EXPECT_TRUE(TakesOver(first.certificate, server_.Book()));
  EXPECT_TRUE(TakesOver(second.certificate, server_.Book()));
  ExpectWhole(server_, kFilePassword);
}

TEST_F(IssuingMergeTest, WrongPresentPasswordChangesNothing) {
  const auto ours = ServerWithAgent();
  const auto error = FailureOf(Merge(FileOf({MakeImported()}), kFilePassword, "not the password"));
  EXPECT_EQ(error.code, Code::kWrongPassword);
  EXPECT_THAT(error.message, HasSubstr("automatic backup"));
  EXPECT_EQ(server_.Book().Active()->certificate, ours);
  ExpectWhole(server_, kPassword);
}

TEST_F(IssuingMergeTest, AnArchiveWithoutItsOwnerKeyCannotBeMerged) {
  const auto ours = ServerWithAgent();
  static_cast<void>(Create(other_));
  config_.export_allowed = true;
  const auto archive = MakeArchive(other_.world(), config_, Secret(kFilePassword), nullptr, kNow);
  const auto error = FailureOf(Merge(archive->file, kFilePassword));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr("owner key"));
  EXPECT_EQ(server_.Book().Active()->certificate, ours);
}

// --- one identity on several servers ---

TEST_F(IssuingMergeTest, AFollowerIssuesNothingAndFollowsByImport) {
  static_cast<void>(Create(other_));
  config_.follower_of = "issuer.example";
  ASSERT_TRUE(Import(server_, *other_.storage.content.backup, {}, kPassword).has_value());
  ExpectWhole(server_, kPassword);
  const IdentityBook follower = server_.Book();
  EXPECT_EQ(follower.Reserve()->certificate, other_.Book().Reserve()->certificate)
      << "the issuer's reserve is the follower's too";

  const auto error = FailureOf(Replace(server_, kNow + kDay));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr("issuer.example"));

  server_.AddAgent(HoldingAgent(follower.Active()->certificate));
  config_.follower_of.clear();
  ASSERT_TRUE(Replace(other_, kNow + kDay).has_value());
  config_.follower_of = "issuer.example";
  ASSERT_TRUE(
      Import(server_, *other_.storage.content.backup, {}, kPassword, kNow + 2 * kDay).has_value());
  EXPECT_EQ(server_.Book().Active()->certificate, other_.Book().Active()->certificate);
  EXPECT_TRUE(TakesOver(follower.Active()->certificate, server_.Book()));
  ExpectWhole(server_, kPassword);
}

TEST_F(IssuingMergeTest, AFollowerMakesNoReserve) {
  static_cast<void>(Create(other_));
  ASSERT_TRUE(PromoteReserve(other_.world(), kNow + 1'000 * kDay).has_value());
  config_.follower_of = "issuer.example";
  ASSERT_TRUE(Import(server_, *other_.storage.content.backup, {}, kPassword, kNow + 1'096 * kDay)
                  .has_value());
  EXPECT_EQ(server_.Book().Reserve(), nullptr);
  ASSERT_TRUE(ChangeBackupPassword(server_.world(), config_, Secret(kPassword),
                                   Secret(kFilePassword), kNow + 1'097 * kDay)
                  .has_value());
  EXPECT_EQ(server_.Book().Reserve(), nullptr);
}

// --- one owner for several servers ---

TEST_F(IssuingMergeTest, AnotherServerUnderTheSameOwnerHasAnIdOfItsOwn) {
  const auto first = Create(other_).certificate;
  const Bytes file = *other_.storage.content.backup;
  const SecretBytes password = Secret(kPassword);
  const auto issued = CreateIdentityUnder(
      server_.world(), config_, {.file = file, .password = password}, Secret(kFilePassword), kNow);
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  ExpectWhole(server_, kFilePassword);
  EXPECT_EQ(trust::IdentityOf(issued->certificate)->owner, trust::IdentityOf(first)->owner);
  EXPECT_NE(issued->certificate.server_ids(), first.server_ids());
  EXPECT_FALSE(TakesOver(first, server_.Book())) << "the other server's agents are not moved by it";
  EXPECT_TRUE(Replace(server_, kNow + kDay, kFilePassword).has_value());
  EXPECT_TRUE(TakesOver(issued->certificate, server_.Book()));
}

TEST_F(IssuingMergeTest, AnImportedFileIsNoOwner) {
  const Bytes file = FileOf({MakeImported()});
  const SecretBytes password = Secret(kFilePassword);
  const auto error = FailureOf(CreateIdentityUnder(
      server_.world(), config_, {.file = file, .password = password}, Secret(kPassword), kNow));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_TRUE(server_.registry->ListCertificates().value().empty());
}

}  // namespace
}  // namespace countersign::server
