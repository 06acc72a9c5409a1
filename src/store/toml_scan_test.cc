#include "store/toml_scan.h"

#include <gtest/gtest.h>

namespace countersign::store {
namespace {

TEST(TomlScan, CommentsAndStringsOfOneLineMayHoldAnything) {
  for (const std::string_view text :
       {"", "a = 1", "# ü", "a = \"ü\" # ü\nb = 'ü'",
        "\xef\xbb\xbf"
        "a = 1",
        "a = \"\\\"ü\"", "a = '\\' # ü", "a = \"\" # ü", "a = '' # ü", "a = \"\\\\\" # ü",
        "a = \"\"\"b\"\"\" # ü", "a = \"\"\"b\n\"\" c\"\"\"\"\" # ü", "a = '''b\n'' c''' # ü",
        "a = \"\"\"\\\"\"\"\" # ü"}) {
    EXPECT_FALSE(FindForbidden(text).has_value()) << text;
  }
}

TEST(TomlScan, CharactersElsewhereAreFound) {
  struct Case {
    std::string_view text;
    TextPlace place;
  };
  for (const auto& [text, place] : {
           Case{"ü = 1", {1, 1}},
           Case{"a = 1 ü", {1, 7}},
           Case{"# ü\na = ü", {2, 5}},
           Case{"a = \"üü\" ü", {1, 10}},
           Case{"a = \"b\nü", {2, 1}},
           Case{"a = \"\\\\\" ü", {1, 10}},
           Case{"a = '\\' ü", {1, 9}},
           Case{"a = \"\"\"ü\"\"\"", {1, 8}},
           Case{"a = \"\"\"\\ ü", {1, 10}},
           Case{"a = '''\nü'''", {2, 1}},
           Case{"a = \"\"\"\"\"\" ü", {1, 12}},
       }) {
    EXPECT_EQ(FindForbidden(text), place) << text;
  }
}

TEST(TomlScan, DatesAndTimesAreFound) {
  EXPECT_TRUE(FindForbidden("a = 1979-05-27").has_value());
  EXPECT_TRUE(FindForbidden("a = 07:32:00").has_value());
  EXPECT_TRUE(FindForbidden("a = 1979-05-27T=07:32:00Z").has_value());
  EXPECT_FALSE(FindForbidden("a = \"1979-05-27T07:32:00Z\" # 07:32").has_value());
  EXPECT_FALSE(FindForbidden("a = -5").has_value());
}

TEST(TomlScan, ControlCharactersAreFound) {
  EXPECT_EQ(FindForbidden(std::string_view("[\0]", 3)), (TextPlace{1, 2}));
  EXPECT_EQ(FindForbidden("a = 1 # \x7f"), (TextPlace{1, 9}));
  EXPECT_FALSE(FindForbidden("a\t= 1\r\n").has_value());
}

TEST(TomlScan, QuotesWithinWordsAreFound) {
  EXPECT_EQ(FindForbidden("a = 2F\"ü\""), (TextPlace{1, 7}));
  EXPECT_FALSE(FindForbidden("a.\"b\" = [\"c\",\"d\"]").has_value());
}

}  // namespace
}  // namespace countersign::store
