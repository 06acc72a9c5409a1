#include "base/bytes.h"

#include <gtest/gtest.h>

namespace countersign {
namespace {

TEST(ReaderTest, ReadsBackWhatWriterWrote) {
  const Bytes bytes = Writer()
                          .U8(0x01)
                          .U16(0x0203)
                          .U32(0x04050607)
                          .U64(0x08090a0b0c0d0e0f)
                          .Prefixed(AsBytes("hello"))
                          .Raw(AsBytes("!?"))
                          .Take();
  Reader reader(bytes);
  EXPECT_EQ(reader.ReadU8(), 0x01);
  EXPECT_EQ(reader.ReadU16(), 0x0203);
  EXPECT_EQ(reader.ReadU32(), 0x04050607U);
  EXPECT_EQ(reader.ReadU64(), 0x08090a0b0c0d0e0fU);
  EXPECT_EQ(AsText(reader.ReadPrefixed(5)), "hello");
  EXPECT_EQ(reader.remaining(), 2U);
  EXPECT_EQ(reader.ReadArray<2>(), (std::array<std::uint8_t, 2>{'!', '?'}));
  EXPECT_TRUE(reader.AtEnd());
}

TEST(ReaderTest, IntegersAreBigEndian) {
  EXPECT_EQ(Writer().U32(0x01020304).Take(), (Bytes{1, 2, 3, 4}));
}

TEST(ReaderTest, ReadPastEndFailsForGood) {
  const Bytes bytes = {1, 2, 3};
  Reader reader(bytes);
  EXPECT_EQ(reader.ReadU32(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_FALSE(reader.AtEnd());
  EXPECT_EQ(reader.ReadU8(), 0);
  EXPECT_EQ(reader.remaining(), 0U);
}

TEST(ReaderTest, ReadToTheLastOctetIsNoFailure) {
  const Bytes bytes = {1, 2, 3};
  Reader reader(bytes);
  EXPECT_EQ(reader.ReadBytes(3).size(), 3U);
  EXPECT_TRUE(reader.AtEnd());
  EXPECT_TRUE(reader.ReadBytes(0).empty());
  EXPECT_TRUE(reader.ok());
}

TEST(ReaderTest, PrefixedOverTheLimitFails) {
  const Bytes bytes = Writer().Prefixed(AsBytes("four")).Take();
  Reader reader(bytes);
  EXPECT_TRUE(reader.ReadPrefixed(3).empty());
  EXPECT_FALSE(reader.ok());
}

TEST(ReaderTest, PrefixedThatPromisesMoreThanThereIsFails) {
  const Bytes bytes = {0xff, 0xff, 0xff, 0xff, 1};
  Reader reader(bytes);
  EXPECT_TRUE(reader.ReadPrefixed(SIZE_MAX).empty());
  EXPECT_FALSE(reader.ok());
}

TEST(ReaderTest, ArrayPastEndIsZeroes) {
  const Bytes bytes = {7};
  Reader reader(bytes);
  EXPECT_EQ(reader.ReadArray<2>(), (std::array<std::uint8_t, 2>{0, 0}));
  EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace countersign
