#include "store/server_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"
#include "store/scratch_folder.h"
#include "tests/support/file_permissions.h"

namespace countersign::store {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

fs::perms ModeOf(const fs::path& path) { return fs::status(path).permissions() & fs::perms::mask; }

std::vector<std::string> NamesIn(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class ServerFilesTest : public ::testing::Test {
 protected:
  ServerFilesTest() { EXPECT_TRUE(ServerFolder::Create(scratch_.path()).has_value()); }

  [[nodiscard]] fs::path Path(const std::string& name) const { return scratch_.path() / name; }
  [[nodiscard]] std::string Read(const std::string& name) const {
    const auto content = ReadFile(Path(name), 1'000'000);
    return content ? std::string(AsText(*content)) : "(" + content.error().message + ")";
  }

  ScratchFolder scratch_;
  ServerFolder folder_{scratch_.path()};
};

TEST_F(ServerFilesTest, NewFolderHasTheDocumentedPlaces) {
  EXPECT_THAT(NamesIn(scratch_.path()),
              ElementsAre("AuthCertBackup", "PCCSRV", "certificates", "keys"));
  EXPECT_THAT(NamesIn(Path("certificates")), ElementsAre("OfficeScan NT", "OfficeScan NT Expired"));
  EXPECT_EQ(folder_.PublicCertificatePath(), Path("PCCSRV/Pccnt/Common/OfcNTCer.dat"));
  EXPECT_EQ(folder_.BackupPath(), Path("AuthCertBackup/OfficeScanAuth.dat"));
  EXPECT_EQ(ModeOf(folder_.KeysPath()), fs::perms::owner_all);
  EXPECT_TRUE(ServerFolder::Create(scratch_.path()).has_value()) << "again";
}

TEST_F(ServerFilesTest, FolderThatOthersMayWriteIsRefused) {
  fs::permissions(scratch_.path(), fs::perms::all);
  const auto made = ServerFolder::Create(scratch_.path());
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Code::kPermissionDenied);
}

TEST_F(ServerFilesTest, BackupIsStagedAndThenTakesItsPlace) {
  EXPECT_EQ(folder_.ReadBackup().error().code, Code::kNotFound);
  EXPECT_EQ(folder_.ReadStagedBackup().error().code, Code::kNotFound);
  ASSERT_TRUE(folder_.StageBackup(AsBytes("one")).has_value());
  EXPECT_EQ(folder_.ReadBackup().error().code, Code::kNotFound);
  EXPECT_EQ(folder_.ReadStagedBackup().value(), ToBytes("one"));
  EXPECT_EQ(Read("AuthCertBackup/OfficeScanAuth.dat.staged"), "one");
  ASSERT_TRUE(folder_.CommitStagedBackup().has_value());
  EXPECT_EQ(folder_.ReadBackup().value(), ToBytes("one"));
  EXPECT_EQ(folder_.ReadStagedBackup().error().code, Code::kNotFound);
  EXPECT_EQ(ModeOf(folder_.BackupPath()), testing::kPrivateFile);
}

TEST_F(ServerFilesTest, DiscardedBackupLeavesTheOldOne) {
  ASSERT_TRUE(folder_.StageBackup(AsBytes("one")).has_value());
  ASSERT_TRUE(folder_.CommitStagedBackup().has_value());
  ASSERT_TRUE(folder_.StageBackup(AsBytes("two")).has_value());
  ASSERT_TRUE(folder_.DiscardStagedBackup().has_value());
  EXPECT_EQ(folder_.ReadBackup().value(), ToBytes("one"));
  EXPECT_TRUE(folder_.DiscardStagedBackup().has_value()) << "nothing there is success";
}

TEST_F(ServerFilesTest, BackupPutBackUnderAnotherSpellingIsFound) {
  ASSERT_TRUE(WriteFileAtomically(Path("AuthCertBackup/officescanauth.DAT"), AsBytes("copy"),
                                  FileMode::kPrivate)
                  .has_value());
  EXPECT_EQ(folder_.ReadBackup().value(), ToBytes("copy"));
  ASSERT_TRUE(folder_.StageBackup(AsBytes("new")).has_value());
  ASSERT_TRUE(folder_.CommitStagedBackup().has_value());
  EXPECT_EQ(folder_.ReadBackup().value(), ToBytes("new")) << "the exact name goes first";
}

TEST_F(ServerFilesTest, StoresHoldExactlyWhatIsGiven) {
  const StoredCertificate active{std::string(kStoreActive), "aa.cer", ToBytes("A")};
  const StoredCertificate next{std::string(kStoreActive), "bb.cer", ToBytes("B")};
  const StoredCertificate expired{std::string(kStoreExpired), "aa.cer", ToBytes("A")};
  ASSERT_TRUE(folder_.WriteStores({active}).has_value());
  EXPECT_EQ(Read("certificates/OfficeScan NT/aa.cer"), "A");
  EXPECT_EQ(ModeOf(Path("certificates/OfficeScan NT/aa.cer")), testing::kPublicFile);
  ASSERT_TRUE(folder_.WriteStores({next, expired}).has_value());
  EXPECT_THAT(NamesIn(Path("certificates/OfficeScan NT")), ElementsAre("bb.cer"));
  EXPECT_THAT(NamesIn(Path("certificates/OfficeScan NT Expired")), ElementsAre("aa.cer"));
  ASSERT_TRUE(folder_.WriteStores({}).has_value());
  EXPECT_THAT(NamesIn(Path("certificates/OfficeScan NT")), IsEmpty());
}

TEST_F(ServerFilesTest, StoresThatWereDeletedOrAlteredAreMadeAnew) {
  const StoredCertificate active{std::string(kStoreActive), "aa.cer", ToBytes("A")};
  fs::remove_all(Path("certificates"));
  ASSERT_TRUE(folder_.WriteStores({active}).has_value());
  ASSERT_TRUE(WriteFileAtomically(Path("certificates/OfficeScan NT/aa.cer"), AsBytes("X"),
                                  FileMode::kPublic)
                  .has_value());
  ASSERT_TRUE(folder_.WriteStores({active}).has_value());
  EXPECT_EQ(Read("certificates/OfficeScan NT/aa.cer"), "A");
}

TEST_F(ServerFilesTest, PublicCertificateIsReplaced) {
  fs::remove_all(Path("PCCSRV"));
  ASSERT_TRUE(folder_.WritePublicCertificate(AsBytes("A")).has_value());
  ASSERT_TRUE(folder_.WritePublicCertificate(AsBytes("B")).has_value());
  EXPECT_EQ(Read("PCCSRV/Pccnt/Common/OfcNTCer.dat"), "B");
  EXPECT_EQ(ModeOf(folder_.PublicCertificatePath()), testing::kPublicFile);
}

}  // namespace
}  // namespace countersign::store
