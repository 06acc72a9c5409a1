#include "wire/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <string>

namespace countersign::wire {
namespace {

using ::testing::HasSubstr;

bool AcceptsJson(std::string_view text) {
  JsonArena arena;
  return ParseJsonObject(text, arena.storage()).has_value();
}

std::string ProblemOf(std::string_view text) {
  JsonArena arena;
  const auto object = ParseJsonObject(text, arena.storage());
  return object ? "accepted" : object.error().message;
}

// `num` arrays, one in the other, around `leaf`.
std::string Nested(int num, const std::string& leaf) {
  const auto n = static_cast<std::size_t>(num);
  return std::string(n, '[') + leaf + std::string(n, ']');
}

struct JsonCase {
  const char* name;
  std::string text;
};

class JsonAcceptedTest : public ::testing::TestWithParam<JsonCase> {};

TEST_P(JsonAcceptedTest, Accepts) { EXPECT_EQ(ProblemOf(GetParam().text), "accepted"); }

INSTANTIATE_TEST_SUITE_P(
    Json, JsonAcceptedTest,
    ::testing::Values(JsonCase{"Empty", "{}"},
                      JsonCase{"WhiteSpaceWithin", "{ \"a\" :\n\t[ 1 ,\r2 ] }"},
                      JsonCase{"Zero", R"({"a":0})"},
                      JsonCase{"LargestInteger", R"({"a":9007199254740991})"},
                      JsonCase{"SurrogatePair", R"({"a":"\ud83d\ude00"})"},
                      JsonCase{"EscapedNul", R"({"a":"\u0000"})"},
                      JsonCase{"Utf8", "{\"\xc3\xbc\":\"\xf0\x9f\x98\x80\"}"},
                      JsonCase{"SameNameInDifferentObjects", R"({"a":{"a":1},"b":{"a":1}})"},
                      JsonCase{"LiteralNamesOfTypes", R"({"a":true,"b":false,"c":null})"},
                      JsonCase{"EmptyContainerAtDepth8", "{\"a\":" + Nested(7, "") + "}"},
                      JsonCase{"ScalarAtDepth8", "{\"a\":" + Nested(6, "1") + "}"}),
    [](const auto& instance) { return instance.param.name; });

class JsonRefusedTest : public ::testing::TestWithParam<JsonCase> {};

TEST_P(JsonRefusedTest, Refuses) { EXPECT_FALSE(AcceptsJson(GetParam().text)); }

INSTANTIATE_TEST_SUITE_P(
    Form, JsonRefusedTest,
    ::testing::Values(JsonCase{"Nothing", ""}, JsonCase{"OneBrace", "{"},
                      JsonCase{"ClosingBrace", "}"}, JsonCase{"Array", "[]"},
                      JsonCase{"Scalar", "1"}, JsonCase{"Null", "null"},
                      JsonCase{"ByteOrderMark", "\xef\xbb\xbf{}"}, JsonCase{"LeadingSpace", " {}"},
                      JsonCase{"TrailingSpace", "{} "}, JsonCase{"TrailingNewline", "{}\n"},
                      JsonCase{"TwoObjects", "{}{}"}, JsonCase{"TrailingBrace", "{}}"},
                      JsonCase{"TrailingNul", std::string("{}\0", 3)},
                      JsonCase{"Comment", "{/**/}"}, JsonCase{"TrailingComma", R"({"a":1,})"},
                      JsonCase{"LeadingComma", R"({,"a":1})"}, JsonCase{"SingleQuotes", "{'a':1}"},
                      JsonCase{"NakedName", "{a:1}"}, JsonCase{"Unfinished", R"({"a":{"b":1})"},
                      JsonCase{"Nan", R"({"a":NaN})"}, JsonCase{"CapitalTrue", R"({"a":True})"}),
    [](const auto& instance) { return instance.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Number, JsonRefusedTest,
    ::testing::Values(
        JsonCase{"Minus", R"({"a":-1})"}, JsonCase{"MinusZero", R"({"a":-0})"},
        JsonCase{"MinusZeroInTheMiddle",
                 R"({"a":[-0,1111111111111111,1111111111111111,1111111111111111]})"},
        JsonCase{"Plus", R"({"a":+1})"}, JsonCase{"LeadingZero", R"({"a":01})"},
        JsonCase{"Fraction", R"({"a":1.5})"}, JsonCase{"ZeroFraction", R"({"a":1.0})"},
        JsonCase{"Exponent", R"({"a":1e2})"}, JsonCase{"CapitalExponent", R"({"a":1E2})"},
        JsonCase{"ZeroExponent", R"({"a":0e0})"},
        JsonCase{"ZeroExponentInTheMiddle", R"({"a":[0e0,"                                   "]})"},
        JsonCase{"NegativeExponent", R"({"a":10e-1})"},
        JsonCase{"TwoTo53", R"({"a":9007199254740992})"},
        JsonCase{"TwoTo64", R"({"a":18446744073709551616})"},
        JsonCase{"TwoTo63", R"({"a":9223372036854775808})"},
        JsonCase{"Huge", "{\"a\":1" + std::string(400, '0') + "}"},
        JsonCase{"Hexadecimal", R"({"a":0x10})"}, JsonCase{"PointOnly", R"({"a":.5})"}),
    [](const auto& instance) { return instance.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Text, JsonRefusedTest,
    ::testing::Values(JsonCase{"LoneLeadSurrogate", R"({"a":"\ud83d"})"},
                      JsonCase{"LoneTrailSurrogate", R"({"a":"\ude00"})"},
                      JsonCase{"LeadSurrogateThenText", R"({"a":"\ud83dx"})"},
                      JsonCase{"LeadSurrogateThenEscape", R"({"a":"\ud83d\n"})"},
                      JsonCase{"TwoLeadSurrogates", R"({"a":"\ud83d\ud83d"})"},
                      JsonCase{"SurrogateInName", R"({"\ud83d":1})"},
                      JsonCase{"EncodedSurrogate", "{\"a\":\"\xed\xa0\x80\"}"},
                      JsonCase{"OverlongUtf8", "{\"a\":\"\xc0\xaf\"}"},
                      JsonCase{"CutUtf8", "{\"a\":\"\xc3\"}"},
                      JsonCase{"LoneContinuation", "{\"a\":\"\x80\"}"},
                      JsonCase{"BeyondUnicode", "{\"a\":\"\xf4\x90\x80\x80\"}"},
                      JsonCase{"InvalidUtf8InName", "{\"\xff\":1}"},
                      JsonCase{"RawControlCharacter", "{\"a\":\"\n\"}"},
                      JsonCase{"RawNul", std::string("{\"a\":\"\0\"}", 9)},
                      JsonCase{"UnknownEscape", R"({"a":"\x41"})"}),
    [](const auto& instance) { return instance.param.name; });

INSTANTIATE_TEST_SUITE_P(Duplicate, JsonRefusedTest,
                         ::testing::Values(JsonCase{"Twice", R"({"a":1,"a":1})"},
                                           JsonCase{"TwiceWithAnother", R"({"a":1,"b":2,"a":3})"},
                                           JsonCase{"Escaped", R"({"a":1,"\u0061":1})"},
                                           JsonCase{"EmptyName", R"({"":1,"":1})"},
                                           JsonCase{"Inner", R"({"a":{"b":1,"b":2}})"},
                                           JsonCase{"InArray", R"({"a":[{"b":1,"b":2}]})"},
                                           JsonCase{"LargerSecond", R"({"a":1,"a":{"b":1,"c":2}})"},
                                           JsonCase{"LargerFirst", R"({"a":{"b":1,"c":2},"a":1})"}),
                         [](const auto& instance) { return instance.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Depth, JsonRefusedTest,
    ::testing::Values(JsonCase{"EmptyContainerAtDepth9", "{\"a\":" + Nested(8, "") + "}"},
                      JsonCase{"ScalarAtDepth9", "{\"a\":" + Nested(7, "1") + "}"},
                      JsonCase{"StringAtDepth9", "{\"a\":" + Nested(7, "\"\"") + "}"},
                      JsonCase{"NullAtDepth9", "{\"a\":" + Nested(7, "null") + "}"},
                      JsonCase{"BooleanAtDepth9", "{\"a\":" + Nested(7, "true") + "}"},
                      JsonCase{"Depth10000", "{\"a\":" + Nested(10'000, "") + "}"}),
    [](const auto& instance) { return instance.param.name; });

TEST(JsonTest, DuplicateAmongManyMembersIsRefused) {
  // Beyond 18 members Boost keeps a hash table: another way to the same end.
  std::string text = "{";
  for (int i = 0; i < 100; ++i) text += "\"m" + std::to_string(i) + "\":1,";
  EXPECT_TRUE(AcceptsJson(text + "\"last\":1}"));
  EXPECT_FALSE(AcceptsJson(text + "\"m57\":1}"));
}

TEST(JsonTest, ObjectHasAtMost256Members) {
  std::string text = "{";
  for (int i = 0; i < 255; ++i) text += "\"m" + std::to_string(i) + "\":1,";
  EXPECT_TRUE(AcceptsJson(text + "\"last\":1}"));
  EXPECT_FALSE(AcceptsJson(text + "\"last\":1,\"more\":1}"));
}

TEST(JsonTest, DepthOfAnInnerObjectCountsFromWhereItWillStand) {
  JsonArena arena;
  EXPECT_TRUE(ParseJsonObject(R"({"a":[[[[[]]]]]})", arena.storage(), 3).has_value());
  EXPECT_FALSE(ParseJsonObject(R"({"a":[[[[[]]]]]})", arena.storage(), 4).has_value());
}

TEST(JsonTest, ProblemSaysWhatIsWrong) {
  EXPECT_THAT(ProblemOf(R"({"a":1,"a":1})"), HasSubstr("duplicate"));
  EXPECT_THAT(ProblemOf(R"({"a":1.5})"), HasSubstr("integer"));
  EXPECT_THAT(ProblemOf("{\"a\":" + Nested(8, "") + "}"), HasSubstr("deeper"));
}

TEST(JsonTest, LongTextThatLeavesTheArenaComesBackWhole) {
  const std::string text = "{\"a\":\"" + std::string(100'000, 'x') + "\"}";
  JsonArena arena;
  const auto object = ParseJsonObject(text, arena.storage());
  ASSERT_TRUE(object.has_value());
  EXPECT_EQ(boost::json::serialize(*object), text);
}

}  // namespace
}  // namespace countersign::wire
