#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "wire/messages.h"
#include "wire/sample_messages.h"

namespace countersign::wire {
namespace {

using testing::BreakEach;
using testing::JwsText;
using testing::Quoted;
using testing::SampleKey;
using testing::SampleReply;
using testing::Unsigned;
using testing::With;

JwsText SampleReplyText() { return testing::Open(SignReply(SampleReply(), SampleKey()).value()); }

bool AcceptsReply(std::string_view pointer, std::string_view raw) {
  const JwsText text = SampleReplyText();
  return ParseReply(Unsigned({text.header, With(text.payload, pointer, raw)})).has_value();
}

Reply ReplyWithBundle() {
  Reply reply = SampleReply();
  reply.x5c = {Bytes(600, 0x30), Bytes(500, 0x31)};
  reply.x5t = crypto::Sha256(reply.x5c.front());
  return reply;
}

TEST(ReplyTest, WhatIsSignedParsesToTheSame) {
  Reply small = SampleReply();
  small.jump.reset();
  small.want_bundle = small.accepted = false;
  small.web.clear();
  small.wait = 0;
  small.orders.clear();
  small.head.clear();
  for (const Reply& reply : {SampleReply(), small, ReplyWithBundle()}) {
    const auto message = SignReply(reply, SampleKey());
    ASSERT_TRUE(message.has_value()) << message.error().message;
    const auto parsed = ParseReply(*message);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    EXPECT_EQ(parsed->reply, reply);
    EXPECT_TRUE(IsSignedBy(parsed->envelope, SampleKey().public_key()));
  }
}

TEST(ReplyTest, EveryBrokenMemberIsMalformed) {
  const JwsText text = testing::Open(SignReply(ReplyWithBundle(), SampleKey()).value());
  const auto payloads =
      BreakEach(text.payload, {.optional = {"/jump", "/want", "/accepted", "/web", "/wait"}});
  EXPECT_GT(payloads.size(), 80U);
  for (const auto& broken : payloads) {
    EXPECT_FALSE(ParseReply(Unsigned({text.header, broken.json})).has_value()) << broken.what;
  }
  const auto headers = BreakEach(text.header, {.optional = {"/x5c"}});
  EXPECT_GT(headers.size(), 25U);
  for (const auto& broken : headers) {
    EXPECT_FALSE(ParseReply(Unsigned({broken.json, text.payload})).has_value()) << broken.what;
  }
}

TEST(ReplyTest, OptionalMembersHaveOneValueOnly) {
  EXPECT_FALSE(AcceptsReply("/want", R"("certificate")"));
  EXPECT_FALSE(AcceptsReply("/want", R"("")"));
  EXPECT_FALSE(AcceptsReply("/accepted", "false"));
}

TEST(ReplyTest, WebKeysAreOneToFourDigests) {
  const std::string key = '"' + std::string(43, 'A') + '"';
  EXPECT_TRUE(AcceptsReply("/web", '[' + key + ']'));
  EXPECT_TRUE(AcceptsReply("/web", '[' + key + ',' + key + ',' + key + ',' + key + ']'));
  EXPECT_FALSE(
      AcceptsReply("/web", '[' + key + ',' + key + ',' + key + ',' + key + ',' + key + ']'));
  for (const char* raw : {"[]", "[1]", R"(["AAAA"])", R"("AAAA")", "null"}) {
    EXPECT_FALSE(AcceptsReply("/web", raw)) << raw;
  }
}

TEST(ReplyTest, WaitIsAtMostFourMinutes) {
  for (const char* raw : {"1", "240"}) EXPECT_TRUE(AcceptsReply("/wait", raw)) << raw;
  for (const char* raw : {"0", "241", "\"1\"", "null"})
    EXPECT_FALSE(AcceptsReply("/wait", raw)) << raw;
}

TEST(ReplyTest, IntervalIsBetweenAMinuteAndADay) {
  for (const char* raw : {"60", "86400"}) EXPECT_TRUE(AcceptsReply("/interval", raw)) << raw;
  for (const char* raw : {"59", "86401", "0"}) EXPECT_FALSE(AcceptsReply("/interval", raw)) << raw;
}

TEST(ReplyTest, HeadIsPrintableAndAtMost255Octets) {
  EXPECT_TRUE(AcceptsReply("/head", R"("")"));
  EXPECT_TRUE(AcceptsReply("/head", Quoted(std::string(255, 'h'))));
  EXPECT_FALSE(AcceptsReply("/head", Quoted(std::string(256, 'h'))));
  EXPECT_FALSE(AcceptsReply("/head", R"("a\u0000")"));
}

TEST(ReplyTest, ChallengeIsAnyTextHere) {
  EXPECT_TRUE(AcceptsReply("/challenge", R"("")"));
  EXPECT_TRUE(AcceptsReply("/challenge", Quoted(std::string(200, 'a'))));
  Reply reply = SampleReply();
  reply.challenge.clear();
  EXPECT_FALSE(SignReply(reply, SampleKey()).has_value());
}

TEST(ReplyTest, OrdersAreAtMost16Of16KiB) {
  const auto list = [](std::size_t num, const std::string& entry) {
    std::string out = "[";
    for (std::size_t i = 0; i < num; ++i) out += (i == 0 ? "" : ",") + Quoted(entry);
    return out + "]";
  };
  EXPECT_TRUE(AcceptsReply("/orders", "[]"));
  EXPECT_TRUE(AcceptsReply("/orders", list(kMaxReplyOrders, "a.b.c")));
  EXPECT_FALSE(AcceptsReply("/orders", list(kMaxReplyOrders + 1, "a.b.c")));
  EXPECT_TRUE(AcceptsReply("/orders", list(1, std::string(kMaxOrderLen, 'a'))));
  EXPECT_FALSE(AcceptsReply("/orders", list(1, std::string(kMaxOrderLen + 1, 'a'))));
  for (const char* raw : {R"([""])", R"(["a b"])", R"(["a.b.c=",])", R"([1])", R"(["a.b.c",null])",
                          R"(["a\u0000"])"}) {
    EXPECT_FALSE(AcceptsReply("/orders", raw)) << raw;
  }
}

TEST(ReplyTest, ReplyIsAtMost256KiB) {
  const std::string message = SignReply(SampleReply(), SampleKey()).value();
  const std::string head = message.substr(0, message.rfind('.') + 1);
  std::size_t len = kMaxReplyLen;
  if ((len - head.size()) % 4 == 1) --len;
  EXPECT_TRUE(ParseReply(head + std::string(len - head.size(), 'A')).has_value());
  EXPECT_FALSE(ParseReply(head + std::string(len + 4 - head.size(), 'A')).has_value());
}

TEST(ReplyTest, ReplyOverItsLimitIsNotSigned) {
  Reply reply = SampleReply();
  reply.orders.assign(kMaxReplyOrders, std::string(kMaxOrderLen, 'a'));
  const auto message = SignReply(reply, SampleKey());
  ASSERT_FALSE(message.has_value());
  EXPECT_EQ(message.error().code, Code::kUsage);
  reply.orders.assign(11, std::string(kMaxOrderLen, 'a'));
  EXPECT_TRUE(SignReply(reply, SampleKey()).has_value());
}

}  // namespace
}  // namespace countersign::wire
