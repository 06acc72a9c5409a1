#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "wire/messages.h"
#include "wire/sample_messages.h"

namespace countersign::wire {
namespace {

using testing::BreakEach;
using testing::JwsText;
using testing::Quoted;
using testing::SampleKey;
using testing::SampleOrder;
using testing::Unsigned;
using testing::With;

JwsText SampleOrderText() { return testing::Open(SignOrder(SampleOrder(), SampleKey()).value()); }

Order OrderWithBundle() {
  Order order = SampleOrder();
  order.x5c = {Bytes(600, 0x30), Bytes(500, 0x31)};
  order.x5t = crypto::Sha256(order.x5c.front());
  return order;
}

bool AcceptsOrderPayload(std::string_view pointer, std::string_view raw) {
  const JwsText text = SampleOrderText();
  return ParseOrder(Unsigned({text.header, With(text.payload, pointer, raw)})).has_value();
}

bool AcceptsOrderHeader(std::string_view pointer, std::string_view raw) {
  const JwsText text = SampleOrderText();
  return ParseOrder(Unsigned({With(text.header, pointer, raw), text.payload})).has_value();
}

TEST(OrderTest, WhatIsSignedParsesToTheSame) {
  for (const Order& order : {SampleOrder(), OrderWithBundle()}) {
    const auto message = SignOrder(order, SampleKey());
    ASSERT_TRUE(message.has_value());
    const auto parsed = ParseOrder(*message);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    EXPECT_EQ(parsed->order, order);
    EXPECT_TRUE(IsSignedBy(parsed->envelope, SampleKey().public_key()));
    EXPECT_EQ(parsed->envelope.oh, HashOfOrder(*message));
  }
}

TEST(OrderTest, OrderWithoutArgsHasNone) {
  Order order = SampleOrder();
  order.args.clear();
  const auto parsed = ParseOrder(SignOrder(order, SampleKey()).value());
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->order.args, "");
}

TEST(OrderTest, MembersStandInTheOrderOfTheProtocolPage) {
  const JwsText text = SampleOrderText();
  EXPECT_THAT(text.header, ::testing::StartsWith(
                               R"({"alg":"ES256","typ":"countersign-order+jwt","x5t#S256":")"));
  EXPECT_THAT(
      text.payload,
      ::testing::MatchesRegex(
          R"(\{"iss":".*","aud":".*","jti":".*","iat":[0-9]*,"challenge":".*","act":".*","args":.*\})"));
}

TEST(OrderTest, AlgorithmIsThatOfTheKey) {
  for (const auto kind : {crypto::KeyKind::kP384, crypto::KeyKind::kRsa}) {
    const auto key = crypto::PrivateKey::Generate(kind).value();
    const auto parsed = ParseOrder(SignOrder(SampleOrder(), key).value());
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->envelope.algorithm, PlainAlgorithm(kind));
    EXPECT_TRUE(IsSignedBy(parsed->envelope, key.public_key()));
  }
}

TEST(OrderTest, EveryBrokenMemberIsMalformed) {
  const JwsText text = testing::Open(SignOrder(OrderWithBundle(), SampleKey()).value());
  const auto payloads = BreakEach(text.payload, {.optional = {"/args"}, .open = {"/args"}});
  EXPECT_GT(payloads.size(), 50U);
  for (const auto& broken : payloads) {
    EXPECT_FALSE(ParseOrder(Unsigned({text.header, broken.json})).has_value()) << broken.what;
  }
  const auto headers = BreakEach(text.header, {.optional = {"/x5c"}});
  EXPECT_GT(headers.size(), 25U);
  for (const auto& broken : headers) {
    EXPECT_FALSE(ParseOrder(Unsigned({broken.json, text.payload})).has_value()) << broken.what;
  }
}

TEST(OrderTest, TypOfAnotherMessageIsMalformed) {
  for (const char* typ : {"countersign-reply+jwt", "countersign-receipt+jwt", "JWT",
                          "COUNTERSIGN-ORDER+JWT", "application/countersign-order+jwt", ""}) {
    EXPECT_FALSE(AcceptsOrderHeader("/typ", Quoted(typ))) << typ;
  }
}

TEST(OrderTest, ActHasItsAlphabetAndLength) {
  for (const std::string& act :
       {std::string("a"), std::string("0-9"), std::string("-"), std::string(32, 'z')}) {
    EXPECT_TRUE(AcceptsOrderPayload("/act", Quoted(act))) << act;
  }
  for (const std::string& act :
       {std::string(), std::string(33, 'z'), std::string("Scan"), std::string("a_b"),
        std::string("a b"), std::string("a\\u0000"), std::string("\xc3\xbc")}) {
    EXPECT_FALSE(AcceptsOrderPayload("/act", Quoted(act))) << act;
  }
}

TEST(OrderTest, ChallengeIsAnyTextHere) {
  // Its form is step 2's: stale, not malformed.
  for (const std::string& challenge : {std::string(), std::string(200, 'a'), std::string("a b"),
                                       std::string("\\u0000"), std::string("a=")}) {
    EXPECT_TRUE(AcceptsOrderPayload("/challenge", Quoted(challenge))) << challenge;
  }
}

TEST(OrderTest, ChallengeThatIsNoneIsNotSigned) {
  for (const std::string& challenge : {std::string(), std::string(129, 'a'), std::string("a b")}) {
    Order order = SampleOrder();
    order.challenge = challenge;
    EXPECT_FALSE(SignOrder(order, SampleKey()).has_value()) << challenge;
  }
  Order order = SampleOrder();
  order.challenge = std::string(128, 'a');
  EXPECT_TRUE(SignOrder(order, SampleKey()).has_value());
}

TEST(OrderTest, EncodedValuesAreCanonical) {
  struct Case {
    const char* pointer;
    const char* text;
  };
  for (const Case& c : std::vector<Case>{{"/jti", "AQEBAQEBAQEBAQEBAQEBAR"},    // unused bits
                                         {"/jti", "AQEBAQEBAQEBAQEBAQEBAQ=="},  // padding
                                         {"/jti", "AQEBAQEBAQEBAQEBAQEB"},      // 15 octets
                                         {"/jti", "AQEBAQEBAQEBAQEBAQEBAQE"},   // 17 octets
                                         {"/jti", "AQEBAQEBAQEBAQEBAQEBA+"},    // base64
                                         {"/jti", "AQEBAQEBAQEBAQEBAQEB Q"},
                                         {"/jti", ""},
                                         {"/iss", "urn:uuid:51515151-5151-8151-9151-51515151515"},
                                         {"/iss", "urn:uuid:51515151-5151-8151-9151-5151515151511"},
                                         {"/iss", "URN:UUID:51515151-5151-8151-9151-515151515151"},
                                         {"/iss", "urn:uuid:5151515A-5151-8151-9151-515151515151"},
                                         {"/iss", "51515151-5151-8151-9151-515151515151"},
                                         {"/iss", "urn:uuid:{1515151-5151-8151-9151-515151515151"},
                                         {"/aud", "urn:uuid:a1a1a1a1a1a181a1a1a1a1a1a1a1a1a1"},
                                         {"/aud", " urn:uuid:51515151-5151-8151-9151-515151515151"},
                                         {"/aud", ""}}) {
    EXPECT_FALSE(AcceptsOrderPayload(c.pointer, Quoted(c.text))) << c.pointer << " " << c.text;
  }
}

TEST(OrderTest, IatIsAnIntegerOfTheProtocol) {
  for (const char* raw : {"0", "9007199254740991"})
    EXPECT_TRUE(AcceptsOrderPayload("/iat", raw)) << raw;
  for (const char* raw : {"-1", "-0", "1.0", "1e3", "9007199254740992", "\"1\""}) {
    EXPECT_FALSE(AcceptsOrderPayload("/iat", raw)) << raw;
  }
}

TEST(OrderTest, X5tIsOfTheFirstCertificate) {
  const JwsText text = testing::Open(SignOrder(OrderWithBundle(), SampleKey()).value());
  EXPECT_TRUE(ParseOrder(Unsigned(text)).has_value());
  const std::string second =
      With(text.header, "/x5t#S256", Quoted(Base64UrlEncode(crypto::Sha256(Bytes(500, 0x31)))));
  EXPECT_FALSE(ParseOrder(Unsigned({second, text.payload})).has_value());
  Order order = OrderWithBundle();
  order.x5t = testing::SampleDigest(0x11);
  EXPECT_FALSE(SignOrder(order, SampleKey()).has_value());
}

TEST(OrderTest, X5cIsCanonicalBase64) {
  const JwsText text = SampleOrderText();
  const auto accepts = [&](const std::string& entry, ByteView first) {
    const std::string x5t =
        With(text.header, "/x5t#S256", Quoted(Base64UrlEncode(crypto::Sha256(first))));
    return ParseOrder(Unsigned({With(x5t, "/x5c", "[" + entry + "]"), text.payload})).has_value();
  };
  const Bytes one = {0xff};
  EXPECT_TRUE(accepts(R"("/w==")", one));
  EXPECT_TRUE(accepts(R"("\/w==")", one)) << "an escape is JSON's, not base64's";
  for (const char* entry : {R"("/w")", R"("/w=")", R"("/x==")", R"("_w==")", R"(" /w==")",
                            R"("/w==\n")", R"("/w===")", "1", "null", R"(["/w=="])"}) {
    EXPECT_FALSE(accepts(entry, one)) << entry;
  }
  EXPECT_FALSE(accepts(R"("/w==",1)", one)) << "every entry is looked at";
  EXPECT_FALSE(accepts("", {})) << "present, it is not empty";
}

TEST(OrderTest, ArgsIsKeptAsCompactJson) {
  const JwsText text = SampleOrderText();
  const auto parsed = ParseOrder(
      Unsigned({text.header, With(text.payload, "/args", R"({ "a" : [ 1 , "\u00fc\/" ] })")}));
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->order.args, "{\"a\":[1,\"\xc3\xbc/\"]}");
}

TEST(OrderTest, ArgsBelongToTheDepthOfTheMessage) {
  EXPECT_TRUE(AcceptsOrderPayload("/args", R"({"a":[[[[[[]]]]]]})"));
  EXPECT_FALSE(AcceptsOrderPayload("/args", R"({"a":[[[[[[[]]]]]]]})"));
  Order order = SampleOrder();
  order.args = R"({"a":[[[[[[]]]]]]})";
  EXPECT_TRUE(SignOrder(order, SampleKey()).has_value());
  order.args = R"({"a":[[[[[[[]]]]]]]})";
  EXPECT_FALSE(SignOrder(order, SampleKey()).has_value());
}

TEST(OrderTest, ArgsThatAreNoStrictJsonObjectAreNotSigned) {
  for (const char* args :
       {"[]", "1", "{", R"({"a":1,"a":2})", R"({"a":-1})", R"({} {})", "\"x\""}) {
    Order order = SampleOrder();
    order.args = args;
    const auto message = SignOrder(order, SampleKey());
    ASSERT_FALSE(message.has_value()) << args;
    EXPECT_EQ(message.error().code, Code::kUsage) << args;
  }
}

// An order whose message is exactly `len` octets long, by the length of the text at `pointer` and
// of the signature field: what the one cannot make up in base64url, the other can.
std::string OrderOfLen(std::size_t len, const JwsText& text, std::string_view pointer) {
  const auto head_with = [&](std::size_t fill) {
    const std::string payload = With(text.payload, pointer, Quoted(std::string(fill, 'x')));
    const std::string message = Unsigned({text.header, payload});
    return message.substr(0, message.rfind('.') + 1);
  };
  for (std::size_t fill = (len - head_with(0).size()) * 3 / 4 - 8;; ++fill) {
    const std::string head = head_with(fill);
    Check(head.size() < len, "no such length");
    const std::size_t signature_len = len - head.size();
    if (signature_len % 4 != 1) return head + std::string(signature_len, 'A');
  }
}

TEST(OrderTest, PlainOrderIsAtMost16KiB) {
  const JwsText text = SampleOrderText();
  EXPECT_TRUE(ParseOrder(OrderOfLen(kMaxOrderLen, text, "/args/note")).has_value());
  EXPECT_FALSE(ParseOrder(OrderOfLen(kMaxOrderLen + 1, text, "/args/note")).has_value());
}

TEST(OrderTest, OrderWithABundleIsAtMost64KiB) {
  const JwsText text = testing::Open(SignOrder(OrderWithBundle(), SampleKey()).value());
  const std::size_t limit = kMaxOrderWithBundleLen;
  EXPECT_TRUE(ParseOrder(OrderOfLen(limit, text, "/args/note")).has_value());
  EXPECT_FALSE(ParseOrder(OrderOfLen(limit + 1, text, "/args/note")).has_value());
}

TEST(OrderTest, OrderToMoveHasItsBundleInArgs) {
  Order order = SampleOrder();
  order.act = "move";
  const JwsText text = testing::Open(SignOrder(order, SampleKey()).value());
  EXPECT_TRUE(ParseOrder(OrderOfLen(kMaxOrderWithBundleLen, text, "/args/note")).has_value());
  EXPECT_FALSE(ParseOrder(OrderOfLen(kMaxOrderWithBundleLen + 1, text, "/args/note")).has_value());
  order = OrderWithBundle();
  order.act = "move";
  EXPECT_FALSE(SignOrder(order, SampleKey()).has_value()) << "one bundle, not both";
}

TEST(OrderTest, OrderOverItsLimitIsNotSigned) {
  Order order = SampleOrder();
  order.args = R"({"a":")" + std::string(kMaxOrderLen, 'x') + R"("})";
  const auto message = SignOrder(order, SampleKey());
  ASSERT_FALSE(message.has_value());
  EXPECT_EQ(message.error().code, Code::kUsage);
}

TEST(OrderTest, WhatCanNeverBeSignedIsToldBefore) {
  EXPECT_TRUE(CheckOrder("scan", "").has_value());
  EXPECT_TRUE(CheckOrder("scan", R"({ "limit" : 9007199254740991 })").has_value());
  for (const char* args :
       {R"({"limit":-1})", R"({"limit":0.5})", R"({"limit":300.0})", R"({"limit":1e3})",
        R"({"limit":-0})", R"({"limit":9007199254740993})", R"({"a":1,"a":2})", "[]", "{}\n"}) {
    EXPECT_EQ(CheckOrder("scan", args).error().code, Code::kUsage) << args;
  }
  EXPECT_EQ(CheckOrder("No", "").error().code, Code::kUsage);
  const auto of_len = [](std::size_t len) { return R"({"a":")" + std::string(len, 'x') + R"("})"; };
  EXPECT_TRUE(CheckOrder("scan", of_len(10'000)).has_value());
  EXPECT_EQ(CheckOrder("scan", of_len(kMaxOrderLen * 3 / 4)).error().code, Code::kUsage);
  EXPECT_TRUE(CheckOrder("move", of_len(kMaxOrderLen)).has_value());
}

TEST(OrderTest, WhatIsCheckedIsSignedWithTheLongestOfEverything) {
  Order order = SampleOrder();
  order.challenge = std::string(128, 'c');
  order.act = std::string(32, 'a');
  order.args = R"({"a":""})";
  while (CheckOrder(order.act, order.args)) order.args.insert(6, 64, 'x');
  order.args.erase(6, 64);
  EXPECT_TRUE(SignOrder(order, SampleKey()).has_value());
}

TEST(OrderTest, PayloadThatIsNoObjectIsMalformed) {
  const JwsText text = SampleOrderText();
  for (const std::string& payload :
       {std::string(), std::string("[]"), std::string("null"), " " + text.payload,
        text.payload + " ", "\xef\xbb\xbf" + text.payload, text.payload + text.payload}) {
    const auto parsed = ParseOrder(Unsigned({text.header, payload}));
    ASSERT_FALSE(parsed.has_value()) << payload;
    EXPECT_EQ(parsed.error().code, Code::kMalformed);
  }
}

}  // namespace
}  // namespace countersign::wire
