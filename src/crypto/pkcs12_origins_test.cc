#include <cstdlib>

#include "crypto/certificate_summary.h"
#include "crypto/pkcs12_fixture.h"

namespace countersign::crypto {
namespace {

using countersign::testing::Identity;
using countersign::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Pkcs12OriginsTest : public Pkcs12Test {
 protected:
  // OLD.p12 of the owner, by `openssl pkcs12 -export` with more options.
  void WriteOld(const TemporaryFolder& folder, const std::string& options) {
    WritePem(folder, owner_);
    const auto made = RunCommand(
        folder, "openssl pkcs12 -export -in id.pem -passout pass:pw -out OLD.p12 " + options);
    ASSERT_EQ(made.exit_code, 0) << made.output;
  }
  void ExpectAdviceHelps(const TemporaryFolder& folder, const Error& error) {
    const auto done = RunAdvice(folder, error.next, "pw");
    ASSERT_EQ(done.exit_code, 0) << error.next << "\n" << done.output;
    const auto read = ReadPkcs12(folder.Read("NEW.p12"), Secret("pw"));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->keys.at(0).key.public_key(), owner_.key.public_key());
    EXPECT_EQ(read->certificates.at(0).der, owner_.certificate.der());
  }
};

TEST_F(Pkcs12OriginsTest, OpenSslCommandShowsTheAlgorithmsOfTheProtocol) {
  const TemporaryFolder folder;
  folder.Write("f", Written(600'000));
  const auto info =
      RunCommand(folder, "openssl pkcs12 -in f -info -noenc -passin 'pass:correct horse'");
  EXPECT_EQ(info.exit_code, 0);
  EXPECT_THAT(info.output,
              AllOf(HasSubstr("MAC: sha256, Iteration 600000"),
                    HasSubstr("MAC length: 32, salt length: 16"),
                    HasSubstr("PKCS7 Encrypted data: PBES2, PBKDF2, AES-256-CBC, Iteration 600000, "
                              "PRF hmacWithSHA256"),
                    HasSubstr("Shrouded Keybag: PBES2, PBKDF2, AES-256-CBC, Iteration 2048, "
                              "PRF hmacWithSHA256"),
                    HasSubstr("Certificate bag"), HasSubstr("Secret bag"),
                    HasSubstr("friendlyName: countersign manifest"), HasSubstr("localKeyID")));
  EXPECT_EQ(RunCommand(folder, "openssl pkcs12 -in f -noout -passin pass:wrong").exit_code, 1);
}

TEST_F(Pkcs12OriginsTest, FilesOfTheOpenSslCommandAreRead) {
  const TemporaryFolder folder;
  for (const KeyKind kind : {KeyKind::kP256, KeyKind::kRsa}) {
    const Identity identity = authority_.MakeImported(kind);
    WritePem(folder, identity);
    for (const char* options :
         {"", "-descert", "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1",
          "-keypbe NONE -certpbe NONE", "-keypbe NONE", "-certpbe NONE", "-keypbe aes-128-cbc",
          "-noiter -nomaciter", "-macalg sha512 -iter 3"}) {
      const auto made = RunCommand(folder,
                                   "openssl pkcs12 -export -in id.pem -name 'the one' -passout "
                                   "pass:pw -out f.p12 " +
                                       std::string(options));
      ASSERT_EQ(made.exit_code, 0) << made.output;
      const auto read = ReadPkcs12(folder.Read("f.p12"), Secret("pw"));
      ASSERT_TRUE(read) << options << ": " << read.error().message;
      ASSERT_EQ(read->keys.size(), 1U) << options;
      EXPECT_EQ(read->keys[0].key.public_key(), identity.key.public_key());
      EXPECT_EQ(read->keys[0].friendly_name, "the one");
      ASSERT_EQ(read->certificates.size(), 1U);
      EXPECT_EQ(read->certificates[0].der, identity.certificate.der());
      EXPECT_EQ(ReadError(folder.Read("f.p12"), "other").code, Code::kWrongPassword);
    }
  }
}

TEST_F(Pkcs12OriginsTest, EmptyPasswordOpensBothKindsOfNothing) {
  const SafeBagStackPtr bags(sk_PKCS12_SAFEBAG_new_null());
  const auto make = [&](const char* password) {
    const Pkcs7StackPtr safes(sk_PKCS7_new_null());
    unsigned char salt[8] = {};
    sk_PKCS7_push(safes.get(),
                  PKCS12_pack_p7encdata(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, password, 0, salt,
                                        sizeof salt, 5, bags.get()));
    const Pkcs12Ptr file(PKCS12_add_safes(safes.get(), 0));
    PKCS12_set_mac(file.get(), password, 0, nullptr, 8, 5, EVP_sha1());
    return EncodeDer<&i2d_PKCS12>(file.get());
  };
  EXPECT_TRUE(ReadPkcs12(make(""), SecretBytes()));
  EXPECT_TRUE(ReadPkcs12(make(nullptr), SecretBytes()));
  EXPECT_EQ(ReadError(make("")).code, Code::kWrongPassword);
}

TEST_F(Pkcs12OriginsTest, Rc2OfOldFilesIsRead) {
  const TemporaryFolder folder;
  WritePem(folder, owner_);
  for (const char* options : {"", "-certpbe PBE-SHA1-RC2-128", "-keypbe PBE-SHA1-RC2-40",
                              "-keypbe PBE-SHA1-RC2-128 -certpbe AES-256-CBC"}) {
    const auto made = RunCommand(
        folder, "openssl pkcs12 -export -legacy -in id.pem -passout pass:pw -out f.p12 " +
                    std::string(options));
    ASSERT_EQ(made.exit_code, 0) << made.output;
    const auto read = ReadPkcs12(folder.Read("f.p12"), Secret("pw"));
    ASSERT_TRUE(read) << options << ": " << read.error().message;
    ASSERT_EQ(read->keys.size(), 1U) << options;
    EXPECT_EQ(read->keys[0].key.public_key(), owner_.key.public_key());
    EXPECT_EQ(read->certificates.size(), 1U) << options;
    EXPECT_EQ(ReadError(folder.Read("f.p12"), "other").code, Code::kWrongPassword);
  }
}

TEST_F(Pkcs12OriginsTest, WithoutTheLegacyProviderRc2IsNamedWithTheCommandThatConverts) {
  const TemporaryFolder folder;
  WriteOld(folder, "-legacy");
  ASSERT_EQ(setenv("OPENSSL_MODULES", folder.path().c_str(), 1), 0);
  const Error error = ReadError(folder.Read("OLD.p12"));
  ASSERT_EQ(unsetenv("OPENSSL_MODULES"), 0);
  EXPECT_EQ(error.code, Code::kMalformed);
  EXPECT_THAT(error.message, AllOf(HasSubstr("RC2"), HasSubstr("legacy provider")));
  ExpectAdviceHelps(folder, error);
  EXPECT_TRUE(ReadPkcs12(folder.Read("OLD.p12"), Secret("pw"))) << "the failure is not remembered";
}

TEST_F(Pkcs12OriginsTest, CiphersThatNobodyShouldUseAreNamed) {
  const TemporaryFolder folder;
  WriteOld(folder, "-legacy -certpbe PBE-SHA1-RC4-128");
  const Error error = ReadError(folder.Read("OLD.p12"));
  EXPECT_EQ(error.code, Code::kMalformed);
  EXPECT_THAT(error.message, HasSubstr("RC4"));
  ExpectAdviceHelps(folder, error);
}

TEST_F(Pkcs12OriginsTest, FileWithoutMacIsRefused) {
  const TemporaryFolder folder;
  WriteOld(folder, "-nomac");
  const Error error = ReadError(folder.Read("OLD.p12"));
  EXPECT_EQ(error.code, Code::kMalformed);
  EXPECT_THAT(error.message, HasSubstr("no MAC"));
  ExpectAdviceHelps(folder, error);
}

TEST_F(Pkcs12OriginsTest, KeyOfAnotherKindIsToldApart) {
  const TemporaryFolder folder;
  const auto made = RunCommand(
      folder,
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-521 -nodes -keyout k -out c -subj "
      "/CN=x 2>/dev/null && cat k c > id.pem && openssl pkcs12 -export -in id.pem -name big "
      "-passout "
      "pass:pw -out f.p12");
  ASSERT_EQ(made.exit_code, 0) << made.output;
  const auto read = ReadPkcs12(folder.Read("f.p12"), Secret("pw"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->keys.empty());
  ASSERT_EQ(read->rejected_keys.size(), 1U);
  const auto& rejected = read->rejected_keys[0];
  EXPECT_EQ(rejected.friendly_name, "big");
  EXPECT_EQ(rejected.kind, "EC P-521");
  EXPECT_THAT(rejected.reason, HasSubstr("another curve"));
  const auto summary = SummarizeCertificate(read->certificates.at(0).der);
  ASSERT_TRUE(summary);
  EXPECT_EQ(rejected.digest, summary->key_digest);
  EXPECT_EQ(read->certificates.size(), 1U);
}

}  // namespace
}  // namespace countersign::crypto
