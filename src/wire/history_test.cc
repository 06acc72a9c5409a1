#include "wire/history.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "wire/messages.h"
#include "wire/sample_messages.h"

namespace countersign::wire {
namespace {

using testing::BreakEach;
using testing::JwsText;
using testing::SampleHistoryLine;
using testing::SampleKey;
using testing::Unsigned;
using testing::With;

HistoryLine First() {
  HistoryLine line = SampleHistoryLine();
  line.n = 1;
  line.prev = Digest();
  line.from.reset();
  line.by.reset();
  line.certificate.reset();
  return line;
}

HistoryLine WithoutSigner(HistoryLine line) {
  line.x5t.reset();
  return line;
}

JwsText SampleHistoryText() {
  return testing::Open(SignHistoryLine(SampleHistoryLine(), SampleKey()).value());
}

bool AcceptsHistoryLine(std::string_view pointer, std::string_view raw) {
  const JwsText text = SampleHistoryText();
  return ParseHistoryLine(Unsigned({text.header, With(text.payload, pointer, raw)})).has_value();
}

TEST(HistoryLineTest, WhatIsSignedParsesToTheSame) {
  for (const HistoryLine& line : {SampleHistoryLine(), First()}) {
    const auto message = SignHistoryLine(line, SampleKey());
    ASSERT_TRUE(message.has_value()) << message.error().message;
    const auto parsed = ParseHistoryLine(*message);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    EXPECT_EQ(parsed->line, line);
    ASSERT_TRUE(parsed->envelope.has_value());
    EXPECT_TRUE(IsSignedBy(*parsed->envelope, SampleKey().public_key()));
  }
}

TEST(HistoryLineTest, WithoutASignatureItSaysSo) {
  HistoryLine nobody = WithoutSigner(First());
  nobody.iss = ServerId();
  for (const HistoryLine& line : {WithoutSigner(SampleHistoryLine()), nobody}) {
    const auto message = FormatUnsignedHistoryLine(line);
    ASSERT_TRUE(message.has_value()) << message.error().message;
    const auto parsed = ParseHistoryLine(*message);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    EXPECT_EQ(parsed->line, line);
    EXPECT_FALSE(parsed->envelope.has_value());
  }
}

TEST(HistoryLineTest, SignedAndUnsignedAreNotMistakenForEachOther) {
  const JwsText text = SampleHistoryText();
  EXPECT_FALSE(ParseHistoryLine(Base64UrlEncode(AsBytes(text.payload))).has_value());
  EXPECT_FALSE(AcceptsHistoryLine("/unsigned", "true"));
  const std::string message = FormatUnsignedHistoryLine(WithoutSigner(First())).value();
  const std::string payload(AsText(Base64UrlDecode(message).value()));
  EXPECT_FALSE(ParseHistoryLine(Unsigned({text.header, payload})).has_value());
  for (const char* raw : {"false", "1", "null"}) {
    const std::string broken = With(payload, "/unsigned", raw);
    EXPECT_FALSE(ParseHistoryLine(Base64UrlEncode(AsBytes(broken))).has_value()) << raw;
  }
  EXPECT_FALSE(SignHistoryLine(WithoutSigner(First()), SampleKey()).has_value());
  EXPECT_FALSE(FormatUnsignedHistoryLine(First()).has_value());
}

TEST(HistoryLineTest, EveryBrokenMemberIsMalformed) {
  const JwsText text = SampleHistoryText();
  const auto payloads = BreakEach(text.payload, {.optional = {"/from", "/by", "/certificate"}});
  EXPECT_GT(payloads.size(), 80U);
  for (const auto& broken : payloads) {
    EXPECT_FALSE(ParseHistoryLine(Unsigned({text.header, broken.json})).has_value()) << broken.what;
  }
  for (const auto& broken : BreakEach(text.header, {})) {
    EXPECT_FALSE(ParseHistoryLine(Unsigned({broken.json, text.payload})).has_value())
        << broken.what;
  }
}

TEST(HistoryLineTest, MessageOfAnotherTypeIsNone) {
  EXPECT_FALSE(
      ParseHistoryLine(SignReply(testing::SampleReply(), SampleKey()).value()).has_value());
}

TEST(HistoryLineTest, NumberAndTheLineBeforeGoTogether) {
  const std::string zeros = '"' + std::string(43, 'A') + '"';
  EXPECT_FALSE(AcceptsHistoryLine("/prev", zeros));
  EXPECT_FALSE(AcceptsHistoryLine("/n", "1"));
  EXPECT_FALSE(AcceptsHistoryLine("/n", "0"));
  EXPECT_TRUE(AcceptsHistoryLine("/n", "9007199254740991"));
  EXPECT_FALSE(AcceptsHistoryLine("/n", "9007199254740992"));
  EXPECT_TRUE(AcceptsHistoryLine("/from", "1"));
  EXPECT_TRUE(AcceptsHistoryLine("/from", "6"));
  EXPECT_FALSE(AcceptsHistoryLine("/from", "7")) << "its own number";
  EXPECT_FALSE(AcceptsHistoryLine("/from", "0"));
}

TEST(HistoryLineTest, TextsAreBounded) {
  const auto quoted = [](std::size_t len) { return '"' + std::string(len, 'k') + '"'; };
  EXPECT_TRUE(AcceptsHistoryLine("/kind", quoted(64)));
  EXPECT_FALSE(AcceptsHistoryLine("/kind", quoted(65)));
  EXPECT_FALSE(AcceptsHistoryLine("/kind", R"("")"));
  EXPECT_FALSE(AcceptsHistoryLine("/kind", R"("Kind")"));
  EXPECT_TRUE(AcceptsHistoryLine("/text", quoted(1'024)));
  EXPECT_FALSE(AcceptsHistoryLine("/text", quoted(1'025)));
  EXPECT_FALSE(AcceptsHistoryLine("/text", R"("\n")"));
  EXPECT_TRUE(AcceptsHistoryLine("/by/name", quoted(255)));
  EXPECT_FALSE(AcceptsHistoryLine("/by/name", quoted(256)));
  EXPECT_TRUE(AcceptsHistoryLine("/by/uid", "4294967295"));
  EXPECT_FALSE(AcceptsHistoryLine("/by/uid", "4294967296"));
}

TEST(HistoryLineTest, LineIsAtMost4KiB) {
  const std::string message = SignHistoryLine(SampleHistoryLine(), SampleKey()).value();
  const std::string head = message.substr(0, message.rfind('.') + 1);
  std::size_t len = kMaxHistoryLineLen;
  if ((len - head.size()) % 4 == 1) --len;
  EXPECT_TRUE(ParseHistoryLine(head + std::string(len - head.size(), 'A')).has_value());
  EXPECT_FALSE(ParseHistoryLine(head + std::string(len + 4 - head.size(), 'A')).has_value());
  HistoryLine line = SampleHistoryLine();
  line.text.assign(1'024, '"');  // each takes two octets of JSON
  line.by->name.assign(255, '"');
  EXPECT_EQ(SignHistoryLine(line, SampleKey()).has_value(), true);
}

TEST(HistoryHeadTest, HasOneForm) {
  const HistoryHead head{37, testing::SampleDigest(9)};
  const std::string text = FormatHistoryHead(head);
  EXPECT_TRUE(text.starts_with("37:")) << text;
  EXPECT_EQ(ParseHistoryHead(text), head);
  EXPECT_EQ(FormatHistoryHead({}), "");
  EXPECT_EQ(ParseHistoryHead(""), HistoryHead());
  const std::string digest = text.substr(3);
  const std::vector<std::string> all_broken = {
      "037:" + digest, "0:" + digest,   "37" + digest,
      "37:",           ":" + digest,    text + "A",
      "-1:" + digest,  "37 :" + digest, "9007199254740992:" + digest,
      " " + text,      "opaque"};
  for (const std::string& broken : all_broken) {
    EXPECT_FALSE(ParseHistoryHead(broken).has_value()) << broken;
  }
}

}  // namespace
}  // namespace countersign::wire
