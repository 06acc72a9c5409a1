#include "crypto/argon2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/secret_fixture.h"
#include "tests/support/seeded_random.h"

namespace countersign::crypto {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr Argon2Cost kCheap{.memory_kib = 8, .passes = 1, .lanes = 1};

std::string Make(std::string_view password, const Argon2Cost& cost = kCheap) {
  testing::SeededRandom random(7);
  const auto verifier = MakeVerifier(Secret(password), cost, random);
  EXPECT_TRUE(verifier.has_value()) << verifier.error().message;
  return verifier.value_or("");
}

// Made by the reference implementation's own command line: argon2 somesalt -id -t 2 -m 16 -p 1.
TEST(Argon2Test, VerifierOfTheReferenceImplementation) {
  const std::string_view verifier =
      "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
  EXPECT_TRUE(VerifyPassword(verifier, Secret("password")).has_value());
  const auto other = VerifyPassword(verifier, Secret("Password"));
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().code, Code::kWrongPassword);
}

TEST(Argon2Test, WhatIsMadeVerifiesAndNothingElseDoes) {
  const std::string verifier = Make("correct horse");
  EXPECT_THAT(verifier, StartsWith("$argon2id$v=19$m=8,t=1,p=1$"));
  EXPECT_THAT(verifier, Not(HasSubstr("horse")));
  EXPECT_TRUE(CheckVerifierForm(verifier).has_value());
  EXPECT_TRUE(VerifyPassword(verifier, Secret("correct horse")).has_value());
  for (const std::string_view wrong : {"correct hors", "correct horse ", "", "Correct horse"}) {
    const auto tried = VerifyPassword(verifier, Secret(wrong));
    ASSERT_FALSE(tried.has_value()) << wrong;
    EXPECT_EQ(tried.error().code, Code::kWrongPassword);
  }
}

TEST(Argon2Test, SeveralLanesAndAnySaltGiveOtherHashes) {
  testing::SeededRandom random(1);
  const auto one = MakeVerifier(Secret("p"), kCheap, random);
  const auto two = MakeVerifier(Secret("p"), kCheap, random);
  EXPECT_NE(one.value(), two.value());
  const std::string lanes = Make("p", {.memory_kib = 64, .passes = 2, .lanes = 4});
  EXPECT_TRUE(VerifyPassword(lanes, Secret("p")).has_value());
}

TEST(Argon2Test, TheUsualCostIsTheDocumentedOne) {
  EXPECT_EQ(Argon2Cost(), (Argon2Cost{.memory_kib = 65'536, .passes = 3, .lanes = 1}));
}

TEST(Argon2Test, CostBeyondTheLimitsIsNotMade) {
  testing::SeededRandom random(1);
  for (const Argon2Cost cost :
       {Argon2Cost{.memory_kib = kMaxArgon2MemoryKib + 1, .passes = 1, .lanes = 1},
        Argon2Cost{.memory_kib = 8, .passes = kMaxArgon2Passes + 1, .lanes = 1},
        Argon2Cost{.memory_kib = 8, .passes = 0, .lanes = 1},
        Argon2Cost{.memory_kib = 8, .passes = 1, .lanes = 0},
        Argon2Cost{.memory_kib = 8, .passes = 1, .lanes = 2},
        Argon2Cost{.memory_kib = 7, .passes = 1, .lanes = 1}}) {
    const auto made = MakeVerifier(Secret("p"), cost, random);
    ASSERT_FALSE(made.has_value()) << cost.memory_kib << " " << cost.passes << " " << cost.lanes;
    EXPECT_EQ(made.error().code, Code::kUsage);
  }
}

// A server that was broken into sends what it likes: it must not cost this machine its memory.
TEST(Argon2Test, VerifierThatAsksTooMuchOrHasAnotherFormIsRefused) {
  const std::string tail = "$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA";
  EXPECT_TRUE(CheckVerifierForm("$argon2id$v=19$m=262144,t=16,p=8" + tail).has_value());
  for (const std::string& bad : std::vector<std::string>{
           "",
           "secret",
           "$argon2id$v=19$m=262145,t=1,p=1" + tail,
           "$argon2id$v=19$m=4294967296,t=1,p=1" + tail,
           "$argon2id$v=19$m=8,t=17,p=1" + tail,
           "$argon2id$v=19$m=8,t=0,p=1" + tail,
           "$argon2id$v=19$m=8,t=1,p=9" + tail,
           "$argon2id$v=19$m=15,t=1,p=2" + tail,
           "$argon2id$v=19$m=08,t=1,p=1" + tail,
           "$argon2id$v=19$m=+8,t=1,p=1" + tail,
           "$argon2id$v=19$m=-8,t=1,p=1" + tail,
           "$argon2id$v=19$m=8,t=1" + tail,
           "$argon2id$v=19$m=,t=1,p=1" + tail,
           "$argon2id$v=16$m=8,t=1,p=1" + tail,
           "$argon2i$v=19$m=8,t=1,p=1" + tail,
           "$argon2d$v=19$m=8,t=1,p=1" + tail,
           "$argon2id$m=8,t=1,p=1" + tail,
           "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ=$AAAAAAAAAAAAAAAAAAAAAA",
           "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA==",
           "$argon2id$v=19$m=8,t=1,p=1$c29tZXM$AAAAAAAAAAAAAAAAAAAAAA",
           "$argon2id$v=19$m=8,t=1,p=1$$AAAAAAAAAAAAAAAAAAAAAA",
           "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAA",
           "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$",
           "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
           "$argon2id$v=19$m=8,t=1,p=1" + tail + "$",
           "$argon2id$v=19$m=8,t=1,p=1" + tail + "\n",
           " $argon2id$v=19$m=8,t=1,p=1" + tail,
           "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$" + std::string(300, 'A')}) {
    const auto form = CheckVerifierForm(bad);
    ASSERT_FALSE(form.has_value()) << bad;
    EXPECT_EQ(form.error().code, Code::kMalformed);
    const auto verified = VerifyPassword(bad, Secret("secret"));
    ASSERT_FALSE(verified.has_value()) << bad;
    EXPECT_EQ(verified.error().code, Code::kMalformed);
    EXPECT_THAT(verified.error().message, Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace countersign::crypto
