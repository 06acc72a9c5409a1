#include <gtest/gtest.h>

#include "wire/messages.h"
#include "wire/sample_messages.h"

namespace countersign::wire {
namespace {

using testing::BreakEach;
using testing::JwsText;
using testing::SampleKey;
using testing::SampleReceipt;
using testing::Unsigned;
using testing::With;
using testing::Without;

JwsText SampleReceiptText() {
  return testing::Open(SignReceipt(SampleReceipt(), SampleKey()).value());
}

bool AcceptsReceipt(std::string_view pointer, std::string_view raw) {
  const JwsText text = SampleReceiptText();
  return ParseReceipt(Unsigned({text.header, With(text.payload, pointer, raw)})).has_value();
}

// An object that is `len` octets long as compact JSON.
std::string ObjectOfLen(std::size_t len) {
  return R"({"a":")" + std::string(len - 8, 'x') + R"("})";
}

TEST(ReceiptTest, WhatIsSignedParsesToTheSame) {
  Receipt small = SampleReceipt();
  small.order.reset();
  small.earlier.reset();
  small.result.clear();
  small.verdict = trust::Verdict::kMalformed;
  for (const Receipt& receipt : {SampleReceipt(), small}) {
    const auto message = SignReceipt(receipt, SampleKey());
    ASSERT_TRUE(message.has_value()) << message.error().message;
    const auto parsed = ParseReceipt(*message);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    EXPECT_EQ(parsed->receipt, receipt);
    EXPECT_TRUE(IsSignedBy(parsed->envelope, SampleKey().public_key()));
  }
}

TEST(ReceiptTest, EveryVerdictComesBack) {
  for (int i = 0; i <= static_cast<int>(trust::Verdict::kFailed); ++i) {
    Receipt receipt = SampleReceipt();
    receipt.verdict = static_cast<trust::Verdict>(i);
    if (receipt.verdict != trust::Verdict::kDoneBefore) receipt.earlier.reset();
    const auto parsed = ParseReceipt(SignReceipt(receipt, SampleKey()).value());
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->receipt.verdict, receipt.verdict);
  }
  EXPECT_FALSE(AcceptsReceipt("/verdict", R"("fine")"));
  EXPECT_FALSE(AcceptsReceipt("/verdict", R"("DONE")"));
  EXPECT_FALSE(AcceptsReceipt("/earlier/verdict", R"("fine")"));
}

TEST(ReceiptTest, EveryBrokenMemberIsMalformed) {
  const JwsText text = SampleReceiptText();
  const auto payloads = BreakEach(text.payload, {.optional = {"/result", "/earlier/result"},
                                                 .nullable = {"/order"},
                                                 .open = {"/result", "/earlier/result"}});
  EXPECT_GT(payloads.size(), 120U);
  for (const auto& broken : payloads) {
    EXPECT_FALSE(ParseReceipt(Unsigned({text.header, broken.json})).has_value()) << broken.what;
  }
  const auto headers = BreakEach(text.header, {});
  EXPECT_GT(headers.size(), 15U);
  for (const auto& broken : headers) {
    EXPECT_FALSE(ParseReceipt(Unsigned({broken.json, text.payload})).has_value()) << broken.what;
  }
}

TEST(ReceiptTest, HeaderOfAnotherMessageIsMalformed) {
  const JwsText text = SampleReceiptText();
  for (
      const char* header :
      {R"({"alg":"ES256","typ":"countersign-order+jwt"})",
       R"({"alg":"ES256","typ":"countersign-receipt+jwt","jwk":{}})",
       R"({"alg":"ES256","typ":"countersign-receipt+jwt","x5t#S256":"ERERERERERERERERERERERERERERERERERERERERERE"})",
       R"({"alg":"ES256","typ":"countersign-receipt+jwt","crit":[]})"}) {
    EXPECT_FALSE(ParseReceipt(Unsigned({header, text.payload})).has_value()) << header;
  }
}

TEST(ReceiptTest, OrderIsAJtiOrNull) {
  EXPECT_TRUE(AcceptsReceipt("/order", "null"));
  EXPECT_FALSE(AcceptsReceipt("/order", R"("")"));
  EXPECT_FALSE(AcceptsReceipt("/order", R"("AQEBAQEBAQEBAQEBAQEBAR")"));
}

TEST(ReceiptTest, EarlierBelongsToDoneBeforeOnly) {
  const JwsText text = SampleReceiptText();
  EXPECT_FALSE(
      ParseReceipt(Unsigned({text.header, Without(text.payload, "/earlier")})).has_value());
  EXPECT_FALSE(AcceptsReceipt("/verdict", R"("done")"));
}

TEST(ReceiptTest, ResultIsAtMost4096Octets) {
  for (const char* pointer : {"/result", "/earlier/result"}) {
    EXPECT_TRUE(AcceptsReceipt(pointer, "{}")) << pointer;
    EXPECT_TRUE(AcceptsReceipt(pointer, ObjectOfLen(kMaxResultLen))) << pointer;
    EXPECT_FALSE(AcceptsReceipt(pointer, ObjectOfLen(kMaxResultLen + 1))) << pointer;
  }
  Receipt receipt = SampleReceipt();
  receipt.result = receipt.earlier->result = ObjectOfLen(kMaxResultLen);
  EXPECT_TRUE(SignReceipt(receipt, SampleKey()).has_value()) << "both at their limit fit";
  receipt.result = ObjectOfLen(kMaxResultLen + 1);
  EXPECT_FALSE(SignReceipt(receipt, SampleKey()).has_value());
  receipt.result = "[]";
  EXPECT_FALSE(SignReceipt(receipt, SampleKey()).has_value());
}

TEST(ReceiptTest, NumbersHaveTheirBounds) {
  EXPECT_TRUE(AcceptsReceipt("/seq", "1"));
  EXPECT_TRUE(AcceptsReceipt("/seq", "9007199254740991"));
  EXPECT_FALSE(AcceptsReceipt("/seq", "0"));
  EXPECT_FALSE(AcceptsReceipt("/seq", "9007199254740992"));
  EXPECT_TRUE(AcceptsReceipt("/time", "0"));
  EXPECT_FALSE(AcceptsReceipt("/time", "-1"));
  EXPECT_TRUE(AcceptsReceipt("/held/generation", "1"));
  EXPECT_FALSE(AcceptsReceipt("/held/generation", "0"));
}

TEST(ReceiptTest, DigestsAreCanonical) {
  for (const char* pointer : {"/oh", "/held/x5t#S256", "/held/owner"}) {
    EXPECT_TRUE(AcceptsReceipt(pointer, R"("ERERERERERERERERERERERERERERERERERERERERERE")"))
        << pointer;
    for (const char* raw : {R"("ERERERERERERERERERERERERERERERERERERERERERF")",
                            R"("ERERERERERERERERERERERERERERERERERERERERERE=")",
                            R"("ERERERERERERERERERERERERERERERERERERERERERER")",
                            R"("ERERERERERERERERERERERERERERERERERERERERER")", R"("")"}) {
      EXPECT_FALSE(AcceptsReceipt(pointer, raw)) << pointer << raw;
    }
  }
}

TEST(ReceiptTest, ReceiptIsAtMost16KiB) {
  const std::string message = SignReceipt(SampleReceipt(), SampleKey()).value();
  const std::string head = message.substr(0, message.rfind('.') + 1);
  const auto of_len = [&](std::size_t len) { return head + std::string(len - head.size(), 'A'); };
  // One of two neighbours is no base64url length.
  const std::size_t fits =
      (kMaxReceiptLen - head.size()) % 4 == 1 ? kMaxReceiptLen - 1 : kMaxReceiptLen;
  EXPECT_TRUE(ParseReceipt(of_len(fits)).has_value());
  EXPECT_FALSE(ParseReceipt(of_len(kMaxReceiptLen + 1)).has_value());
  EXPECT_FALSE(ParseReceipt(of_len(kMaxReceiptLen + 2)).has_value());
}

}  // namespace
}  // namespace countersign::wire
