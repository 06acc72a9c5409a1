#include "base/terminal.h"

#include <gtest/gtest.h>

namespace countersign {
namespace {

TEST(NamesFileTest, TellsWhetherAFileHasThisName) {
  EXPECT_TRUE(NamesFile(SecretBytes::OwnText("/dev/null")));
  EXPECT_FALSE(NamesFile(SecretBytes::OwnText("/nonexistent/s3cret")));
  EXPECT_FALSE(NamesFile(SecretBytes()));
  EXPECT_FALSE(NamesFile(SecretBytes::OwnText(std::string(2'000, 'x'))));
}

}  // namespace
}  // namespace countersign
