#include "base/acting_as.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace countersign {
namespace {

constexpr uid_t kSomebody = 65'534;

TEST(ActingAsTest, OwnFolderChangesNothing) {
  const uid_t before = ::geteuid();
  {
    const auto acting = ActingAs::OwnerOf(testing::TempDir());
    ASSERT_TRUE(acting.has_value());
    EXPECT_EQ(::geteuid(), before);
  }
  EXPECT_EQ(::geteuid(), before);
}

TEST(ActingAsTest, RootWritesAsTheOwnerAndIsRootAgain) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to act as another user";
  std::string folder = testing::TempDir() + "acting-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  ASSERT_EQ(::chown(folder.c_str(), kSomebody, kSomebody), 0);
  const std::string file = folder + "/file";
  {
    const auto acting = ActingAs::OwnerOf(folder);
    ASSERT_TRUE(acting.has_value());
    EXPECT_EQ(::geteuid(), kSomebody);
    EXPECT_EQ(::getuid(), 0U);  // it is still known who acts
    std::ofstream(file) << "x";
  }
  EXPECT_EQ(::geteuid(), 0U);
  EXPECT_EQ(::getegid(), 0U);
  struct stat info{};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, kSomebody);
  std::filesystem::remove_all(folder);
}

TEST(ActingAsTest, MissingFolderIsNotFoundForRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root looks at the folder";
  const auto acting = ActingAs::OwnerOf("/nonexistent/countersign");
  ASSERT_FALSE(acting.has_value());
  EXPECT_EQ(acting.error().code, Code::kNotFound);
}

}  // namespace
}  // namespace countersign
