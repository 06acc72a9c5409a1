#include "wire/jws.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"

namespace countersign::wire {
namespace {

constexpr std::array kKinds = {crypto::KeyKind::kP256, crypto::KeyKind::kP384,
                               crypto::KeyKind::kRsa};
constexpr std::array kAlgorithms = {Algorithm::kEs256,      Algorithm::kEs384,
                                    Algorithm::kRs256,      Algorithm::kEs256Batch,
                                    Algorithm::kEs384Batch, Algorithm::kRs256Batch};

Envelope SignedEnvelope(const crypto::PrivateKey& key) {
  const std::string signing_input = "header.payload";
  return {.algorithm = PlainAlgorithm(key.public_key().kind()),
          .signing_input = signing_input,
          .signature = key.SignJws(AsBytes(signing_input)).value(),
          .oh = {}};
}

TEST(JwsTest, AlgorithmsHaveTheNamesOfTheProtocol) {
  EXPECT_EQ(AlgorithmName(Algorithm::kEs256), "ES256");
  EXPECT_EQ(AlgorithmName(Algorithm::kEs384), "ES384");
  EXPECT_EQ(AlgorithmName(Algorithm::kRs256), "RS256");
  EXPECT_EQ(AlgorithmName(Algorithm::kEs256Batch), "ES256-BATCH");
  EXPECT_EQ(AlgorithmName(Algorithm::kEs384Batch), "ES384-BATCH");
  EXPECT_EQ(AlgorithmName(Algorithm::kRs256Batch), "RS256-BATCH");
}

TEST(JwsTest, PlainAlgorithmIsTheOneThatCryptoSigns) {
  for (const auto kind : kKinds) {
    EXPECT_EQ(AlgorithmName(PlainAlgorithm(kind)), crypto::JwsAlgorithm(kind));
  }
}

TEST(JwsTest, HashOfOrderIsOfAllBeforeTheLastDot) {
  EXPECT_EQ(HashOfOrder("a.b.c"), crypto::Sha256(AsBytes("a.b")));
  EXPECT_EQ(HashOfOrder("a.b.c."), crypto::Sha256(AsBytes("a.b.c")));
  EXPECT_EQ(HashOfOrder(".a"), crypto::Sha256(ByteView()));
}

TEST(JwsTest, HashOfOrderWithoutADotIsOfEverything) {
  EXPECT_EQ(HashOfOrder("abc"), crypto::Sha256(AsBytes("abc")));
  EXPECT_EQ(HashOfOrder(""), crypto::Sha256(ByteView()));
}

TEST(JwsTest, KeyDecidesTheAlgorithmNotTheMessage) {
  for (const auto kind : kKinds) {
    const auto key = crypto::PrivateKey::Generate(kind);
    ASSERT_TRUE(key.has_value());
    Envelope envelope = SignedEnvelope(*key);
    for (const Algorithm algorithm : kAlgorithms) {
      envelope.algorithm = algorithm;
      EXPECT_EQ(IsSignedBy(envelope, key->public_key()), algorithm == PlainAlgorithm(kind))
          << crypto::JwsAlgorithm(kind) << " key, " << AlgorithmName(algorithm);
    }
  }
}

TEST(JwsTest, AnotherKeyOfTheSameKindDoesNotVerify) {
  const auto key = crypto::PrivateKey::Generate(crypto::KeyKind::kP256);
  const auto other = crypto::PrivateKey::Generate(crypto::KeyKind::kP256);
  EXPECT_TRUE(IsSignedBy(SignedEnvelope(key.value()), key->public_key()));
  EXPECT_FALSE(IsSignedBy(SignedEnvelope(key.value()), other.value().public_key()));
}

TEST(JwsTest, EveryAlteredOctetBreaksTheSignature) {
  const auto key = crypto::PrivateKey::Generate(crypto::KeyKind::kP256).value();
  const Envelope envelope = SignedEnvelope(key);
  for (std::size_t i = 0; i < envelope.signing_input.size(); ++i) {
    Envelope altered = envelope;
    altered.signing_input[i] ^= 1;
    EXPECT_FALSE(IsSignedBy(altered, key.public_key())) << i;
  }
  for (std::size_t i = 0; i < envelope.signature.size(); ++i) {
    Envelope altered = envelope;
    altered.signature[i] ^= 1;
    EXPECT_FALSE(IsSignedBy(altered, key.public_key())) << i;
  }
}

TEST(JwsTest, SignatureOfAnotherLengthNeverVerifies) {
  const auto key = crypto::PrivateKey::Generate(crypto::KeyKind::kP256).value();
  const Envelope envelope = SignedEnvelope(key);
  for (const std::size_t len : {0U, 1U, 63U, 65U, 128U}) {
    Envelope altered = envelope;
    altered.signature.resize(len);
    EXPECT_FALSE(IsSignedBy(altered, key.public_key())) << len;
  }
}

}  // namespace
}  // namespace countersign::wire
