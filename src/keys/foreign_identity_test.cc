#include "keys/foreign_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/command.h"

namespace countersign::keys {
namespace {

using countersign::testing::Identity;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kFew = 10;

SecretBytes Password() { return SecretBytes::OwnText("pw"); }

class ForeignIdentityTest : public ::testing::Test {
 protected:
  [[nodiscard]] static BackupContents Open(const crypto::Pkcs12Contents& file) {
    return OpenBackup(crypto::WritePkcs12(file, Password(), kFew).value(), Password()).value();
  }
  [[nodiscard]] static BackupContents FileOf(const std::vector<Identity>& identities) {
    crypto::Pkcs12Contents file;
    for (const Identity& one : identities) {
      file.keys.push_back({one.key, "name"});
      file.certificates.push_back({one.certificate.der(), "name"});
    }
    return Open(file);
  }
  // What bash commands, which leave `key` and `cert` behind, make with `openssl pkcs12 -export`.
  [[nodiscard]] static BackupContents MadeBy(const std::string& commands) {
    const testing::TemporaryFolder folder;
    const std::string script = commands +
                               " 2>/dev/null && openssl pkcs12 -export -inkey key -in cert -name "
                               "'the one' -passout pass:pw -out f";
    folder.Write("make", AsBytes(script));
    const auto made = testing::RunCommand(folder, "bash make");
    Check(made.exit_code == 0, made.output);
    return OpenBackup(folder.Read("f"), Password()).value();
  }
  [[nodiscard]] static Error Refusal(const BackupContents& contents, std::string_view wanted = "") {
    const auto chosen = ChooseIdentity(contents, wanted);
    return chosen ? Error{Code::kInternal, "(chosen)"} : chosen.error();
  }

  testing::TestAuthority authority_;
  Identity first_ = authority_.MakeImported(crypto::KeyKind::kP256);
  Identity second_ = authority_.MakeImported(crypto::KeyKind::kRsa);
};

TEST_F(ForeignIdentityTest, OneKeyAndItsCertificateAreTaken) {
  const auto chosen = ChooseIdentity(FileOf({first_}), "");
  ASSERT_TRUE(chosen) << chosen.error().message;
  EXPECT_EQ(chosen->key.public_key(), first_.key.public_key());
  EXPECT_EQ(chosen->certificate, first_.certificate);
}

TEST_F(ForeignIdentityTest, NewestOfSeveralSelfSignedCertificatesIsTaken) {
  crypto::Pkcs12Contents file;
  file.keys = {{first_.key, ""}};
  const auto newer = authority_.IssueOdd({.not_before = testing::kTestBegin + Seconds(1)},
                                         first_.key.public_key(), first_.key);
  file.certificates = {{newer.der(), ""}, {first_.certificate.der(), ""}};
  EXPECT_EQ(ChooseIdentity(Open(file), "")->certificate, newer);
}

TEST_F(ForeignIdentityTest, SeveralKeysAreListedWithTheirThumbprints) {
  const Error error = Refusal(FileOf({first_, second_}));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, AllOf(HasSubstr("2 private keys"), HasSubstr("EC P-256 'name'"),
                                   HasSubstr("RSA 2048 'name'"),
                                   HasSubstr(HexLower(first_.certificate.thumbprint())),
                                   HasSubstr(HexLower(second_.certificate.thumbprint())),
                                   HasSubstr(first_.certificate.subject())));
  EXPECT_THAT(error.next, HasSubstr("--key"));
}

TEST_F(ForeignIdentityTest, KeyIsChosenByAnyOfItsThumbprintsHoweverWritten) {
  const BackupContents contents = FileOf({first_, second_});
  const auto& der = second_.certificate.der();
  const std::string sha1 = HexUpper(crypto::Sha1(der));
  std::string with_colons = "\xe2\x80\x8e";  // the mark that Windows' viewer puts there
  for (std::size_t i = 0; i < sha1.size(); i += 2) {
    with_colons += (i == 0 ? "" : i % 4 == 0 ? ":" : " ") + sha1.substr(i, 2);
  }
  for (const std::string& wanted :
       {HexLower(second_.certificate.thumbprint()), sha1, with_colons, sha1.substr(0, 8),
        HexLower(second_.key.public_key().digest()).substr(0, 11)}) {
    const auto chosen = ChooseIdentity(contents, wanted);
    ASSERT_TRUE(chosen) << wanted << ": " << chosen.error().message;
    EXPECT_EQ(chosen->certificate, second_.certificate) << wanted;
  }
}

TEST_F(ForeignIdentityTest, ChoiceThatFitsNoKeyOrIsTooShortIsRefused) {
  const BackupContents contents = FileOf({first_, second_});
  const std::string digits = HexLower(second_.certificate.thumbprint());
  EXPECT_EQ(Refusal(contents, digits.substr(0, 7)).code, Code::kUsage);
  EXPECT_EQ(Refusal(contents, digits + "00").code, Code::kUsage);
  EXPECT_EQ(Refusal(contents, "not hex at all").code, Code::kUsage);
  std::string other = digits;
  other[0] = other[0] == '0' ? '1' : '0';
  const Error none = Refusal(contents, other);
  EXPECT_EQ(none.code, Code::kNotFound);
  EXPECT_THAT(none.message, HasSubstr(digits)) << "what there is";
  EXPECT_EQ(Refusal(FileOf({first_}), digits).code, Code::kNotFound) << "the only key, but another";
}

TEST_F(ForeignIdentityTest, ChoiceThatFitsTwoKeysIsRefused) {
  // Two keys that both have a certificate with this digest can not be made: one summary is forged.
  BackupContents contents = FileOf({first_, second_});
  contents.rejected_certificates.push_back({{.thumbprint = second_.certificate.thumbprint(),
                                             .key_digest = first_.key.public_key().digest(),
                                             .subject = "",
                                             .serial = "",
                                             .key = "",
                                             .signature = ""},
                                            "forged"});
  const Error error = Refusal(contents, HexLower(second_.certificate.thumbprint()));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr("Give more digits"));
}

TEST_F(ForeignIdentityTest, KeyTwiceInTheFileIsOne) {
  EXPECT_TRUE(ChooseIdentity(FileOf({first_, first_}), ""));
}

TEST_F(ForeignIdentityTest, CertificateWithoutKeyIsNamed) {
  crypto::Pkcs12Contents file;
  file.certificates = {{first_.certificate.der(), ""}};
  const Error error = Refusal(Open(file));
  EXPECT_EQ(error.code, Code::kMalformed);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("no private key"), HasSubstr(first_.certificate.serial())));
  EXPECT_THAT(error.next, HasSubstr("openssl pkcs12 -export -inkey"));
}

TEST_F(ForeignIdentityTest, KeyWithoutCertificateIsNamed) {
  crypto::Pkcs12Contents file;
  file.keys = {{first_.key, "lonely"}};
  const Error error = Refusal(Open(file));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, AllOf(HasSubstr("no certificate"), HasSubstr("lonely"),
                                   HasSubstr(HexLower(first_.key.public_key().digest()))));
  EXPECT_THAT(error.next, HasSubstr("openssl pkcs12 -export -inkey"));
}

TEST_F(ForeignIdentityTest, CertificateOfAnotherKeyIsNamedWithBoth) {
  const Error error = Refusal(FileOf({{first_.key, second_.certificate}}));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, AllOf(HasSubstr("belongs to its key"),
                                   HasSubstr(HexLower(first_.key.public_key().digest())),
                                   HasSubstr(second_.certificate.serial()),
                                   HasSubstr(HexLower(second_.key.public_key().digest()))));
}

TEST_F(ForeignIdentityTest, CertificateThatAnotherIssuedNeedsASelfSignedOne) {
  const auto issued = authority_.IssueOdd({}, first_.key.public_key(), second_.key);
  const Error error = Refusal(FileOf({{first_.key, issued}}));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, AllOf(HasSubstr("issued by"), HasSubstr("self-signed")));
  EXPECT_THAT(error.next, HasSubstr("openssl req -x509"));
}

TEST_F(ForeignIdentityTest, KeysThatAreNotAllowedAreNamedWithTheReason) {
  const auto expect = [](const std::string& options, std::string_view kind, std::string_view why) {
    const Error error =
        Refusal(MadeBy("openssl req -x509 -nodes -keyout key -out cert -subj "
                       "/CN=old " +
                       options));
    EXPECT_EQ(error.code, Code::kRefused) << error.message;
    EXPECT_THAT(error.message, AllOf(HasSubstr(kind), HasSubstr("'the one'"), HasSubstr(why),
                                     HasSubstr("EC P-256, EC P-384 and RSA of 2048 to 4096")));
    EXPECT_THAT(error.next, HasSubstr("countersign server init"));
  };
  expect("-newkey rsa:1024", "RSA 1024", "1024 bits");
  expect("-newkey ec -pkeyopt ec_paramgen_curve:P-521", "EC P-521", "another curve");
  expect("-newkey ed25519", "ED25519", "neither EC nor plain RSA");
  expect("-newkey rsa-pss", "RSA-PSS 2048", "neither EC nor plain RSA");
  expect(
      "-newkey dsa:<(openssl genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 "
      "-pkeyopt dsa_paramgen_q_bits:160)",
      "DSA 1024", "neither EC nor plain RSA");
}

TEST_F(ForeignIdentityTest, UnusableKeyBesideAGoodOneIsStillAChoice) {
  BackupContents contents = FileOf({first_});
  contents.rejected_keys.push_back(
      {.kind = "DSA 2048", .digest = {7}, .friendly_name = "\x1b[2J", .reason = "because"});
  const Error error = Refusal(contents);
  EXPECT_THAT(error.message, AllOf(HasSubstr("2 private keys"), HasSubstr("DSA 2048"),
                                   HasSubstr("(unprintable)"), Not(HasSubstr("\x1b"))));
  EXPECT_TRUE(ChooseIdentity(contents, HexLower(first_.certificate.thumbprint())));
}

// The way out that the message names, typed as it stands.
TEST_F(ForeignIdentityTest, Sha1SignedCertificateIsNamedAndTheCommandMendsIt) {
  const testing::TemporaryFolder folder;
  const auto made = testing::RunCommand(
      folder,
      "openssl req -x509 -newkey rsa:2048 -sha1 -nodes -keyout key -out cert -subj /CN=old "
      "2>/dev/null && openssl pkcs12 -export -inkey key -in cert -passout pass:pw -out OLD.p12");
  ASSERT_EQ(made.exit_code, 0) << made.output;
  const BackupContents old = OpenBackup(folder.Read("OLD.p12"), Password()).value();
  const Error error = Refusal(old);
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, AllOf(HasSubstr("sha1WithRSAEncryption"), HasSubstr("CN=old")));
  const auto mended = testing::RunAdvice(folder, error.next, "pw");
  ASSERT_EQ(mended.exit_code, 0) << error.next << "\n" << mended.output;
  const auto chosen = ChooseIdentity(OpenBackup(folder.Read("NEW.p12"), Password()).value(), "");
  ASSERT_TRUE(chosen) << chosen.error().message;
  EXPECT_EQ(chosen->key.public_key(), old.server_keys.at(0).public_key());
}

}  // namespace
}  // namespace countersign::keys
