#include "wire/judge.h"

#include <gtest/gtest.h>

#include "tests/support/certificate_factory.h"
#include "trust/rule_a.h"
#include "wire/sample_messages.h"

namespace countersign::wire {
namespace {

using countersign::testing::Identity;
using countersign::testing::kTestBegin;
using countersign::testing::kTestEnd;
using countersign::testing::OddOptions;
using countersign::testing::TestAuthority;
using trust::Verdict;

// An agent that trusts `server`, of generation 10.
class JudgeTest : public ::testing::Test {
 protected:
  [[nodiscard]] Identity MakeServer(std::uint64_t generation) {
    return authority_.MakeServer(owner_, {.server_ids = {server_id_}, .generation = generation});
  }
  // The order that `signer` sends to this agent, with `bundle` in x5c.
  [[nodiscard]] Order OrderOf(const Identity& signer, std::vector<Bytes> bundle = {}) const {
    Order order = testing::SampleOrder();
    order.x5t = signer.certificate.thumbprint();
    order.x5c = std::move(bundle);
    order.iss = server_id_;
    order.aud = self_;
    return order;
  }
  [[nodiscard]] static SignedOrder Sign(const Order& order, const crypto::Signer& key) {
    return ParseOrder(SignOrder(order, key).value()).value();
  }
  [[nodiscard]] Judgement Judged(const SignedOrder& order, bool challenge_is_good = true) const {
    return JudgeOrder({.held = held_, .distrust = distrust_, .self = self_, .now = now_}, order,
                      challenge_is_good);
  }
  [[nodiscard]] Judgement Judged(const Order& order, const crypto::Signer& key) const {
    return Judged(Sign(order, key));
  }
  [[nodiscard]] std::vector<Bytes> BundleOf(const Identity& server) const {
    return {server.certificate.der(), owner_.certificate.der()};
  }

  TestAuthority authority_;
  ServerId server_id_ = authority_.MakeServerId();
  AgentId self_ = authority_.MakeServerId();
  Identity owner_ = authority_.MakeOwner();
  Identity server_ = MakeServer(10);
  trust::TrustState held_ = trust::FirstTrust(server_.certificate, nullptr).value();
  trust::DistrustList distrust_;
  Instant now_ = kTestBegin;
};

void ExpectPassed(const Judgement& judgement) {
  EXPECT_FALSE(judgement.refused.has_value()) << trust::VerdictName(*judgement.refused);
  EXPECT_TRUE(judgement.authentic);
}

void ExpectRefused(const Judgement& judgement, Verdict verdict) {
  ASSERT_TRUE(judgement.refused.has_value());
  EXPECT_EQ(trust::VerdictName(*judgement.refused), trust::VerdictName(verdict));
  EXPECT_FALSE(judgement.authentic);
  EXPECT_FALSE(judgement.moved.has_value());
}

TEST_F(JudgeTest, OrderOfTheHeldCertificatePasses) {
  const Judgement judgement = Judged(OrderOf(server_), server_.key);
  ExpectPassed(judgement);
  EXPECT_FALSE(judgement.moved.has_value());
}

TEST_F(JudgeTest, DefaultJudgementIsNotAuthentic) { EXPECT_FALSE(Judgement{}.authentic); }

// Step 2.

TEST_F(JudgeTest, ChallengeThatIsNotGoodIsStale) {
  ExpectRefused(Judged(Sign(OrderOf(server_), server_.key), false), Verdict::kStale);
}

// Step 3.

TEST_F(JudgeTest, AnotherCertificateWithoutABundleIsUnknown) {
  const Identity next = MakeServer(11);
  ExpectRefused(Judged(OrderOf(next), next.key), Verdict::kUnknownKey);
}

TEST_F(JudgeTest, NewerCertificateWithItsBundleMovesTrust) {
  const Identity next = MakeServer(11);
  const Judgement judgement = Judged(OrderOf(next, BundleOf(next)), next.key);
  ExpectPassed(judgement);
  ASSERT_TRUE(judgement.moved.has_value());
  EXPECT_EQ(judgement.moved->certificate, next.certificate);
  EXPECT_EQ(judgement.moved->generation, 11U);
  EXPECT_EQ(judgement.moved->server, server_id_);
  EXPECT_EQ(judgement.moved->owner, held_.owner);
}

TEST_F(JudgeTest, BundleWithTheHeldCertificateIsIgnored) {
  const std::vector<Bytes> junk = {server_.certificate.der(), {0x30}, {}};
  const Judgement judgement = Judged(OrderOf(server_, junk), server_.key);
  ExpectPassed(judgement);
  EXPECT_FALSE(judgement.moved.has_value());
}

TEST_F(JudgeTest, SuccessionMovesTheOwner) {
  const Identity new_owner = authority_.MakeOwner();
  const Identity next =
      authority_.MakeServer(new_owner, {.server_ids = {server_id_}, .generation = 11});
  const auto succession = authority_.IssueSuccession(owner_, new_owner, {server_id_});
  const Judgement judgement =
      Judged(OrderOf(next, {next.certificate.der(), succession.der(), owner_.certificate.der()}),
             next.key);
  ExpectPassed(judgement);
  EXPECT_EQ(judgement.moved.value().owner, new_owner.key.public_key().digest());
}

TEST_F(JudgeTest, RuleAsReasonIsTheVerdict) {
  const Identity stranger = authority_.MakeOwner();
  const Identity theirs =
      authority_.MakeServer(stranger, {.server_ids = {server_id_}, .generation = 11});
  ExpectRefused(
      Judged(OrderOf(theirs, {theirs.certificate.der(), stranger.certificate.der()}), theirs.key),
      Verdict::kOtherOwner);
  ExpectRefused(Judged(OrderOf(theirs, BundleOf(theirs)), theirs.key), Verdict::kChain);

  const Identity elsewhere =
      authority_.MakeServer(owner_, {.server_ids = {authority_.MakeServerId()}, .generation = 11});
  ExpectRefused(Judged(OrderOf(elsewhere, BundleOf(elsewhere)), elsewhere.key),
                Verdict::kWrongServer);

  const Identity older = MakeServer(9);
  ExpectRefused(Judged(OrderOf(older, BundleOf(older)), older.key), Verdict::kOlderGeneration);
  const Identity twin = MakeServer(10);
  ExpectRefused(Judged(OrderOf(twin, BundleOf(twin)), twin.key), Verdict::kFork);

  const Identity next = MakeServer(11);
  distrust_ = trust::DistrustList({next.certificate.thumbprint()});
  ExpectRefused(Judged(OrderOf(next, BundleOf(next)), next.key), Verdict::kDistrusted);
}

// Step 4.

TEST_F(JudgeTest, DistrustOfCertificateKeyOrOwnerIsNamed) {
  const SignedOrder order = Sign(OrderOf(server_), server_.key);
  for (const Digest& digest :
       {server_.certificate.thumbprint(), server_.key.public_key().digest(), held_.owner}) {
    distrust_ = trust::DistrustList({digest});
    ExpectRefused(Judged(order), Verdict::kDistrusted);
  }
  distrust_ = trust::DistrustList({testing::SampleDigest(1)});
  ExpectPassed(Judged(order));
}

TEST_F(JudgeTest, DistrustOfEitherOwnerStopsASuccession) {
  const Identity new_owner = authority_.MakeOwner();
  const Identity next =
      authority_.MakeServer(new_owner, {.server_ids = {server_id_}, .generation = 11});
  const auto succession = authority_.IssueSuccession(owner_, new_owner, {server_id_});
  const SignedOrder order =
      Sign(OrderOf(next, {next.certificate.der(), succession.der(), owner_.certificate.der()}),
           next.key);
  for (const auto& distrusted : {owner_.key.public_key(), new_owner.key.public_key()}) {
    distrust_ = trust::DistrustList({distrusted.digest()});
    ExpectRefused(Judged(order), Verdict::kDistrusted);
  }
}

// Step 5.

TEST_F(JudgeTest, SignatureOfAnotherKeyIsBad) {
  const Identity next = MakeServer(11);
  ExpectRefused(Judged(OrderOf(server_), next.key), Verdict::kBadSignature);
  ExpectRefused(Judged(OrderOf(next, BundleOf(next)), server_.key), Verdict::kBadSignature);
  ExpectRefused(Judged(OrderOf(server_), owner_.key), Verdict::kBadSignature);
}

TEST_F(JudgeTest, AlteredPayloadOrSignatureIsBad) {
  SignedOrder order = Sign(OrderOf(server_), server_.key);
  order.envelope.signing_input.back() ^= 1;
  ExpectRefused(Judged(order), Verdict::kBadSignature);
  order = Sign(OrderOf(server_), server_.key);
  order.envelope.signature.back() ^= 1;
  ExpectRefused(Judged(order), Verdict::kBadSignature);
  order.envelope.signature.clear();
  ExpectRefused(Judged(order), Verdict::kBadSignature);
}

TEST_F(JudgeTest, AlgThatIsNotThatOfTheKeyIsABadSignature) {
  const testing::JwsText text = testing::Open(SignOrder(OrderOf(server_), server_.key).value());
  for (const char* alg : {R"("ES384")", R"("RS256")"}) {
    const auto order = ParseOrder(
        testing::Signed({testing::With(text.header, "/alg", alg), text.payload}, server_.key));
    ASSERT_TRUE(order.has_value());
    ExpectRefused(Judged(*order), Verdict::kBadSignature);
  }
}

// Step 6.

TEST_F(JudgeTest, OrderOfAnotherServerIsNamed) {
  Order order = OrderOf(server_);
  order.iss = authority_.MakeServerId();
  ExpectRefused(Judged(order, server_.key), Verdict::kWrongServer);
}

TEST_F(JudgeTest, OtherIdOfTheSameCertificateIsNotTheStoredOne) {
  const ServerId other = authority_.MakeServerId();
  const Identity both =
      authority_.MakeServer(owner_, {.server_ids = {server_id_, other}, .generation = 11});
  held_ = trust::FirstTrust(both.certificate, nullptr).value();
  Order order = OrderOf(both);
  ExpectPassed(Judged(order, both.key));
  order.iss = other;
  ExpectRefused(Judged(order, both.key), Verdict::kWrongServer);
}

TEST_F(JudgeTest, OrderForAnotherAgentMovesNothing) {
  Order order = OrderOf(server_);
  order.aud = authority_.MakeServerId();
  ExpectRefused(Judged(order, server_.key), Verdict::kWrongAgent);
  const Identity next = MakeServer(11);
  order = OrderOf(next, BundleOf(next));
  order.aud = authority_.MakeServerId();
  ExpectRefused(Judged(order, next.key), Verdict::kWrongAgent);
}

TEST_F(JudgeTest, ImportedIdentityNamesItsServerByDerivation) {
  for (const auto kind : {crypto::KeyKind::kRsa, crypto::KeyKind::kP256, crypto::KeyKind::kP384}) {
    const Identity imported = authority_.MakeImported(kind);
    held_ = trust::FirstTrust(imported.certificate, nullptr).value();
    EXPECT_EQ(held_.server, Uuid::FromDigest(imported.key.public_key().digest()));
    Order order = OrderOf(imported);
    order.iss = held_.server;
    ExpectPassed(Judged(order, imported.key));
    order.iss = server_id_;
    ExpectRefused(Judged(order, imported.key), Verdict::kWrongServer);
  }
}

TEST_F(JudgeTest, ImportedServerIdWithoutAGenerationIsNotRead) {
  const Identity imported =
      authority_.MakeImported(crypto::KeyKind::kP256, {.uris = {server_id_.Urn()}});
  held_ = trust::FirstTrust(imported.certificate, nullptr).value();
  Order order = OrderOf(imported);
  ExpectRefused(Judged(order, imported.key), Verdict::kWrongServer);
  order.iss = held_.server;
  ExpectPassed(Judged(order, imported.key));
}

TEST_F(JudgeTest, OwnerOfAnImportedIdentityMovesItsAgents) {
  const Identity imported = authority_.MakeImported(crypto::KeyKind::kRsa);
  held_ = trust::FirstTrust(imported.certificate, nullptr).value();
  server_id_ = held_.server;
  const Identity next =
      authority_.MakeServer(owner_, {.server_ids = {server_id_}, .generation = 2'000'000'000});
  const auto succession = authority_.IssueSuccession(imported, owner_, {server_id_});
  const Judgement judgement =
      Judged(OrderOf(next, {next.certificate.der(), succession.der(), imported.certificate.der()}),
             next.key);
  ExpectPassed(judgement);
  EXPECT_EQ(judgement.moved.value().owner, owner_.key.public_key().digest());
}

// A state is made only by trust/, which keeps its parts consistent. Should one contradict itself
// all the same, nobody is obeyed.
TEST_F(JudgeTest, HeldCertificateThatDoesNotNameTheStoredServerIsRefused) {
  server_id_ = held_.server = authority_.MakeServerId();
  ExpectRefused(Judged(OrderOf(server_), server_.key), Verdict::kWrongServer);
}

// Step 7.

TEST_F(JudgeTest, CertificateIsGoodUntilTheLastSecondOfItsTime) {
  const SignedOrder order = Sign(OrderOf(server_), server_.key);
  now_ = kTestEnd;
  ExpectPassed(Judged(order));
  now_ = kTestEnd + Seconds(1);
  const Judgement judgement = Judged(order);
  EXPECT_EQ(judgement.refused, Verdict::kCertificateExpired);
  EXPECT_TRUE(judgement.authentic) << "the challenge is used up all the same";
}

TEST_F(JudgeTest, NotBeforeIsNotExamined) {
  now_ = FromUnix(0);
  ExpectPassed(Judged(OrderOf(server_), server_.key));
}

TEST_F(JudgeTest, TrustMovesEvenWhenTheNewCertificateHasExpired) {
  const Identity next = MakeServer(11);
  now_ = kTestEnd + Seconds(1);
  const Judgement judgement = Judged(OrderOf(next, BundleOf(next)), next.key);
  EXPECT_EQ(judgement.refused, Verdict::kCertificateExpired);
  EXPECT_TRUE(judgement.authentic);
  ASSERT_TRUE(judgement.moved.has_value());
  EXPECT_EQ(judgement.moved->generation, 11U);
}

TEST_F(JudgeTest, ExpiryIsThatOfTheSigningCertificate) {
  const Identity next = authority_.MakeServer(
      owner_,
      {.server_ids = {server_id_}, .generation = 11, .not_after = kTestEnd + Seconds(86'400)});
  now_ = kTestEnd + Seconds(1);
  ExpectPassed(Judged(OrderOf(next, BundleOf(next)), next.key));
}

// The first failure is the verdict: each order below is wrong in all the later steps too.

TEST_F(JudgeTest, FirstFailureIsTheVerdict) {
  const Identity stranger =
      authority_.MakeServer(authority_.MakeOwner(), {.server_ids = {server_id_}, .generation = 11});
  now_ = kTestEnd + Seconds(1);
  distrust_ = trust::DistrustList({held_.owner, stranger.certificate.thumbprint()});
  Order order = OrderOf(stranger);
  order.iss = order.aud = authority_.MakeServerId();
  ExpectRefused(Judged(Sign(order, owner_.key), false), Verdict::kStale);
  ExpectRefused(Judged(order, owner_.key), Verdict::kUnknownKey);
  order.x5t = server_.certificate.thumbprint();
  ExpectRefused(Judged(order, owner_.key), Verdict::kDistrusted);
  distrust_ = {};
  ExpectRefused(Judged(order, owner_.key), Verdict::kBadSignature);
  ExpectRefused(Judged(order, server_.key), Verdict::kWrongServer);
  order.iss = server_id_;
  ExpectRefused(Judged(order, server_.key), Verdict::kWrongAgent);
  order.aud = self_;
  EXPECT_EQ(Judged(order, server_.key).refused, Verdict::kCertificateExpired);
  now_ = kTestBegin;
  ExpectPassed(Judged(order, server_.key));
}

// Replies take the same steps.

class JudgeReplyTest : public JudgeTest {
 protected:
  [[nodiscard]] Reply ReplyOf(const Identity& signer, std::vector<Bytes> bundle = {}) const {
    Reply reply = testing::SampleReply();
    reply.x5t = signer.certificate.thumbprint();
    reply.x5c = std::move(bundle);
    reply.iss = server_id_;
    reply.aud = self_;
    return reply;
  }
  [[nodiscard]] Judgement JudgedReply(const Reply& reply, const crypto::Signer& key,
                                      bool challenge_is_good = true) const {
    const auto parsed = ParseReply(SignReply(reply, key).value());
    return JudgeReply({.held = held_, .distrust = distrust_, .self = self_, .now = now_},
                      parsed.value(), challenge_is_good);
  }
};

TEST_F(JudgeReplyTest, ReplyOfTheHeldCertificatePasses) {
  ExpectPassed(JudgedReply(ReplyOf(server_), server_.key));
}

TEST_F(JudgeReplyTest, ReplyWithABundleMovesTrust) {
  const Identity next = MakeServer(11);
  const Judgement judgement = JudgedReply(ReplyOf(next, BundleOf(next)), next.key);
  ExpectPassed(judgement);
  EXPECT_EQ(judgement.moved.value().certificate, next.certificate);
}

TEST_F(JudgeReplyTest, EachStepRefuses) {
  ExpectRefused(JudgedReply(ReplyOf(server_), server_.key, false), Verdict::kStale);
  const Identity next = MakeServer(11);
  ExpectRefused(JudgedReply(ReplyOf(next), next.key), Verdict::kUnknownKey);
  ExpectRefused(JudgedReply(ReplyOf(server_), next.key), Verdict::kBadSignature);
  Reply reply = ReplyOf(server_);
  reply.iss = self_;
  ExpectRefused(JudgedReply(reply, server_.key), Verdict::kWrongServer);
  reply = ReplyOf(server_);
  reply.aud = server_id_;
  ExpectRefused(JudgedReply(reply, server_.key), Verdict::kWrongAgent);
  now_ = kTestEnd + Seconds(1);
  EXPECT_EQ(JudgedReply(ReplyOf(server_), server_.key).refused, Verdict::kCertificateExpired);
  distrust_ = trust::DistrustList({held_.owner});
  ExpectRefused(JudgedReply(ReplyOf(server_), server_.key), Verdict::kDistrusted);
}

}  // namespace
}  // namespace countersign::wire
