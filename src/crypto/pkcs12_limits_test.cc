#include "crypto/pkcs12_fixture.h"

namespace countersign::crypto {
namespace {

using ::testing::HasSubstr;

class Pkcs12LimitsTest : public Pkcs12Test {};

TEST_F(Pkcs12LimitsTest, FileThatWasCutOffIsSaidToBe) {
  const Bytes file = Written();
  for (const std::size_t len : {std::size_t{20}, file.size() / 2, file.size() - 1}) {
    const Error error = ReadError(ByteView(file).first(len), "correct horse");
    EXPECT_EQ(error.code, Code::kMalformed);
    EXPECT_THAT(error.message, HasSubstr("cut off: it has " + std::to_string(len) + " octets"));
  }
}

TEST_F(Pkcs12LimitsTest, NoChangedOctetIsReadAsSomethingElse) {
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

TEST_F(Pkcs12LimitsTest, IterationsAreSummedBeforeAnyKeyIsDerived) {
  Bytes file = Written(100'000);
  // Both 8,388,607: each alone is within the limit.
  ReplaceAll(file, {0x02, 0x03, 0x01, 0x86, 0xa0}, {0x02, 0x03, 0x7f, 0xff, 0xff}, 2);
  const Error error = ReadError(file, "correct horse");
  EXPECT_EQ(error.code, Code::kMalformed);
  EXPECT_THAT(error.message, HasSubstr("more than 10000000 iterations"));
}

TEST_F(Pkcs12LimitsTest, NegativeOrZeroIterationsAreRefused) {
  for (const std::uint8_t high : {std::uint8_t{0x80}, std::uint8_t{0x00}}) {
    Bytes file = Written(100'000);
    ReplaceAll(file, {0x02, 0x03, 0x01, 0x86, 0xa0}, {0x02, 0x03, high, 0x00, 0x00}, 2);
    EXPECT_EQ(ReadError(file, "correct horse").code, Code::kMalformed);
  }
}

TEST_F(Pkcs12LimitsTest, IterationsOfShroudedKeysCount) {
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

TEST_F(Pkcs12LimitsTest, OtherKeyDerivationIsNamed) {
  unsigned char salt[8] = {};
  const SafeBagStackPtr bags(sk_PKCS12_SAFEBAG_new_null());
  sk_PKCS12_SAFEBAG_push(
      bags.get(), ShroudedBag(PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof salt, nullptr,
                                                    1 << 14, 8, 1))
                      .release());
  EXPECT_THAT(ReadError(FileOfPlainBags(bags)).message, HasSubstr("scrypt"));
}

TEST_F(Pkcs12LimitsTest, ShroudedKeyThatDoesNotOpenIsDamage) {
  unsigned char salt[8] = {};
  const SafeBagStackPtr bags(sk_PKCS12_SAFEBAG_new_null());
  sk_PKCS12_SAFEBAG_push(
      bags.get(), ShroudedBag(PKCS5_pbe2_set(EVP_aes_256_cbc(), 5, salt, sizeof salt)).release());
  EXPECT_THAT(ReadError(FileOfPlainBags(bags)).message, HasSubstr("a key does not open"));
}

TEST_F(Pkcs12LimitsTest, BagsAreCountedToTheLimit) {
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

TEST_F(Pkcs12LimitsTest, SafesAreCountedToo) {
  const SafeBagStackPtr none(sk_PKCS12_SAFEBAG_new_null());
  const Pkcs7StackPtr safes(sk_PKCS7_new_null());
  for (std::size_t i = 0; i <= kPkcs12MaxBags; ++i) {
    sk_PKCS7_push(safes.get(), PKCS12_pack_p7data(none.get()));
  }
  EXPECT_THAT(ReadError(FileOf(safes.get())).message, HasSubstr("too many safes"));
}

TEST_F(Pkcs12LimitsTest, NestedSafesAreReadAndCounted) {
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

TEST_F(Pkcs12LimitsTest, WriterRefusesWhatTheReaderWould) {
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

TEST_F(Pkcs12LimitsTest, WhatIsNoFileIsRefused) {
  EXPECT_EQ(ReadError({}).code, Code::kMalformed);
  EXPECT_EQ(ReadError(AsBytes("hello")).code, Code::kMalformed);
  Bytes file = Written();
  file.push_back(0);
  EXPECT_EQ(ReadError(file, "correct horse").code, Code::kMalformed);
  EXPECT_THAT(ReadError(Bytes(kPkcs12MaxLen + 1)).message, HasSubstr("1 MiB"));
}

}  // namespace
}  // namespace countersign::crypto
