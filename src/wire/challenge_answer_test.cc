#include <gtest/gtest.h>

#include "wire/messages.h"

namespace countersign::wire {
namespace {

TEST(ChallengeAnswerTest, WhatIsFormattedParsesToTheSame) {
  for (const std::string& challenge : {std::string("a"), std::string(128, '_')}) {
    EXPECT_EQ(ParseChallengeAnswer(FormatChallengeAnswer(challenge)).value(), challenge);
  }
  EXPECT_EQ(FormatChallengeAnswer("abc"), R"({"challenge":"abc"})");
}

TEST(ChallengeAnswerTest, AnythingElseIsMalformed) {
  for (const std::string& body :
       {std::string(), std::string("{}"), std::string(R"("abc")"), std::string(R"(["abc"])"),
        std::string(R"({"challenge":""})"), std::string(R"({"challenge":null})"),
        std::string(R"({"challenge":1})"), std::string(R"({"challenge":"a b"})"),
        std::string(R"({"challenge":"a="})"), std::string(R"({"challenge":"a\u0000"})"),
        std::string(R"({"challenge":"a","x":1})"), std::string(R"({"challenge":"a"} )"),
        std::string(R"({"challenge":"a","challenge":"a"})"),
        R"({"challenge":")" + std::string(129, 'a') + R"("})",
        R"({"challenge":")" + std::string(2'000, 'a') + R"("})"}) {
    const auto parsed = ParseChallengeAnswer(body);
    ASSERT_FALSE(parsed.has_value()) << body;
    EXPECT_EQ(parsed.error().code, Code::kMalformed);
  }
}

}  // namespace
}  // namespace countersign::wire
