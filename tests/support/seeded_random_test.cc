#include "tests/support/seeded_random.h"

#include <gtest/gtest.h>

namespace countersign::testing {
namespace {

TEST(SeededRandomTest, SameSeedSameBytes) {
  SeededRandom one(7);
  SeededRandom same(7);
  SeededRandom other(8);
  const auto bytes = one.Array<20>();
  EXPECT_EQ(bytes, same.Array<20>());
  EXPECT_NE(bytes, other.Array<20>());
  EXPECT_NE(bytes, one.Array<20>());
}

TEST(SeededRandomTest, IsSplitmix64) {
  EXPECT_EQ(SeededRandom(1234567).Next(), 6457827717110365317U);  // the author's own first value
}

}  // namespace
}  // namespace countersign::testing
