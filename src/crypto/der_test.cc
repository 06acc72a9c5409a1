#include "crypto/der.h"

#include <gtest/gtest.h>

namespace countersign::crypto {
namespace {

TEST(DerReaderTest, ReadsElementsInOrder) {
  const Bytes der = {0x02, 0x01, 0x05, 0x05, 0x00};
  DerReader reader(der);
  EXPECT_TRUE(reader.NextIs(kDerInteger));
  EXPECT_EQ(ToBytes(reader.Read(kDerInteger)), Bytes{5});
  EXPECT_FALSE(reader.AtEnd());
  EXPECT_TRUE(reader.Read(kDerNull).empty());
  EXPECT_TRUE(reader.AtEnd());
}

TEST(DerReaderTest, AnotherTagFailsForGood) {
  const Bytes der = {0x02, 0x01, 0x05};
  DerReader reader(der);
  EXPECT_TRUE(reader.Read(kDerOid).empty());
  EXPECT_FALSE(reader.AtEnd());
  EXPECT_TRUE(reader.Read(kDerInteger).empty());
}

TEST(DerReaderTest, LongLengthsAreRead) {
  for (const std::size_t len : {127U, 128U, 255U, 256U, 65535U}) {
    Writer writer;
    writer.U8(0x04);
    if (len < 128) {
      writer.U8(static_cast<std::uint8_t>(len));
    } else if (len < 256) {
      writer.U8(0x81).U8(static_cast<std::uint8_t>(len));
    } else {
      writer.U8(0x82).U16(static_cast<std::uint16_t>(len));
    }
    writer.Raw(Bytes(len));
    const auto element = DerReader(writer.bytes()).ReadAny();
    ASSERT_TRUE(element) << len;
    EXPECT_EQ(element->content.size(), len);
    EXPECT_EQ(element->whole.size(), writer.bytes().size());
  }
}

TEST(IsDerTest, LengthsThatDerRefuses) {
  EXPECT_TRUE(IsDer(Bytes{0x30, 0x02, 0x05, 0x00}));
  EXPECT_FALSE(IsDer(Bytes{0x30, 0x81, 0x02, 0x05, 0x00})) << "not minimal";
  EXPECT_FALSE(IsDer(Bytes{0x30, 0x82, 0x00, 0x02, 0x05, 0x00})) << "not minimal";
  EXPECT_FALSE(IsDer(Bytes{0x30, 0x80, 0x05, 0x00, 0x00, 0x00})) << "indefinite";
  EXPECT_FALSE(IsDer(Bytes{0x30, 0x03, 0x05, 0x81, 0x00})) << "not minimal inside";
  EXPECT_FALSE(IsDer(Bytes{0x30, 0x03, 0x05, 0x00})) << "past the end";
  EXPECT_FALSE(IsDer(Bytes{0x30, 0x02, 0x05, 0x01})) << "past the end inside";
  EXPECT_FALSE(IsDer(Bytes{0x30, 0x00, 0x00})) << "octets after the end";
  EXPECT_FALSE(IsDer(Bytes{0x1f, 0x20, 0x00})) << "high tag";
  EXPECT_FALSE(IsDer({}));
}

TEST(IsDerTest, DepthIsLimited) {
  const auto nested = [](std::size_t levels) {
    Bytes der;
    for (std::size_t i = 0; i < levels; ++i) {
      der.insert(der.begin(), {0x30, static_cast<std::uint8_t>(der.size())});
    }
    return der;
  };
  EXPECT_TRUE(IsDer(nested(32)));
  EXPECT_FALSE(IsDer(nested(33)));
}

}  // namespace
}  // namespace countersign::crypto
