#include "store/distrust.h"

#include <gtest/gtest.h>

#include "base/files.h"

namespace countersign::store {
namespace {

class DistrustTest : public ::testing::Test {
 protected:
  Result<trust::DistrustList> Load(std::string_view text) {
    const std::filesystem::path path =
        ::testing::TempDir() + "distrust-" +
        ::testing::UnitTest::GetInstance()->current_test_info()->name();
    EXPECT_TRUE(WriteFileAtomically(path, AsBytes(text), FileMode::kPrivate).has_value());
    return LoadDistrust(path);
  }
};

TEST_F(DistrustTest, MissingFileIsAnEmptyList) {
  const auto list = LoadDistrust("/nonexistent/distrust");
  ASSERT_TRUE(list.has_value());
  EXPECT_FALSE(list->Has(Digest{}));
}

TEST_F(DistrustTest, ReadsEitherCaseColonsAndComments) {
  const std::string zeroes(64, '0');
  std::string ones;
  for (int i = 0; i < 32; ++i) ones += i == 0 ? "FF" : ":ff";
  const auto list = Load("# stolen\n\n" + zeroes + " # old key\r\n" + ones);
  ASSERT_TRUE(list.has_value()) << list.error().message;
  EXPECT_TRUE(list->Has(Digest{}));
  Digest all;
  all.fill(0xff);
  EXPECT_TRUE(list->Has(all));
}

TEST_F(DistrustTest, ShortLineIsNamed) {
  const auto list = Load("# one\nabcd\n");
  ASSERT_FALSE(list.has_value());
  EXPECT_EQ(list.error().code, Code::kMalformed);
  EXPECT_NE(list.error().message.find("line 2"), std::string::npos);
}

}  // namespace
}  // namespace countersign::store
