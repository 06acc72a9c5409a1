#include "base/process.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/terminal.h"
#include "base/user.h"

namespace countersign {
namespace {

TEST(ProcessTest, SecretLeavesTheEnvironment) {
  ASSERT_EQ(::setenv("COUNTERSIGN_TEST_SECRET", "hunter22hunter22", 1), 0);
  EXPECT_EQ(TakeEnvironmentSecret("COUNTERSIGN_TEST_SECRET"), "hunter22hunter22");
  EXPECT_EQ(GetEnvironment("COUNTERSIGN_TEST_SECRET"), "");
  EXPECT_EQ(TakeEnvironmentSecret("COUNTERSIGN_TEST_SECRET"), "");
}

TEST(ProcessTest, WipedArgumentHasNothingLeft) {
  char argument[] = "secret";
  WipeArgument(argument);
  for (const char c : argument) EXPECT_EQ(c, '\0');
}

TEST(ProcessTest, MissingFolderHasNoOwner) {
  const auto became = BecomeOwnerOf("/nonexistent/countersign");
  if (RealUser().uid == 0) {
    ASSERT_FALSE(became.has_value());
    EXPECT_EQ(became.error().code, Code::kNotFound);
  } else {
    EXPECT_TRUE(became.has_value());
  }
}

TEST(ProcessTest, LimitOfDescriptorsIsNeverLowered) {
  const std::size_t now = AllowDescriptors(1);
  EXPECT_GE(now, 1U);
  EXPECT_EQ(AllowDescriptors(now), now);
  EXPECT_GE(AllowDescriptors(now + 1), now);
}

class SecretFileTest : public testing::Test {
 protected:
  std::string Write(std::string_view text) {
    const auto path = testing::TempDir() + "secret-" +
                      testing::UnitTest::GetInstance()->current_test_info()->name();
    FILE* const file = std::fopen(path.c_str(), "wb");
    EXPECT_EQ(std::fwrite(text.data(), 1, text.size(), file), text.size());
    std::fclose(file);
    return path;
  }
};

TEST_F(SecretFileTest, FirstLineWithoutItsEnd) {
  const auto secret = ReadSecretFile(Write("pass word \r\nsecond"));
  ASSERT_TRUE(secret.has_value()) << secret.error().message;
  EXPECT_EQ(secret->text(), "pass word ");
}

TEST_F(SecretFileTest, EmptyIsRefused) {
  const auto secret = ReadSecretFile(Write("\nx"));
  ASSERT_FALSE(secret.has_value());
  EXPECT_EQ(secret.error().code, Code::kUsage);
}

TEST_F(SecretFileTest, EmptyIsAPasswordWhereThatIsAllowed) {
  const auto secret = ReadSecretFile(Write("\nx"), EmptySecret::kAllowed);
  ASSERT_TRUE(secret.has_value()) << secret.error().message;
  EXPECT_TRUE(secret->empty());
}

TEST_F(SecretFileTest, DescriptorGivesOneLineAndKeepsTheRest) {
  FILE* const file = std::fopen(Write("first\nsecond\n").c_str(), "rb");
  ASSERT_NE(file, nullptr);
  const auto first = ReadSecretFd(::fileno(file));
  const auto second = ReadSecretFd(::fileno(file));
  std::fclose(file);
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ(first->text(), "first");
  EXPECT_EQ(second->text(), "second");
}

TEST_F(SecretFileTest, ClosedDescriptorIsTold) {
  const auto secret = ReadSecretFd(1'000'000);
  ASSERT_FALSE(secret.has_value());
  EXPECT_EQ(secret.error().code, Code::kUsage);
}

TEST_F(SecretFileTest, TooLongIsRefused) {
  const auto secret = ReadSecretFile(Write(std::string(1'025, 'x')));
  ASSERT_FALSE(secret.has_value());
  EXPECT_EQ(secret.error().code, Code::kUsage);
}

TEST_F(SecretFileTest, MissingFileIsNotFound) {
  const auto secret = ReadSecretFile("/nonexistent/password");
  ASSERT_FALSE(secret.has_value());
  EXPECT_EQ(secret.error().code, Code::kNotFound);
}

TEST(ProcessTest, BootIdIsTheSameWithinABoot) {
  EXPECT_FALSE(BootId().empty());
  EXPECT_EQ(BootId(), BootId());
}

}  // namespace
}  // namespace countersign
