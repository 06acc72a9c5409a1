#include "trust/trust_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "crypto/hash.h"
#include "tests/support/certificate_factory.h"
#include "trust/rule_a.h"

namespace countersign::trust {
namespace {

using crypto::Certificate;

TrustState Must(Result<TrustState> state) {
  Check(state.has_value(), state ? "" : state.error().message);
  return *std::move(state);
}

class TrustStateTest : public ::testing::Test {
 protected:
  Certificate Issue(std::uint64_t generation, std::vector<ServerId> ids) {
    return authority_.MakeServer(owner_, {.server_ids = std::move(ids), .generation = generation})
        .certificate;
  }
  // A state that rule A made, with a succession in its bundle.
  TrustState MovedState() {
    const auto next = authority_.MakeOwner();
    const auto succession = authority_.IssueSuccession(owner_, next, {id_});
    const auto server = authority_.MakeServer(next, {.server_ids = {id_}, .generation = 8});
    const std::vector<Bytes> bundle = {server.certificate.der(), succession.der(),
                                       owner_.certificate.der()};
    const auto accepted = RuleA(state_, bundle, {});
    Check(accepted.has_value(), "a good bundle");
    return Moved(state_, *accepted);
  }
  static std::string Damage(const Bytes& file) {
    const auto state = ParseTrustState(file);
    if (state) return "accepted";
    EXPECT_EQ(state.error().code, Code::kDamaged);
    EXPECT_NE(state.error().next, "");
    return state.error().message;
  }
  // `file` with another body octet at `at`, its checksum made right again.
  static Bytes Rewritten(Bytes file, std::size_t at, std::uint8_t value) {
    file.resize(file.size() - sizeof(Digest));
    file[at] = value;
    const Digest checksum = crypto::Sha256(file);
    file.insert(file.end(), checksum.begin(), checksum.end());
    return file;
  }

  testing::TestAuthority authority_;
  const testing::Identity owner_ = authority_.MakeOwner();
  const ServerId id_ = authority_.MakeServerId();
  const ServerId other_id_ = authority_.MakeServerId();
  const TrustState state_ = Must(FirstTrust(Issue(7, {id_, other_id_}), nullptr));
};

// First trust

TEST_F(TrustStateTest, FirstTrustTakesOwnerFirstServerIdAndGenerationOfTheCertificate) {
  EXPECT_EQ(state_.owner, owner_.key.public_key().digest());
  EXPECT_EQ(state_.server, id_);
  EXPECT_EQ(state_.generation, 7U);
  EXPECT_TRUE(state_.bundle.empty());
  ASSERT_EQ(state_.highest.size(), 1U);
  EXPECT_EQ(state_.highest[0], (TrustState::Highest{id_, 7, state_.certificate.thumbprint()}));
  EXPECT_EQ(state_.FindHighest(id_), &state_.highest[0]);
  EXPECT_EQ(state_.FindHighest(other_id_), nullptr);
}

TEST_F(TrustStateTest, FirstTrustOfAnImportedIdentityWithoutServerId) {
  const auto imported = authority_.MakeImported();
  const TrustState state = Must(FirstTrust(imported.certificate, nullptr));
  EXPECT_EQ(state.owner, imported.key.public_key().digest());
  EXPECT_EQ(state.server, Uuid::FromDigest(imported.key.public_key().digest()));
  EXPECT_EQ(state.generation, static_cast<std::uint64_t>(ToUnix(testing::kTestBegin)));
  EXPECT_EQ(Must(ParseTrustState(EncodeTrustState(state))), state);
}

TEST_F(TrustStateTest, FirstTrustRefusesWhatIsNoServerCertificate) {
  const auto next = authority_.MakeOwner();
  const auto refused = FirstTrust(authority_.IssueSuccession(owner_, next, {id_}), nullptr);
  EXPECT_EQ(refused.error().code, Code::kRefused);
}

TEST_F(TrustStateTest, MoverKeepsTheGenerationsOfOtherServers) {
  const TrustState moved = Must(FirstTrust(Issue(3, {other_id_}), &state_));
  EXPECT_EQ(moved.server, other_id_);
  ASSERT_EQ(moved.highest.size(), 2U);
  EXPECT_EQ(moved.FindHighest(id_)->generation, 7U);
  EXPECT_EQ(moved.FindHighest(other_id_)->generation, 3U);
  EXPECT_EQ(Must(ParseTrustState(EncodeTrustState(moved))), moved);
}

TEST_F(TrustStateTest, MoverSetsTheGenerationOfItsServerAlsoDownwards) {
  const Certificate older = Issue(2, {id_});
  const TrustState renewed = Must(FirstTrust(older, &state_));
  ASSERT_EQ(renewed.highest.size(), 1U);
  EXPECT_EQ(renewed.FindHighest(id_)->generation, 2U);
  EXPECT_EQ(renewed.FindHighest(id_)->thumbprint, older.thumbprint());
}

TEST_F(TrustStateTest, MoverKeepsTheServerIdThatIsNamedAmongOthers) {
  const TrustState renewed = Must(FirstTrust(Issue(9, {other_id_, id_}), &state_));
  EXPECT_EQ(renewed.server, id_);
  EXPECT_EQ(renewed.FindHighest(id_)->generation, 9U);
  EXPECT_EQ(renewed.FindHighest(other_id_), nullptr);
  EXPECT_EQ(Must(ParseTrustState(EncodeTrustState(renewed))), renewed);
}

TEST_F(TrustStateTest, MoverForgetsTheBundle) {
  const TrustState moved = MovedState();
  ASSERT_FALSE(moved.bundle.empty());
  EXPECT_TRUE(Must(FirstTrust(Issue(9, {id_}), &moved)).bundle.empty());
}

TEST_F(TrustStateTest, ThirtyThirdServerIdIsRefused) {
  TrustState state = state_;
  for (std::size_t i = 1; i < kMaxServerIds; ++i) {
    state = Must(FirstTrust(Issue(1, {authority_.MakeServerId()}), &state));
  }
  EXPECT_EQ(state.highest.size(), 32U);
  EXPECT_EQ(Must(ParseTrustState(EncodeTrustState(state))), state);
  const auto refused = FirstTrust(Issue(1, {authority_.MakeServerId()}), &state);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kExhausted);
  EXPECT_TRUE(FirstTrust(Issue(9, {id_}), &state).has_value());  // one of the 32
}

// The file

TEST_F(TrustStateTest, EncodeAndParseAreInverse) {
  for (const TrustState& state : {state_, MovedState()}) {
    const Bytes file = EncodeTrustState(state);
    EXPECT_LE(file.size(), kMaxTrustStateLen);
    const TrustState parsed = Must(ParseTrustState(file));
    EXPECT_EQ(parsed, state);
    EXPECT_EQ(EncodeTrustState(parsed), file);
  }
}

TEST_F(TrustStateTest, EveryFlippedBitIsRefused) {
  const Bytes file = EncodeTrustState(MovedState());
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    Bytes flipped = file;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    ASSERT_NE(Damage(flipped), "accepted") << "bit " << bit;
  }
}

TEST_F(TrustStateTest, EveryTruncationIsRefused) {
  const Bytes file = EncodeTrustState(MovedState());
  for (std::size_t len = 0; len < file.size(); ++len) {
    ASSERT_NE(Damage(ToBytes(ByteView(file).first(len))), "accepted") << len;
  }
}

TEST_F(TrustStateTest, AnythingAfterTheEndIsRefused) {
  Bytes file = EncodeTrustState(state_);
  file.push_back(0);
  EXPECT_THAT(Damage(file), ::testing::HasSubstr("checksum"));
  EXPECT_THAT(Damage(Bytes(kMaxTrustStateLen + 1)), ::testing::HasSubstr("length"));
}

TEST_F(TrustStateTest, RightChecksumDoesNotExcuseWrongParts) {
  const Bytes file = EncodeTrustState(state_);
  EXPECT_THAT(Damage(Rewritten(file, 0, 'X')), ::testing::HasSubstr("no trust state"));
  EXPECT_THAT(Damage(Rewritten(file, 4, 3)), ::testing::HasSubstr("version"));
  Bytes longer = file;
  longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(file.size() - 32), 0);
  EXPECT_THAT(Damage(Rewritten(longer, 0, 'C')), ::testing::HasSubstr("parts"));
  const std::size_t certificate_at = 4 + 1 + 32 + 16 + 8 + 4;
  EXPECT_NE(Damage(Rewritten(file, certificate_at, 0x31)), "accepted");
}

// Contradictions between the parts, each with a right checksum.
TEST_F(TrustStateTest, ContradictionsAreRefused) {
  const TrustState moved = MovedState();
  const Certificate older = Issue(6, {id_});
  struct Case {
    std::string_view says;
    std::function<void(TrustState&)> change;
  };
  const std::vector<Case> cases = {
      {"another owner", [](auto& s) { s.owner[0] ^= 1; }},
      {"another server", [&](auto& s) { s.server = other_id_; }},
      {"generation", [](auto& s) { s.generation += 1; }},
      {"generation",
       [](auto& s) {
         s.generation += 1;
         s.highest[0].generation += 1;
       }},
      {"not that of the certificate", [](auto& s) { s.highest.clear(); }},
      {"not that of the certificate", [](auto& s) { s.highest[0].generation += 1; }},
      {"not that of the certificate", [](auto& s) { s.highest[0].generation -= 1; }},
      {"not that of the certificate", [](auto& s) { s.highest[0].thumbprint[31] ^= 1; }},
      {"a server id twice", [](auto& s) { s.highest.push_back(s.highest[0]); }},
      {"too many server ids",
       [&](auto& s) {
         while (s.highest.size() < 33) s.highest.push_back({authority_.MakeServerId(), 1, {}});
       }},
      {"the bundle is of another", [&](auto& s) { s.bundle.front() = older; }},
      {"the bundle is of another", [](auto& s) { s.bundle.erase(s.bundle.begin() + 1); }},
      {"bundle length", [](auto& s) { s.bundle.resize(1, s.certificate); }},
      {"bundle length", [](auto& s) { s.bundle.resize(33, s.certificate); }},
      {"cannot be a server certificate", [&](auto& s) { s.certificate = moved.bundle[1]; }},
  };
  for (const Case& c : cases) {
    TrustState state = moved;
    c.change(state);
    EXPECT_THAT(Damage(EncodeTrustState(state)), ::testing::HasSubstr(c.says));
  }
}

}  // namespace
}  // namespace countersign::trust
