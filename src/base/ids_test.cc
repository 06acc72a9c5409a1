#include "base/ids.h"

#include <gtest/gtest.h>

namespace countersign {
namespace {

constexpr std::string_view kText = "0123fedc-ba98-4654-b210-00ff11ee22dd";

TEST(UuidTest, TextRoundTrips) {
  const auto uuid = Uuid::ParseText(kText);
  ASSERT_TRUE(uuid);
  EXPECT_EQ(uuid->Text(), kText);
  EXPECT_EQ(uuid->Urn(), "urn:uuid:" + std::string(kText));
  EXPECT_EQ(Uuid::ParseUrn(uuid->Urn()), uuid);
}

TEST(UuidTest, OtherSpellingsAreRefused) {
  for (const char* text :
       {"", "0123FEDC-ba98-4654-b210-00ff11ee22dd", "0123fedcba984654b21000ff11ee22dd",
        "{0123fedc-ba98-4654-b210-00ff11ee22dd}", "0123fedc-ba98-4654-b210-00ff11ee22d",
        "0123fedc-ba98-4654-b210-00ff11ee22ddd", "0123fedc-ba98-4654-b21000ff-11ee22dd-",
        "0123fedc-ba98-4654-b210-00ff11ee22dg", " 123fedc-ba98-4654-b210-00ff11ee22dd",
        "urn:uuid:0123fedc-ba98-4654-b210-00ff11ee22dd"}) {
    EXPECT_FALSE(Uuid::ParseText(text)) << text;
  }
}

TEST(UuidTest, UrnPrefixIsExact) {
  EXPECT_FALSE(Uuid::ParseUrn(kText));
  EXPECT_FALSE(Uuid::ParseUrn("URN:UUID:" + std::string(kText)));
  EXPECT_FALSE(Uuid::ParseUrn("urn:uuid:" + std::string(kText) + "#"));
}

TEST(UuidTest, FromDigestIsVersion8OfItsFirst16Bytes) {
  Digest digest;
  digest.fill(0xff);
  EXPECT_EQ(Uuid::FromDigest(digest).Text(), "ffffffff-ffff-8fff-bfff-ffffffffffff");
  digest.fill(0x00);
  EXPECT_EQ(Uuid::FromDigest(digest).Text(), "00000000-0000-8000-8000-000000000000");
}

TEST(UuidTest, FromRandomIsVersion4) {
  std::array<std::uint8_t, 16> random;
  random.fill(0xff);
  EXPECT_EQ(Uuid::FromRandom(random).Text(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
}

TEST(UuidTest, DefaultIsNil) {
  EXPECT_TRUE(Uuid().is_nil());
  EXPECT_FALSE(Uuid::ParseText(kText)->is_nil());
}

TEST(Token128Test, TextRoundTrips) {
  std::array<std::uint8_t, 16> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(250 - i * 9);
  const Token128 token(bytes);
  EXPECT_EQ(token.Text().size(), 22U);
  EXPECT_EQ(Token128::Parse(token.Text()), token);
}

TEST(Token128Test, OtherLengthsAndSpellingsAreRefused) {
  EXPECT_TRUE(Token128::Parse("AAAAAAAAAAAAAAAAAAAAAA"));
  EXPECT_FALSE(Token128::Parse("AAAAAAAAAAAAAAAAAAAAAB"));  // unused bits
  EXPECT_FALSE(Token128::Parse("AAAAAAAAAAAAAAAAAAAAA"));
  EXPECT_FALSE(Token128::Parse("AAAAAAAAAAAAAAAAAAAAAAA"));
  EXPECT_FALSE(Token128::Parse("AAAAAAAAAAAAAAAAAAAAAA=="));
}

}  // namespace
}  // namespace countersign
