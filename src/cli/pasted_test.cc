#include "cli/pasted.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/switches_fixture.h"

namespace countersign::cli {
namespace {

using enum ValueKind;
using testing::ElementsAreArray;

Texts ToTexts(const Words& words) {
  Texts texts;
  for (const auto& word : words) texts.emplace_back(word.text());
  return texts;
}

TEST(SplitPastedTest, SecondPortOfTheOlderMoverIsAPassword) {
  const std::vector<SwitchSpec> mover = {{"p", {kText}, "pwd"}, {"pwd", {kSecret}}, {"json"}};
  const auto words = SplitPasted(MakeWords({"-p", "8080　-p", "pass　-json", "–json"}), mover);
  ASSERT_TRUE(words.has_value()) << words.error().message;
  EXPECT_THAT(ToTexts(*words), ElementsAreArray({"-p", "8080", "-p", "pass　-json", "–json"}));
}

TEST(SplitPastedTest, WhatIsUnderstood) {
  const std::vector<std::pair<Texts, Texts>> cases = {
      // As a shell gives them: untouched.
      {{"-c", "password", "-json"}, {"-c", "password", "-json"}},
      {{}, {}},
      // U+3000 directly before or after a switch.
      {{"-c　password"}, {"-c", "password"}},
      {{"　-c", "password"}, {"-c", "password"}},
      {{"-c　", "password"}, {"-c", "password"}},
      {{"–INE　password", "a.pfx　-replace"}, {"–INE", "password", "a.pfx", "-replace"}},
      {{"-e　a.dat　-json"}, {"-e", "a.dat", "-json"}},
      {{"-json　-e　a.dat"}, {"-json", "-e", "a.dat"}},
      // Elsewhere it belongs to the value.
      {{"-e", "my　file"}, {"-e", "my　file"}},
      {{"-e", "my　-x"}, {"-e", "my　-x"}},
      // In a password always.
      {{"-c", "pass　-json"}, {"-c", "pass　-json"}},
      {{"-c", "　-json"}, {"-c", "　-json"}},
      {{"-ine　pass　word", "f"}, {"-ine", "pass　word", "f"}},
      // ▲: the pieces are exactly what the switch takes.
      {{"-c▲password"}, {"-c", "password"}},
      {{"-ine▲password▲/a.pfx"}, {"-ine", "password", "/a.pfx"}},
      {{"–ine▲password▲/a.pfx▲–json"}, {"–ine", "password", "/a.pfx", "–json"}},
      {{"-ine", "password▲/a.pfx"}, {"-ine", "password", "/a.pfx"}},
      {{"-ine", "password▲/a.pfx", "-json"}, {"-ine", "password", "/a.pfx", "-json"}},
      // A password in its place, with all that belongs behind it, is a password.
      {{"-c", "pass▲word"}, {"-c", "pass▲word"}},
      {{"-ine", "pass▲word", "/a.pfx"}, {"-ine", "pass▲word", "/a.pfx"}},
  };
  for (const auto& [typed, meant] : cases) {
    const auto words = SplitPasted(MakeWords(typed), kSpecs);
    ASSERT_TRUE(words.has_value())
        << words.error().message << ": " << testing::PrintToString(typed);
    EXPECT_THAT(ToTexts(*words), ElementsAreArray(meant)) << testing::PrintToString(typed);
  }
}

TEST(SplitPastedTest, WhatIsRefusedAndNotEchoed) {
  const std::vector<Texts> cases = {
      {"-c▲s3cret▲more"},      // -c takes one value
      {"-c▲"},                 // none
      {"-c▲▲s3cret"},          // an empty one
      {"-ine▲s3cret"},         // one of two
      {"-e", "My▲File.dat"},   // a path that had a space
      {"-ine", "s3cret▲a▲b"},  // three of two
      {"-ine", "s3cret", "My▲File"},
      {"s3cret▲-json"},  // begins with no switch
      {"-e▲a▲-unknown"},
  };
  for (const auto& typed : cases) {
    const auto words = SplitPasted(MakeWords(typed), kSpecs);
    ASSERT_FALSE(words.has_value()) << testing::PrintToString(typed);
    EXPECT_EQ(words.error().code, Code::kUsage);
    EXPECT_NE(words.error().message.find("▲"), std::string::npos);
    EXPECT_EQ(words.error().message.find("s3cret"), std::string::npos);
    EXPECT_FALSE(words.error().next.empty());
  }
}

TEST(SplitPastedTest, ArgumentIsNamedByItsNumber) {
  const auto words = SplitPasted(MakeWords({"-json", "-e", "My▲File"}), kSpecs);
  ASSERT_FALSE(words.has_value());
  EXPECT_TRUE(words.error().message.starts_with("argument 3 ")) << words.error().message;
}

std::string Meant(std::string_view path, bool exists = false) {
  const auto meant = PastedPath("the path", path, [&](const auto&) { return exists; });
  return meant ? *meant : "refused: " + meant.error().message;
}

TEST(PastedPathTest, PairOfQuotesAroundTheWholePathGoes) {
  EXPECT_EQ(Meant("“a b.pfx”"), "a b.pfx");
  EXPECT_EQ(Meant("„a b.pfx“"), "a b.pfx");
  EXPECT_EQ(Meant("„a b.pfx”"), "a b.pfx");
  EXPECT_EQ(Meant("”a b.pfx”"), "a b.pfx");
  EXPECT_EQ(Meant("＂a b.pfx＂"), "a b.pfx");
}

TEST(PastedPathTest, EverythingElseStays) {
  for (const std::string_view path :
       {"a.pfx", " a ", "“a", "a”", "“”", "a“b”c", "\"a\"", "C:", "c:relative", "a\\b", "-", ""}) {
    EXPECT_EQ(Meant(path), path);
  }
}

TEST(PastedPathTest, FileOfThatVeryNameWins) { EXPECT_EQ(Meant("“a b.pfx”", true), "“a b.pfx”"); }

TEST(PastedPathTest, WindowsPathsAreRefusedAndNotEchoed) {
  for (const std::string_view path : {"C:\\secret\\a.pfx", "c:¥secret¥a.pfx", "secret¥a.pfx",
                                      "￥secret￥a.pfx", "“D:\\secret\\a.pfx”"}) {
    for (const bool exists : {false, true}) {
      if (exists && path.starts_with("“")) continue;
      const std::string meant = Meant(path, exists);
      EXPECT_TRUE(meant.starts_with("refused: the path ")) << path;
      EXPECT_EQ(meant.find("secret"), std::string::npos) << meant;
    }
  }
}

TEST(ParsePastedTest, PathsOfAllSwitchesAndNoPasswords) {
  const auto switches = ParsePasted(MakeWords({"-ine", "“¥”", "“a.pfx”"}), kSpecs);
  ASSERT_TRUE(switches.has_value()) << switches.error().message;
  EXPECT_EQ(switches->Secret("ine", 0)->text(), "“¥”");
  EXPECT_EQ(switches->Value("ine", 1), "a.pfx");
  EXPECT_FALSE(ParsePasted(MakeWords({"-e", "C:\\a.dat"}), kSpecs).has_value());
}

}  // namespace
}  // namespace countersign::cli
