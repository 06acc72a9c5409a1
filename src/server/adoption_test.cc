#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "server/admin.h"
#include "server/server.h"
#include "tests/support/server_bench.h"

// The proof of adoption: which signed message of an agent is kept.
namespace countersign::server {
namespace {

using store::ProofKind;
using store::ProofRow;
using testing::FakeAgent;
using testing::ServerBench;

class AdoptionTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::optional<ProofRow> Proof(const FakeAgent& agent) {
    return bench_.registry->FindProof(agent.id).value();
  }
  // TellAsText is one exchange; the report as it was sent (no two signatures are the same).
  std::string TellAsText(FakeAgent& agent, const wire::Report& report) {
    std::string text = agent.Sign(report);
    const auto answer = bench_.Give(text);
    EXPECT_EQ(answer.status, 200);
    agent.nonce = Nonce::Parse(answer.nonce);
    return text;
  }
  std::string TellAsText(FakeAgent& agent) { return TellAsText(agent, agent.Report(bench_.now)); }
  // Adopt makes generation the active one, and the agent take it over.
  void Adopt(FakeAgent& agent, std::uint64_t generation) {
    bench_.Replace(bench_.Issue(generation));
    agent.Hold(bench_.AcceptedStateOf(bench_.active));
  }
  [[nodiscard]] ProofRow ProofBy(const FakeAgent& agent, ProofKind kind, std::string message) {
    return {.agent = agent.id,
            .generation = bench_.active.certificate.generation().value(),
            .thumbprint = bench_.active.certificate.thumbprint(),
            .kind = kind,
            .at = bench_.now,
            .message = std::move(message)};
  }
  ServerBench bench_;
};

TEST_F(AdoptionTest, FirstProvedReportOfAnAdmittedAgentIsKeptAsItCame) {
  FakeAgent agent = bench_.NewAgent();
  (void)bench_.Tell(agent);
  EXPECT_FALSE(Proof(agent).has_value()) << "unproved";
  (void)bench_.Tell(agent);
  EXPECT_FALSE(Proof(agent).has_value()) << "not admitted";
  auto row = bench_.Row(agent);
  row.admitted = true;
  bench_.Put(row);
  const auto report = agent.Report(bench_.now);
  const std::string text = TellAsText(agent, report);
  const auto expected = ProofBy(agent, ProofKind::kReport, text);
  EXPECT_EQ(expected.generation, 10U);
  ASSERT_EQ(Proof(agent), expected);
  EXPECT_EQ(wire::ParseReport(Proof(agent)->message)->report, report);
}

TEST_F(AdoptionTest, LaterMessagesOfTheSameCertificateDoNotReplaceIt) {
  FakeAgent agent = bench_.KnownAgent();
  const auto first = Proof(agent);
  ASSERT_TRUE(first.has_value());
  bench_.now += Seconds(900);
  (void)bench_.Tell(agent);
  agent.Restart(bench_.random);
  (void)bench_.Tell(agent);
  (void)bench_.Tell(agent);
  EXPECT_EQ(Proof(agent), first);
}

TEST_F(AdoptionTest, ReportOfANewerGenerationReplacesIt) {
  FakeAgent agent = bench_.KnownAgent();
  Adopt(agent, 11);
  bench_.now += Seconds(900);
  const std::string text = TellAsText(agent);
  EXPECT_EQ(Proof(agent), ProofBy(agent, ProofKind::kReport, text));
}

TEST_F(AdoptionTest, PendingCertificateOfARolloutCounts) {
  FakeAgent agent = bench_.KnownAgent();
  const auto pending = bench_.Issue(11);
  bench_.Put(pending.certificate, store::CertificateRole::kServer,
             store::CertificateState::kPending);
  ASSERT_TRUE(bench_.ring->Add(pending.key, keys::Exportable::kNo).has_value());
  ASSERT_TRUE(bench_.server().Reload(bench_.now).has_value());
  agent.Hold(bench_.AcceptedStateOf(pending));
  const std::string text = TellAsText(agent);
  ASSERT_TRUE(Proof(agent).has_value());
  EXPECT_EQ(Proof(agent)->thumbprint, pending.certificate.thumbprint());
  EXPECT_EQ(Proof(agent)->message, text);
}

TEST_F(AdoptionTest, ReceiptIsKeptIfItIsTheFirstToSaySo) {
  FakeAgent agent = bench_.KnownAgent();
  (void)bench_.AddOrder(agent);
  auto call = bench_.Due().at(0);
  bench_.Replace(bench_.Issue(11));
  const std::string order = bench_.Sign(call);
  agent.Hold(bench_.AcceptedStateOf(bench_.active));
  const std::string text = agent.Sign(agent.Receipt(order, trust::Verdict::kDone, bench_.now));
  bench_.now += Seconds(1);
  (void)bench_.server().TakeReceipt(call, text, bench_.now);
  const auto expected = ProofBy(agent, ProofKind::kReceipt, text);
  EXPECT_EQ(Proof(agent), expected);
  (void)bench_.Tell(agent);
  EXPECT_EQ(Proof(agent), expected);
}

TEST_F(AdoptionTest, PostedReceiptIsKeptToo) {
  FakeAgent agent = bench_.KnownAgent();
  (void)bench_.AddOrder(agent);
  bench_.Replace(bench_.Issue(11));
  const auto orders = bench_.Tell(agent).orders;
  ASSERT_EQ(orders.size(), 1U);
  agent.Hold(bench_.AcceptedStateOf(bench_.active));
  const std::string text = agent.Sign(agent.Receipt(orders[0], trust::Verdict::kDone, bench_.now));
  EXPECT_EQ(bench_.server().TakePostedReceipt(text, bench_.now), 204);
  EXPECT_EQ(Proof(agent), ProofBy(agent, ProofKind::kReceipt, text));
}

TEST_F(AdoptionTest, ReceiptThatIsNotBelievedIsNotKept) {
  FakeAgent agent = bench_.KnownAgent();
  FakeAgent thief = bench_.KnownAgent();
  const auto first = Proof(agent);
  (void)bench_.AddOrder(agent);
  auto call = bench_.Due().at(0);
  bench_.Replace(bench_.Issue(11));
  const std::string order = bench_.Sign(call);
  agent.Hold(bench_.AcceptedStateOf(bench_.active));
  auto receipt = agent.Receipt(order, trust::Verdict::kDone, bench_.now);
  (void)bench_.server().TakeReceipt(call, thief.Sign(receipt), bench_.now);
  receipt.oh[0] ^= 1;
  (void)bench_.server().TakeReceipt(call, agent.Sign(receipt), bench_.now);
  EXPECT_EQ(Proof(agent), first);
}

TEST_F(AdoptionTest, OlderGenerationDoesNotReplaceIt) {
  FakeAgent agent = bench_.KnownAgent();
  const FakeAgent snapshot = agent;
  Adopt(agent, 11);
  (void)bench_.Tell(agent);
  const auto newest = Proof(agent);
  FakeAgent restored = snapshot;
  restored.Restart(bench_.random);
  (void)bench_.Tell(restored);
  (void)bench_.Tell(restored);
  ASSERT_EQ(bench_.Row(agent).held_generation, 10U);
  EXPECT_EQ(Proof(agent), newest);
  EXPECT_EQ(newest->generation, 11U);
}

TEST_F(AdoptionTest, UnprovedAndReplayedReportsAreNotKept) {
  FakeAgent agent = bench_.KnownAgent();
  Adopt(agent, 11);
  const auto before = Proof(agent);
  FakeAgent without = agent;
  without.nonce.reset();
  (void)bench_.Tell(without);
  EXPECT_EQ(Proof(agent), before) << "without a nonce";
  const std::string text = TellAsText(agent);
  const auto kept = Proof(agent);
  EXPECT_EQ(kept->generation, 11U);
  ASSERT_TRUE(bench_.registry->DeleteProof(agent.id).has_value());
  EXPECT_EQ(bench_.Give(text).status, 200);
  EXPECT_FALSE(Proof(agent).has_value()) << "replayed";
}

TEST_F(AdoptionTest, ReportForAnotherServerIsNotKept) {
  FakeAgent agent = bench_.KnownAgent();
  Adopt(agent, 11);
  const auto before = Proof(agent);
  auto report = agent.Report(bench_.now);
  report.aud = bench_.authority.MakeServerId();
  (void)bench_.Tell(agent, report);
  ASSERT_EQ(bench_.Row(agent).held_generation, 11U) << "it was proved";
  EXPECT_EQ(Proof(agent), before);
}

TEST_F(AdoptionTest, CertificateThatThisServerDoesNotKnowIsNoProofUntilItIsShown) {
  FakeAgent agent = bench_.KnownAgent();
  const auto before = Proof(agent);
  const auto later = bench_.Issue(20);
  agent.Hold(bench_.AcceptedStateOf(later));
  ASSERT_TRUE(bench_.Tell(agent).want_bundle);
  EXPECT_EQ(Proof(agent), before);
  agent.show_bundle = true;
  const std::string text = TellAsText(agent);
  EXPECT_EQ(Proof(agent), (ProofRow{.agent = agent.id,
                                    .generation = 20,
                                    .thumbprint = later.certificate.thumbprint(),
                                    .kind = ProofKind::kReport,
                                    .at = bench_.now,
                                    .message = text}));
}

TEST_F(AdoptionTest, InventedCertificatesAreNoProof) {
  FakeAgent agent = bench_.KnownAgent();
  ASSERT_TRUE(bench_.registry->DeleteProof(agent.id).has_value());
  auto report = agent.Report(bench_.now);
  report.held.thumbprint[0] ^= 1;
  (void)bench_.Tell(agent, report);
  EXPECT_FALSE(Proof(agent).has_value()) << "no such certificate";
  report = agent.Report(bench_.now);
  report.held.generation = 9;
  (void)bench_.Tell(agent, report);
  EXPECT_FALSE(Proof(agent).has_value()) << "of another generation";
  (void)bench_.Tell(agent);
  EXPECT_EQ(Proof(agent)->generation, 10U);
}

TEST_F(AdoptionTest, AnotherCertificateOfTheSameGenerationReplacesIt) {
  FakeAgent agent = bench_.KnownAgent();
  Adopt(agent, 10);
  const std::string text = TellAsText(agent);
  EXPECT_EQ(Proof(agent), ProofBy(agent, ProofKind::kReport, text));
}

TEST_F(AdoptionTest, ForgottenAgentHasNoProofAnyMore) {
  FakeAgent agent = bench_.KnownAgent();
  const FakeAgent other = bench_.KnownAgent();
  ASSERT_TRUE(Proof(agent).has_value());
  AdminMessage request;
  request.json = {{"command", "forget"}, {"agents", boost::json::array{agent.id.Text()}}};
  const auto answer = Admin(bench_.server()).Handle(request, User(), bench_.now);
  ASSERT_TRUE(answer.json.at("ok").as_bool()) << boost::json::serialize(answer.json);
  EXPECT_FALSE(Proof(agent).has_value());
  EXPECT_EQ(bench_.Give(agent.Sign(agent.Report(bench_.now))).status, 403);
  EXPECT_FALSE(Proof(agent).has_value());
  EXPECT_TRUE(Proof(other).has_value());
}

}  // namespace
}  // namespace countersign::server
