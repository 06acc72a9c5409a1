#include "cli/passwords.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

namespace countersign::cli {
namespace {

class PasswordsTest : public testing::Test {
 protected:
  void SetUp() override { ::unsetenv("COUNTERSIGN_TEST_PASSWORD"); }
  void TearDown() override { ::unsetenv("COUNTERSIGN_TEST_PASSWORD"); }

  static std::string File(const std::string& text) {
    const std::string path = testing::TempDir() + "password-" +
                             testing::UnitTest::GetInstance()->current_test_info()->name();
    std::ofstream(path) << text;
    return path;
  }
  static std::string Given(const PasswordSource& source) {
    const auto given = GivenPassword(source);
    if (!given) return "failed: " + given.error().message;
    return *given ? std::string((*given)->text()) : "none";
  }
  PasswordSource source_{.what = "password", .environment = "COUNTERSIGN_TEST_PASSWORD"};
};

TEST_F(PasswordsTest, FirstThatIsGivenCounts) {
  EXPECT_EQ(Given(source_), "none");
  ::setenv("COUNTERSIGN_TEST_PASSWORD", "of the environment", 1);
  source_.file = File("of the file\n");
  EXPECT_EQ(Given(source_), "of the file");
  const SecretBytes argument = SecretBytes::OwnText("of the argument");
  source_.argument = &argument;
  EXPECT_EQ(Given(source_), "of the argument");
}

TEST_F(PasswordsTest, EnvironmentIsEmptiedWhenItIsRead) {
  ::setenv("COUNTERSIGN_TEST_PASSWORD", "of the environment", 1);
  EXPECT_EQ(Given(source_), "of the environment");
  EXPECT_EQ(::getenv("COUNTERSIGN_TEST_PASSWORD"), nullptr);
}

TEST_F(PasswordsTest, EmptyArgumentIsTheEnvironmentOrAPrompt) {
  const SecretBytes argument;
  source_.argument = &argument;
  EXPECT_EQ(Given(source_), "none");  // so it is asked for
  ::setenv("COUNTERSIGN_TEST_PASSWORD", "of the environment", 1);
  EXPECT_EQ(Given(source_), "of the environment");
}

TEST_F(PasswordsTest, FileAndDescriptorTogetherAreRefused) {
  source_.file = File("x");
  source_.fd = "0";
  EXPECT_EQ(Given(source_), "failed: the password is given by a file and by a descriptor");
}

TEST_F(PasswordsTest, DescriptorIsANumber) {
  for (const char* const text : {"x", "-1", "3x", " 3", "99999999999999"}) {
    source_.fd = text;
    EXPECT_TRUE(Given(source_).starts_with("failed: a file descriptor is a number")) << text;
  }
}

TEST_F(PasswordsTest, EmptyFileIsAPasswordOnlyWhereItMayBe) {
  source_.file = File("\n");
  EXPECT_TRUE(Given(source_).starts_with("failed: "));
  source_.empty = EmptySecret::kAllowed;
  EXPECT_EQ(Given(source_), "");
}

TEST_F(PasswordsTest, SecondPasswordMayBeAbsent) {
  const auto none = SecondPassword(std::nullopt, source_, Prompt::kOnce);
  ASSERT_TRUE(none.has_value());
  EXPECT_TRUE(none->empty());
  const auto given = SecondPassword(File("second"), source_, Prompt::kOnce);
  ASSERT_TRUE(given.has_value());
  EXPECT_EQ(given->text(), "second");
}

}  // namespace
}  // namespace countersign::cli
