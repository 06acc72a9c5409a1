#include "wire/members.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "wire/json.h"

namespace countersign::wire {
namespace {

using ::testing::HasSubstr;

// The problem that `read` leaves when it takes `text` apart, or "".
std::string ProblemOf(std::string_view text, const std::function<void(Members&)>& read) {
  JsonArena arena;
  const auto object = ParseJsonObject(text, arena.storage());
  Members members(object.value(), "test");
  read(members);
  const Status status = members.Finish();
  return status ? "" : status.error().message;
}

TEST(MembersTest, MemberThatNobodyAskedForIsRefused) {
  EXPECT_EQ(ProblemOf("{}", [](Members&) {}), "");
  EXPECT_THAT(ProblemOf(R"({"a":1})", [](Members&) {}), HasSubstr("not on its list"));
}

TEST(MembersTest, AskingTwiceDoesNotHideAnother) {
  const auto read = [](Members& members) {
    (void)members.Integer("a", 0, 9);
    (void)members.Integer("a", 0, 9);
  };
  EXPECT_EQ(ProblemOf(R"({"a":1})", read), "");
  EXPECT_THAT(ProblemOf(R"({"a":1,"b":1})", read), HasSubstr("not on its list"));
}

TEST(MembersTest, FirstProblemIsNamed) {
  const auto read = [](Members& members) {
    (void)members.Integer("a", 0, 9);
    (void)members.Text("b");
  };
  EXPECT_THAT(ProblemOf("{}", read), HasSubstr("\"a\" is missing"));
  EXPECT_THAT(ProblemOf(R"({"a":1,"b":1})", read), HasSubstr("\"b\" is not a string"));
}

TEST(MembersTest, MoreMembersThanAnyListHasAreRefused) {
  std::string text = "{";
  for (int i = 0; i < 64; ++i) text += "\"m" + std::to_string(i) + "\":1,";
  const auto read = [](Members& members) { (void)members.Integer("last", 0, 9); };
  EXPECT_THAT(ProblemOf(text + "\"last\":1}", read), HasSubstr("too many"));
}

TEST(MembersTest, NullIsNotAnAbsentMember) {
  const auto read = [](Members& members) {
    if (members.Has("a")) (void)members.Text("a");
  };
  EXPECT_EQ(ProblemOf("{}", read), "");
  EXPECT_THAT(ProblemOf(R"({"a":null})", read), HasSubstr("not a string"));
}

TEST(MembersTest, ProblemOfAnInnerObjectCounts) {
  const auto read = [](Members& members) {
    Members inner(members.Object("in"), "inner");
    (void)inner.Text("a");
    members.Adopt(inner.Finish());
  };
  EXPECT_EQ(ProblemOf(R"({"in":{"a":"b"}})", read), "");
  EXPECT_THAT(ProblemOf(R"({"in":{"a":1}})", read), HasSubstr("inner: \"a\""));
  EXPECT_THAT(ProblemOf(R"({"in":[]})", read), HasSubstr("\"in\" is not an object"));
}

TEST(MembersTest, BoundsAreInclusive) {
  const auto integer = [](Members& members) { (void)members.Integer("a", 2, 4); };
  EXPECT_NE(ProblemOf(R"({"a":1})", integer), "");
  EXPECT_EQ(ProblemOf(R"({"a":2})", integer), "");
  EXPECT_EQ(ProblemOf(R"({"a":4})", integer), "");
  EXPECT_NE(ProblemOf(R"({"a":5})", integer), "");
  const auto object = [](Members& members) { (void)members.ObjectText("a", 7); };
  EXPECT_EQ(ProblemOf(R"({"a":{"b":1}})", object), "");
  EXPECT_EQ(ProblemOf(R"({"a": { "b" : 1 } })", object), "") << "measured as compact JSON";
  EXPECT_NE(ProblemOf(R"({"a":{"b":12}})", object), "");
}

}  // namespace
}  // namespace countersign::wire
