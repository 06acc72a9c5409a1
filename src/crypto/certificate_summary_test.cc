#include "crypto/certificate_summary.h"

#include <gtest/gtest.h>

#include "crypto/certificate.h"
#include "crypto/hash.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/command.h"

namespace countersign::crypto {
namespace {

TEST(CertificateSummaryTest, SaysOfAnAllowedOneWhatCertificateSays) {
  const Certificate certificate = countersign::testing::TestAuthority().MakeImported().certificate;
  const auto summary = SummarizeCertificate(certificate.der());
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->thumbprint, certificate.thumbprint());
  EXPECT_EQ(summary->sha1, Sha1(certificate.der()));
  EXPECT_EQ(summary->key_digest, certificate.key().digest());
  EXPECT_EQ(summary->subject, certificate.subject());
  EXPECT_EQ(summary->serial, certificate.serial());
  EXPECT_EQ(summary->key, certificate.key().Description());
  EXPECT_EQ(summary->signature, "sha256WithRSAEncryption");
}

TEST(CertificateSummaryTest, NamesKeysAndSignaturesThatAreNotAllowed) {
  const auto of = [](const std::string& options) {
    const countersign::testing::TemporaryFolder folder;
    const auto made = RunCommand(
        folder, "openssl req -x509 -nodes -keyout k -subj /CN=x -outform DER -out c " + options);
    Check(made.exit_code == 0, made.output);
    return *SummarizeCertificate(folder.Read("c"));
  };
  EXPECT_EQ(of("-newkey rsa:1024").key, "RSA 1024");
  EXPECT_EQ(of("-newkey rsa:2048 -sha1").signature, "sha1WithRSAEncryption");
  EXPECT_EQ(of("-newkey ec -pkeyopt ec_paramgen_curve:secp521r1").key, "EC P-521");
  EXPECT_EQ(of("-newkey ec -pkeyopt ec_paramgen_curve:secp256k1").key, "EC secp256k1");
  EXPECT_EQ(of("-newkey ed25519").key, "ED25519");
}

TEST(CertificateSummaryTest, WhatIsNoCertificateHasNone) {
  EXPECT_FALSE(SummarizeCertificate({}));
  EXPECT_FALSE(SummarizeCertificate(AsBytes("hello")));
  EXPECT_FALSE(SummarizeCertificate(Bytes(Certificate::kMaxLen + 1)));
}

}  // namespace
}  // namespace countersign::crypto
