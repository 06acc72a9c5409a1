#include "wire/warrant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/must.h"
#include "wire/sample_messages.h"

namespace countersign::wire {
namespace {

using countersign::testing::Identity;
using countersign::testing::kTestBegin;
using countersign::testing::Must;
using countersign::testing::TestAuthority;
using testing::BreakEach;
using ::testing::HasSubstr;
using testing::JwsText;
using testing::SampleDigest;
using testing::SampleUuid;
using testing::Signed;
using ::testing::StartsWith;
using testing::Unsigned;
using testing::With;
using testing::Without;

constexpr Seconds kDay = std::chrono::hours(24);

class WarrantTest : public ::testing::Test {
 protected:
  Warrant Unlock() {
    return {.x5c = owner_.certificate.der(),
            .jti = authority_.random().Token(),
            .iat = static_cast<std::uint64_t>(ToUnix(now_)),
            .exp = static_cast<std::uint64_t>(ToUnix(now_ + 7 * kDay)),
            .server = server_,
            .act = WarrantAct::kUnlock,
            .agents = {self_}};
  }
  Warrant Move() {
    Warrant warrant = Unlock();
    warrant.act = WarrantAct::kMove;
    warrant.agents = {};
    warrant.target = MoveTarget{.server = SampleUuid(9),
                                .owner = SampleDigest(8),
                                .generation = 5,
                                .addresses = {"https://server.example:4343", "[2001:db8::1]:8080"}};
    return warrant;
  }
  std::string Sign(const Warrant& warrant) { return Must(SignWarrant(warrant, owner_.key)); }
  Result<Warrant> Judge(std::string_view text, WarrantAct act = WarrantAct::kUnlock) {
    return JudgeWarrant(text, {.held = held_, .self = self_, .now = now_, .act = act});
  }
  // The words of a refusal; "taken" if it is none.
  std::string Why(std::string_view text, WarrantAct act = WarrantAct::kUnlock) {
    const auto judged = Judge(text, act);
    if (judged) return "taken";
    EXPECT_EQ(judged.error().code, Code::kRefused);
    EXPECT_THAT(judged.error().message, StartsWith("bad-warrant: "));
    EXPECT_THAT(judged.error().next, HasSubstr("countersign owner warrant"));
    return judged.error().message;
  }
  bool Accepts(const Warrant& warrant, std::string_view pointer, std::string_view raw) {
    const JwsText text = testing::Open(Sign(warrant));
    return ParseWarrant(Unsigned({text.header, With(text.payload, pointer, raw)})).has_value();
  }

  TestAuthority authority_;
  const Identity owner_ = authority_.MakeOwner();
  const ServerId server_ = authority_.MakeServerId();
  const Identity certificate_ =
      authority_.MakeServer(owner_, {.server_ids = {server_}, .generation = 3});
  trust::TrustState held_ = Must(trust::FirstTrust(certificate_.certificate, nullptr));
  const AgentId self_ = SampleUuid(1);
  Instant now_ = kTestBegin + 10 * kDay;
};

// --- form ---

TEST_F(WarrantTest, WhatIsSignedParsesToTheSame) {
  Warrant named = Move();
  for (std::size_t i = 0; i < kMaxWarrantAgents; ++i) {
    named.agents.emplace_back(authority_.random().Array<16>());
  }
  for (const Warrant& warrant : {Unlock(), Move(), named}) {
    const std::string text = Sign(warrant);
    EXPECT_LE(text.size(), kMaxWarrantLen);
    const auto parsed = ParseWarrant(text);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    EXPECT_EQ(parsed->warrant, warrant);
    EXPECT_TRUE(IsSignedBy(parsed->envelope, owner_.key.public_key()));
  }
}

TEST_F(WarrantTest, MembersStandInTheOrderOfTheProtocolPage) {
  const JwsText text = testing::Open(Sign(Move()));
  EXPECT_THAT(text.header, StartsWith(R"({"alg":"ES256","typ":"countersign-warrant+jwt","x5c":[)"));
  std::size_t at = 0;
  for (const std::string_view name : {"jti", "iat", "exp", "server", "act", "agents", "target",
                                      "owner", "generation", "addresses"}) {
    const std::size_t found = text.payload.find("\"" + std::string(name) + "\":", at);
    ASSERT_NE(found, std::string::npos) << name;
    at = found;
  }
  EXPECT_THAT(text.payload, HasSubstr(R"("agents":"all")"));
}

TEST_F(WarrantTest, EachFaultOfAMemberIsRefused) {
  for (const Warrant& warrant : {Unlock(), Move()}) {
    const JwsText text = testing::Open(Sign(warrant));
    for (const auto& broken : BreakEach(text.payload, {})) {
      // "agents" may be a text, but no other one than "all".
      const auto parsed = ParseWarrant(Unsigned({text.header, broken.json}));
      EXPECT_FALSE(parsed.has_value()) << broken.what;
    }
    for (const auto& broken : BreakEach(text.header, {})) {
      EXPECT_FALSE(ParseWarrant(Unsigned({broken.json, text.payload})).has_value()) << broken.what;
    }
  }
}

TEST_F(WarrantTest, RangesOfMembers) {
  const Warrant unlock = Unlock();
  const Warrant move = Move();
  const std::string other = "\"urn:uuid:" + SampleUuid(2).Text() + "\"";
  const std::string self = "\"urn:uuid:" + self_.Text() + "\"";
  EXPECT_TRUE(Accepts(unlock, "/agents", "[" + self + "]"));
  EXPECT_TRUE(Accepts(move, "/agents", "[" + self + "," + other + "]"));
  for (const auto& [warrant, pointer, raw] :
       std::vector<std::tuple<const Warrant*, std::string, std::string>>{
           {&unlock, "/agents", "[]"},
           {&unlock, "/agents", "\"all\""},
           {&unlock, "/agents", "[" + self + "," + other + "]"},
           {&move, "/agents", "[]"},
           {&move, "/agents", "\"some\""},
           {&move, "/agents", "\"\""},
           {&move, "/agents", "[" + self + "," + self + "]"},
           {&move, "/agents", "[\"" + self_.Text() + "\"]"},
           {&unlock, "/act", "\"stop\""},
           {&unlock, "/act", "\"move\""},  // without a target
           {&move, "/act", "\"unlock\""},  // with one
           {&unlock, "/exp", "0"},
           {&unlock, "/exp", std::to_string(unlock.iat)},
           {&unlock, "/exp", std::to_string(unlock.iat + 30 * 86'400 + 1)},
           {&unlock, "/iat", "-1"},
           {&unlock, "/server", "\"" + server_.Text() + "\""},
           {&unlock, "/jti", "\"short\""},
           {&move, "/target/generation", "0"},
           {&move, "/target/addresses", "[]"},
           {&move, "/target/addresses", "[\"\"]"},
           {&move, "/target/addresses", "[\"a\\nb\"]"},
           {&move, "/target/addresses", "[\"" + std::string(65, 'a') + "\"]"},
           {&move, "/target/addresses",
            "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\","
            "\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]"},
           {&move, "/target/owner", "\"AAAA\""},
           {&move, "/target/server", "\"x\""}}) {
    EXPECT_FALSE(Accepts(*warrant, pointer, raw)) << pointer << " " << raw;
  }
  EXPECT_TRUE(Accepts(unlock, "/exp", std::to_string(unlock.iat + 30 * 86'400)));
  EXPECT_TRUE(Accepts(move, "/target/addresses", "[\"" + std::string(64, 'a') + "\"]"));
}

TEST_F(WarrantTest, TooLongIsRefusedBeforeAnythingIsRead) {
  EXPECT_FALSE(ParseWarrant(std::string(kMaxWarrantLen + 1, 'a')).has_value());
}

TEST_F(WarrantTest, HeaderHasTheOwnersCertificateAndNoOther) {
  const JwsText text = testing::Open(Sign(Unlock()));
  const std::string one = "\"" + Base64Encode(owner_.certificate.der()) + "\"";
  for (const std::string& raw : {std::string("[]"), "[" + one + "," + one + "]", one}) {
    EXPECT_FALSE(ParseWarrant(Unsigned({With(text.header, "/x5c", raw), text.payload})));
  }
  EXPECT_FALSE(ParseWarrant(
      Unsigned({With(text.header, "/typ", "\"countersign-order+jwt\""), text.payload})));
}

TEST_F(WarrantTest, OnlyTheKeyOfItsCertificateSigns) {
  const auto made = SignWarrant(Unlock(), certificate_.key);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Code::kUsage);
  Warrant long_one = Unlock();
  long_one.exp = long_one.iat + 31 * 86'400;
  EXPECT_EQ(SignWarrant(long_one, owner_.key).error().code, Code::kUsage);
}

// --- judged by the agent ---

TEST_F(WarrantTest, ThatOfTheStoredOwnerIsTaken) {
  const Warrant warrant = Unlock();
  const auto judged = Judge(Sign(warrant));
  ASSERT_TRUE(judged.has_value()) << judged.error().message;
  EXPECT_EQ(*judged, warrant);
  EXPECT_EQ(SpentOf(*judged).jti, warrant.jti);
  EXPECT_EQ(SpentOf(*judged).exp, now_ + 7 * kDay);
  EXPECT_EQ(Why(Sign(Move()), WarrantAct::kMove), "taken") << "it is for all";
}

TEST_F(WarrantTest, ThatOfAnotherOwnerIsNot) {
  const Identity other = authority_.MakeOwner();
  Warrant warrant = Unlock();
  warrant.x5c = other.certificate.der();
  EXPECT_THAT(Why(Must(SignWarrant(warrant, other.key))),
              HasSubstr(HexLower(other.key.public_key().digest())));
}

// All that a thief of the server has: its key, its certificate, and the owner's certificate.
TEST_F(WarrantTest, ServerKeyMakesNone) {
  Warrant warrant = Unlock();
  warrant.x5c = certificate_.certificate.der();
  EXPECT_THAT(Why(Must(SignWarrant(warrant, certificate_.key))), HasSubstr("owner key"));
  const JwsText text = testing::Open(Sign(Unlock()));
  EXPECT_THAT(Why(Signed(text, certificate_.key)), HasSubstr("signature"));
}

TEST_F(WarrantTest, AnotherAgentsOrServersOrActsIsNotTaken) {
  Warrant agent = Unlock();
  agent.agents = {SampleUuid(2)};
  EXPECT_THAT(Why(Sign(agent)), HasSubstr("does not name this agent"));
  Warrant server = Unlock();
  server.server = authority_.MakeServerId();
  EXPECT_THAT(Why(Sign(server)), HasSubstr(server.server.Text()));
  // A backup of joined fleets holds several: the next step says for which.
  const auto refused = Judge(Sign(server));
  EXPECT_THAT(refused.error().next, HasSubstr("--server " + server_.Text()));
  EXPECT_THAT(Why(Sign(Unlock()), WarrantAct::kMove), HasSubstr("allows \"unlock\""));
  EXPECT_THAT(Why(Sign(Move())), HasSubstr("allows \"move\""));
}

TEST_F(WarrantTest, OneThatRanOutIsNotTaken) {
  const std::string text = Sign(Unlock());
  now_ += 7 * kDay - Seconds(1);
  EXPECT_EQ(Why(text), "taken");
  now_ += Seconds(1);
  EXPECT_THAT(Why(text), HasSubstr("ran out"));
  // An agent whose clock stands in the past notices nothing, as with certificates.
  now_ = FromUnix(0);
  EXPECT_EQ(Why(text), "taken");
}

TEST_F(WarrantTest, EachIsTakenOnce) {
  const std::string text = Sign(Unlock());
  const auto judged = Judge(text);
  ASSERT_TRUE(judged.has_value());
  held_ = Must(trust::WithSpent(held_, SpentOf(*judged), now_));
  EXPECT_THAT(Why(text), HasSubstr("used up"));
  EXPECT_EQ(Why(Sign(Unlock())), "taken") << "another one";
}

TEST_F(WarrantTest, AlteredOneIsNotTaken) {
  const JwsText text = testing::Open(Sign(Unlock()));
  const std::string later = std::to_string(ToUnix(now_ + 8 * kDay));
  const std::string signature = Sign(Unlock());
  const std::string altered = Unsigned({text.header, With(text.payload, "/exp", later)});
  EXPECT_THAT(Why(altered.substr(0, altered.rfind('.')) + signature.substr(signature.rfind('.'))),
              HasSubstr("signature"));
  EXPECT_THAT(Why("nonsense"), HasSubstr("bad-warrant"));
  EXPECT_THAT(Why(""), HasSubstr("bad-warrant"));
}

// An imported identity's owner key is its server key, so this one has both.
TEST_F(WarrantTest, ImportedIdentityMakesItsOwn) {
  const Identity imported = authority_.MakeImported();
  held_ = Must(trust::FirstTrust(imported.certificate, nullptr));
  Warrant warrant = Unlock();
  warrant.x5c = imported.certificate.der();
  warrant.server = held_.server;
  EXPECT_EQ(Why(Must(SignWarrant(warrant, imported.key))), "taken");
}

}  // namespace
}  // namespace countersign::wire
