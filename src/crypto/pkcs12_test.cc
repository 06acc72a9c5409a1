#include "crypto/hash.h"
#include "crypto/pkcs12_fixture.h"

namespace countersign::crypto {
namespace {

using countersign::testing::TemporaryFolder;

using ::testing::HasSubstr;

TEST_F(Pkcs12Test, WhatIsWrittenReadsBack) {
  const Pkcs12Contents contents = Contents();
  const auto file = WritePkcs12(contents, Secret("correct horse"), kFew);
  ASSERT_TRUE(file) << file.error().message;
  const auto read = ReadPkcs12(*file, Secret("correct horse"));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->keys.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read->keys[i].key.public_key(), contents.keys[i].key.public_key());
    EXPECT_EQ(read->keys[i].friendly_name, contents.keys[i].friendly_name);
  }
  ASSERT_EQ(read->certificates.size(), 1U);
  EXPECT_EQ(read->certificates[0].der, owner_.certificate.der());
  EXPECT_EQ(read->certificates[0].friendly_name, "Besitzer \xc3\xbc");
  ASSERT_EQ(read->secrets.size(), 1U);
  EXPECT_EQ(read->secrets[0].friendly_name, "countersign manifest");
  EXPECT_EQ(read->secrets[0].data, contents.secrets[0].data);
  EXPECT_TRUE(read->rejected_keys.empty());
}

TEST_F(Pkcs12Test, EmptyContentsReadBack) {
  const auto read = ReadPkcs12(*WritePkcs12({}, Secret("pw"), kFew), Secret("pw"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->keys.empty());
}

TEST_F(Pkcs12Test, PasswordsOfAnyTextOpenTheirFileOnly) {
  for (const char* password : {"", "x", "Gr\xc3\xbc\xc3\x9f Gott \xf0\x9f\x94\x91", "a\xff"}) {
    const auto file = WritePkcs12(Contents(), Secret(password), kFew);
    ASSERT_TRUE(file) << password;
    EXPECT_TRUE(ReadPkcs12(*file, Secret(password))) << password;
    const auto wrong = ReadPkcs12(*file, Secret(std::string(password) + "!"));
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, Code::kWrongPassword);
  }
}

// As earlier versions wrote keys.
TEST_F(Pkcs12Test, PlainKeyBagInTheEncryptedSafeIsRead) {
  const SafeBagStackPtr bags(sk_PKCS12_SAFEBAG_new_null());
  sk_PKCS12_SAFEBAG_push(bags.get(),
                         PKCS12_SAFEBAG_create0_p8inf(EVP_PKEY2PKCS8(owner_.key.impl().key.get())));
  const auto read = ReadPkcs12(FileOfEncryptedBags(bags), Secret("pw"));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->keys.size(), 1U);
  EXPECT_EQ(read->keys[0].key.public_key(), owner_.key.public_key());
}

TEST_F(Pkcs12Test, SaltsDiffer) { EXPECT_NE(Written(), Written()); }

TEST_F(Pkcs12Test, SaltOfTheEncryptionHas16Octets) {
  const TemporaryFolder folder;
  folder.Write("f", Written());
  EXPECT_THAT(RunCommand(folder,
                         "openssl asn1parse -inform DER -in f -strparse $(openssl asn1parse "
                         "-inform DER -in f | grep -m1 'OCTET STRING' | cut -d: -f1) | grep "
                         "-A2 PBKDF2")
                  .output,
              HasSubstr("l=  16 prim: OCTET STRING"));
}

TEST_F(Pkcs12Test, LocalKeyIdPairsAKeyWithItsCertificate) {
  const auto file = WritePkcs12(Contents(), Secret("pw"), kFew);
  const Pkcs12Ptr parsed = DecodeDer<Pkcs12Ptr, &d2i_PKCS12>(*file);
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  ASSERT_EQ(PKCS12_parse(parsed.get(), "pw", &key, &certificate, nullptr), 1);
  const EvpPkeyPtr owned_key(key);
  const X509Ptr owned_certificate(certificate);
  ASSERT_TRUE(owned_key && owned_certificate);
  EXPECT_EQ(EncodeDer<&i2d_PUBKEY>(key), owner_.key.public_key().spki());
  EXPECT_EQ(EncodeDer<&i2d_X509>(certificate), owner_.certificate.der());
  int len = 0;
  const unsigned char* const id = X509_keyid_get0(certificate, &len);
  const auto expected = Sha1(owner_.key.public_key().spki());
  EXPECT_TRUE(std::equal(id, id + len, expected.begin(), expected.end()));
}

}  // namespace
}  // namespace countersign::crypto
