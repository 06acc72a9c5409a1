#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/certificate.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/command.h"

namespace countersign::crypto {
namespace {

using countersign::testing::Identity;
using countersign::testing::TemporaryFolder;
using countersign::testing::TestAuthority;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Role = CertificateRequest::Role;

class IssueTest : public ::testing::Test {
 protected:
  CertificateRequest Request(Role role) {
    CertificateRequest request;
    request.role = role;
    request.common_name = "OfficeScan Server NTSG";
    if (role == Role::kServer) request.generation = 1795304280;
    if (role != Role::kOwner) request.server_ids = {first_, second_};
    request.not_before = FromUnix(1795217880);
    if (role == Role::kServer) request.not_after = FromUnix(1889825880);
    request.serial_random = authority_.random().Array<16>();
    return request;
  }
  std::string Refusal(const CertificateRequest& request) {
    const auto issued =
        IssueCertificate(request, key_.public_key(), owner_.key, &owner_.certificate);
    if (issued) return "(issued)";
    EXPECT_EQ(issued.error().code, Code::kUsage);
    return issued.error().message;
  }

  TestAuthority authority_;
  const Identity owner_ = authority_.MakeOwner();
  const PrivateKey key_ = authority_.MakeKey();
  const ServerId first_ = authority_.MakeServerId();
  const ServerId second_ = authority_.MakeServerId();
};

TEST_F(IssueTest, ServerCertificateSaysWhatWasAsked) {
  const auto issued =
      IssueCertificate(Request(Role::kServer), key_.public_key(), owner_.key, &owner_.certificate);
  ASSERT_TRUE(issued) << issued.error().message;
  EXPECT_EQ(issued->key(), key_.public_key());
  EXPECT_EQ(issued->generation(), 1795304280U);
  EXPECT_THAT(issued->server_ids(), ElementsAre(first_, second_));
  EXPECT_EQ(issued->authority_key_id(), owner_.key.public_key().digest());
  EXPECT_FALSE(issued->is_ca());
  EXPECT_EQ(issued->not_before(), FromUnix(1795217880));
  EXPECT_EQ(issued->not_after(), FromUnix(1889825880));
  EXPECT_EQ(issued->common_name(), "OfficeScan Server NTSG");
  EXPECT_EQ(issued->issuer(), owner_.certificate.subject());
  EXPECT_TRUE(issued->IsSignedBy(owner_.key.public_key()));
  EXPECT_FALSE(issued->IsSignedBy(key_.public_key()));
}

TEST_F(IssueTest, OwnerCertificateIsSelfSignedWithoutAuthorityKeyId) {
  const auto issued = IssueCertificate(Request(Role::kOwner), key_.public_key(), key_, nullptr);
  ASSERT_TRUE(issued) << issued.error().message;
  EXPECT_TRUE(issued->may_sign_certificates());
  EXPECT_FALSE(issued->has_authority_key_id());
  EXPECT_FALSE(issued->generation());
  EXPECT_TRUE(issued->server_ids().empty());
  EXPECT_EQ(FormatUtc(issued->not_after()), "9999-12-31T23:59:59Z");
  EXPECT_EQ(issued->issuer(), issued->subject());
  EXPECT_TRUE(issued->IsSignedBy(key_.public_key()));
}

TEST_F(IssueTest, SuccessionCertifiesTheNewOwnerForItsServers) {
  const auto issued = IssueCertificate(Request(Role::kSuccession), key_.public_key(), owner_.key,
                                       &owner_.certificate);
  ASSERT_TRUE(issued) << issued.error().message;
  EXPECT_TRUE(issued->may_sign_certificates());
  EXPECT_EQ(issued->authority_key_id(), owner_.key.public_key().digest());
  EXPECT_THAT(issued->server_ids(), ElementsAre(first_, second_));
  EXPECT_TRUE(issued->IsSignedBy(owner_.key.public_key()));
}

TEST_F(IssueTest, EveryKindOfKeyIssuesForEveryKind) {
  for (const KeyKind issuer : {KeyKind::kP256, KeyKind::kP384, KeyKind::kRsa}) {
    const Identity owner = authority_.MakeOwner(issuer);
    for (const KeyKind subject : {KeyKind::kP256, KeyKind::kP384, KeyKind::kRsa}) {
      const PrivateKey key = authority_.MakeKey(subject);
      const auto issued =
          IssueCertificate(Request(Role::kServer), key.public_key(), owner.key, &owner.certificate);
      ASSERT_TRUE(issued) << issued.error().message;
      EXPECT_TRUE(issued->IsSignedBy(owner.key.public_key()));
      EXPECT_EQ(issued->key(), key.public_key());
    }
  }
}

TEST_F(IssueTest, SerialNumberIsTheRandomBitsWithoutTheTopOne) {
  CertificateRequest request = Request(Role::kServer);
  request.serial_random.fill(0xff);
  const auto issued = IssueCertificate(request, key_.public_key(), owner_.key, &owner_.certificate);
  EXPECT_EQ(issued->serial(), "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF");
}

TEST_F(IssueTest, RequestsThatMakeNoSenseAreRefused) {
  const auto changed = [&](auto change) {
    CertificateRequest request = Request(Role::kServer);
    change(request);
    return Refusal(request);
  };
  using R = CertificateRequest;
  EXPECT_EQ(changed([](R&) {}), "(issued)");
  EXPECT_THAT(changed([](R& r) { r.common_name.clear(); }), HasSubstr("common name"));
  EXPECT_EQ(changed([](R& r) { r.common_name = std::string(64, 'x'); }), "(issued)");
  EXPECT_THAT(changed([](R& r) { r.common_name = std::string(65, 'x'); }),
              HasSubstr("common name"));
  EXPECT_THAT(changed([](R& r) { r.common_name = "\xff"; }), HasSubstr("common name"));
  EXPECT_THAT(changed([](R& r) { r.generation.reset(); }), HasSubstr("generation"));
  EXPECT_THAT(changed([](R& r) { r.generation = 0; }), HasSubstr("generation"));
  EXPECT_EQ(changed([](R& r) { r.generation = 9007199254740991; }), "(issued)");
  EXPECT_THAT(changed([](R& r) { r.generation = 9007199254740992; }), HasSubstr("generation"));
  EXPECT_THAT(changed([](R& r) { r.server_ids.clear(); }), HasSubstr("server id"));
  EXPECT_THAT(changed([](R& r) { r.not_after = r.not_before - Seconds(1); }), HasSubstr("end"));
  EXPECT_THAT(changed([](R& r) { r.serial_random.fill(0); }), HasSubstr("serial"));
  EXPECT_THAT(changed([](R& r) { r.role = Role::kOwner; }), HasSubstr("owner"));
}

TEST_F(IssueTest, IssuerWithAnotherKeyIsRefused) {
  const auto issued =
      IssueCertificate(Request(Role::kServer), key_.public_key(), key_, &owner_.certificate);
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().code, Code::kUsage);
}

TEST_F(IssueTest, OpenSslCommandReadsAndVerifiesWhatWeIssue) {
  const TemporaryFolder folder;
  const auto server =
      IssueCertificate(Request(Role::kServer), key_.public_key(), owner_.key, &owner_.certificate);
  const Identity next = authority_.MakeOwner();
  const auto succession = authority_.IssueSuccession(owner_, next, {first_});
  folder.Write("owner.der", owner_.certificate.der());
  folder.Write("server.der", server->der());
  folder.Write("succession.der", succession.der());
  const auto text =
      RunCommand(folder, "openssl x509 -in server.der -noout -text -nameopt RFC2253,-esc_msb");
  EXPECT_THAT(text.output,
              AllOf(HasSubstr("CA:FALSE"), HasSubstr("Digital Signature"),
                    HasSubstr("URI:" + first_.Urn() + ", URI:" + second_.Urn()),
                    HasSubstr("dnQualifier=1795304280"), HasSubstr("ecdsa-with-SHA256")));
  const auto owner_text = RunCommand(folder, "openssl x509 -in owner.der -noout -text").output;
  EXPECT_THAT(owner_text,
              AllOf(HasSubstr("CA:TRUE"), HasSubstr("Certificate Sign"),
                    HasSubstr("Subject Key Identifier"), Not(HasSubstr("Authority Key Identifier")),
                    HasSubstr("Not After : Dec 31 23:59:59 9999 GMT")));
  const auto verified =
      RunCommand(folder,
                 "for i in owner server succession; do openssl x509 -in $i.der -out $i.pem; done; "
                 "openssl verify -attime 1795304280 -x509_strict -CAfile owner.pem server.pem "
                 "succession.pem");
  EXPECT_EQ(verified.output, "server.pem: OK\nsuccession.pem: OK\n");
}

}  // namespace
}  // namespace countersign::crypto
