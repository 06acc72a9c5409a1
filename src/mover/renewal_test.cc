#include "mover/renewal.h"

#include <gtest/gtest.h>

#include "mover/reply_fixture.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/memory_storage.h"

namespace countersign::mover {
namespace {

using testing::Identity;

// An agent of another owner, and a server whose certificate it is given by hand.
class RenewalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto held = trust::FirstTrust(old_server_.certificate, nullptr);
    ASSERT_TRUE(held.has_value());
    held_.emplace(*std::move(held));
    auto counters = store::AgentCounters::Load(storage_);
    ASSERT_TRUE(counters.has_value());
    counters_.emplace(*std::move(counters));
  }

  Identity Issue(const Identity& owner, const ServerId& id, std::uint64_t generation) {
    return authority_.MakeServer(owner, {.server_ids = {id}, .generation = generation});
  }

  std::unique_ptr<Renewal> Begin(const crypto::Certificate& certificate) {
    auto renewal = Renewal::Begin(*held_, certificate, profile_, agent_key_, authority_.random());
    EXPECT_TRUE(renewal.has_value());
    return *std::move(renewal);
  }

  // Reply is what a server with this key answers to the renewal's report.
  std::string Reply(Renewal& renewal, const Identity& signer, std::vector<Bytes> bundle = {}) {
    const auto text = renewal.MakeReport(*counters_, Instance(), kNow);
    EXPECT_TRUE(text.has_value());
    const auto report = wire::ParseReport(*text);
    EXPECT_TRUE(report.has_value());
    return ReplyTo(report->report, signer, authority_.random(), {.bundle = std::move(bundle)});
  }

  testing::TestAuthority authority_{3};
  testing::MemoryAgentStorage storage_;
  std::optional<store::AgentCounters> counters_;
  std::optional<trust::TrustState> held_;
  wire::AgentProfile profile_;
  trust::DistrustList distrust_;
  crypto::PrivateKey agent_key_ = authority_.MakeKey();
  ServerId server_id_ = authority_.MakeServerId();
  Identity old_owner_ = authority_.MakeOwner();
  Identity old_server_ = Issue(old_owner_, authority_.MakeServerId(), 7);
  Identity owner_ = authority_.MakeOwner();
  Identity server_ = Issue(owner_, server_id_, 9);
};

TEST_F(RenewalTest, ReplyByThatCertificateIsVerified) {
  const auto renewal = Begin(server_.certificate);
  const auto outcome = renewal->TakeReply(Reply(*renewal, server_), distrust_, kNow);
  EXPECT_EQ(outcome.result, Renewal::Result::kVerified) << outcome.why;
  ASSERT_TRUE(outcome.state.has_value());
  EXPECT_EQ(outcome.state->server, server_id_);
  EXPECT_EQ(outcome.state->generation, 9U);
  EXPECT_NE(outcome.state->FindHighest(held_->server), nullptr) << "earlier servers are remembered";
}

TEST_F(RenewalTest, ReplyWithANewerBundleMovesOnAtOnce) {
  const auto renewal = Begin(server_.certificate);
  const Identity newer = Issue(owner_, server_id_, 12);
  const auto outcome = renewal->TakeReply(
      Reply(*renewal, newer, {newer.certificate.der(), owner_.certificate.der()}), distrust_, kNow);
  EXPECT_EQ(outcome.result, Renewal::Result::kVerified) << outcome.why;
  ASSERT_TRUE(outcome.state.has_value());
  EXPECT_EQ(outcome.state->generation, 12U);
}

TEST_F(RenewalTest, ReplyByAnotherKeyKeepsTheOldState) {
  const auto renewal = Begin(server_.certificate);
  const auto outcome = renewal->TakeReply(Reply(*renewal, old_server_), distrust_, kNow);
  EXPECT_EQ(outcome.result, Renewal::Result::kOtherKey);
  EXPECT_FALSE(outcome.state.has_value());
  EXPECT_NE(outcome.why.find("unknown-key"), std::string::npos) << outcome.why;
}

TEST_F(RenewalTest, ReplyToAnotherReportIsNoProof) {
  const auto renewal = Begin(server_.certificate);
  const auto other = Begin(server_.certificate);
  const std::string stale = Reply(*other, server_);
  ASSERT_FALSE(Reply(*renewal, server_).empty());
  EXPECT_EQ(renewal->TakeReply(stale, distrust_, kNow).result, Renewal::Result::kOtherKey);
  EXPECT_EQ(renewal->TakeReply("no reply", distrust_, kNow).result, Renewal::Result::kOtherKey);
}

TEST_F(RenewalTest, DistrustedCertificateIsNotInstalledByAReply) {
  const auto renewal = Begin(server_.certificate);
  const trust::DistrustList distrust({server_.certificate.key().digest()});
  const auto outcome = renewal->TakeReply(Reply(*renewal, server_), distrust, kNow);
  EXPECT_EQ(outcome.result, Renewal::Result::kOtherKey);
}

TEST_F(RenewalTest, WithoutAnAnswerTheServersOwnIsInstalledNotVerified) {
  const Identity newer = Issue(old_owner_, held_->server, 8);
  const auto renewal = Begin(newer.certificate);
  const auto outcome = renewal->NotReached("connection refused");
  EXPECT_EQ(outcome.result, Renewal::Result::kNotVerified);
  ASSERT_TRUE(outcome.state.has_value());
  EXPECT_EQ(outcome.state->generation, 8U);
}

TEST_F(RenewalTest, WithoutAnAnswerOneThatNamesTheServerAmongOthersIsInstalled) {
  const auto both = authority_.MakeServer(
      old_owner_, {.server_ids = {server_id_, held_->server}, .generation = 8});
  const auto outcome = Begin(both.certificate)->NotReached("connection refused");
  ASSERT_TRUE(outcome.state.has_value());
  EXPECT_EQ(outcome.state->server, held_->server);
}

TEST_F(RenewalTest, WithoutAnAnswerAnotherServersIsInstalledAndSaid) {
  const auto outcome = Begin(server_.certificate)->NotReached("connection refused");
  EXPECT_EQ(outcome.result, Renewal::Result::kNotVerified);
  for (const ServerId& id : {server_id_, held_->server}) {
    EXPECT_NE(outcome.why.find(id.Text()), std::string::npos) << outcome.why;
  }
  EXPECT_NE(outcome.next.find("IpXfer -s"), std::string::npos) << outcome.next;
  ASSERT_TRUE(outcome.state.has_value());
  EXPECT_EQ(outcome.state->server, server_id_);
}

TEST_F(RenewalTest, AnotherKeyIsInstalledOnlyWhenTold) {
  const auto renewal = Begin(server_.certificate);
  const auto refused = renewal->TakeReply(Reply(*renewal, old_server_), distrust_, kNow);
  EXPECT_FALSE(Decide(refused, *renewal, /*verify=*/true).state.has_value());
  const auto told = Decide(refused, *renewal, /*verify=*/false);
  EXPECT_EQ(told.result, Renewal::Result::kNotVerified);
  EXPECT_TRUE(told.state.has_value());
}

TEST_F(RenewalTest, OlderGenerationIsTakenByLocalAuthority) {
  const Identity older = Issue(old_owner_, held_->server, 3);
  const auto renewal = Begin(older.certificate);
  EXPECT_EQ(renewal->to_be().generation, 3U);
  EXPECT_EQ(renewal->to_be().FindHighest(held_->server)->generation, 3U);
}

}  // namespace
}  // namespace countersign::mover
