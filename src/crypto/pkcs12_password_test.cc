#include "crypto/pkcs12_password.h"

#include "crypto/pkcs12_fixture.h"
#include "crypto/pkcs12_open.h"

namespace countersign::crypto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kUtf8 = "Gr\xc3\xbc\xc3\x9f";                   // "Grüß"
constexpr std::string_view kLatin1 = "Gr\xfc\xdf";                         // the same
constexpr std::string_view kTwice = "Gr\xc3\x83\xc2\xbc\xc3\x83\xc2\x9f";  // as OpenSSL 1.0 took it
constexpr std::string_view kBmp("\0G\0r\0\xfc\0\xdf\0\0", 10);

std::vector<std::string> Texts(const std::vector<PasswordForm>& forms) {
  std::vector<std::string> texts;
  for (const PasswordForm& form : forms) texts.emplace_back(form.octets.text());
  return texts;
}

// How one program turns a password into octets: those of the MAC (and of ciphers of old, which
// derive their keys like it), and those of PBES2.
struct Convention {
  std::string_view mac;
  std::string_view pbes2;
};

class Pkcs12PasswordTest : public Pkcs12Test {
 protected:
  // A file as such a program writes it: a shrouded key in one safe, a certificate in another.
  [[nodiscard]] Bytes FileBy(const Convention& convention, int nid) {
    const std::string_view password = nid == NID_aes_256_cbc ? convention.pbes2 : convention.mac;
    const auto len = static_cast<int>(password.size());
    unsigned char salt[8] = {};
    const Pkcs8Ptr info(EVP_PKEY2PKCS8(owner_.key.impl().key.get()));
    const SafeBagStackPtr keys(sk_PKCS12_SAFEBAG_new_null());
    sk_PKCS12_SAFEBAG_push(keys.get(),
                           PKCS12_SAFEBAG_create_pkcs8_encrypt(nid, password.data(), len, salt,
                                                               sizeof salt, kFew, info.get()));
    const auto x509 = DecodeDer<X509Ptr, &d2i_X509>(owner_.certificate.der());
    const SafeBagStackPtr certificates(sk_PKCS12_SAFEBAG_new_null());
    sk_PKCS12_SAFEBAG_push(certificates.get(), PKCS12_SAFEBAG_create_cert(x509.get()));
    const Pkcs7StackPtr safes(sk_PKCS7_new_null());
    sk_PKCS7_push(safes.get(), PKCS12_pack_p7data(keys.get()));
    sk_PKCS7_push(safes.get(), PKCS12_pack_p7encdata(nid, password.data(), len, salt, sizeof salt,
                                                     kFew, certificates.get()));
    const Pkcs12Ptr file(PKCS12_add_safes(safes.get(), 0));
    Check(PKCS12_set_mac(file.get(), convention.mac.data(), static_cast<int>(convention.mac.size()),
                         nullptr, 8, kFew, EVP_sha256()) == 1,
          "MAC");
    return EncodeDer<&i2d_PKCS12>(file.get());
  }
};

TEST_F(Pkcs12PasswordTest, FormsAreFewAndTheMostCommonComesFirst) {
  EXPECT_THAT(Texts(Pkcs12Forms(Secret("ascii"))), ElementsAre("ascii"));
  EXPECT_THAT(Texts(Pbkdf2Forms(Secret("ab"))), ElementsAre("ab", std::string("\0a\0b\0\0", 6)));
  EXPECT_THAT(Texts(Pkcs12Forms(Secret(kUtf8))), ElementsAre(kUtf8, kTwice));
  EXPECT_THAT(Texts(Pbkdf2Forms(Secret(kUtf8))), ElementsAre(kUtf8, kBmp, kLatin1));
  EXPECT_THAT(Texts(Pkcs12Forms(Secret(kLatin1))), ElementsAre(kLatin1));
  EXPECT_THAT(Texts(Pbkdf2Forms(Secret(kLatin1))), ElementsAre(kLatin1, kBmp, kUtf8));
  // U+1F511 is not in Latin-1, and two units of UTF-16.
  EXPECT_THAT(Texts(Pbkdf2Forms(Secret("\xf0\x9f\x94\x91"))),
              ElementsAre("\xf0\x9f\x94\x91", std::string("\xd8\x3d\xdd\x11\0\0", 6)));
}

TEST_F(Pkcs12PasswordTest, EmptyIsNotNone) {
  const auto forms = Pkcs12Forms(SecretBytes());
  ASSERT_EQ(forms.size(), 2U);
  EXPECT_STREQ(forms[0].text(), "");
  EXPECT_EQ(forms[1].text(), nullptr);
}

TEST_F(Pkcs12PasswordTest, EveryConventionOfEveryProgramOpens) {
  // OpenSSL 1.1 and 3, GnuTLS and NSS of today; older NSS; OpenSSL 1.0 on a UTF-8 system; any
  // OpenSSL on a Latin-1 system.
  for (const Convention& convention :
       {Convention{.mac = kUtf8, .pbes2 = kUtf8}, Convention{.mac = kUtf8, .pbes2 = kBmp},
        Convention{.mac = kTwice, .pbes2 = kUtf8}, Convention{.mac = kLatin1, .pbes2 = kLatin1}}) {
    for (const int nid : {NID_aes_256_cbc, NID_pbe_WithSHA1And3_Key_TripleDES_CBC}) {
      const Bytes file = FileBy(convention, nid);
      const auto read = ReadPkcs12(file, Secret(kUtf8));
      ASSERT_TRUE(read) << read.error().message;
      ASSERT_EQ(read->keys.size(), 1U);
      EXPECT_EQ(read->keys[0].key.public_key(), owner_.key.public_key());
      EXPECT_EQ(read->certificates.at(0).der, owner_.certificate.der());
      EXPECT_EQ(ReadError(file, "Gr\xc3\xbc\xc3\xa4").code, Code::kWrongPassword);
      if (convention.mac == kTwice) continue;  // nobody types that on a Latin-1 system
      EXPECT_TRUE(ReadPkcs12(file, Secret(kLatin1))) << "typed on a Latin-1 system";
    }
  }
}

TEST_F(Pkcs12PasswordTest, OlderNssDerivesFromBmpWhateverTheLetters) {
  const Bytes file =
      FileBy({.mac = "pw", .pbes2 = std::string_view("\0p\0w\0\0", 6)}, NID_aes_256_cbc);
  const auto read = ReadPkcs12(file, Secret("pw"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->keys.size(), 1U);
}

TEST_F(Pkcs12PasswordTest, EachFurtherTryIsCountedBeforeItIsMade) {
  unsigned char salt[8] = {};
  const auto costing = [&](int iterations) {
    return AlgorPtr(PKCS5_pbe2_set(EVP_aes_256_cbc(), iterations, salt, sizeof salt));
  };
  const SafeBagPtr bag = ShroudedBag(costing(5).release());  // opens with no password at all
  for (const int left : {10, 9, 5, 4}) {                     // two further tries cost 10
    Pkcs12Budget budget;
    ASSERT_TRUE(
        budget.CountDecryption(costing(static_cast<int>(kPkcs12MaxIterations) - left).get()));
    Pkcs12Opener opener(Secret(kUtf8), budget);
    const auto opened = opener.OpenKey(bag.get());
    EXPECT_EQ(opened.has_value(), left == 10) << left;
    if (opened) {
      EXPECT_EQ(*opened, nullptr);
    } else {
      EXPECT_THAT(opened.error().message, HasSubstr("iterations"));
    }
  }
}

}  // namespace
}  // namespace countersign::crypto
