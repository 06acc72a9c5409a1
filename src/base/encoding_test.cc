#include "base/encoding.h"

#include <gtest/gtest.h>

namespace countersign {
namespace {

Bytes Ramp(std::size_t len) {
  Bytes bytes(len);
  for (std::size_t i = 0; i < len; ++i) bytes[i] = static_cast<std::uint8_t>(i * 37 + 11);
  return bytes;
}

TEST(HexTest, RoundTrips) {
  const Bytes bytes = Ramp(300);
  EXPECT_EQ(ParseHex(HexLower(bytes)), bytes);
  EXPECT_EQ(ParseHex(HexUpper(bytes)), bytes);
  EXPECT_EQ(HexLower(Bytes{0x0a, 0xff}), "0aff");
  EXPECT_EQ(HexUpper(Bytes{0x0a, 0xff}), "0AFF");
  EXPECT_EQ(ParseHex(""), Bytes{});
}

TEST(HexTest, OddLengthAndOtherCharactersAreRefused) {
  for (const char* text : {"0", "0g", "0 ", "0:", "0x10", " 10", "/0", "@0", "`0"}) {
    EXPECT_FALSE(ParseHex(text)) << text;
  }
}

TEST(Base64UrlTest, Rfc4648Vectors) {
  EXPECT_EQ(Base64UrlEncode(AsBytes("")), "");
  EXPECT_EQ(Base64UrlEncode(AsBytes("f")), "Zg");
  EXPECT_EQ(Base64UrlEncode(AsBytes("fo")), "Zm8");
  EXPECT_EQ(Base64UrlEncode(AsBytes("foo")), "Zm9v");
  EXPECT_EQ(Base64UrlEncode(AsBytes("foobar")), "Zm9vYmFy");
  EXPECT_EQ(Base64UrlEncode(Bytes{0xfb, 0xff}), "-_8");
}

TEST(Base64UrlTest, RoundTripsEveryLength) {
  for (std::size_t len = 0; len < 100; ++len) {
    EXPECT_EQ(Base64UrlDecode(Base64UrlEncode(Ramp(len))), Ramp(len)) << len;
  }
}

TEST(Base64UrlTest, OnlyTheCanonicalSpellingIsAccepted) {
  EXPECT_TRUE(Base64UrlDecode("Zg"));
  EXPECT_FALSE(Base64UrlDecode("Zh"));  // unused bits
  EXPECT_TRUE(Base64UrlDecode("Zm8"));
  EXPECT_FALSE(Base64UrlDecode("Zm9"));
  EXPECT_FALSE(Base64UrlDecode("Z"));  // 4n+1
  EXPECT_FALSE(Base64UrlDecode("Zm9vY"));
  for (const char* text : {"Zg==", "Zg=", "Zm9v\n", " Zm9v", "Zm+v", "Zm/v", "Zm9v=", "Zm.v"}) {
    EXPECT_FALSE(Base64UrlDecode(text)) << text;
  }
  EXPECT_FALSE(Base64UrlDecode(std::string_view("Zm\0v", 4)));
}

TEST(Base64UrlTest, FixedLengthRefusesOtherLengths) {
  EXPECT_TRUE(Base64UrlDecodeFixed<16>(Base64UrlEncode(Ramp(16))));
  EXPECT_FALSE(Base64UrlDecodeFixed<16>(Base64UrlEncode(Ramp(15))));
  EXPECT_FALSE(Base64UrlDecodeFixed<16>(Base64UrlEncode(Ramp(17))));
}

TEST(Base64Test, RoundTripsEveryLength) {
  for (std::size_t len = 0; len < 100; ++len) {
    EXPECT_EQ(Base64Decode(Base64Encode(Ramp(len))), Ramp(len)) << len;
  }
  EXPECT_EQ(Base64Encode(AsBytes("f")), "Zg==");
  EXPECT_EQ(Base64Encode(Bytes{0xfb, 0xff}), "+/8=");
}

TEST(Base64Test, OnlyTheCanonicalSpellingIsAccepted) {
  for (const char* text : {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zm9v====", "Zm9v\n",
                           "-_8=", "Zg==Zg==", "Zm9v Zm9", "Zg=a"}) {
    EXPECT_FALSE(Base64Decode(text)) << text;
  }
}

TEST(Utf8Test, PrintableTextIsAccepted) {
  for (const char* text : {"", "plain ~", "Gr\xc3\xbc\xc3\x9f", "\xe6\x97\xa5", "\xf0\x9f\x94\x91",
                           "\xc2\xa0", "\xef\xbf\xbd", "\xed\x9f\xbf", "\xee\x80\x80"}) {
    EXPECT_TRUE(IsPrintableUtf8(text)) << text;
  }
}

TEST(Utf8Test, ControlCharactersAreRefused) {
  EXPECT_FALSE(IsPrintableUtf8(std::string_view("\0", 1)));
  for (const char* text : {"a\n", "\t", "\x1f", "\x7f", "\xc2\x80", "\xc2\x9b", "\xc2\x9f"}) {
    EXPECT_FALSE(IsPrintableUtf8(text)) << HexLower(AsBytes(text));
  }
}

TEST(Utf8Test, IllFormedTextIsRefused) {
  for (const char* text :
       {"\x80", "\xc0\xaf", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xe6\x97",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xff", "\xfe"}) {
    EXPECT_FALSE(IsPrintableUtf8(text)) << HexLower(AsBytes(text));
  }
}

TEST(Utf8Test, NoncharactersAreRefused) {
  for (const char* text : {"\xef\xb7\x90", "\xef\xb7\xaf", "\xef\xbf\xbe", "\xef\xbf\xbf",
                           "\xf0\x9f\xbf\xbe", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_FALSE(IsPrintableUtf8(text)) << HexLower(AsBytes(text));
  }
}

}  // namespace
}  // namespace countersign
