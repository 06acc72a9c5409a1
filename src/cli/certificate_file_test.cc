#include "cli/certificate_file.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "base/encoding.h"
#include "crypto/keys.h"

namespace countersign::cli {
namespace {

crypto::Certificate MakeCertificate() {
  const auto key = crypto::PrivateKey::Generate(crypto::KeyKind::kP256);
  EXPECT_TRUE(key.has_value());
  crypto::CertificateRequest request;
  request.role = crypto::CertificateRequest::Role::kOwner;
  request.common_name = "An owner";
  request.not_before = FromUnix(1'700'000'000);
  request.not_after = FromUnix(1'800'000'000);
  request.serial_random.fill(7);
  const auto certificate = crypto::IssueCertificate(request, key->public_key(), *key, nullptr);
  EXPECT_TRUE(certificate.has_value());
  return *certificate;
}

std::string Pem(const crypto::Certificate& certificate, std::string_view line_end) {
  std::string text = "Bag Attributes\n    friendlyName: x\n-----BEGIN CERTIFICATE-----";
  const std::string base64 = Base64Encode(certificate.der());
  for (std::size_t i = 0; i < base64.size(); i += 64) {
    text += std::string(line_end) + base64.substr(i, 64);
  }
  return text + std::string(line_end) + "-----END CERTIFICATE-----" + std::string(line_end);
}

TEST(CertificateFileTest, DerAndPemAreTheSameCertificate) {
  const auto made = MakeCertificate();
  for (const std::string& text : {std::string(AsText(made.der())), Pem(made, "\n"),
                                  Pem(made, "\r\n"), Pem(made, "\n") + Pem(made, "\n")}) {
    const auto read = ParseAnyCertificate(AsBytes(text));
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(*read, made);
  }
}

TEST(CertificateFileTest, WhatIsNoneIsToldByItsKind) {
  const std::string pem = Pem(MakeCertificate(), "\n");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "empty"},
      {"PK\x03\x04 and so on", "ZIP"},
      {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "without a certificate"},
      {pem.substr(0, pem.size() / 2), "ends within"},
      {"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "no base64"},
      {std::string("\x30\x03\x02\x01\x03", 5) + std::string("\x30\x00", 2), ""},
      {"something else", ""},
  };
  for (const auto& [text, words] : cases) {
    const auto read = ParseAnyCertificate(AsBytes(text));
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().code, Code::kMalformed);
    EXPECT_NE(read.error().message.find(words), std::string::npos) << read.error().message;
  }
}

TEST(CertificateFileTest, FieldsAreThoseOfTheCertificate) {
  const auto made = MakeCertificate();
  const auto fields = CertificateFields(made);
  EXPECT_EQ(fields.at("name"), "An owner");
  EXPECT_EQ(fields.at("subject"), fields.at("issuer"));
  EXPECT_EQ(fields.at("not_before"), "2023-11-14T22:13:20Z");
  EXPECT_EQ(fields.at("serial"), made.serial().c_str());
  EXPECT_EQ(fields.at("sha256"), HexLower(made.thumbprint()).c_str());
  EXPECT_EQ(fields.at("self_signed"), true);
  EXPECT_EQ(fields.at("is_ca"), true);
  EXPECT_EQ(fields.at("key"), "EC P-256");
  EXPECT_FALSE(fields.contains("generation"));
  EXPECT_TRUE(fields.at("server_ids").as_array().empty());
}

}  // namespace
}  // namespace countersign::cli
