#include <gtest/gtest.h>

#include "base/encoding.h"
#include "wire/messages.h"
#include "wire/sample_messages.h"

namespace countersign::wire {
namespace {

using testing::BreakEach;
using testing::JwsText;
using testing::Quoted;
using testing::SampleKey;
using testing::Unsigned;
using testing::With;

Report SampleReport() { return testing::SampleReport(SampleKey().public_key()); }
JwsText SampleReportText() {
  return testing::Open(SignReport(SampleReport(), SampleKey()).value());
}

bool AcceptsReport(std::string_view pointer, std::string_view raw) {
  const JwsText text = SampleReportText();
  return ParseReport(Unsigned({text.header, With(text.payload, pointer, raw)})).has_value();
}

bool AcceptsReportHeader(std::string_view pointer, std::string_view raw) {
  const JwsText text = SampleReportText();
  return ParseReport(Unsigned({With(text.header, pointer, raw), text.payload})).has_value();
}

// "[e,e,…]" with `num` entries.
std::string Repeated(std::size_t num, const std::string& entry) {
  std::string out = "[";
  for (std::size_t i = 0; i < num; ++i) out += (i == 0 ? "" : ",") + entry;
  return out + "]";
}

TEST(ReportTest, WhatIsSignedParsesToTheSame) {
  Report small = SampleReport();
  small.echo.reset();
  small.enrol.reset();
  small.tls = small.pinned = small.leaving = false;
  small.failures.clear();
  small.addresses.clear();
  small.host = small.domain = small.version = small.platform = "";
  small.batch = true;
  Report with_bundle = SampleReport();
  with_bundle.x5c = {Bytes(12'000, 0x30), Bytes(8'000, 0x31)};
  for (const Report& report : {SampleReport(), small, with_bundle}) {
    const auto message = SignReport(report, SampleKey());
    ASSERT_TRUE(message.has_value()) << message.error().message;
    const auto parsed = ParseReport(*message);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    EXPECT_EQ(parsed->report, report);
    EXPECT_EQ(parsed->key, SampleKey().public_key());
    EXPECT_TRUE(IsSignedBy(parsed->envelope, parsed->key));
  }
}

TEST(ReportTest, EveryBrokenMemberIsMalformed) {
  const JwsText text = SampleReportText();
  const auto payloads =
      BreakEach(text.payload, {.optional = {"/echo", "/enrol", "/tls", "/pinned", "/leaving"}});
  EXPECT_GT(payloads.size(), 200U);
  for (const auto& broken : payloads) {
    EXPECT_FALSE(ParseReport(Unsigned({text.header, broken.json})).has_value()) << broken.what;
  }
  const std::string header = With(text.header, "/x5c", R"(["MAA="])");
  EXPECT_TRUE(ParseReport(Unsigned({header, text.payload})).has_value());
  const auto headers = BreakEach(header, {.optional = {"/x5c"}});
  EXPECT_GT(headers.size(), 50U);
  for (const auto& broken : headers) {
    EXPECT_FALSE(ParseReport(Unsigned({broken.json, text.payload})).has_value()) << broken.what;
  }
}

TEST(ReportTest, FlagsAreTrueOrAbsent) {
  for (const char* pointer : {"/tls", "/pinned", "/leaving"}) {
    EXPECT_TRUE(AcceptsReport(pointer, "true")) << pointer;
    for (const char* raw : {"false", "1", "null"})
      EXPECT_FALSE(AcceptsReport(pointer, raw)) << pointer;
  }
}

TEST(ReportTest, AlgorithmIsEs256Only) {
  for (const char* alg : {"ES384", "RS256", "ES256-BATCH", "none", "HS256"}) {
    EXPECT_FALSE(AcceptsReportHeader("/alg", Quoted(alg))) << alg;
  }
  for (const auto kind : {crypto::KeyKind::kP384, crypto::KeyKind::kRsa}) {
    const auto key = crypto::PrivateKey::Generate(kind).value();
    const auto message = SignReport(testing::SampleReport(key.public_key()), key);
    ASSERT_FALSE(message.has_value());
    EXPECT_EQ(message.error().code, Code::kUsage);
  }
}

TEST(ReportTest, JwkIsAPointOfP256) {
  EXPECT_FALSE(AcceptsReportHeader("/jwk/kty", R"("RSA")"));
  EXPECT_FALSE(AcceptsReportHeader("/jwk/kty", R"("ec")"));
  EXPECT_FALSE(AcceptsReportHeader("/jwk/crv", R"("P-384")"));
  const std::string zero(43, 'A');
  EXPECT_FALSE(AcceptsReportHeader("/jwk/x", Quoted(zero))) << "not on the curve";
  EXPECT_FALSE(AcceptsReportHeader("/jwk/x", Quoted(std::string(42, 'A')))) << "31 octets";
  EXPECT_FALSE(AcceptsReportHeader("/jwk/y", Quoted(std::string(44, 'A')))) << "33 octets";
  EXPECT_FALSE(AcceptsReportHeader("/jwk/x", Quoted(std::string(43, '_')))) << "beyond the field";
}

TEST(ReportTest, IssIsTheIdOfItsKey) {
  EXPECT_FALSE(AcceptsReport("/iss", Quoted(testing::SampleUuid(0xa1).Urn())));
  Report report = SampleReport();
  report.iss = testing::SampleUuid(0xa1);
  EXPECT_FALSE(SignReport(report, SampleKey()).has_value());
}

TEST(ReportTest, KeyOfAnotherAgentDoesNotFitTheId) {
  const auto other = crypto::PrivateKey::Generate(crypto::KeyKind::kP256).value();
  const JwsText theirs =
      testing::Open(SignReport(testing::SampleReport(other.public_key()), other).value());
  EXPECT_FALSE(ParseReport(Unsigned({theirs.header, SampleReportText().payload})).has_value());
}

TEST(ReportTest, ChallengeHasItsForm) {
  for (const std::string& text : {std::string("a"), std::string(128, '-')}) {
    EXPECT_TRUE(AcceptsReport("/challenge", Quoted(text))) << text;
  }
  for (const std::string& text : {std::string(), std::string(129, 'a'), std::string("a=")}) {
    EXPECT_FALSE(AcceptsReport("/challenge", Quoted(text))) << text;
  }
}

TEST(ReportTest, TextsArePrintableAndAtMost255Octets) {
  for (const char* pointer : {"/host", "/domain", "/version", "/platform"}) {
    EXPECT_TRUE(AcceptsReport(pointer, R"("")")) << pointer;
    EXPECT_TRUE(AcceptsReport(pointer, R"("B\u00fcro \ud83d\ude00 <b>'\"\\")")) << pointer;
    EXPECT_TRUE(AcceptsReport(pointer, Quoted(std::string(255, 'x')))) << pointer;
    EXPECT_FALSE(AcceptsReport(pointer, Quoted(std::string(256, 'x')))) << pointer;
    for (const char* raw : {R"("a\nb")", R"("a\u0000")", R"("\u001b[31m")", R"("\u007f")",
                            R"("\u0085")", R"("\uffff")"}) {
      EXPECT_FALSE(AcceptsReport(pointer, raw)) << pointer << raw;
    }
  }
}

TEST(ReportTest, LengthCountsOctetsNotCharacters) {
  std::string text;
  for (int i = 0; i < 127; ++i) text += "\xc3\xbc";
  EXPECT_TRUE(AcceptsReport("/host", Quoted(text + "x")));
  EXPECT_FALSE(AcceptsReport("/host", Quoted(text + "xx")));
}

TEST(ReportTest, AddressesAreAtMost16Of64Octets) {
  const std::string longest = Quoted(std::string(64, 'a'));
  EXPECT_TRUE(AcceptsReport("/addresses", "[]"));
  EXPECT_TRUE(AcceptsReport("/addresses", Repeated(16, longest)));
  EXPECT_FALSE(AcceptsReport("/addresses", Repeated(17, longest)));
  EXPECT_FALSE(AcceptsReport("/addresses", Repeated(1, Quoted(std::string(65, 'a')))));
  EXPECT_FALSE(AcceptsReport("/addresses", R"(["192.0.2.1",1])"));
  EXPECT_FALSE(AcceptsReport("/addresses", R"(["192.0.2.1",null])"));
  EXPECT_FALSE(AcceptsReport("/addresses", R"(["a\u0007"])"));
}

TEST(ReportTest, PortIsAPort) {
  for (const char* raw : {"0", "65535"}) EXPECT_TRUE(AcceptsReport("/port", raw)) << raw;
  for (const char* raw : {"65536", "-1", "8080.0", R"("8080")"}) {
    EXPECT_FALSE(AcceptsReport("/port", raw)) << raw;
  }
}

TEST(ReportTest, FailuresAreAtMost48) {
  const std::string entry =
      R"({"verdict":"stale","source":"others","count":1,"first":0,"last":9007199254740991})";
  EXPECT_TRUE(AcceptsReport("/failures", "[]"));
  EXPECT_TRUE(AcceptsReport("/failures", Repeated(kMaxFailures, entry)));
  EXPECT_FALSE(AcceptsReport("/failures", Repeated(kMaxFailures + 1, entry)));
  EXPECT_FALSE(AcceptsReport("/failures", "[" + entry + ",1]"));
  EXPECT_FALSE(AcceptsReport("/failures", "[" + entry + R"(,{"verdict":"stale"}])"));
  EXPECT_FALSE(AcceptsReport("/failures/0/verdict", R"("unheard-of")"));
  EXPECT_FALSE(AcceptsReport("/failures/0/source", Quoted(std::string(65, 'a'))));
  EXPECT_FALSE(AcceptsReport("/failures/0/source", R"("a\r\nb")"));
}

TEST(ReportTest, MostThatAnAgentHasToSayFits) {
  // 48 failures by full IPv6 sources and texts of ordinary length: an agent never has to leave its
  // report unsaid.
  Report report = SampleReport();
  const std::string source = "2001:0db8:1234:5678:9abc:def0:1234:5678";
  report.failures.assign(kMaxFailures, {.verdict = trust::Verdict::kCertificateExpired,
                                        .source = source,
                                        .count = kMaxInteger,
                                        .first = 1'763'769'600,
                                        .last = 1'763'769'600});
  report.addresses.assign(16, source);
  report.host = report.domain = std::string(255, 'h');
  EXPECT_TRUE(SignReport(report, SampleKey()).has_value());
}

TEST(ReportTest, EnrolNamesATokenById) {
  EXPECT_TRUE(AcceptsReport("/enrol/token", Quoted(std::string(64, '_'))));
  EXPECT_FALSE(AcceptsReport("/enrol/token", Quoted(std::string(65, '_'))));
  EXPECT_FALSE(AcceptsReport("/enrol/token", R"("")"));
  EXPECT_FALSE(AcceptsReport("/enrol/token", R"("a.b")"));
  EXPECT_FALSE(AcceptsReport("/enrol/proof", R"("")"));
}

TEST(ReportTest, ReportIsAtMost16KiBOr64WithABundle) {
  const auto of_len = [](std::size_t len, const Report& report) {
    const std::string message = SignReport(report, SampleKey()).value();
    const std::string head = message.substr(0, message.rfind('.') + 1);
    if ((len - head.size()) % 4 == 1) --len;
    return head + std::string(len - head.size(), 'A');
  };
  EXPECT_TRUE(ParseReport(of_len(kMaxReportLen, SampleReport())).has_value());
  EXPECT_FALSE(ParseReport(of_len(kMaxReportLen + 2, SampleReport())).has_value());
  Report with_bundle = SampleReport();
  with_bundle.x5c = {Bytes(600, 0x30)};
  EXPECT_TRUE(ParseReport(of_len(kMaxReportWithBundleLen, with_bundle)).has_value());
  EXPECT_FALSE(ParseReport(of_len(kMaxReportWithBundleLen + 2, with_bundle)).has_value());
}

TEST(ReportTest, ReportOverALimitIsNotSigned) {
  Report report = SampleReport();
  report.host = std::string(256, 'x');
  EXPECT_FALSE(SignReport(report, SampleKey()).has_value());
  report = SampleReport();
  report.host = "a\nb";
  EXPECT_FALSE(SignReport(report, SampleKey()).has_value());
  report = SampleReport();
  report.host = "\xff";
  EXPECT_FALSE(SignReport(report, SampleKey()).has_value());
  report = SampleReport();
  report.seq = 0;
  EXPECT_FALSE(SignReport(report, SampleKey()).has_value());
  report = SampleReport();
  report.challenge.clear();
  EXPECT_FALSE(SignReport(report, SampleKey()).has_value());
}

}  // namespace
}  // namespace countersign::wire
