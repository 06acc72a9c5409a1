#include "base/service_user.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/files.h"
#include "tests/support/command.h"

namespace countersign {
namespace {

TEST(FindLocalUserTest, RootIsThereAndStrangersAreNot) {
  EXPECT_EQ(FindLocalUser("root"), (UserAndGroup{0, 0}));
  EXPECT_EQ(FindLocalUser("roo"), std::nullopt);
  EXPECT_EQ(FindLocalUser(""), std::nullopt);
}

TEST(GiveTreeTest, EverythingInItAndNothingBehindALink) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  const testing::TemporaryFolder folder;
  const auto made = testing::RunCommand(
      folder, "mkdir -p in/side && touch in/side/file outside && ln -s ../outside in/link");
  ASSERT_EQ(made.exit_code, 0);
  ASSERT_TRUE(GiveTree(folder.path() / "in", {12'345, 23'456}).has_value());
  struct stat info{};
  for (const char* const name : {"in", "in/side", "in/side/file", "in/link"}) {
    ASSERT_EQ(::lstat((folder.path() / name).c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 12'345U) << name;
    EXPECT_EQ(info.st_gid, 23'456U) << name;
  }
  ASSERT_EQ(::stat((folder.path() / "outside").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 0U);
}

TEST(GiveTreeTest, NoFolderOfSomebodyElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  const testing::TemporaryFolder folder;
  const auto made = testing::RunCommand(folder, "mkdir in && touch in/file && chown 12345 in");
  ASSERT_EQ(made.exit_code, 0);
  const auto given = GiveTree(folder.path() / "in", {23'456, 23'456});
  ASSERT_FALSE(given.has_value());
  EXPECT_EQ(given.error().code, Code::kRefused);
  EXPECT_TRUE(GiveTree(folder.path() / "in", {12'345, 12'345}).has_value()) << "theirs already";
  struct stat info{};
  ASSERT_EQ(::lstat((folder.path() / "in/file").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 0U);
}

TEST(GiveTreeTest, NoFileWithAnotherName) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  const testing::TemporaryFolder folder;
  const auto made =
      testing::RunCommand(folder, "mkdir -p in/side && touch shadow && ln shadow in/side/file");
  ASSERT_EQ(made.exit_code, 0);
  const auto given = GiveTree(folder.path() / "in", {12'345, 23'456});
  ASSERT_FALSE(given.has_value());
  EXPECT_EQ(given.error().code, Code::kRefused);
  struct stat info{};
  for (const char* const name : {"in", "in/side", "shadow"}) {
    ASSERT_EQ(::lstat((folder.path() / name).c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 0U) << name;
  }
}

TEST(GiveTreeTest, NoFolderBehindALink) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  const testing::TemporaryFolder folder;
  ASSERT_EQ(testing::RunCommand(folder, "mkdir real && ln -s real in").exit_code, 0);
  EXPECT_FALSE(GiveTree(folder.path() / "in", {12'345, 23'456}).has_value());
  struct stat info{};
  ASSERT_EQ(::lstat((folder.path() / "real").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 0U);
}

TEST(StartDetachedTest, RunsWithItsLog) {
  const testing::TemporaryFolder folder;
  const auto log = folder.path() / "log";
  const auto pid = StartDetached("/bin/sh", {"-c", "echo said; pwd"}, folder.path(), log);
  ASSERT_TRUE(pid.has_value()) << pid.error().message;
  while (!HasEnded(*pid)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(AsText(folder.Read("log")), "said\n/\n");
  EXPECT_TRUE(CheckPrivate(log).has_value());
}

TEST(StartDetachedTest, LogThatCannotBeReplacedIsToldAsThat) {
  const testing::TemporaryFolder folder;
  const auto pid = StartDetached("/bin/sh", {"-c", "true"}, folder.path(), "/proc/version");
  ASSERT_FALSE(pid.has_value());
  EXPECT_EQ(pid.error().message.find("File exists"), std::string::npos) << pid.error().message;
}

TEST(StartDetachedTest, ProgramThatIsNotThere) {
  const testing::TemporaryFolder folder;
  const auto pid = StartDetached(folder.path() / "none", {}, folder.path(), folder.path() / "log");
  ASSERT_FALSE(pid.has_value());
  EXPECT_EQ(pid.error().code, Code::kNotFound);
}

}  // namespace
}  // namespace countersign
