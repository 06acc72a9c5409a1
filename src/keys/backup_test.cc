#include "keys/backup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "crypto/hash.h"
#include "tests/support/certificate_factory.h"

namespace countersign::keys {
namespace {

constexpr int kIterations = 1'000;

class BackupTest : public ::testing::Test {
 protected:
  // An owner, an active and a reserve certificate, and a succession to that owner.
  [[nodiscard]] BackupContents Whole() {
    const auto earlier = authority_.MakeOwner();
    BackupContents contents;
    contents.owner_key = owner_.key;
    contents.server_keys = {server_.key, reserve_.key};
    contents.certificates = {owner_.certificate,
                             authority_.IssueSuccession(earlier, owner_, {server_id_}),
                             server_.certificate, reserve_.certificate};
    contents.manifest = Manifest(3);
    return contents;
  }
  [[nodiscard]] BackupManifest Manifest(std::size_t num_agents) {
    BackupManifest manifest;
    manifest.server_ids = {server_id_};
    manifest.generations = {{server_id_, 2}};
    for (std::size_t i = 0; i < num_agents; ++i) {
      manifest.admitted.push_back(AgentId(authority_.random().Array<16>()));
    }
    manifest.written_at = testing::kTestBegin;
    return manifest;
  }
  [[nodiscard]] Bytes Seal(const BackupContents& contents) const {
    auto file = SealBackup(contents, password_, kIterations);
    Check(file.has_value(), file ? "" : file.error().message);
    return *std::move(file);
  }
  [[nodiscard]] BackupContents Open(ByteView file) const {
    auto contents = OpenBackup(file, password_);
    Check(contents.has_value(), contents ? "" : contents.error().message);
    return *std::move(contents);
  }
  [[nodiscard]] static std::vector<Digest> DigestsOf(const std::vector<crypto::PrivateKey>& keys) {
    std::vector<Digest> digests;
    for (const auto& key : keys) digests.push_back(key.public_key().digest());
    return digests;
  }

  SecretBytes password_ = SecretBytes::OwnText("correct horse battery");
  testing::TestAuthority authority_;
  ServerId server_id_ = authority_.MakeServerId();
  testing::Identity owner_ = authority_.MakeOwner();
  testing::Identity server_ = authority_.MakeServer(owner_, {.server_ids = {server_id_}});
  testing::Identity reserve_ =
      authority_.MakeServer(owner_, {.server_ids = {server_id_}, .generation = 2});
};

TEST_F(BackupTest, EverythingComesBack) {
  const BackupContents contents = Whole();
  const BackupContents opened = Open(Seal(contents));
  ASSERT_TRUE(opened.owner_key.has_value());
  EXPECT_EQ(opened.owner_key->public_key(), owner_.key.public_key());
  EXPECT_EQ(DigestsOf(opened.server_keys), DigestsOf(contents.server_keys));
  EXPECT_EQ(opened.certificates, contents.certificates);
  EXPECT_EQ(opened.manifest, contents.manifest);
}

TEST_F(BackupTest, WrongPasswordIsSaidToBeOne) {
  const Bytes file = Seal(Whole());
  const auto opened = OpenBackup(file, SecretBytes::OwnText("another password"));
  EXPECT_EQ(opened.error().code, Code::kWrongPassword);
}

TEST_F(BackupTest, AlteredFileIsRefused) {
  Bytes file = Seal(Whole());
  file[file.size() / 2] ^= 1;
  EXPECT_FALSE(OpenBackup(file, password_).has_value());
  EXPECT_EQ(OpenBackup(Bytes(100, 1), password_).error().code, Code::kMalformed);
  EXPECT_EQ(OpenBackup({}, password_).error().code, Code::kMalformed);
}

TEST_F(BackupTest, KeysAndCertificatesAreStoredOnce) {
  BackupContents contents = Whole();
  contents.server_keys.push_back(contents.server_keys.front());
  contents.server_keys.push_back(owner_.key);
  contents.certificates.push_back(contents.certificates.front());
  const BackupContents opened = Open(Seal(contents));
  EXPECT_EQ(opened.server_keys.size(), 2U);
  EXPECT_EQ(opened.certificates.size(), 4U);
}

TEST_F(BackupTest, OthersFindNamesThatPeopleUnderstand) {
  const auto file = crypto::ReadPkcs12(Seal(Whole()), password_);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  ASSERT_EQ(file->keys.size(), 3U);
  EXPECT_EQ(file->keys[0].friendly_name, "countersign owner");
  EXPECT_EQ(file->keys[1].friendly_name, "OfficeScan Server NTSG");
  EXPECT_EQ(file->keys[2].friendly_name, "OfficeScan Server NTSG (2)") << "Java wants them apart";
  EXPECT_EQ(file->certificates[0].friendly_name, "countersign owner");
  EXPECT_EQ(file->certificates[3].friendly_name, "OfficeScan Server NTSG (2)");
  ASSERT_EQ(file->secrets.size(), 1U);
  EXPECT_EQ(file->secrets[0].friendly_name, "countersign manifest");
}

TEST_F(BackupTest, ServerThatIsCalledOwnerIsNone) {
  const auto odd = authority_.MakeServer(
      owner_, {.server_ids = {server_id_}, .common_name = "countersign owner"});
  BackupContents contents = Whole();
  contents.server_keys = {odd.key};
  contents.certificates = {owner_.certificate, odd.certificate};
  const BackupContents opened = Open(Seal(contents));
  EXPECT_EQ(opened.owner_key->public_key(), owner_.key.public_key());
  EXPECT_EQ(DigestsOf(opened.server_keys), DigestsOf({odd.key}));
}

TEST_F(BackupTest, ImportedIdentityHasNoOwnerKey) {
  const auto imported =
      authority_.MakeImported(crypto::KeyKind::kP256, {.is_ca = true, .key_cert_sign = true});
  BackupContents contents;
  contents.server_keys = {imported.key};
  contents.certificates = {imported.certificate};
  contents.manifest = Manifest(0);
  const BackupContents opened = Open(Seal(contents));
  EXPECT_FALSE(opened.owner_key.has_value());
  EXPECT_EQ(DigestsOf(opened.server_keys), DigestsOf({imported.key}));
}

TEST_F(BackupTest, OwnerKeyWithoutItsCertificateIsNotSealed) {
  BackupContents contents = Whole();
  contents.certificates.erase(contents.certificates.begin());
  EXPECT_EQ(SealBackup(contents, password_, kIterations).error().code, Code::kRefused);
}

TEST_F(BackupTest, OwnerByNameOnlyIsRefused) {
  crypto::Pkcs12Contents file;
  file.keys = {{server_.key, "countersign owner"}};
  file.certificates = {{server_.certificate.der(), ""}};
  file.secrets = crypto::ReadPkcs12(Seal(Whole()), password_)->secrets;
  const Bytes sealed = crypto::WritePkcs12(file, password_, kIterations).value();
  EXPECT_EQ(OpenBackup(sealed, password_).error().code, Code::kMalformed);
}

TEST_F(BackupTest, AdministratorsFileHasNoManifestAndNoOwner) {
  const auto imported = authority_.MakeImported();
  crypto::Pkcs12Contents file;
  file.keys = {{imported.key, "countersign owner"}, {server_.key, ""}};
  file.certificates = {{imported.certificate.der(), "x"}};
  file.secrets = {{"somebody's secret", ToBytes("not for us")}};
  const BackupContents opened = Open(crypto::WritePkcs12(file, password_, kIterations).value());
  EXPECT_FALSE(opened.manifest.has_value());
  EXPECT_FALSE(opened.owner_key.has_value());
  EXPECT_EQ(DigestsOf(opened.server_keys), DigestsOf({imported.key, server_.key}));
  EXPECT_EQ(opened.certificates, std::vector{imported.certificate});
}

TEST_F(BackupTest, CertificatesThatAreNotAllowedAreApart) {
  Bytes refused = server_.certificate.der();
  const std::string_view v3("\xa0\x03\x02\x01\x02", 5);
  refused[AsText(refused).find(v3) + v3.size() - 1] = 1;  // X.509 v2
  crypto::Pkcs12Contents file;
  file.keys = {{server_.key, "name"}};
  file.certificates = {{refused, ""}, {server_.certificate.der(), ""}};
  const BackupContents opened = Open(crypto::WritePkcs12(file, password_, kIterations).value());
  EXPECT_EQ(opened.certificates, std::vector{server_.certificate});
  ASSERT_EQ(opened.rejected_certificates.size(), 1U);
  EXPECT_EQ(opened.rejected_certificates[0].summary.serial, server_.certificate.serial());
  EXPECT_NE(opened.rejected_certificates[0].reason.find("version"), std::string::npos);
  EXPECT_EQ(opened.key_names.at(server_.key.public_key().digest()), "name");
}

TEST_F(BackupTest, OneOfOursWithoutAnyCertificateIsRefused) {
  crypto::Pkcs12Contents file = crypto::ReadPkcs12(Seal(Whole()), password_).value();
  file.certificates.clear();
  for (auto& key : file.keys) key.friendly_name.clear();
  const Bytes sealed = crypto::WritePkcs12(file, password_, kIterations).value();
  EXPECT_EQ(OpenBackup(sealed, password_).error().code, Code::kMalformed);
}

TEST_F(BackupTest, FileOfAnotherKindIsNamed) {
  for (const auto& [text, name] : {std::pair("-----BEGIN CERTIFICATE-----", "PEM"),
                                   std::pair("PK\x03\x04", "ZIP"), std::pair("hello", "known")}) {
    const auto opened = OpenBackup(AsBytes(text), password_);
    EXPECT_EQ(opened.error().code, Code::kMalformed);
    EXPECT_NE(opened.error().message.find(name), std::string::npos) << opened.error().message;
  }
}

TEST_F(BackupTest, FortyThousandAgentsFit) {
  BackupContents contents = Whole();
  contents.manifest = Manifest(40'000);
  EXPECT_EQ(Open(Seal(contents)).manifest, contents.manifest);
}

TEST_F(BackupTest, MoreAgentsThanFitAreRefusedWithTheirNumber) {
  BackupContents contents = Whole();
  contents.manifest = Manifest(60'000);
  const auto sealed = SealBackup(contents, password_, kIterations);
  ASSERT_FALSE(sealed.has_value());
  EXPECT_EQ(sealed.error().code, Code::kExhausted);
  EXPECT_NE(sealed.error().message.find("60000 admitted agents"), std::string::npos);
}

TEST_F(BackupTest, MoreCertificatesThanBagsAreRefused) {
  BackupContents contents = Whole();
  for (std::uint64_t generation = 3; generation < 300; ++generation) {
    contents.certificates.push_back(authority_.IssueServer(
        owner_, server_.key.public_key(), {.server_ids = {server_id_}, .generation = generation}));
  }
  EXPECT_EQ(SealBackup(contents, password_, kIterations).error().code, Code::kExhausted);
}

TEST(BackupPasswordTest, ShortOnesAndBinaryOnesAreRefused) {
  const auto check = [](std::string_view text) {
    return CheckBackupPassword(SecretBytes::OwnText(text));
  };
  EXPECT_TRUE(check("twelve chars").has_value());
  EXPECT_TRUE(check("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc").has_value());
  EXPECT_EQ(check("eleven char").error().code, Code::kRefused);
  EXPECT_EQ(check("").error().code, Code::kRefused);
  EXPECT_EQ(check("twelve chars\xff").error().code, Code::kRefused);
  EXPECT_EQ(check(std::string_view("twelve\0chars", 12)).error().code, Code::kRefused);
}

TEST(BackupPasswordTest, GeneratedOnesAreGoodAndDiffer) {
  testing::SeededRandom random(7);
  std::set<std::string> seen;
  std::set<char> letters;
  for (int i = 0; i < 100; ++i) {
    const SecretBytes password = GeneratePassword(random);
    EXPECT_EQ(password.size(), 24U);
    EXPECT_TRUE(CheckBackupPassword(password).has_value());
    seen.emplace(password.text());
    letters.insert(password.text().begin(), password.text().end());
  }
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_EQ(letters.size(), 32U);
  for (const char look_alike : {'0', 'o', '1', 'l', 'O', 'I'})
    EXPECT_FALSE(letters.contains(look_alike));
}

}  // namespace
}  // namespace countersign::keys
