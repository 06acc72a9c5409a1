#include "keys/archive.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "keys/archive_fixture.h"
#include "keys/zip.h"
#include "tests/support/certificate_factory.h"

namespace countersign::keys {
namespace {

constexpr int kFewIterations = 1'000;

class ArchiveTest : public ::testing::Test {
 protected:
  ServerArchive Sample() {
    const auto identity = authority_.MakeImported(crypto::KeyKind::kP256);
    certificates_ = {identity.certificate};
    ServerArchive archive;
    archive.contents.server_keys = {identity.key};
    archive.contents.certificates = certificates_;
    archive.contents.manifest = BackupManifest{.server_ids = {Uuid::FromDigest(Digest())},
                                               .generations = {{Uuid::FromDigest(Digest()), 7}},
                                               .admitted = {},
                                               .written_at = kAt,
                                               .history = {}};
    archive.automatic_backup = ToBytes("sealed with another password");
    return archive;
  }
  Bytes Seal(const ServerArchive& archive) {
    return SealArchive(archive, certificates_, password_, kFewIterations, kAt).value();
  }

  testing::TestAuthority authority_{11};
  std::vector<crypto::Certificate> certificates_;
  SecretBytes password_ = SecretBytes::OwnText("password of the archive");
};

TEST_F(ArchiveTest, ComesBack) {
  const ServerArchive archive = Sample();
  const auto opened = OpenArchive(Seal(archive), password_);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_EQ(opened->automatic_backup, archive.automatic_backup);
  EXPECT_EQ(opened->contents.manifest, archive.contents.manifest);
  EXPECT_EQ(opened->contents.certificates, archive.contents.certificates);
  ASSERT_EQ(opened->contents.server_keys.size(), 1U);
  EXPECT_EQ(opened->contents.server_keys[0].public_key(),
            archive.contents.server_keys[0].public_key());
}

TEST_F(ArchiveTest, WithoutAnAutomaticBackupComesBack) {
  ServerArchive archive = Sample();
  archive.automatic_backup.reset();
  EXPECT_FALSE(OpenArchive(Seal(archive), password_).value().automatic_backup.has_value());
}

TEST_F(ArchiveTest, OtherPasswordIsTold) {
  EXPECT_EQ(OpenArchive(Seal(Sample()), SecretBytes::OwnText("another")).error().code,
            Code::kWrongPassword);
}

// What lies in a ZIP beside the sealed file could be exchanged by anybody.
TEST_F(ArchiveTest, ExchangedAutomaticBackupIsRefused) {
  auto entries = ReadZip(Seal(Sample()), {"certificates.pfx", "OfficeScanAuth.dat"}).value();
  ASSERT_EQ(entries.size(), 2U);
  entries[1].content = ToBytes("of somebody else");
  EXPECT_EQ(OpenArchive(WriteZip(entries, kAt).value(), password_).error().code, Code::kMalformed);
  entries.pop_back();
  EXPECT_EQ(OpenArchive(WriteZip(entries, kAt).value(), password_).error().code, Code::kMalformed);
}

TEST_F(ArchiveTest, ZipOfSomethingElseIsRefused) {
  const auto other = WriteZip({{.name = "photo.jpg", .content = ToBytes("...")}}, kAt).value();
  const auto opened = OpenArchive(other, password_);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, Code::kMalformed);
  EXPECT_NE(opened.error().message.find("certificates.pfx"), std::string::npos);
}

}  // namespace
}  // namespace countersign::keys
