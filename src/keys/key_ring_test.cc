#include "keys/key_ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/files.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/file_permissions.h"

namespace countersign::keys {
namespace {

namespace fs = std::filesystem;

// Both rings pass the same cases; the file ring is opened anew for each look, as after a restart.
enum class Kind { kFile, kMemory };

class KeyRingTest : public ::testing::TestWithParam<Kind> {
 protected:
  KeyRingTest() {
    std::random_device random;
    folder_ = fs::temp_directory_path() /
              ("countersign-keys-" + std::to_string(random()) + "-" + std::to_string(random()));
    if (GetParam() == Kind::kMemory) ring_ = MakeMemoryKeyRing();
  }
  ~KeyRingTest() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  [[nodiscard]] KeyRing& ring() {
    if (GetParam() == Kind::kFile) {
      auto opened = OpenFileKeyRing(folder_);
      Check(opened.has_value(), opened ? "" : opened.error().message);
      ring_ = *std::move(opened);
    }
    return *ring_;
  }
  [[nodiscard]] fs::path FileOf(const crypto::PrivateKey& key, std::string_view suffix) const {
    return folder_ / (HexLower(DigestOf(key)) + std::string(suffix));
  }
  [[nodiscard]] static Digest DigestOf(const crypto::PrivateKey& key) {
    return key.public_key().digest();
  }

  fs::path folder_;
  std::unique_ptr<KeyRing> ring_;
  testing::TestAuthority authority_;
  crypto::PrivateKey key_ = authority_.MakeKey();
  crypto::PrivateKey other_ = authority_.MakeKey();
};

TEST_P(KeyRingTest, NewRingIsEmpty) {
  EXPECT_TRUE(ring().List()->empty());
  EXPECT_EQ(ring().Find(DigestOf(key_)).error().code, Code::kNotFound);
  EXPECT_EQ(ring().Export(DigestOf(key_), KeyExportToken()).error().code, Code::kNotFound);
  EXPECT_EQ(ring().IsExportable(DigestOf(key_)).error().code, Code::kNotFound);
}

TEST_P(KeyRingTest, KeyThatWasAddedSigns) {
  ASSERT_TRUE(ring().Add(key_, Exportable::kNo).has_value());
  ASSERT_TRUE(ring().Add(other_, Exportable::kYes).has_value());
  const auto signer = ring().Find(DigestOf(key_));
  ASSERT_TRUE(signer.has_value()) << signer.error().message;
  EXPECT_EQ((*signer)->public_key(), key_.public_key());
  const Bytes message = ToBytes("message");
  EXPECT_TRUE(key_.public_key().VerifyJws(message, (*signer)->SignJws(message).value()));
}

TEST_P(KeyRingTest, KeysOfEveryKindComeBack) {
  for (const auto kind : {crypto::KeyKind::kP256, crypto::KeyKind::kP384, crypto::KeyKind::kRsa}) {
    const crypto::PrivateKey key = authority_.MakeKey(kind);
    ASSERT_TRUE(ring().Add(key, Exportable::kYes).has_value());
    const auto exported = ring().Export(DigestOf(key), KeyExportToken());
    ASSERT_TRUE(exported.has_value()) << exported.error().message;
    EXPECT_EQ(exported->public_key(), key.public_key());
    EXPECT_EQ(exported->ToPkcs8(KeyExportToken()), key.ToPkcs8(KeyExportToken()));
  }
}

TEST_P(KeyRingTest, ListNamesEachKeyOnce) {
  ASSERT_TRUE(ring().Add(key_, Exportable::kNo).has_value());
  ASSERT_TRUE(ring().Add(other_, Exportable::kYes).has_value());
  ASSERT_TRUE(ring().Add(other_, Exportable::kYes).has_value());
  std::vector<Digest> expected = {DigestOf(key_), DigestOf(other_)};
  std::ranges::sort(expected);
  EXPECT_EQ(ring().List().value(), expected);
}

TEST_P(KeyRingTest, KeyThatWasToStayStaysForGood) {
  ASSERT_TRUE(ring().Add(key_, Exportable::kYes).has_value());
  EXPECT_EQ(ring().IsExportable(DigestOf(key_)).value(), Exportable::kYes);
  ASSERT_TRUE(ring().Add(key_, Exportable::kNo).has_value());
  EXPECT_EQ(ring().IsExportable(DigestOf(key_)).value(), Exportable::kNo);
  ASSERT_TRUE(ring().Add(key_, Exportable::kYes).has_value());
  EXPECT_EQ(ring().IsExportable(DigestOf(key_)).value(), Exportable::kNo);
  EXPECT_EQ(ring().List()->size(), 1U);
  EXPECT_TRUE(ring().Find(DigestOf(key_)).has_value());
}

TEST_P(KeyRingTest, DestroyedKeyIsGoneButItsSignerStillSigns) {
  ASSERT_TRUE(ring().Add(key_, Exportable::kNo).has_value());
  ASSERT_TRUE(ring().Add(other_, Exportable::kYes).has_value());
  const auto signer = ring().Find(DigestOf(key_)).value();
  EXPECT_TRUE(ring().Destroy(DigestOf(key_)).has_value());
  EXPECT_TRUE(ring().Destroy(DigestOf(key_)).has_value());
  EXPECT_EQ(ring().Find(DigestOf(key_)).error().code, Code::kNotFound);
  EXPECT_EQ(ring().List().value(), std::vector{DigestOf(other_)});
  EXPECT_TRUE(signer->SignJws(ToBytes("message")).has_value());
}

INSTANTIATE_TEST_SUITE_P(Rings, KeyRingTest, ::testing::Values(Kind::kFile, Kind::kMemory),
                         [](const auto& kind) {
                           return kind.param == Kind::kFile ? "File" : "Memory";
                         });

class FileKeyRingTest : public KeyRingTest {};

TEST_P(FileKeyRingTest, FilesAreTheOwnersOnly) {
  ASSERT_TRUE(ring().Add(key_, Exportable::kNo).has_value());
  ASSERT_TRUE(ring().Add(other_, Exportable::kYes).has_value());
  EXPECT_EQ(fs::status(folder_).permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(FileOf(key_, ".nx.key")).permissions(), testing::kPrivateFile);
  EXPECT_EQ(fs::status(FileOf(other_, ".key")).permissions(), testing::kPrivateFile);
}

TEST_P(FileKeyRingTest, UnsafePermissionsAreRefusedWithTheRemedy) {
  ASSERT_TRUE(ring().Add(key_, Exportable::kNo).has_value());
  fs::permissions(FileOf(key_, ".nx.key"), testing::kPrivateFile | fs::perms::group_read);
  EXPECT_EQ(ring_->Find(DigestOf(key_)).error().code, Code::kPermissionDenied);
  EXPECT_EQ(OpenFileKeyRing(folder_).error().code, Code::kPermissionDenied);
  EXPECT_FALSE(OpenFileKeyRing(folder_).error().next.empty());
  fs::permissions(FileOf(key_, ".nx.key"), testing::kPrivateFile);
  fs::permissions(folder_, fs::perms::owner_all | fs::perms::others_write);
  EXPECT_EQ(OpenFileKeyRing(folder_).error().code, Code::kPermissionDenied);
}

TEST_P(FileKeyRingTest, FileUnderAnotherKeysNameIsDamaged) {
  ASSERT_TRUE(ring().Add(key_, Exportable::kNo).has_value());
  fs::rename(FileOf(key_, ".nx.key"), FileOf(other_, ".key"));
  EXPECT_EQ(ring().Find(DigestOf(other_)).error().code, Code::kDamaged);
}

TEST_P(FileKeyRingTest, FileThatIsNoKeyIsDamaged) {
  ASSERT_TRUE(ring().Add(key_, Exportable::kYes).has_value());
  const fs::path path = FileOf(key_, ".key");
  ASSERT_TRUE(WriteFileAtomically(path, AsBytes("junk"), FileMode::kPrivate).has_value());
  EXPECT_EQ(ring().Find(DigestOf(key_)).error().code, Code::kDamaged);
  EXPECT_TRUE(ring().Destroy(DigestOf(key_)).has_value());
  EXPECT_FALSE(fs::exists(path));
}

TEST_P(FileKeyRingTest, OtherFilesAreNoKeysAndHalfWrittenOnesAreRemoved) {
  ASSERT_TRUE(ring().Add(key_, Exportable::kYes).has_value());
  const std::string leftover = "." + FileOf(key_, ".key").filename().string() + ".new-4711";
  for (const std::string& name : {std::string("README"), leftover, std::string(64, 'F') + ".key",
                                  std::string(63, 'f') + ".key", std::string(64, 'f') + ".old"}) {
    ASSERT_TRUE(WriteFileAtomically(folder_ / name, AsBytes("x"), FileMode::kPrivate).has_value());
  }
  EXPECT_EQ(ring().List().value(), std::vector{DigestOf(key_)});
  EXPECT_FALSE(fs::exists(folder_ / leftover));
  EXPECT_TRUE(fs::exists(folder_ / "README"));
}

INSTANTIATE_TEST_SUITE_P(File, FileKeyRingTest, ::testing::Values(Kind::kFile));

}  // namespace
}  // namespace countersign::keys
