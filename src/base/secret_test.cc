#include "base/secret.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace countersign {
namespace {

static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);
static_assert(std::is_nothrow_move_constructible_v<SecretBytes>);

TEST(SecretBytesTest, HoldsACopy) {
  std::string password = "correct horse";
  const SecretBytes secret = SecretBytes::OwnText(password);
  WipeText(password);
  EXPECT_TRUE(password.empty());
  EXPECT_EQ(secret.text(), "correct horse");
}

TEST(SecretBytesTest, MoveLeavesNothingBehind) {
  SecretBytes first = SecretBytes::OwnText("one");
  SecretBytes second = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): the promise under test
  EXPECT_EQ(second.text(), "one");
  second = SecretBytes::OwnText("two");
  EXPECT_EQ(second.text(), "two");
}

TEST(SecretBytesTest, EqualityIsOfContents) {
  const SecretBytes secret = SecretBytes::OwnText("same");
  EXPECT_TRUE(secret == secret.Clone());
  EXPECT_FALSE(secret == SecretBytes::OwnText("samE"));
  EXPECT_FALSE(secret == SecretBytes::OwnText("sam"));
  EXPECT_TRUE(SecretBytes() == SecretBytes::OwnText(""));
}

TEST(SecretBytesTest, MoreThanOnePageIsHeld) {
  const Bytes large(10'000, 0x5a);
  EXPECT_EQ(ToBytes(SecretBytes(large).view()), large);
}

TEST(WipeTest, OverwritesAll) {
  Bytes memory = {1, 2, 3};
  Wipe(memory);
  EXPECT_EQ(memory, (Bytes{0, 0, 0}));
  Wipe({});
}

}  // namespace
}  // namespace countersign
