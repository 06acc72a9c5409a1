#include "crypto/pem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/tls_certificate.h"

namespace countersign::crypto {
namespace {

using ::testing::HasSubstr;

struct Pair {
  PrivateKey key;
  Bytes der;
};
Pair MakePair(KeyKind kind) {
  auto key = PrivateKey::Generate(kind).value();
  TlsCertificateRequest request;
  request.common_name = "web";
  const Bytes der = MakeTlsCertificate(request, key).value().der();
  return {std::move(key), der};
}

TEST(Pem, KeyAndChainComeBack) {
  for (const KeyKind kind : {KeyKind::kP256, KeyKind::kP384, KeyKind::kRsa}) {
    const Pair pair = MakePair(kind);
    const std::vector<Bytes> chain = {pair.der, MakePair(KeyKind::kP256).der};
    const auto text = FormatPem(pair.key, chain, KeyExportToken());
    ASSERT_TRUE(text.has_value());
    EXPECT_EQ(ParsePemCertificates(text->text()).value(), chain);
    EXPECT_EQ(ParsePemKey(*text)->public_key(), pair.key.public_key());
  }
}

TEST(Pem, WhatIsNoneIsRefused) {
  for (const std::string_view text :
       {"", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n!\n"}) {
    EXPECT_FALSE(ParsePemCertificates(text).has_value()) << text;
    EXPECT_FALSE(ParsePemKey(SecretBytes(AsBytes(text))).has_value()) << text;
  }
}

TEST(Pem, TooMuchIsRefused) {
  const Pair pair = MakePair(KeyKind::kP256);
  const std::vector<Bytes> chain(9, pair.der);
  const auto text = FormatPem(pair.key, chain, KeyExportToken());
  EXPECT_THAT(ParsePemCertificates(text->text()).error().message, HasSubstr("more than 8"));
  EXPECT_FALSE(ParsePemCertificates(std::string(kMaxPemLen + 1, '\n')).has_value());
}

}  // namespace
}  // namespace countersign::crypto
