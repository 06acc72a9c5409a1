// The part of the trust state that remembers used-up warrants.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/must.h"
#include "trust/rule_a.h"
#include "trust/trust_state.h"

namespace countersign::trust {
namespace {

using ::testing::HasSubstr;
using testing::kTestBegin;
using testing::Must;

constexpr Seconds kDay = std::chrono::hours(24);

class SpentWarrantsTest : public ::testing::Test {
 protected:
  SpentWarrant Draw(Instant exp = kTestBegin + kDay) {
    return {.jti = authority_.random().Token(), .exp = exp};
  }
  static TrustState Spend(const TrustState& state, const SpentWarrant& spent,
                          Instant now = kTestBegin) {
    return Must(WithSpent(state, spent, now));
  }
  TrustState Full(Instant exp) {
    TrustState state = state_;
    while (state.spent.size() < kMaxSpentWarrants) state = Spend(state, Draw(exp));
    return state;
  }
  static Bytes WithChecksum(Bytes body) {
    const Digest checksum = crypto::Sha256(body);
    body.insert(body.end(), checksum.begin(), checksum.end());
    return body;
  }
  static Bytes BodyOf(const TrustState& state) {
    Bytes file = EncodeTrustState(state);
    file.resize(file.size() - sizeof(Digest));
    return file;
  }

  testing::TestAuthority authority_;
  const testing::Identity owner_ = authority_.MakeOwner();
  const ServerId id_ = authority_.MakeServerId();
  const TrustState state_ = Must(FirstTrust(
      authority_.MakeServer(owner_, {.server_ids = {id_}, .generation = 7}).certificate, nullptr));
};

TEST_F(SpentWarrantsTest, ComeBackFromTheFile) {
  const SpentWarrant one = Draw();
  const SpentWarrant two = Draw(kTestBegin + 30 * kDay);
  const TrustState state = Spend(Spend(state_, one), two);
  EXPECT_TRUE(state.HasSpent(one.jti) && state.HasSpent(two.jti));
  EXPECT_FALSE(state.HasSpent(Draw().jti));
  EXPECT_EQ(Must(ParseTrustState(EncodeTrustState(state))), state);
}

// A state without any is written as before there were warrants, and read as it was written then.
TEST_F(SpentWarrantsTest, StateWithoutAnyIsAFileOfVersionOne) {
  const Bytes file = EncodeTrustState(state_);
  EXPECT_EQ(file[4], 1);
  EXPECT_EQ(Must(ParseTrustState(file)), state_);
  EXPECT_EQ(EncodeTrustState(Spend(state_, Draw()))[4], 2);
}

TEST_F(SpentWarrantsTest, ContradictionsInTheFileAreDamage) {
  const TrustState state = Spend(state_, Draw());
  const std::size_t at = BodyOf(state_).size();  // of the number of used-up warrants
  const auto damaged = [](const Bytes& file) {
    const auto parsed = ParseTrustState(file);
    return !parsed && parsed.error().code == Code::kDamaged;
  };
  Bytes none = BodyOf(state);
  none.resize(at + 2);
  none[at + 1] = 0;
  EXPECT_TRUE(damaged(WithChecksum(none))) << "version 2 without any";
  Bytes more = BodyOf(state);
  more[at + 1] = 2;
  EXPECT_TRUE(damaged(WithChecksum(more))) << "one less than it says";
  Bytes twice = BodyOf(state);
  const Bytes entry(twice.begin() + static_cast<std::ptrdiff_t>(at) + 2, twice.end());
  twice.insert(twice.end(), entry.begin(), entry.end());
  twice[at + 1] = 2;
  EXPECT_TRUE(damaged(WithChecksum(twice))) << "one twice";
  Bytes late = BodyOf(state);
  late[at + 2 + 16] = 0xff;
  EXPECT_TRUE(damaged(WithChecksum(late))) << "an end beyond all integers";
  Bytes many = BodyOf(state);
  many[at] = 0xff;
  EXPECT_TRUE(damaged(WithChecksum(many)));
}

TEST_F(SpentWarrantsTest, NoneIsUsedUpTwice) {
  const SpentWarrant spent = Draw();
  const auto again = WithSpent(Spend(state_, spent), spent, kTestBegin);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, Code::kRefused);
}

// A clock that jumps ahead and comes back brings none back.
TEST_F(SpentWarrantsTest, WhatHasRunOutStaysWhileThereIsRoom) {
  const SpentWarrant early = Draw(kTestBegin + kDay);
  const TrustState state = Spend(Spend(state_, early), Draw(), kTestBegin + 300 * kDay);
  EXPECT_TRUE(state.HasSpent(early.jti));
}

TEST_F(SpentWarrantsTest, WhatHasRunOutGivesItsRoomWhenItIsNeeded) {
  const TrustState full = Full(kTestBegin + kDay);
  EXPECT_LE(EncodeTrustState(full).size(), kMaxTrustStateLen);
  EXPECT_EQ(Must(ParseTrustState(EncodeTrustState(full))), full);
  const auto refused = WithSpent(full, Draw(), kTestBegin);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_THAT(refused.error().next, HasSubstr("2026-01-02"));
  const SpentWarrant next = Draw(kTestBegin + 9 * kDay);
  const TrustState later = Spend(full, next, kTestBegin + kDay);
  EXPECT_EQ(later.spent, std::vector{next});
}

TEST_F(SpentWarrantsTest, ChangesOfTrustForgetNone) {
  const SpentWarrant spent = Draw();
  const TrustState before = Spend(state_, spent);
  const auto next = authority_.MakeServer(owner_, {.server_ids = {id_}, .generation = 8});
  const std::vector<Bytes> bundle = {next.certificate.der(), owner_.certificate.der()};
  const auto accepted = RuleA(before, bundle, {});
  ASSERT_TRUE(accepted.has_value());
  EXPECT_TRUE(Moved(before, *accepted).HasSpent(spent.jti));
  const auto other =
      authority_.MakeServer(authority_.MakeOwner(), {.server_ids = {authority_.MakeServerId()}});
  EXPECT_TRUE(Must(FirstTrust(other.certificate, &before)).HasSpent(spent.jti));
}

}  // namespace
}  // namespace countersign::trust
