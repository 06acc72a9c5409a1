#include "crypto/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>

#include <atomic>
#include <boost/json.hpp>
#include <thread>
#include <vector>

#include "base/encoding.h"
#include "base/files.h"
#include "crypto/hash.h"
#include "crypto/openssl_ptr.h"

namespace countersign::crypto {
namespace {

using ::testing::HasSubstr;

PrivateKey Generated(KeyKind kind) {
  Result<PrivateKey> key = PrivateKey::Generate(kind);
  Check(key.has_value(), "a test needs a key");
  return std::move(*key);
}

const PrivateKey& RsaKey() {
  static const PrivateKey key = Generated(KeyKind::kRsa);
  return key;
}

Bytes SpkiOf(EVP_PKEY* key) { return EncodeDer<&i2d_PUBKEY>(key); }

// RSA public keys of any shape; the numbers need not be a real key's.
Bytes RsaSpki(ByteView modulus, unsigned long exponent) {
  const BignumPtr n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_ulong(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent);
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder.get()));
  const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(context.get());
  EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get());
  return SpkiOf(EvpPkeyPtr(key).get());
}

std::string RefusalOfSpki(ByteView spki) {
  const Result<PublicKey> key = PublicKey::FromSpki(spki);
  if (key) return "(accepted)";
  EXPECT_EQ(key.error().code, Code::kMalformed);
  return key.error().message;
}

class KeysOfEveryKindTest : public ::testing::TestWithParam<KeyKind> {
 protected:
  const PrivateKey key_ = GetParam() == KeyKind::kRsa ? RsaKey() : Generated(GetParam());
};

TEST_P(KeysOfEveryKindTest, SpkiRoundTrips) {
  const PublicKey& key = key_.public_key();
  EXPECT_EQ(key.kind(), GetParam());
  EXPECT_EQ(key.digest(), Sha256(key.spki()));
  const Result<PublicKey> again = PublicKey::FromSpki(key.spki());
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, key);
  EXPECT_EQ(SpkiOf(DecodeDer<EvpPkeyPtr, &d2i_PUBKEY>(key.spki()).get()), key.spki());
}

TEST_P(KeysOfEveryKindTest, Pkcs8RoundTrips) {
  const Result<PrivateKey> again = PrivateKey::FromPkcs8(key_.ToPkcs8(KeyExportToken()));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->public_key(), key_.public_key());
  const auto signature = again->SignJws(AsBytes("message"));
  EXPECT_TRUE(key_.public_key().VerifyJws(AsBytes("message"), *signature));
}

TEST_P(KeysOfEveryKindTest, SignatureVerifiesAndNoOtherDoes) {
  const PublicKey& key = key_.public_key();
  const auto signature = key_.SignJws(AsBytes("message"));
  ASSERT_TRUE(signature);
  EXPECT_TRUE(key.VerifyJws(AsBytes("message"), *signature));
  EXPECT_TRUE(key.VerifyJws(AsBytes("message"), *signature)) << "verifying left a trace";
  EXPECT_FALSE(key.VerifyJws(AsBytes("messagf"), *signature));
  EXPECT_FALSE(key.VerifyJws({}, *signature));
  EXPECT_FALSE(Generated(KeyKind::kP256).public_key().VerifyJws(AsBytes("message"), *signature));
  for (std::size_t i = 0; i < signature->size(); i += 7) {
    Bytes changed = *signature;
    changed[i] ^= 0x01;
    EXPECT_FALSE(key.VerifyJws(AsBytes("message"), changed)) << i;
  }
}

TEST_P(KeysOfEveryKindTest, SignatureOfAnotherLengthIsRefused) {
  const PublicKey& key = key_.public_key();
  Bytes signature = *key_.SignJws(AsBytes("message"));
  EXPECT_FALSE(key.VerifyJws(AsBytes("message"), {}));
  EXPECT_FALSE(key.VerifyJws(AsBytes("message"), ByteView(signature).first(signature.size() - 1)));
  signature.push_back(0);
  EXPECT_FALSE(key.VerifyJws(AsBytes("message"), signature));
}

TEST_P(KeysOfEveryKindTest, EmptyMessageIsAMessage) {
  const auto signature = key_.SignJws({});
  ASSERT_TRUE(signature);
  EXPECT_TRUE(key_.public_key().VerifyJws({}, *signature));
}

TEST_P(KeysOfEveryKindTest, OneKeyServesManyThreads) {
  const PublicKey& key = key_.public_key();
  const Bytes signature = *key_.SignJws(AsBytes("message"));
  std::atomic<int> num_right = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 20; ++k) {
        const auto own = key_.SignJws(AsBytes("own"));
        if (key.VerifyJws(AsBytes("message"), signature) && key.VerifyJws(AsBytes("own"), *own) &&
            !key.VerifyJws(AsBytes("messagf"), signature)) {
          ++num_right;
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(num_right, 80);
}

TEST_P(KeysOfEveryKindTest, OctetsAfterTheEndAreRefused) {
  Bytes spki = key_.public_key().spki();
  spki.push_back(0);
  EXPECT_FALSE(PublicKey::FromSpki(spki));
  Bytes pkcs8 = ToBytes(key_.ToPkcs8(KeyExportToken()).view());
  pkcs8.push_back(0);
  EXPECT_FALSE(PrivateKey::FromPkcs8(SecretBytes(pkcs8)));
}

TEST_P(KeysOfEveryKindTest, EveryTruncationIsRefused) {
  const Bytes& spki = key_.public_key().spki();
  for (std::size_t len = 0; len < spki.size(); ++len) {
    EXPECT_FALSE(PublicKey::FromSpki(ByteView(spki).first(len))) << len;
  }
}

// Where our parser accepts changed octets, OpenSSL must see the same one key in them.
TEST_P(KeysOfEveryKindTest, AcceptedOctetsAreTheOnlyEncodingOfTheirKey) {
  for (std::size_t i = 0; i < key_.public_key().spki().size(); ++i) {
    Bytes changed = key_.public_key().spki();
    changed[i] ^= 0x01;
    if (!PublicKey::FromSpki(changed)) continue;
    const auto seen = DecodeDer<EvpPkeyPtr, &d2i_PUBKEY>(changed);
    ASSERT_TRUE(seen) << i;
    EXPECT_EQ(SpkiOf(seen.get()), changed) << i;
  }
  ForgetOpenSslErrors();
}

INSTANTIATE_TEST_SUITE_P(Kinds, KeysOfEveryKindTest,
                         ::testing::Values(KeyKind::kP256, KeyKind::kP384, KeyKind::kRsa));

TEST(JwsAlgorithmTest, EachKindAllowsOne) {
  EXPECT_EQ(JwsAlgorithm(KeyKind::kP256), "ES256");
  EXPECT_EQ(JwsAlgorithm(KeyKind::kP384), "ES384");
  EXPECT_EQ(JwsAlgorithm(KeyKind::kRsa), "RS256");
}

TEST(PublicKeyTest, DescriptionNamesKindAndSize) {
  EXPECT_EQ(Generated(KeyKind::kP256).public_key().Description(), "EC P-256");
  EXPECT_EQ(Generated(KeyKind::kP384).public_key().Description(), "EC P-384");
  EXPECT_EQ(RsaKey().public_key().Description(), "RSA 2048");
}

TEST(PublicKeyTest, CoordinatesRoundTrip) {
  const PublicKey key = Generated(KeyKind::kP256).public_key();
  const auto xy = key.P256Coordinates();
  std::array<std::uint8_t, 32> x;
  std::array<std::uint8_t, 32> y;
  std::copy_n(xy.begin(), 32, x.begin());
  std::copy_n(xy.begin() + 32, 32, y.begin());
  const Result<PublicKey> again = PublicKey::FromP256(x, y);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, key);
  y[31] ^= 1;
  EXPECT_FALSE(PublicKey::FromP256(x, y)) << "a point beside the curve";
}

TEST(PublicKeyTest, PointBesideTheCurveIsRefused) {
  Bytes spki = Generated(KeyKind::kP384).public_key().spki();
  spki.back() ^= 1;
  EXPECT_THAT(RefusalOfSpki(spki), HasSubstr("not on its curve"));
}

TEST(PublicKeyTest, CompressedPointIsRefused) {
  const EvpPkeyPtr key(EVP_EC_gen("P-256"));
  EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                 "compressed");
  EXPECT_THAT(RefusalOfSpki(SpkiOf(key.get())), HasSubstr("uncompressed"));
}

TEST(PublicKeyTest, ExplicitCurveParametersAreRefused) {
  const EvpPkeyPtr key(EVP_EC_gen("P-256"));
  EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_ENCODING, "explicit");
  EXPECT_THAT(RefusalOfSpki(SpkiOf(key.get())), HasSubstr("explicit"));
}

TEST(PublicKeyTest, OtherCurvesAndAlgorithmsAreRefused) {
  EXPECT_THAT(RefusalOfSpki(SpkiOf(EvpPkeyPtr(EVP_EC_gen("P-521")).get())),
              HasSubstr("another curve"));
  EXPECT_THAT(RefusalOfSpki(SpkiOf(EvpPkeyPtr(EVP_EC_gen("secp256k1")).get())),
              HasSubstr("another curve"));
  EXPECT_THAT(
      RefusalOfSpki(SpkiOf(EvpPkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")).get())),
      HasSubstr("neither EC nor plain RSA"));
  Bytes pss = RsaKey().public_key().spki();
  ASSERT_EQ(pss[16], 0x01);  // the last octet of rsaEncryption; 0x0a makes it RSASSA-PSS
  pss[16] = 0x0a;
  EXPECT_THAT(RefusalOfSpki(pss), HasSubstr("neither EC nor plain RSA"));
}

TEST(PublicKeyTest, RsaSizeHasBothBounds) {
  const auto modulus = [](std::size_t bits) {
    Bytes bytes((bits + 7) / 8, 0xa5);
    bytes[0] = static_cast<std::uint8_t>(1U << ((bits - 1) % 8));
    return bytes;
  };
  EXPECT_THAT(RefusalOfSpki(RsaSpki(modulus(2047), 65537)), HasSubstr("2047 bits"));
  EXPECT_EQ(RefusalOfSpki(RsaSpki(modulus(2048), 65537)), "(accepted)");
  EXPECT_EQ(RefusalOfSpki(RsaSpki(modulus(4096), 65537)), "(accepted)");
  EXPECT_THAT(RefusalOfSpki(RsaSpki(modulus(4097), 65537)), HasSubstr("4097 bits"));
}

TEST(PublicKeyTest, OtherRsaNumbersAreRefused) {
  Bytes modulus(256, 0xa5);
  EXPECT_THAT(RefusalOfSpki(RsaSpki(modulus, 3)), HasSubstr("65537"));
  EXPECT_THAT(RefusalOfSpki(RsaSpki(modulus, 65539)), HasSubstr("65537"));
  modulus.back() = 0xa4;
  EXPECT_THAT(RefusalOfSpki(RsaSpki(modulus, 65537)), HasSubstr("even"));
}

TEST(PrivateKeyTest, WhatIsNoKeyIsRefused) {
  EXPECT_FALSE(PrivateKey::FromPkcs8(SecretBytes()));
  EXPECT_FALSE(PrivateKey::FromPkcs8(SecretBytes::OwnText("not a key")));
  const PublicKey key = Generated(KeyKind::kP256).public_key();
  EXPECT_FALSE(PrivateKey::FromPkcs8(SecretBytes(ByteView(key.spki()))));
}

TEST(PrivateKeyTest, KeyOfAnotherCurveIsRefusedWithTheReason) {
  const EvpPkeyPtr key(EVP_EC_gen("P-521"));
  const Bytes der = EncodeDer<&i2d_PrivateKey>(key.get());
  const auto refused = PrivateKey::FromPkcs8(SecretBytes(ByteView(der)));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("another curve"));
}

TEST(PrivateKeyTest, Sec1AndPkcs1AreRead) {
  for (const char* algorithm : {"EC", "RSA"}) {
    const bool ec = std::string_view(algorithm) == "EC";
    const EvpPkeyPtr key(ec ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048));
    const Bytes der = EncodeDer<&i2d_PrivateKey>(key.get());  // the traditional form
    const auto read = PrivateKey::FromPkcs8(SecretBytes(ByteView(der)));
    ASSERT_TRUE(read) << algorithm;
    EXPECT_EQ(read->public_key().spki(), SpkiOf(key.get()));
  }
}

TEST(PrivateKeyTest, EncryptedKeyIsRefusedWithoutAskingForAPassword) {
  const EvpPkeyPtr key(EVP_EC_gen("P-256"));
  const BioPtr out(BIO_new(BIO_s_mem()));
  ASSERT_EQ(i2d_PKCS8PrivateKey_bio(out.get(), key.get(), EVP_aes_256_cbc(), "secret", 6, nullptr,
                                    nullptr),
            1);
  char* data = nullptr;
  const long len = BIO_get_mem_data(out.get(), &data);
  EXPECT_FALSE(PrivateKey::FromPkcs8(
      SecretBytes::OwnText(std::string_view(data, static_cast<std::size_t>(len)))));
}

TEST(PrivateKeyTest, PrivatePartOfAnotherKeyIsRefused) {
  const auto pkcs8 = [] { return ToBytes(Generated(KeyKind::kP256).ToPkcs8({}).view()); };
  Bytes mixed = pkcs8();
  const Bytes other = pkcs8();
  ASSERT_EQ(mixed.size(), 138U);  // OpenSSL's form: the private scalar stands at 36
  std::copy_n(other.begin() + 36, 32, mixed.begin() + 36);
  const auto refused = PrivateKey::FromPkcs8(SecretBytes(ByteView(mixed)));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("does not fit"));
}

// Project Wycheproof's cases for r‖s signatures of P-256 with SHA-256: forged, wrong ranges,
// special values and arithmetic edges.
TEST(WycheproofTest, EcdsaP256P1363) {
  const auto file = ReadFile(COUNTERSIGN_SOURCE_DIR
                             "/tests/data/wycheproof/ecdsa_secp256r1_sha256_p1363_test.json",
                             1 << 20);
  ASSERT_TRUE(file) << file.error().message;
  const boost::json::value suite = boost::json::parse(AsText(*file));
  int num_cases = 0;
  for (const auto& group : suite.at("testGroups").as_array()) {
    const auto key =
        PublicKey::FromSpki(*ParseHex(std::string_view(group.at("publicKeyDer").as_string())));
    ASSERT_TRUE(key) << key.error().message;
    for (const auto& test : group.at("tests").as_array()) {
      const auto message = ParseHex(std::string_view(test.at("msg").as_string()));
      const auto signature = ParseHex(std::string_view(test.at("sig").as_string()));
      ASSERT_TRUE(message && signature) << test.at("tcId");
      EXPECT_EQ(key->VerifyJws(*message, *signature), test.at("result").as_string() == "valid")
          << test.at("tcId") << " " << test.at("comment");
      ++num_cases;
    }
  }
  EXPECT_EQ(num_cases, suite.at("numberOfTests").as_int64());
}

}  // namespace
}  // namespace countersign::crypto
