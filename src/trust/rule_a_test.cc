#include "trust/rule_a.h"

#include <functional>

#include "trust/rule_a_fixture.h"

namespace countersign::trust {
namespace {

using crypto::Certificate;
using crypto::KeyKind;
using testing::ForgedCertificate;

// Yes

TEST_F(RuleATest, CertificateOfTheStoredOwnerIsAccepted) {
  const auto server = authority_.MakeServer(owner_, {.server_ids = {id_}, .generation = 101});
  EXPECT_EQ(Answer({server.certificate.der(), owner_.certificate.der()}), "accepted");
}

TEST_F(RuleATest, OwnerThatTheStoredOneCertifiedIsAccepted) {
  EXPECT_EQ(Answer(OwnerChange(ServerBy(next_.key), Succession())), "accepted");
}

TEST_F(RuleATest, EveryAllowedKindOfKeyIsAccepted) {
  for (const KeyKind kind : {KeyKind::kP256, KeyKind::kP384, KeyKind::kRsa}) {
    const auto anchor = authority_.MakeImported(kind, {.is_ca = true});
    const auto server_key = authority_.MakeKey(kind);
    const ServerId id = Uuid::FromDigest(anchor.key.public_key().digest());
    const TrustState held = MustTrust(anchor.certificate);
    ForgedCertificate forged = ServerBy(anchor.key, held.generation + 1);
    forged.uris = {id.Urn()};
    for (const std::string_view digest : {"SHA256", "SHA384"}) {
      forged.digest = digest;
      EXPECT_EQ(Answer(held, {Sign(forged, server_key, anchor.key), anchor.certificate.der()}),
                "accepted");
    }
  }
}

TEST_F(RuleATest, ImportedIdentityIsFollowedByItsOwner) {
  const auto imported = authority_.MakeImported(KeyKind::kRsa);
  const ServerId id = Uuid::FromDigest(imported.key.public_key().digest());
  const TrustState held = MustTrust(imported.certificate);
  const auto succession = authority_.IssueSuccession(imported, owner_, {id});
  const auto server =
      authority_.MakeServer(owner_, {.server_ids = {id_, id}, .generation = held.generation + 1});
  const TrustState moved =
      MustMove(held, {server.certificate.der(), succession.der(), imported.certificate.der()});
  EXPECT_EQ(moved.owner, owner_.key.public_key().digest());
  EXPECT_EQ(moved.server, id);  // not the first that the certificate names
}

TEST_F(RuleATest, NamesAndDatesAreNotCompared) {
  ForgedCertificate forged = ServerBy(next_.key);  // its issuer name is its own subject name
  forged.not_before = FromUnix(4'000'000'000);
  forged.not_after = FromUnix(4'000'000'001);
  ForgedCertificate succession = Succession();
  succession.not_before = FromUnix(0);
  succession.not_after = FromUnix(1);
  EXPECT_EQ(Answer(OwnerChange(forged, succession)), "accepted");
}

TEST_F(RuleATest, WhatThePageDoesNotAskOfTheServerCertificateIsNotExamined) {
  ForgedCertificate forged = ServerBy(owner_.key);
  forged.is_ca = std::nullopt;
  forged.key_usage = std::nullopt;
  forged.uris = {"https://example.test/", other_id_.Urn(), id_.Urn()};
  forged.more.push_back({"1.2.3.4", false, {0x05, 0x00}});
  EXPECT_EQ(Answer(Plain(forged)), "accepted");
}

TEST_F(RuleATest, OnlyTheKeyOfTheLastCertificateIsRead) {
  ForgedCertificate carrier;
  carrier.is_ca = false;
  carrier.not_after = FromUnix(1'767'225'601);
  const Bytes server = Sign(ServerBy(owner_.key), server_key_, owner_.key);
  EXPECT_EQ(Answer({server, Sign(carrier, owner_.key, owner_.key)}), "accepted");
  EXPECT_EQ(Answer({server, Sign(carrier, owner_.key, other_.key)}), "accepted");
}

// Owner changes, 2 to 32 certificates

TEST_F(RuleATest, OwnerMayHaveChangedUpToThirtyTimes) {
  Bundle successions;  // from the newest to the oldest
  testing::Identity newest = owner_;
  for (std::size_t num_changes = 1; num_changes <= 31; ++num_changes) {
    const auto next = authority_.MakeOwner();
    successions.insert(successions.begin(), authority_.IssueSuccession(newest, next, {id_}).der());
    newest = next;
    if (num_changes != 1 && num_changes != 2 && num_changes < 30) continue;
    Bundle bundle = {Sign(ServerBy(newest.key), server_key_, newest.key)};
    bundle.insert(bundle.end(), successions.begin(), successions.end());
    bundle.push_back(owner_.certificate.der());
    ASSERT_EQ(bundle.size(), num_changes + 2);
    if (num_changes == 31) {
      EXPECT_EQ(Answer(bundle), "chain");
      continue;
    }
    ASSERT_EQ(Answer(bundle), "accepted") << num_changes;
    const TrustState moved = MustMove(held_, bundle);
    EXPECT_EQ(moved.owner, newest.key.public_key().digest());
    EXPECT_EQ(moved.bundle.size(), bundle.size());
    EXPECT_EQ(ParseTrustState(EncodeTrustState(moved)).value(), moved);
  }
}

TEST_F(RuleATest, EarlierOwnerNeverComesBack) {
  const TrustState moved = MustMove(held_, OwnerChange(ServerBy(next_.key), Succession()));
  EXPECT_EQ(Answer(moved, Plain(ServerBy(owner_.key, 500))), "other-owner");
  EXPECT_EQ(Answer(moved, {Sign(ServerBy(next_.key, 500), server_key_, next_.key),
                           next_.certificate.der()}),
            "accepted");
}

TEST_F(RuleATest, OneCertificateIsNoBundle) {
  EXPECT_EQ(Answer({owner_.certificate.der()}), "chain");
  EXPECT_EQ(Answer({held_server_.certificate.der()}), "other-owner");
  const Bytes both = Sign(ServerBy(owner_.key), owner_.key, owner_.key);  // server and owner in one
  EXPECT_EQ(Answer({both}), "chain");
  EXPECT_EQ(Answer({both, both}), "accepted");
  EXPECT_EQ(Answer(Bundle{}), "chain");
}

// The total length counts, at exactly 32 KiB.
TEST_F(RuleATest, BundleMayHave32KiBAndNotAnOctetMore) {
  std::size_t padding = 14'000;
  Bundle bundle;
  const auto resize = [&](std::size_t total) {  // the length of a signature varies
    for (;;) {
      ForgedCertificate wide = Succession();
      wide.uris.push_back("x:" + std::string(15'500, 'x'));
      ForgedCertificate rest = Succession();
      rest.uris.push_back("x:" + std::string(padding, 'x'));
      bundle = {Sign(ServerBy(next_.key), server_key_, next_.key),
                Sign(wide, next_.key, other_.key), Sign(rest, other_.key, owner_.key),
                owner_.certificate.der()};
      std::size_t sum = 0;
      for (const Bytes& der : bundle) sum += der.size();
      if (sum == total) return;
      padding += total - sum;
    }
  };
  resize(kMaxBundleLen);
  EXPECT_EQ(Answer(bundle), "accepted");
  EXPECT_LE(EncodeTrustState(MustMove(held_, bundle)).size(), kMaxTrustStateLen);
  resize(kMaxBundleLen + 1);
  EXPECT_EQ(Answer(bundle), "chain");
}

// Clause 1

TEST_F(RuleATest, OtherOwnerIsNamed) {
  EXPECT_EQ(Answer({Sign(ServerBy(other_.key), server_key_, other_.key), other_.certificate.der()}),
            "other-owner");
}

TEST_F(RuleATest, OwnerInTheMiddleIsNoAnchor) {
  Bundle bundle = OwnerChange(ServerBy(next_.key), Succession());
  bundle.push_back(other_.certificate.der());
  EXPECT_EQ(Answer(bundle), "other-owner");
}

TEST_F(RuleATest, LastCertificateThatCannotBeReadHasNoOwnersKey) {
  const Bytes server = Sign(ServerBy(owner_.key), server_key_, owner_.key);
  Bytes longer = owner_.certificate.der();
  longer.push_back(0);
  Bytes shorter = owner_.certificate.der();
  shorter.pop_back();
  for (const Bytes& carrier : {Bytes{}, Bytes{0x30}, longer, shorter}) {
    EXPECT_EQ(Answer({server, carrier}), "other-owner");
  }
}

// Clause 2

using Change = std::function<void(ForgedCertificate&)>;

TEST_F(RuleATest, ServerCertificateThatIsNoneBreaksTheChain) {
  const std::vector<std::pair<std::string_view, Change>> cases = {
      {"CA:TRUE", [](auto& c) { c.is_ca = true; }},
      {"CA:TRUE that may sign",
       [](auto& c) {
         c.is_ca = true;
         c.key_usage = "keyCertSign";
       }},
      {"no authority key id", [](auto& c) { c.authority_key_id = std::nullopt; }},
      {"one of SHA-1", [](auto& c) { c.authority_key_id->resize(20); }},
      {"a short one", [](auto& c) { c.authority_key_id->resize(31); }},
      {"a long one", [](auto& c) { c.authority_key_id->resize(33); }},
      {"an empty one", [](auto& c) { c.authority_key_id->clear(); }},
      {"that of another key", [](auto& c) { c.authority_key_id->back() ^= 1; }},
      {"no generation", [](auto& c) { c.subject.pop_back(); }},
      {"generation 0", [](auto& c) { c.subject.back().value = "0"; }},
      {"leading zero", [](auto& c) { c.subject.back().value = "0101"; }},
      {"sign", [](auto& c) { c.subject.back().value = "+101"; }},
      {"space", [](auto& c) { c.subject.back().value = "101 "; }},
      {"2^53", [](auto& c) { c.subject.back().value = "9007199254740992"; }},
      {"17 digits", [](auto& c) { c.subject.back().value = "10000000000000000"; }},
      {"2^64 + 101", [](auto& c) { c.subject.back().value = "18446744073709551717"; }},
      {"not a PrintableString",
       [](auto& c) { c.subject.back().text = ForgedCertificate::Text::kUtf8; }},
      {"two", [](auto& c) { c.subject.push_back({"dnQualifier", "101"}); }},
      {"not alone in its RDN", [](auto& c) { c.subject.back().in_previous_rdn = true; }},
      {"unknown critical extension",
       [](auto& c) { c.more.push_back({"1.2.3.4", true, {0x05, 0x00}}); }},
      {"duplicate extension", [](auto& c) { c.more.push_back({"2.5.29.19", true, {0x30, 0x00}}); }},
      {"trailing octet", [](auto& c) { c.after_the_end = {0}; }},
      {"version 1", [](auto& c) { c.version = 1; }},
      {"SHA-1", [](auto& c) { c.digest = "SHA1"; }},
      {"SHA-512 with ECDSA", [](auto& c) { c.digest = "SHA512"; }},
  };
  for (const auto& [what, change] : cases) {
    ForgedCertificate forged = ServerBy(owner_.key);
    change(forged);
    EXPECT_EQ(Answer(Plain(forged)), "chain") << what;
  }
}

TEST_F(RuleATest, SuccessionThatIsNoneBreaksTheChain) {
  const std::vector<std::pair<std::string_view, Change>> cases = {
      {"CA:FALSE", [](auto& c) { c.is_ca = false; }},
      {"no basic constraints", [](auto& c) { c.is_ca = std::nullopt; }},
      {"no key usage", [](auto& c) { c.key_usage = std::nullopt; }},
      {"another key usage", [](auto& c) { c.key_usage = "digitalSignature,cRLSign"; }},
      {"trailing octet", [](auto& c) { c.after_the_end = {0}; }},
      {"SHA-1", [](auto& c) { c.digest = "SHA1"; }},
  };
  for (const auto& [what, change] : cases) {
    ForgedCertificate succession = Succession();
    change(succession);
    EXPECT_EQ(Answer(OwnerChange(ServerBy(next_.key), succession)), "chain") << what;
  }
}

TEST_F(RuleATest, EverySignatureCounts) {
  const Bundle good = OwnerChange(ServerBy(next_.key), Succession());
  const Bytes server_by_other = Sign(ServerBy(next_.key), server_key_, other_.key);
  const Bytes succession_by_other = Sign(Succession(), next_.key, other_.key);
  EXPECT_EQ(Answer({server_by_other, good[1], good[2]}), "chain");
  EXPECT_EQ(Answer({good[0], succession_by_other, good[2]}), "chain");
  for (std::size_t place = 0; place < 2; ++place) {
    Bundle flipped = good;
    flipped[place].back() ^= 1;  // within the signature
    EXPECT_EQ(Answer(flipped), "chain") << place;
  }
}

TEST_F(RuleATest, CertificateMissingOrOutOfItsPlaceBreaksTheChain) {
  const Bundle good = OwnerChange(ServerBy(next_.key), Succession());
  EXPECT_EQ(Answer({good[0], good[2]}), "chain");
  EXPECT_EQ(Answer({good[1], good[2]}), "chain");
  EXPECT_EQ(Answer({good[1], good[0], good[2]}), "chain");
  EXPECT_EQ(Answer({good[0], good[1], good[1], good[2]}), "chain");
  EXPECT_EQ(Answer({good[0], Bytes{}, good[2]}), "chain");
  EXPECT_EQ(Answer({Bytes{}, good[1], good[2]}), "chain");
}

TEST_F(RuleATest, ThiefOfTheServerKeyCertifiesNothing) {
  // The key of the certificate held signs a successor, and a succession for a key of the thief.
  const crypto::PrivateKey& stolen = held_server_.key;
  const Bytes& held = held_server_.certificate.der();
  const Bytes& owner = owner_.certificate.der();
  EXPECT_EQ(Answer({Sign(ServerBy(stolen), server_key_, stolen), held, owner}), "chain");
  EXPECT_EQ(Answer({Sign(ServerBy(stolen), server_key_, stolen), owner}), "chain");
  EXPECT_EQ(Answer({Sign(ServerBy(other_.key), server_key_, other_.key),
                    Sign(Succession(), other_.key, stolen), held, owner}),
            "chain");
}

// Clause 3

TEST_F(RuleATest, ServerCertificateAndEverySuccessionNameTheStoredServerId) {
  ForgedCertificate server = ServerBy(next_.key);
  ForgedCertificate succession = Succession();
  const Bundle good = OwnerChange(server, succession);
  server.uris = succession.uris = {other_id_.Urn()};
  const Bundle bad = OwnerChange(server, succession);
  EXPECT_EQ(Answer({bad[0], good[1], good[2]}), "wrong-server");
  EXPECT_EQ(Answer({good[0], bad[1], good[2]}), "wrong-server");
  EXPECT_EQ(Answer(bad), "wrong-server");
  succession.uris.clear();
  EXPECT_EQ(Answer(OwnerChange(ServerBy(next_.key), succession)), "wrong-server");
  server.uris.clear();
  EXPECT_EQ(Answer(OwnerChange(server, Succession())), "wrong-server");
}

TEST_F(RuleATest, EverySuccessionOfALongerChainIsAsked) {
  for (const std::size_t without : {1U, 2U, 3U}) {
    const testing::Identity third = authority_.MakeOwner();
    const auto ids = [&](std::size_t place) {
      return std::vector<ServerId>{place == without ? other_id_ : id_};
    };
    const Bundle bundle = {Sign(ServerBy(third.key), server_key_, third.key),
                           authority_.IssueSuccession(next_, third, ids(1)).der(),
                           authority_.IssueSuccession(owner_, next_, ids(2)).der(),
                           owner_.certificate.der()};
    EXPECT_EQ(Answer(bundle), without == 3 ? "accepted" : "wrong-server") << without;
  }
}

TEST_F(RuleATest, ServerIdIsComparedAsItIsSpelled) {
  for (const std::string& uri : {"URN:UUID:" + id_.Text(), "urn:uuid:" + id_.Text() + "/",
                                 id_.Text(), "urn:uuid:{" + id_.Text() + "}"}) {
    ForgedCertificate forged = ServerBy(owner_.key);
    forged.uris = {uri};
    EXPECT_EQ(Answer(Plain(forged)), "wrong-server") << uri;
  }
}

// Clause 4

TEST_F(RuleATest, GenerationMustBeHigherThanTheHighestHeld) {
  EXPECT_EQ(Answer(Plain(ServerBy(owner_.key, 101))), "accepted");
  EXPECT_EQ(Answer(Plain(ServerBy(owner_.key, (std::uint64_t{1} << 53) - 1))), "accepted");
  EXPECT_EQ(Answer(Plain(ServerBy(owner_.key, 99))), "older-generation");
  EXPECT_EQ(Answer(Plain(ServerBy(owner_.key, 1))), "older-generation");
}

TEST_F(RuleATest, EqualGenerationPassesForTheSameCertificateOnly) {
  EXPECT_EQ(Answer({held_server_.certificate.der(), owner_.certificate.der()}), "accepted");
  EXPECT_EQ(Answer(Plain(ServerBy(owner_.key, 100))), "fork");
  const auto same_key = authority_.IssueServer(owner_, held_server_.key.public_key(),
                                               {.server_ids = {id_}, .generation = 100});
  EXPECT_EQ(Answer({same_key.der(), owner_.certificate.der()}), "fork");
  EXPECT_EQ(Answer(OwnerChange(ServerBy(next_.key, 100), Succession())), "fork");
}

TEST_F(RuleATest, GenerationsOfOtherServersDoNotCount) {
  TrustState held = held_;
  held.highest.push_back({other_id_, 1'000'000, {}});
  EXPECT_EQ(Answer(held, Plain(ServerBy(owner_.key, 101))), "accepted");
}

// Clause 5

TEST_F(RuleATest, NothingOfTheBundleMayBeDistrusted) {
  const Bundle bundle = OwnerChange(ServerBy(next_.key), Succession());
  for (std::size_t place = 0; place < bundle.size(); ++place) {
    const auto certificate = Certificate::Parse(bundle[place]).value();
    EXPECT_EQ(Answer(bundle, DistrustList({certificate.thumbprint()})), "distrusted") << place;
    EXPECT_EQ(Answer(bundle, DistrustList({certificate.key().digest()})), "distrusted") << place;
  }
  EXPECT_EQ(Answer(bundle, DistrustList({other_.key.public_key().digest()})), "accepted");
  EXPECT_EQ(Answer(bundle, DistrustList({next_.certificate.thumbprint()})), "accepted");
}

// What becomes of it

TEST_F(RuleATest, MovedForgetsThePreviousCertificateAndMergesNothing) {
  const Bundle bundle = OwnerChange(ServerBy(next_.key), Succession());
  const TrustState moved = MustMove(held_, bundle);
  EXPECT_EQ(moved.certificate.der(), bundle[0]);
  EXPECT_EQ(moved.owner, next_.key.public_key().digest());
  EXPECT_EQ(moved.server, id_);
  EXPECT_EQ(moved.generation, 101U);
  ASSERT_EQ(moved.bundle.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(moved.bundle[i].der(), bundle[i]);
  ASSERT_EQ(moved.highest.size(), 1U);
  EXPECT_EQ(moved.highest[0], (TrustState::Highest{id_, 101, moved.certificate.thumbprint()}));
  EXPECT_EQ(ParseTrustState(EncodeTrustState(moved)).value(), moved);
}

TEST_F(RuleATest, MovedChangesNothingForTheCertificateHeld) {
  EXPECT_EQ(MustMove(held_, {held_server_.certificate.der(), owner_.certificate.der()}), held_);
}

TEST_F(RuleATest, MovedLeavesTheGenerationsOfOtherServers) {
  TrustState held = held_;
  held.highest.push_back({other_id_, 1'000'000, {}});
  const TrustState moved = MustMove(held, Plain(ServerBy(owner_.key, 101)));
  ASSERT_EQ(moved.highest.size(), 2U);
  EXPECT_EQ(moved.highest[0].generation, 101U);
  EXPECT_EQ(moved.highest[1], held.highest[1]);
}

TEST_F(RuleATest, AgentThatSleptCatchesUpInOneExchange) {
  TrustState held = held_;
  for (const std::uint64_t generation : {101U, 102U, 200U}) {
    held = MustMove(held, Plain(ServerBy(owner_.key, generation)));
  }
  EXPECT_EQ(MustMove(held_, Plain(ServerBy(owner_.key, 200))).generation, held.generation);
}

}  // namespace
}  // namespace countersign::trust
