#include "crypto/hash.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace countersign::crypto {
namespace {

TEST(Sha256Test, Fips180Vectors) {
  EXPECT_EQ(HexLower(Sha256(AsBytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HexLower(Sha256(ByteView())),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256Test, PartsHashAsTheirConcatenation) {
  EXPECT_EQ(Sha256({AsBytes("a"), ByteView(), AsBytes("bc")}), Sha256(AsBytes("abc")));
  EXPECT_EQ(Sha256(std::initializer_list<ByteView>{}), Sha256(ByteView()));
}

TEST(Sha1Test, Fips180Vector) {
  EXPECT_EQ(HexLower(Sha1(AsBytes("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(HmacSha256Test, Rfc4231Vectors) {
  EXPECT_EQ(HexLower(HmacSha256(Bytes(20, 0x0b), AsBytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(HexLower(HmacSha256(AsBytes("Jefe"), AsBytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(HexLower(HmacSha256(Bytes(131, 0xaa),
                                AsBytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256Test, EmptyKeyAndMessage) {
  EXPECT_EQ(HexLower(HmacSha256({}, {})),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(EqualConstantTimeTest, ComparesContentAndLength) {
  EXPECT_TRUE(EqualConstantTime({}, {}));
  EXPECT_TRUE(EqualConstantTime(AsBytes("ab"), AsBytes("ab")));
  EXPECT_FALSE(EqualConstantTime(AsBytes("ab"), AsBytes("ac")));
  EXPECT_FALSE(EqualConstantTime(AsBytes("ab"), AsBytes("a")));
}

TEST(SystemRandomTest, FillsAndDoesNotRepeat) {
  SystemRandom random;
  EXPECT_NE(random.Array<32>(), random.Array<32>());
  EXPECT_NE(random.Token(), random.Token());
  random.Fill({});
}

}  // namespace
}  // namespace countersign::crypto
