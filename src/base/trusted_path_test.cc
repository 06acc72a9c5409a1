#include "base/trusted_path.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/files.h"

namespace countersign {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kNobody = 65'534;

// A folder of root's under /tmp, which has the sticky bit.
class TrustedPathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can make files of root's";
    root_ = fs::temp_directory_path() / ("trusted-path-test." + std::to_string(::getpid()));
    fs::create_directories(root_ / "a" / "b");
    fs::permissions(root_, fs::perms::owner_all);
    ASSERT_TRUE(WriteFileAtomically(root_ / "a" / "b" / "file", AsBytes("x"), FileMode::kPublic));
  }
  void TearDown() override {
    if (!root_.empty()) fs::remove_all(root_);
  }
  [[nodiscard]] static Code CodeOf(const Status& status) {
    return status ? Code::kInternal : status.error().code;
  }
  fs::path root_;
};

TEST_F(TrustedPathTest, WhatOnlyRootCanChange) {
  EXPECT_TRUE(CheckTrustedPath(root_ / "a" / "b" / "file"));
  EXPECT_TRUE(CheckTrustedPath(root_ / "a" / "." / "b" / ".." / "b" / "file"));
  EXPECT_TRUE(CheckTrustedPath("/bin/sh"));
  EXPECT_EQ(CodeOf(CheckTrustedPath(root_ / "nothing")), Code::kNotFound);
  EXPECT_EQ(CodeOf(CheckTrustedPath(root_ / "a" / "b" / "file" / "x")), Code::kMalformed);
  EXPECT_EQ(CodeOf(CheckTrustedPath("relative")), Code::kUsage);
}

TEST_F(TrustedPathTest, AFileThatOthersMayWrite) {
  const fs::path file = root_ / "a" / "b" / "file";
  fs::permissions(file, fs::perms::group_write, fs::perm_options::add);
  const auto status = CheckTrustedPath(file);
  EXPECT_EQ(CodeOf(status), Code::kPermissionDenied);
  EXPECT_EQ(status.error().next, "chmod go-w " + file.string());
}

TEST_F(TrustedPathTest, AFolderOnTheWayOfSomebodyElse) {
  ASSERT_EQ(::chown((root_ / "a").c_str(), kNobody, kNobody), 0);
  const auto status = CheckTrustedPath(root_ / "a" / "b" / "file");
  EXPECT_EQ(CodeOf(status), Code::kPermissionDenied);
  EXPECT_EQ(status.error().next, "chown root:root " + (root_ / "a").string());
}

TEST_F(TrustedPathTest, AFolderOnTheWayThatOthersMayWrite) {
  fs::permissions(root_ / "a", fs::perms::others_write, fs::perm_options::add);
  EXPECT_EQ(CodeOf(CheckTrustedPath(root_ / "a" / "b" / "file")), Code::kPermissionDenied);
  // With the sticky bit nobody else renames what is root's in it; but others add files to it.
  fs::permissions(root_ / "a", fs::perms::sticky_bit, fs::perm_options::add);
  EXPECT_TRUE(CheckTrustedPath(root_ / "a" / "b" / "file"));
  EXPECT_EQ(CodeOf(CheckTrustedPath(root_ / "a")), Code::kPermissionDenied);
}

TEST_F(TrustedPathTest, LinksAreFollowedAndJudged) {
  fs::create_symlink("b/file", root_ / "a" / "link");
  EXPECT_TRUE(CheckTrustedPath(root_ / "a" / "link"));
  fs::create_symlink(root_ / "a" / "link", root_ / "far");
  EXPECT_TRUE(CheckTrustedPath(root_ / "far"));
  // A link of somebody's in between, though it leads to a good file.
  ASSERT_EQ(::lchown((root_ / "a" / "link").c_str(), kNobody, kNobody), 0);
  EXPECT_EQ(CodeOf(CheckTrustedPath(root_ / "far")), Code::kPermissionDenied);
}

TEST_F(TrustedPathTest, LinksThatLeadNowhere) {
  fs::create_symlink("b/nothing", root_ / "a" / "link");
  EXPECT_EQ(CodeOf(CheckTrustedPath(root_ / "a" / "link")), Code::kMalformed);
  fs::create_symlink("nowhere", root_ / "folder");
  EXPECT_EQ(CodeOf(CheckTrustedPath(root_ / "folder" / "file")), Code::kMalformed);
  // The link leads somewhere, and what is not there is not its matter.
  fs::create_symlink("a/b", root_ / "good");
  EXPECT_EQ(CodeOf(CheckTrustedPath(root_ / "good" / "nothing")), Code::kNotFound);
}

TEST_F(TrustedPathTest, LinksThatLeadInACircle) {
  fs::create_symlink("two", root_ / "one");
  fs::create_symlink("one", root_ / "two");
  EXPECT_EQ(CodeOf(CheckTrustedPath(root_ / "one")), Code::kMalformed);
}

}  // namespace
}  // namespace countersign
