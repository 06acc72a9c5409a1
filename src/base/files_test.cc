#include "base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

namespace countersign {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

mode_t ModeOf(const fs::path& path) {
  struct stat info{};
  EXPECT_EQ(lstat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

class FilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "countersign-files-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string Content(const fs::path& path) const {
    const auto content = ReadFile(path, 1 << 20);
    return content ? std::string(AsText(*content)) : "(" + content.error().message + ")";
  }
  [[nodiscard]] std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  fs::path folder_;
};

TEST_F(FilesTest, WrittenFileReadsBackWithItsMode) {
  const fs::path path = folder_ / "state";
  ASSERT_TRUE(WriteFileAtomically(path, AsBytes("one"), FileMode::kPrivate));
  EXPECT_EQ(Content(path), "one");
  EXPECT_EQ(ModeOf(path), 0600U);
  ASSERT_TRUE(WriteFileAtomically(path, AsBytes("two, longer"), FileMode::kPublic));
  EXPECT_EQ(Content(path), "two, longer");
  EXPECT_EQ(ModeOf(path), 0644U);
  EXPECT_THAT(Names(), ::testing::ElementsAre("state"));
}

TEST_F(FilesTest, LargeFileReadsBackWhole) {
  Bytes content(300'000);
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::uint8_t>(i >> 3);
  ASSERT_TRUE(WriteFileAtomically(folder_ / "large", content, FileMode::kPrivate));
  EXPECT_EQ(ReadFile(folder_ / "large", content.size()), content);
}

TEST_F(FilesTest, FileAtTheLimitIsReadAndOneOverIsRefused) {
  ASSERT_TRUE(WriteFileAtomically(folder_ / "f", AsBytes("12345"), FileMode::kPrivate));
  EXPECT_TRUE(ReadFile(folder_ / "f", 5));
  const auto over = ReadFile(folder_ / "f", 4);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, Code::kMalformed);
  EXPECT_THAT(over.error().message, HasSubstr((folder_ / "f").string()));
}

TEST_F(FilesTest, HugeFileIsRefusedByItsSizeAndAnEndlessOneAtTheLimit) {
  ASSERT_TRUE(WriteFileAtomically(folder_ / "huge", {}, FileMode::kPrivate));
  fs::resize_file(folder_ / "huge", std::uintmax_t{2} << 30);  // sparse
  for (const fs::path& path : {folder_ / "huge", fs::path("/dev/zero")}) {
    const auto over = ReadFile(path, 1 << 20);
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().code, Code::kMalformed);
    EXPECT_THAT(over.error().message, HasSubstr("1048576"));
  }
}

TEST_F(FilesTest, FileOfUnknownSizeIsReadWhole) {
  const auto content = ReadFile("/proc/self/status", 1 << 20);
  ASSERT_TRUE(content) << content.error().message;
  EXPECT_THAT(std::string(AsText(*content)), HasSubstr("Pid:"));
}

TEST_F(FilesTest, FolderIsNoFileAndNamed) {
  const auto folder = ReadFile(folder_, 10);
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, Code::kMalformed);
  EXPECT_THAT(folder.error().message, HasSubstr(folder_.string() + " is a folder"));
}

TEST_F(FilesTest, MissingFileIsNotFoundAndNamed) {
  const auto missing = ReadFile(folder_ / "no", 10);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr((folder_ / "no").string()));
  EXPECT_THAT(missing.error().message, HasSubstr("No such file or directory"));
}

TEST_F(FilesTest, FolderInPlaceOfFileFailsAndLeavesNoTemporary) {
  fs::create_directory(folder_ / "state");
  EXPECT_FALSE(ReadFile(folder_ / "state", 10));
  EXPECT_FALSE(WriteFileAtomically(folder_ / "state", AsBytes("x"), FileMode::kPrivate));
  EXPECT_THAT(Names(), ::testing::ElementsAre("state"));
}

TEST_F(FilesTest, WriteIntoMissingFolderIsNotFound) {
  const Status status = WriteFileAtomically(folder_ / "no" / "f", AsBytes("x"), FileMode::kPrivate);
  EXPECT_EQ(status.error().code, Code::kNotFound);
}

TEST_F(FilesTest, WriteGoesNotThroughALinkLeftAtTheTemporaryName) {
  const fs::path victim = folder_ / "victim";
  ASSERT_TRUE(WriteFileAtomically(victim, AsBytes("untouched"), FileMode::kPrivate));
  fs::create_symlink(victim, folder_ / (".f.new-" + std::to_string(getpid())));
  ASSERT_TRUE(WriteFileAtomically(folder_ / "f", AsBytes("x"), FileMode::kPrivate));
  EXPECT_EQ(Content(victim), "untouched");
  EXPECT_FALSE(fs::is_symlink(folder_ / "f"));
}

TEST_F(FilesTest, FailedWriteKeepsTheOldContentAndNoTemporary) {
  const fs::path path = folder_ / "state";
  ASSERT_TRUE(WriteFileAtomically(path, AsBytes("old"), FileMode::kPrivate));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status status = WriteFileAtomically(path, Bytes(10'000), FileMode::kPrivate);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kExhausted);
  EXPECT_EQ(Content(path), "old");
  EXPECT_THAT(Names(), ::testing::ElementsAre("state"));
}

TEST_F(FilesTest, AppendCreatesPrivateAndAdds) {
  const fs::path path = folder_ / "log";
  ASSERT_TRUE(AppendDurably(path, AsBytes("a")));
  ASSERT_TRUE(AppendDurably(path, AsBytes("bc")));
  EXPECT_EQ(Content(path), "abc");
  EXPECT_EQ(ModeOf(path), 0600U);
}

TEST_F(FilesTest, AppendThroughALinkIsRefused) {
  fs::create_symlink(folder_ / "elsewhere", folder_ / "log");
  EXPECT_FALSE(AppendDurably(folder_ / "log", AsBytes("a")));
  EXPECT_FALSE(fs::exists(folder_ / "elsewhere"));
}

TEST_F(FilesTest, RemovingTwiceSucceeds) {
  ASSERT_TRUE(AppendDurably(folder_ / "f", AsBytes("a")));
  EXPECT_TRUE(RemoveDurably(folder_ / "f"));
  EXPECT_FALSE(fs::exists(folder_ / "f"));
  EXPECT_TRUE(RemoveDurably(folder_ / "f"));
}

TEST_F(FilesTest, RenameReplaces) {
  ASSERT_TRUE(AppendDurably(folder_ / "a", AsBytes("A")));
  ASSERT_TRUE(AppendDurably(folder_ / "b", AsBytes("B")));
  ASSERT_TRUE(RenameDurably(folder_ / "a", folder_ / "b"));
  EXPECT_EQ(Content(folder_ / "b"), "A");
  EXPECT_EQ(RenameDurably(folder_ / "a", folder_ / "b").error().code, Code::kNotFound);
}

TEST_F(FilesTest, PrivateFolderIsMadeWithItsParents) {
  const fs::path deep = folder_ / "x" / "y" / "z";
  ASSERT_TRUE(MakePrivateFolder(deep));
  EXPECT_EQ(ModeOf(folder_ / "x"), 0700U);
  EXPECT_EQ(ModeOf(deep), 0700U);
  EXPECT_TRUE(MakePrivateFolder(deep));
  EXPECT_TRUE(MakePrivateFolder(deep / ""));
}

TEST_F(FilesTest, PrivateFolderInPlaceOfAFileFails) {
  ASSERT_TRUE(AppendDurably(folder_ / "f", AsBytes("a")));
  EXPECT_FALSE(MakePrivateFolder(folder_ / "f"));
  EXPECT_FALSE(MakePrivateFolder(folder_ / "f" / "g"));
}

TEST_F(FilesTest, OnlyOwnLeftoversAreRemoved) {
  for (const char* name : {".f.new-123", ".new-1", ".f.new-", ".f.new-1a", "f.new-12", ".keep"}) {
    ASSERT_TRUE(AppendDurably(folder_ / name, AsBytes("a")));
  }
  RemoveLeftovers(folder_);
  EXPECT_THAT(Names(), ::testing::UnorderedElementsAre(".new-1", ".f.new-", ".f.new-1a", "f.new-12",
                                                       ".keep"));
  RemoveLeftovers(folder_ / "missing");
}

TEST_F(FilesTest, PermissionsThatOthersCouldUseAreRefusedWithTheCommandThatMendsThem) {
  const fs::path file = folder_ / "it's";
  ASSERT_TRUE(AppendDurably(file, AsBytes("a")));
  EXPECT_TRUE(CheckPrivate(file));
  EXPECT_TRUE(CheckPrivate(folder_));
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U}) {
    ASSERT_EQ(chmod(file.c_str(), mode), 0);
    const Status status = CheckPrivate(file);
    ASSERT_FALSE(status) << mode;
    EXPECT_EQ(status.error().code, Code::kPermissionDenied);
    ASSERT_EQ(std::system(status.error().next.c_str()), 0);
    EXPECT_TRUE(CheckPrivate(file));
  }
}

TEST_F(FilesTest, FolderThatOthersCanReadIsFineAndOneTheyCanWriteIsNot) {
  ASSERT_EQ(chmod(folder_.c_str(), 0755), 0);
  EXPECT_TRUE(CheckPrivate(folder_));
  ASSERT_EQ(chmod(folder_.c_str(), 0775), 0);
  const Status status = CheckPrivate(folder_);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().next, HasSubstr("chmod go-w"));
}

TEST_F(FilesTest, FileOfAnotherUserIsRefused) {
  if (geteuid() == 0) {
    ASSERT_TRUE(AppendDurably(folder_ / "f", AsBytes("a")));
    ASSERT_EQ(chown((folder_ / "f").c_str(), 65534, 65534), 0);
    EXPECT_THAT(CheckPrivate(folder_ / "f").error().next, HasSubstr("chown 0 "));
  } else {
    EXPECT_THAT(CheckPrivate("/etc").error().next, HasSubstr("chown "));
  }
}

TEST_F(FilesTest, LockIsHeldOnce) {
  const fs::path path = folder_ / "lock";
  {
    auto first = FileLock::Acquire(path);
    ASSERT_TRUE(first);
    const auto second = FileLock::Acquire(path);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::kUnavailable);
    const FileLock moved = std::move(*first);
    EXPECT_FALSE(FileLock::Acquire(path));
  }
  EXPECT_TRUE(FileLock::Acquire(path));
  EXPECT_EQ(ModeOf(path), 0600U);
}

}  // namespace
}  // namespace countersign
