#include "base/user.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <filesystem>

namespace countersign {
namespace {

TEST(UserTest, RootIsKnownByName) { EXPECT_EQ(UserOf(0), (User{0, "root"})); }

TEST(UserTest, UserWithoutANameIsItsUid) {
  EXPECT_EQ(UserOf(4'000'000'123U), (User{4'000'000'123U, "uid 4000000123"}));
}

TEST(UserTest, RealUserIsThisProcess) { EXPECT_EQ(RealUser(), UserOf(::getuid())); }

// Puts another file in the place of standard input, error and output, for one test.
class StreamsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int fd = 0; fd < 3; ++fd) saved_[static_cast<std::size_t>(fd)] = ::dup(fd);
  }
  void TearDown() override {
    for (int fd = 0; fd < 3; ++fd) {
      ::dup2(saved_[static_cast<std::size_t>(fd)], fd);
      ::close(saved_[static_cast<std::size_t>(fd)]);
    }
  }
  std::array<int, 3> saved_{};
};

TEST_F(StreamsTest, TerminalIsThatOfAnyStreamOrNone) {
  const int null = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; ++fd) ::dup2(null, fd);
  EXPECT_EQ(TerminalName(), "none");
  const int main_end = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_TRUE(main_end >= 0 && ::grantpt(main_end) == 0 && ::unlockpt(main_end) == 0);
  std::array<char, 64> name{};
  ASSERT_EQ(::ptsname_r(main_end, name.data(), name.size()), 0);
  const int terminal = ::open(name.data(), O_RDWR | O_NOCTTY);
  ASSERT_GE(terminal, 0);
  ::dup2(terminal, 2);
  EXPECT_EQ("/dev/" + TerminalName(), name.data());
  ::close(terminal);
  ::close(main_end);
  ::close(null);
}

TEST(UserTest, SudoTellsWhoLoggedInWhereTheSystemDoesNot) {
  ASSERT_EQ(::setenv("SUDO_UID", "4000000123", 1), 0);
  const std::string login = LoginName();
  ::unsetenv("SUDO_UID");
  // A machine whose kernel notes logins knows better.
  if (login.find("4000000123") == std::string::npos) GTEST_SKIP() << "the kernel says " << login;
  EXPECT_EQ(login, "uid 4000000123 (uid 4000000123)");
}

TEST(UserTest, SudoOfNobodyElseTellsNothing) {
  for (const std::string& value : {std::to_string(::getuid()), std::string("x"), std::string("1 "),
                                   std::string("-1"), std::string("4294967295")}) {
    ASSERT_EQ(::setenv("SUDO_UID", value.c_str(), 1), 0);
    EXPECT_EQ(LoginName().find("(uid " + value + ")"), std::string::npos) << value;
  }
  ::unsetenv("SUDO_UID");
}

TEST(UserTest, FolderOfThisUserMayBeAdministeredAndOneThatIsMissingIsNoMatter) {
  EXPECT_TRUE(CheckAdministers(::testing::TempDir() + "nowhere").has_value());
  const auto own = std::filesystem::path(::testing::TempDir()) / "user-test-own";
  std::filesystem::create_directory(own);
  EXPECT_TRUE(CheckAdministers(own).has_value());
  std::filesystem::remove(own);
}

TEST(UserTest, FolderOfAnotherUserIsRefusedSayingWhoMay) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may everything; tests/integration asks as another";
  const auto refused = CheckAdministers("/");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kPermissionDenied);
  EXPECT_NE(refused.error().message.find("root (uid 0)"), std::string::npos);
  EXPECT_NE(refused.error().next.find("sudo"), std::string::npos);
}

}  // namespace
}  // namespace countersign
