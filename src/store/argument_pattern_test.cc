#include "store/argument_pattern.h"

#include <gtest/gtest.h>

#include <chrono>

namespace countersign::store {
namespace {

bool Matches(std::string_view pattern, std::string_view argument) {
  const auto parsed = ArgumentPattern::Parse(pattern);
  EXPECT_TRUE(parsed) << pattern << ": " << (parsed ? "" : parsed.error().message);
  return parsed && parsed->Matches(argument);
}

TEST(ArgumentPatternTest, TextIsItself) {
  EXPECT_TRUE(Matches("", ""));
  EXPECT_FALSE(Matches("", "a"));
  EXPECT_TRUE(Matches("--verbose=1", "--verbose=1"));
  EXPECT_FALSE(Matches("--verbose=1", "--verbose=10"));
  EXPECT_FALSE(Matches("--verbose=1", "x--verbose=1"));
  EXPECT_TRUE(Matches("a.b|(c)+$^", "a.b|(c)+$^"));
  EXPECT_FALSE(Matches("a.b", "axb"));
  EXPECT_TRUE(Matches("größe", "größe"));
  EXPECT_TRUE(Matches(R"(\*\?\[\]\{\}\\)", R"(*?[]{}\)"));
  EXPECT_FALSE(Matches(R"(\*)", "x"));
}

TEST(ArgumentPatternTest, StarsAndSlashes) {
  EXPECT_TRUE(Matches("/var/log/*.log", "/var/log/a.log"));
  EXPECT_TRUE(Matches("/var/log/*.log", "/var/log/.log"));
  EXPECT_FALSE(Matches("/var/log/*.log", "/var/log/a/b.log"));
  EXPECT_TRUE(Matches("/var/log/**.log", "/var/log/a/b.log"));
  EXPECT_TRUE(Matches("**", ""));
  EXPECT_TRUE(Matches("a*b*c", "aXbXbXc"));
  EXPECT_FALSE(Matches("a*b*c", "aXcXb"));
  EXPECT_TRUE(Matches("a?c", "abc"));
  EXPECT_FALSE(Matches("a?c", "a/c"));
  EXPECT_FALSE(Matches("a?c", "ac"));
}

TEST(ArgumentPatternTest, ClassesAndRepetition) {
  EXPECT_TRUE(Matches("[a-z][a-z0-9-]{0,31}", "nginx-2"));
  EXPECT_FALSE(Matches("[a-z][a-z0-9-]{0,31}", "Nginx"));
  EXPECT_FALSE(Matches("[a-z][a-z0-9-]{0,31}", std::string(33, 'a')));
  EXPECT_TRUE(Matches("[a-z][a-z0-9-]{0,31}", std::string(32, 'a')));
  EXPECT_TRUE(Matches("[0-9]{4}", "2026"));
  EXPECT_FALSE(Matches("[0-9]{4}", "202"));
  EXPECT_FALSE(Matches("[0-9]{4}", "20266"));
  EXPECT_TRUE(Matches("x[0-9]{1,3}x", "x12x"));
  EXPECT_FALSE(Matches("x[0-9]{1,3}x", "xx"));
  EXPECT_TRUE(Matches("x?{3}y", "xabcy"));
  EXPECT_TRUE(Matches("a[/]{1,2}b", "a//b"));  // a slash that was written out
  EXPECT_TRUE(Matches(R"(x[\]\-]{2})", "x]-"));
  EXPECT_TRUE(Matches("x[-a]", "x-"));
  EXPECT_TRUE(Matches("x[a-]", "x-"));
}

TEST(ArgumentPatternTest, AWildcardNeverBeginsAnOption) {
  EXPECT_FALSE(Matches("*", "-rf"));
  EXPECT_FALSE(Matches("**", "--output=/etc/passwd"));
  EXPECT_FALSE(Matches("?*", "-x"));
  EXPECT_FALSE(Matches("*[-a]", "-"));
  EXPECT_FALSE(Matches("[-a]x", "-x"));
  EXPECT_TRUE(Matches("-*", "-rf"));
  EXPECT_TRUE(Matches("*-*", "a-b"));
  EXPECT_TRUE(Matches("*-x", "-x"));  // written out, after nothing
}

TEST(ArgumentPatternTest, NoWayUpward) {
  EXPECT_FALSE(Matches("/srv/**", "/srv/../etc/shadow"));
  EXPECT_FALSE(Matches("/srv/*", "/srv/.."));
  EXPECT_FALSE(Matches("*", ".."));
  EXPECT_FALSE(Matches("--dir=[a-z./]{1,40}", "--dir=../etc"));
  EXPECT_FALSE(Matches("backup:**", "backup:../x"));
  EXPECT_FALSE(Matches("**", "a,../x"));
  EXPECT_TRUE(Matches("--dir=*", "--dir=..x"));
  EXPECT_FALSE(Matches("[.]{2}", ".."));
  EXPECT_TRUE(Matches("/srv/*", "/srv/..a"));
  EXPECT_TRUE(Matches("../x", "../x"));  // written out
}

TEST(ArgumentPatternTest, WhatIsNoText) {
  EXPECT_FALSE(Matches("a*", "a\nb"));
  EXPECT_FALSE(Matches("a*", std::string_view("a\0b", 3)));
  EXPECT_FALSE(Matches("a*", "a\xff"));
  EXPECT_FALSE(Matches("a*", "aß"));  // wildcards are for ASCII
  EXPECT_FALSE(Matches("a*", "a" + std::string(ArgumentPattern::kMaxArgumentLen, 'b')));
}

TEST(ArgumentPatternTest, WhatIsNoPattern) {
  for (const char* const text :
       {"[",   "[a",    "[]",     "[^a]",   "[z-a]", "]",    "{",  "}",   "a{2}", "?{",
        "?{2", "?{,2}", "?{2,1}", "?{257}", "?{0}",  "?{x}", "\\", "[ä]", "a\nb", "?{1,2,3}"}) {
    EXPECT_FALSE(ArgumentPattern::Parse(text)) << text;
  }
  EXPECT_FALSE(ArgumentPattern::Parse(std::string(ArgumentPattern::kMaxLen + 1, 'a')));
}

// What takes a backtracking matcher longer than the age of the universe.
TEST(ArgumentPatternTest, NothingToBacktrack) {
  std::string pattern;
  while (pattern.size() + 3 <= ArgumentPattern::kMaxLen) pattern += "*a";
  const std::string argument(ArgumentPattern::kMaxArgumentLen - 1, 'a');
  EXPECT_TRUE(Matches(pattern, argument));
  EXPECT_FALSE(Matches(pattern + "b", argument));
}

}  // namespace
}  // namespace countersign::store
