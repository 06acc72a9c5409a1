#include "trust/challenge.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace countersign::trust {
namespace {

constexpr Uptime kDrawn = Uptime(1'000'000);
constexpr ChallengeUse kListener = ChallengeUse::kListener;
constexpr ChallengeUse kReport = ChallengeUse::kReport;

std::array<std::uint8_t, 16> Random(std::uint32_t n) {
  std::array<std::uint8_t, 16> random{};
  for (std::size_t i = 0; i < 4; ++i) random[i] = static_cast<std::uint8_t>(n >> (8 * i));
  return random;
}

class ChallengeTest : public ::testing::Test {
 protected:
  static ChallengeKeeper KeeperWithKey(std::uint8_t fill) {
    return ChallengeKeeper(SecretBytes(Bytes(32, fill)));
  }
  // Draws `count` challenges at one moment and uses them up.
  void Flood(std::uint32_t count, ChallengeUse use, Uptime at) {
    for (std::uint32_t i = 0; i < count; ++i) {
      keeper_.Spend(keeper_.Draw(use, Random(1'000'000 + i), at), at);
    }
  }
  ChallengeKeeper keeper_ = KeeperWithKey(0x11);
  std::string challenge_ = keeper_.Draw(kListener, Random(7), kDrawn);
};

TEST_F(ChallengeTest, FormIsWithinTheLimitOfTheWire) {
  EXPECT_EQ(challenge_.size(), 76U);  // 1..128 base64url characters (section 11)
  EXPECT_TRUE(Base64UrlDecode(challenge_).has_value());
}

TEST_F(ChallengeTest, FreshOneIsGoodUntilUsedUp) {
  EXPECT_TRUE(keeper_.IsGood(challenge_, kListener, kDrawn));
  EXPECT_TRUE(keeper_.IsGood(challenge_, kListener, kDrawn));  // asking changes nothing
  keeper_.Spend(challenge_, kDrawn);
  EXPECT_FALSE(keeper_.IsGood(challenge_, kListener, kDrawn));
  keeper_.Spend(challenge_, kDrawn);
  EXPECT_FALSE(keeper_.IsGood(challenge_, kListener, kDrawn + ChallengeKeeper::kLifetime));
}

TEST_F(ChallengeTest, OneUsedUpLeavesTheOthers) {
  const std::string other = keeper_.Draw(kListener, Random(8), kDrawn);
  const std::string later = keeper_.Draw(kListener, Random(7), kDrawn + Uptime(1));
  keeper_.Spend(challenge_, kDrawn + Uptime(1));
  EXPECT_TRUE(keeper_.IsGood(other, kListener, kDrawn + Uptime(1)));
  EXPECT_TRUE(keeper_.IsGood(later, kListener, kDrawn + Uptime(1)));
}

TEST_F(ChallengeTest, GoodForTheUseItWasMadeForOnly) {
  const std::string report = keeper_.Draw(kReport, Random(7), kDrawn);
  EXPECT_NE(report, challenge_);
  EXPECT_FALSE(keeper_.IsGood(challenge_, kReport, kDrawn));
  EXPECT_FALSE(keeper_.IsGood(report, kListener, kDrawn));
  EXPECT_TRUE(keeper_.IsGood(report, kReport, kDrawn));
}

TEST_F(ChallengeTest, GoodAtExactly300SecondsAndNoLonger) {
  EXPECT_TRUE(keeper_.IsGood(challenge_, kListener, kDrawn + Uptime(300'000)));
  EXPECT_FALSE(keeper_.IsGood(challenge_, kListener, kDrawn + Uptime(300'001)));
}

TEST_F(ChallengeTest, FromTheFutureIsStale) {
  EXPECT_FALSE(keeper_.IsGood(challenge_, kListener, kDrawn - Uptime(1)));
  EXPECT_FALSE(keeper_.IsGood(challenge_, kListener, Uptime(0)));
}

TEST_F(ChallengeTest, DrawnAtTheFirstMillisecondIsGood) {
  const std::string first = keeper_.Draw(kListener, Random(7), Uptime(0));
  EXPECT_TRUE(keeper_.IsGood(first, kListener, Uptime(0)));
  EXPECT_TRUE(keeper_.IsGood(first, kListener, Uptime(300'000)));
}

TEST_F(ChallengeTest, OfAnotherKeyIsStale) {
  const ChallengeKeeper other = KeeperWithKey(0x12);
  EXPECT_FALSE(other.IsGood(challenge_, kListener, kDrawn));
  const std::string theirs = other.Draw(kListener, Random(7), kDrawn);
  EXPECT_FALSE(keeper_.IsGood(theirs, kListener, kDrawn));
}

TEST_F(ChallengeTest, SpendingWhatWasNotMadeHereChangesNothing) {
  keeper_.Spend(KeeperWithKey(0x12).Draw(kListener, Random(7), kDrawn), kDrawn);
  keeper_.Spend("", kDrawn);
  EXPECT_TRUE(keeper_.IsGood(challenge_, kListener, kDrawn));
}

TEST_F(ChallengeTest, AnyFlippedBitIsStale) {
  const Bytes octets = *Base64UrlDecode(challenge_);
  for (std::size_t bit = 0; bit < octets.size() * 8; ++bit) {
    Bytes flipped = octets;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const std::string text = Base64UrlEncode(flipped);
    EXPECT_FALSE(keeper_.IsGood(text, kListener, kDrawn)) << "bit " << bit;
    EXPECT_FALSE(keeper_.IsGood(text, kReport, kDrawn)) << "bit " << bit;
  }
}

TEST_F(ChallengeTest, AnyOtherLengthOrFormIsStale) {
  for (std::size_t len = 0; len < challenge_.size(); ++len) {
    EXPECT_FALSE(keeper_.IsGood(challenge_.substr(0, len), kListener, kDrawn)) << len;
  }
  for (const std::string_view suffix : {"A", "AA", "AAAA", "=", " ", "\n"}) {
    EXPECT_FALSE(keeper_.IsGood(challenge_ + std::string(suffix), kListener, kDrawn)) << suffix;
  }
  EXPECT_FALSE(keeper_.IsGood(" " + challenge_, kListener, kDrawn));
  EXPECT_FALSE(keeper_.IsGood(std::string(76, 'A'), kListener, kDrawn));
  EXPECT_FALSE(keeper_.IsGood(std::string(1 << 20, 'A'), kListener, kDrawn));
}

TEST_F(ChallengeTest, FloodOfUsedOnesNeverMakesAUsedOneGoodAgain) {
  keeper_.Spend(challenge_, kDrawn);
  Flood(ChallengeKeeper::kMaxSpent, kListener, kDrawn + Uptime(1));
  EXPECT_FALSE(keeper_.IsGood(challenge_, kListener, kDrawn + Uptime(2)));
}

TEST_F(ChallengeTest, FloodMakesOldOnesStaleAndLeavesFreshOnes) {
  // A thief of the server key spends as fast as it can; the rightful server still gets through.
  const std::string same_time = keeper_.Draw(kListener, Random(7), kDrawn + Uptime(10));
  Flood(ChallengeKeeper::kMaxSpent + 1, kListener, kDrawn + Uptime(10));
  EXPECT_FALSE(keeper_.IsGood(challenge_, kListener, kDrawn + Uptime(20)));
  EXPECT_FALSE(keeper_.IsGood(same_time, kListener, kDrawn + Uptime(20)));
  const std::string fresh = keeper_.Draw(kListener, Random(9), kDrawn + Uptime(20));
  EXPECT_TRUE(keeper_.IsGood(fresh, kListener, kDrawn + Uptime(20)));
}

TEST_F(ChallengeTest, FloodAtTheLimitForgetsNothing) {
  const std::string used = keeper_.Draw(kListener, Random(1), kDrawn);
  keeper_.Spend(used, kDrawn);
  Flood(ChallengeKeeper::kMaxSpent - 1, kListener, kDrawn);
  EXPECT_TRUE(keeper_.IsGood(challenge_, kListener, kDrawn));
  EXPECT_FALSE(keeper_.IsGood(used, kListener, kDrawn));
}

TEST_F(ChallengeTest, FloodAtTheListenerLeavesTheChallengeOfAReport) {
  const std::string report = keeper_.Draw(kReport, Random(7), kDrawn);
  Flood(ChallengeKeeper::kMaxSpent + 1, kListener, kDrawn + Uptime(10));
  EXPECT_TRUE(keeper_.IsGood(report, kReport, kDrawn + Uptime(20)));
}

TEST_F(ChallengeTest, WhatWasForgottenStaysStaleIfTheClockStepsBack) {
  keeper_.Spend(challenge_, kDrawn);
  const Uptime later = kDrawn + ChallengeKeeper::kLifetime + Uptime(1);
  keeper_.Spend(keeper_.Draw(kListener, Random(8), later), later);  // drops the older one
  EXPECT_FALSE(keeper_.IsGood(challenge_, kListener, kDrawn));
}

}  // namespace
}  // namespace countersign::trust
