#include "wire/compact.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "wire/json.h"
#include "wire/sample_messages.h"

namespace countersign::wire {
namespace {

bool AcceptsCompact(std::string_view message) {
  JsonArena arena;
  return ParseCompact(message, arena.storage()).has_value();
}

std::string Encoded(std::string_view text) { return Base64UrlEncode(AsBytes(text)); }

// {"alg":"ES256"} has 15 octets: 20 characters without unused bits. With a space it has 16, and 4
// unused bits in its last character.
const std::string kHeader = Encoded(R"({"alg":"ES256"})");
const std::string kHeaderWithUnusedBits = Encoded(R"({"alg": "ES256"})");

struct CompactCase {
  const char* name;
  std::string message;
};

class CompactRefusedTest : public ::testing::TestWithParam<CompactCase> {};

TEST_P(CompactRefusedTest, Refuses) { EXPECT_FALSE(AcceptsCompact(GetParam().message)); }

INSTANTIATE_TEST_SUITE_P(
    Form, CompactRefusedTest,
    ::testing::Values(CompactCase{"Nothing", ""}, CompactCase{"OneDot", kHeader + ".e30"},
                      CompactCase{"NoDot", kHeader}, CompactCase{"TwoDotsOnly", ".."},
                      CompactCase{"ThreeDots", kHeader + ".e30.AAAA.AAAA"},
                      CompactCase{"ThreeDotsWithEmptyPart", kHeader + "..e30.AAAA"},
                      CompactCase{"JsonSerialization", R"({"payload":"e30","signature":"AAAA"})"},
                      CompactCase{"EmptyHeader", ".e30.AAAA"},
                      CompactCase{"LeadingSpace", " " + kHeader + ".e30.AAAA"},
                      CompactCase{"TrailingSpace", kHeader + ".e30.AAAA "},
                      CompactCase{"TrailingNewline", kHeader + ".e30.AAAA\n"}),
    [](const auto& instance) { return instance.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Base64Url, CompactRefusedTest,
    ::testing::Values(CompactCase{"PaddedHeader", kHeaderWithUnusedBits + "==.e30.AAAA"},
                      CompactCase{"PaddedPayload", kHeader + ".e30=.AAAA"},
                      CompactCase{"PaddedSignature", kHeader + ".e30.AA=="},
                      CompactCase{"UnusedBitsInHeader",
                                  kHeaderWithUnusedBits.substr(0, 21) + "R.e30.AAAA"},
                      CompactCase{"UnusedBitsInPayload", kHeader + ".e31.AAAA"},
                      CompactCase{"UnusedBitsInSignature", kHeader + ".e30.AB"},
                      CompactCase{"LengthOf4nPlus1", kHeader + ".e30.AAAAA"},
                      CompactCase{"PlusInSignature", kHeader + ".e30.AA+A"},
                      CompactCase{"SlashInSignature", kHeader + ".e30.AA/A"},
                      CompactCase{"NewlineInPayload", kHeader + ".e3\n0.AAAA"},
                      CompactCase{"NulInPayload", kHeader + std::string(".e3\0.AAAA", 9)},
                      CompactCase{"HighOctet", kHeader + ".e3\xff.AAAA"}),
    [](const auto& instance) { return instance.param.name; });

std::vector<CompactCase> Headers() {
  std::vector<CompactCase> cases;
  for (const auto& [name, header] : std::vector<std::pair<const char*, std::string>>{
           {"NotJson", "alg"},
           {"Array", R"(["alg"])"},
           {"NoAlg", "{}"},
           {"NullAlg", R"({"alg":null})"},
           {"NumberAlg", R"({"alg":256})"},
           {"EmptyAlg", R"({"alg":""})"},
           {"None", R"({"alg":"none"})"},
           {"CapitalNone", R"({"alg":"NONE"})"},
           {"LowerCase", R"({"alg":"es256"})"},
           {"Hmac", R"({"alg":"HS256"})"},
           {"Pss", R"({"alg":"PS256"})"},
           {"Es512", R"({"alg":"ES512"})"},
           {"Es256k", R"({"alg":"ES256K"})"},
           {"EdDsa", R"({"alg":"EdDSA"})"},
           {"Rs512", R"({"alg":"RS512"})"},
           {"WithNul", R"({"alg":"ES256\u0000"})"},
           {"WithSpace", R"({"alg":"ES256 "})"},
           {"DuplicateAlg", R"({"alg":"ES256","alg":"ES256"})"},
           // Batches are not taken yet (section 7).
           {"Es256Batch", R"({"alg":"ES256-BATCH"})"},
           {"Es384Batch", R"({"alg":"ES384-BATCH"})"},
           {"Rs256Batch", R"({"alg":"RS256-BATCH"})"}}) {
    cases.push_back({name, Encoded(header) + ".e30.AAAA"});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Header, CompactRefusedTest, ::testing::ValuesIn(Headers()),
                         [](const auto& instance) { return instance.param.name; });

TEST(CompactTest, PartsComeBack) {
  JsonArena arena;
  const std::string message = kHeader + ".e30.AAEC";
  const auto jws = ParseCompact(message, arena.storage());
  ASSERT_TRUE(jws.has_value());
  EXPECT_EQ(jws->envelope.algorithm, Algorithm::kEs256);
  EXPECT_EQ(jws->envelope.signing_input, kHeader + ".e30");
  EXPECT_EQ(jws->envelope.signature, (Bytes{0, 1, 2}));
  EXPECT_EQ(jws->envelope.oh, crypto::Sha256(AsBytes(kHeader + ".e30")));
  EXPECT_EQ(AsText(jws->payload), "{}");
  EXPECT_EQ(jws->header.size(), 1U);
}

TEST(CompactTest, EmptySignatureIsForm) {
  // A signature that cannot hold, of whatever length, is step 5's: bad-signature.
  EXPECT_TRUE(AcceptsCompact(kHeader + ".e30."));
}

TEST(CompactTest, EveryPlainAlgorithmIsTaken) {
  for (const char* name : {"ES256", "ES384", "RS256"}) {
    JsonArena arena;
    const auto jws = ParseCompact(
        Encoded(std::string(R"({"alg":")") + name + R"("})") + ".e30.AAAA", arena.storage());
    ASSERT_TRUE(jws.has_value()) << name;
    EXPECT_EQ(AlgorithmName(jws->envelope.algorithm), name);
  }
}

TEST(CompactTest, MessageOfExactlyTheLimitIsSignedAndOneOverIsNot) {
  const crypto::PrivateKey& key = testing::SampleKey();
  JsonArena arena;
  const auto header = MakeHeader(key, "test", arena.storage());
  const boost::json::object payload(arena.storage());
  const auto message = SignCompact(header, payload, key, 1'000);
  ASSERT_TRUE(message.has_value());
  EXPECT_TRUE(SignCompact(header, payload, key, message->size()).has_value());
  for (const std::size_t limit : {message->size() - 1, std::size_t{10}}) {
    const auto refused = SignCompact(header, payload, key, limit);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Code::kUsage);
  }
}

TEST(CompactTest, FailureOfTheSignerIsPassedOn) {
  class Broken final : public crypto::Signer {
   public:
    [[nodiscard]] const crypto::PublicKey& public_key() const override {
      return testing::SampleKey().public_key();
    }
    [[nodiscard]] Result<Bytes> SignJws(ByteView) const override {
      return Fail(Code::kUnavailable, "the module is gone");
    }
  };
  JsonArena arena;
  const auto message = SignCompact(MakeHeader(Broken(), "test", arena.storage()),
                                   boost::json::object(), Broken(), 1'000);
  ASSERT_FALSE(message.has_value());
  EXPECT_EQ(message.error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace countersign::wire
