#include "crypto/pkcs12.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/hash.h"
#include "crypto/keys_impl.h"
#include "crypto/openssl_ptr.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/command.h"

namespace countersign::crypto {
namespace {

using countersign::testing::Identity;
using countersign::testing::TemporaryFolder;
using countersign::testing::TestAuthority;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kFew = 10;  // iterations: these tests are not about the cost of guessing

SecretBytes Secret(std::string_view text) { return SecretBytes::OwnText(text); }

void ReplaceAll(Bytes& in, const Bytes& from, const Bytes& to, int expected) {
  int found = 0;
  for (auto at = in.begin();; ++found) {
    at = std::search(at, in.end(), from.begin(), from.end());
    if (at == in.end()) break;
    at = std::copy(to.begin(), to.end(), at);
  }
  ASSERT_EQ(found, expected);
}

class Pkcs12Test : public ::testing::Test {
 protected:
  [[nodiscard]] Pkcs12Contents Contents() {
    Pkcs12Contents contents;
    contents.keys.push_back({.key = owner_.key, .friendly_name = "owner"});
    contents.keys.push_back({.key = authority_.MakeKey(KeyKind::kP384), .friendly_name = ""});
    contents.certificates.push_back(
        {.der = owner_.certificate.der(), .friendly_name = "Besitzer \xc3\xbc"});
    contents.secrets.push_back(
        {.friendly_name = "countersign manifest", .data = ToBytes("{\"format\":1}")});
    return contents;
  }
  [[nodiscard]] Bytes Written(int iterations = kFew) {
    Result<Bytes> file = WritePkcs12(Contents(), Secret("correct horse"), iterations);
    Check(file.has_value(), file ? "" : file.error().message);
    return std::move(*file);
  }
  // A file of the given safes, as another program might write it.
  [[nodiscard]] static Bytes FileOf(const STACK_OF(PKCS7) * safes) {
    const Pkcs12Ptr file(PKCS12_add_safes(const_cast<STACK_OF(PKCS7)*>(safes), 0));
    Check(file && PKCS12_set_mac(file.get(), "pw", 2, nullptr, 8, 5, EVP_sha256()) == 1, "MAC");
    return EncodeDer<&i2d_PKCS12>(file.get());
  }
  [[nodiscard]] static Bytes FileOfPlainBags(const SafeBagStackPtr& bags) {
    const Pkcs7StackPtr safes(sk_PKCS7_new_null());
    sk_PKCS7_push(safes.get(), PKCS12_pack_p7data(bags.get()));
    return FileOf(safes.get());
  }
  [[nodiscard]] static Bytes FileOfEncryptedBags(const SafeBagStackPtr& bags) {
    const Pkcs7StackPtr safes(sk_PKCS7_new_null());
    unsigned char salt[8] = {};
    sk_PKCS7_push(safes.get(), PKCS12_pack_p7encdata(NID_aes_256_cbc, "pw", 2, salt, sizeof salt, 5,
                                                     bags.get()));
    return FileOf(safes.get());
  }
  // A shrouded key that says that it takes so many iterations, and holds nothing.
  [[nodiscard]] static SafeBagPtr ShroudedBag(X509_ALGOR* algorithm) {
    const AlgorPtr owned(algorithm);
    OpenSslPtr<X509_SIG, &X509_SIG_free> shrouded(X509_SIG_new());
    X509_ALGOR* inner = nullptr;
    ASN1_OCTET_STRING* data = nullptr;
    X509_SIG_getm(shrouded.get(), &inner, &data);
    Check(X509_ALGOR_copy(inner, algorithm) == 1, "algorithm");
    ASN1_OCTET_STRING_set(data, AsBytes("0123456789abcdef").data(), 16);
    return SafeBagPtr(PKCS12_SAFEBAG_create0_pkcs8(shrouded.release()));
  }
  [[nodiscard]] static Error ReadError(ByteView file, std::string_view password = "pw") {
    const auto read = ReadPkcs12(file, Secret(password));
    return read ? Error{Code::kInternal, "(read)"} : read.error();
  }
  // A key and its certificate as PEM, for the openssl command.
  void WritePem(const TemporaryFolder& folder, const Identity& identity) {
    folder.Write("key.der", identity.key.ToPkcs8(KeyExportToken()).view());
    folder.Write("cert.der", identity.certificate.der());
    const auto made = RunCommand(folder,
                                 "openssl pkey -inform DER -in key.der -out id.pem && "
                                 "openssl x509 -inform DER -in cert.der >> id.pem");
    ASSERT_EQ(made.exit_code, 0) << made.output;
  }

  TestAuthority authority_;
  const Identity owner_ = authority_.MakeOwner();
};

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

TEST_F(Pkcs12Test, SaltsDiffer) { EXPECT_NE(Written(), Written()); }

TEST_F(Pkcs12Test, OpenSslCommandShowsTheAlgorithmsOfTheProtocol) {
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
                    HasSubstr("Key bag"), HasSubstr("Certificate bag"), HasSubstr("Secret bag"),
                    HasSubstr("friendlyName: countersign manifest"), HasSubstr("localKeyID")));
  EXPECT_EQ(RunCommand(folder, "openssl pkcs12 -in f -noout -passin pass:wrong").exit_code, 1);
}

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

TEST_F(Pkcs12Test, FilesOfTheOpenSslCommandAreRead) {
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

TEST_F(Pkcs12Test, EmptyPasswordOpensBothKindsOfNothing) {
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

TEST_F(Pkcs12Test, LegacyEncryptionIsNamedWithTheCommandThatConvertsIt) {
  const TemporaryFolder folder;
  WritePem(folder, owner_);
  const auto made =
      RunCommand(folder, "openssl pkcs12 -export -legacy -in id.pem -passout pass:pw -out f.p12");
  ASSERT_EQ(made.exit_code, 0) << made.output;
  const Error error = ReadError(folder.Read("f.p12"));
  EXPECT_EQ(error.code, Code::kMalformed);
  EXPECT_THAT(error.message, HasSubstr("RC2"));
  EXPECT_THAT(error.next, HasSubstr("openssl pkcs12 -legacy"));
}

TEST_F(Pkcs12Test, FileWithoutMacIsRefused) {
  const TemporaryFolder folder;
  WritePem(folder, owner_);
  ASSERT_EQ(
      RunCommand(folder, "openssl pkcs12 -export -nomac -in id.pem -passout pass:pw -out f.p12")
          .exit_code,
      0);
  const Error error = ReadError(folder.Read("f.p12"));
  EXPECT_EQ(error.code, Code::kMalformed);
  EXPECT_THAT(error.message, HasSubstr("no MAC"));
}

TEST_F(Pkcs12Test, WhatIsNoFileIsRefused) {
  EXPECT_EQ(ReadError({}).code, Code::kMalformed);
  EXPECT_EQ(ReadError(AsBytes("hello")).code, Code::kMalformed);
  Bytes file = Written();
  file.push_back(0);
  EXPECT_EQ(ReadError(file, "correct horse").code, Code::kMalformed);
  EXPECT_THAT(ReadError(Bytes(kPkcs12MaxLen + 1)).message, HasSubstr("1 MiB"));
}

TEST_F(Pkcs12Test, NoChangedOctetIsReadAsSomethingElse) {
  const Bytes file = Written();
  const auto whole = ReadPkcs12(file, Secret("correct horse"));
  for (std::size_t i = 0; i < file.size(); i += 3) {
    Bytes changed = file;
    changed[i] ^= 0x01;
    const auto read = ReadPkcs12(changed, Secret("correct horse"));
    if (!read) continue;  // an absent NULL of an algorithm, say, is outside the MAC and harmless
    EXPECT_EQ(read->secrets.size(), 1U) << i;
    EXPECT_EQ(read->secrets[0].data, whole->secrets[0].data) << i;
    EXPECT_EQ(read->keys.size(), 2U) << i;
  }
}

TEST_F(Pkcs12Test, IterationsAreSummedBeforeAnyKeyIsDerived) {
  Bytes file = Written(100'000);
  // Both 8,388,607: each alone is within the limit.
  ReplaceAll(file, {0x02, 0x03, 0x01, 0x86, 0xa0}, {0x02, 0x03, 0x7f, 0xff, 0xff}, 2);
  const Error error = ReadError(file, "correct horse");
  EXPECT_EQ(error.code, Code::kMalformed);
  EXPECT_THAT(error.message, HasSubstr("more than 10000000 iterations"));
}

TEST_F(Pkcs12Test, NegativeOrZeroIterationsAreRefused) {
  for (const std::uint8_t high : {std::uint8_t{0x80}, std::uint8_t{0x00}}) {
    Bytes file = Written(100'000);
    ReplaceAll(file, {0x02, 0x03, 0x01, 0x86, 0xa0}, {0x02, 0x03, high, 0x00, 0x00}, 2);
    EXPECT_EQ(ReadError(file, "correct horse").code, Code::kMalformed);
  }
}

TEST_F(Pkcs12Test, IterationsOfShroudedKeysCount) {
  const auto costly = [] {
    unsigned char salt[8] = {};
    return ShroudedBag(PKCS5_pbe2_set(EVP_aes_256_cbc(), 9'999'999, salt, sizeof salt));
  };
  const SafeBagStackPtr bags(sk_PKCS12_SAFEBAG_new_null());
  sk_PKCS12_SAFEBAG_push(bags.get(), costly().release());
  EXPECT_THAT(ReadError(FileOfPlainBags(bags)).message, HasSubstr("iterations"));
  EXPECT_THAT(ReadError(FileOfPlainBags(bags), "wrong").message, HasSubstr("iterations"))
      << "before the MAC";
  EXPECT_THAT(ReadError(FileOfEncryptedBags(bags)).message, HasSubstr("iterations"));
}

TEST_F(Pkcs12Test, OtherKeyDerivationIsNamed) {
  unsigned char salt[8] = {};
  const SafeBagStackPtr bags(sk_PKCS12_SAFEBAG_new_null());
  sk_PKCS12_SAFEBAG_push(
      bags.get(), ShroudedBag(PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof salt, nullptr,
                                                    1 << 14, 8, 1))
                      .release());
  EXPECT_THAT(ReadError(FileOfPlainBags(bags)).message, HasSubstr("scrypt"));
}

TEST_F(Pkcs12Test, ShroudedKeyThatDoesNotOpenIsDamage) {
  unsigned char salt[8] = {};
  const SafeBagStackPtr bags(sk_PKCS12_SAFEBAG_new_null());
  sk_PKCS12_SAFEBAG_push(
      bags.get(), ShroudedBag(PKCS5_pbe2_set(EVP_aes_256_cbc(), 5, salt, sizeof salt)).release());
  EXPECT_THAT(ReadError(FileOfPlainBags(bags)).message, HasSubstr("a key does not open"));
}

TEST_F(Pkcs12Test, BagsAreCountedToTheLimit) {
  for (const std::size_t count : {kPkcs12MaxBags, kPkcs12MaxBags + 1}) {
    const SafeBagStackPtr bags(sk_PKCS12_SAFEBAG_new_null());
    const Bytes data = {1};
    for (std::size_t i = 0; i < count; ++i) {
      sk_PKCS12_SAFEBAG_push(bags.get(), PKCS12_SAFEBAG_create_secret(
                                             NID_pkcs7_data, V_ASN1_OCTET_STRING, data.data(), 1));
    }
    for (const Bytes& file : {FileOfPlainBags(bags), FileOfEncryptedBags(bags)}) {
      const auto read = ReadPkcs12(file, Secret("pw"));
      const std::string refusal = read ? "" : read.error().message;
      EXPECT_EQ(refusal, count == kPkcs12MaxBags ? "" : "the PKCS#12 file has more than 256 bags");
    }
  }
}

TEST_F(Pkcs12Test, SafesAreCountedToo) {
  const SafeBagStackPtr none(sk_PKCS12_SAFEBAG_new_null());
  const Pkcs7StackPtr safes(sk_PKCS7_new_null());
  for (std::size_t i = 0; i <= kPkcs12MaxBags; ++i) {
    sk_PKCS7_push(safes.get(), PKCS12_pack_p7data(none.get()));
  }
  EXPECT_THAT(ReadError(FileOf(safes.get())).message, HasSubstr("too many safes"));
}

TEST_F(Pkcs12Test, NestedSafesAreReadAndCounted) {
  // SafeBag { safeContentsBag, [0] { SEQUENCE OF one secret bag } } (RFC 7292 4.2.6).
  const Bytes data = ToBytes("nested");
  const SafeBagPtr inner(PKCS12_SAFEBAG_create_secret(NID_pkcs7_data, V_ASN1_OCTET_STRING,
                                                      data.data(), static_cast<int>(data.size())));
  const auto wrapped = [](std::uint8_t tag, const Bytes& content) {
    return Writer().U8(tag).U8(static_cast<std::uint8_t>(content.size())).Raw(content).Take();
  };
  const Bytes oid = {0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x06};
  const Bytes contents = wrapped(0xa0, wrapped(0x30, EncodeDer<&i2d_PKCS12_SAFEBAG>(inner.get())));
  const Bytes der = wrapped(0x30, Writer().Raw(oid).Raw(contents).Take());
  SafeBagPtr outer = DecodeDer<SafeBagPtr, &d2i_PKCS12_SAFEBAG>(der);
  ASSERT_TRUE(outer);
  const SafeBagStackPtr bags(sk_PKCS12_SAFEBAG_new_null());
  sk_PKCS12_SAFEBAG_push(bags.get(), outer.release());
  const auto read = ReadPkcs12(FileOfPlainBags(bags), Secret("pw"));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->secrets.size(), 1U);
  EXPECT_EQ(read->secrets[0].data, data);
}

TEST_F(Pkcs12Test, KeyOfAnotherKindIsToldApart) {
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
  EXPECT_THAT(read->rejected_keys[0], AllOf(HasSubstr("big"), HasSubstr("another curve")));
  EXPECT_EQ(read->certificates.size(), 1U);
}

TEST_F(Pkcs12Test, WriterRefusesWhatTheReaderWould) {
  Pkcs12Contents many;
  many.secrets.assign(kPkcs12MaxBags + 1, {.friendly_name = "", .data = {1}});
  EXPECT_EQ(WritePkcs12(many, Secret("pw"), kFew).error().code, Code::kExhausted);
  Pkcs12Contents large;
  large.secrets.push_back({.friendly_name = "", .data = Bytes(kPkcs12MaxLen)});
  EXPECT_EQ(WritePkcs12(large, Secret("pw"), kFew).error().code, Code::kExhausted);
  EXPECT_EQ(WritePkcs12({}, Secret("pw"), 0).error().code, Code::kUsage);
  EXPECT_EQ(WritePkcs12({}, Secret("pw"), 5'000'001).error().code, Code::kUsage);
  Pkcs12Contents odd;
  odd.certificates.push_back({.der = ToBytes("no certificate"), .friendly_name = ""});
  EXPECT_EQ(WritePkcs12(odd, Secret("pw"), kFew).error().code, Code::kMalformed);
}

}  // namespace
}  // namespace countersign::crypto
