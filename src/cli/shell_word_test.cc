#include "cli/shell_word.h"

#include <gtest/gtest.h>

namespace countersign::cli {
namespace {

TEST(ShellWordTest, PlainWordsStayAsTheyAre) {
  EXPECT_EQ(ShellWord("/var/lib/countersign-1.2_x"), "/var/lib/countersign-1.2_x");
}

TEST(ShellWordTest, EverythingElseIsQuoted) {
  EXPECT_EQ(ShellWord(""), "''");
  EXPECT_EQ(ShellWord("a b"), "'a b'");
  EXPECT_EQ(ShellWord("$(x)`y`\"z\"\\"), "'$(x)`y`\"z\"\\'");
  EXPECT_EQ(ShellWord("it's"), "'it'\\''s'");
  EXPECT_EQ(ShellWord("~"), "'~'");
  EXPECT_EQ(ShellWord("\xc3\xa4"), "'\xc3\xa4'");
}

}  // namespace
}  // namespace countersign::cli
