#include "mover/farewell.h"

#include <gtest/gtest.h>

#include "mover/reply_fixture.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/memory_storage.h"

namespace countersign::mover {
namespace {

using testing::Identity;

// An agent that has left a server for one of another owner.
class FarewellTest : public ::testing::Test {
 protected:
  FarewellTest() { Begin(server_.certificate.der()); }
  void Begin(Bytes certificate) {
    const store::FormerServer former{.server = server_id_,
                                     .certificate = std::move(certificate),
                                     .host = "former",
                                     .http_port = 8080,
                                     .https_port = 4343,
                                     .tries = 0,
                                     .tls = true};
    farewell_.emplace(former, now_, profile_, agent_key_, authority_.random());
  }
  wire::Report Report(const std::optional<Nonce>& echo = std::nullopt) {
    auto counters = store::AgentCounters::Load(storage_).value();
    const auto text = farewell_->MakeReport(counters, Instance(), kNow, echo);
    return wire::ParseReport(text.value()).value().report;
  }
  // ReplyBy is what a server with this key answers to this report.
  std::string ReplyBy(const Identity& signer, const wire::Report& report, const ServerId& iss,
                      std::vector<Bytes> bundle = {}) {
    return ReplyTo(report, signer, authority_.random(), {.bundle = std::move(bundle), .iss = iss});
  }
  bool IsAnswered(const std::string& reply) {
    return farewell_->IsAnswered(reply, distrust_, kNow);
  }
  Identity Issue(const Identity& owner, std::vector<ServerId> ids, std::uint64_t generation) {
    return authority_.MakeServer(owner, {.server_ids = std::move(ids), .generation = generation});
  }

  testing::TestAuthority authority_{5};
  testing::MemoryAgentStorage storage_;
  wire::AgentProfile profile_ = [] {
    wire::AgentProfile profile;
    profile.host = "host";
    profile.enrol = wire::EnrolToken{"token", Bytes(32, 7)};
    return profile;
  }();
  trust::DistrustList distrust_;
  crypto::PrivateKey agent_key_ = authority_.MakeKey();
  ServerId server_id_ = authority_.MakeServerId();
  Identity owner_ = authority_.MakeOwner();
  Identity server_ = Issue(owner_, {server_id_}, 7);
  Identity other_ = Issue(authority_.MakeOwner(), {authority_.MakeServerId()}, 3);
  trust::TrustState now_ = trust::FirstTrust(other_.certificate, nullptr).value();
  std::optional<Farewell> farewell_;
};

TEST_F(FarewellTest, ReportSaysThatTheAgentLeavesAndWhereItIs) {
  const Nonce nonce = authority_.random().Token();
  const auto report = Report(nonce);
  EXPECT_TRUE(report.leaving);
  EXPECT_EQ(report.aud, now_.server);
  EXPECT_EQ(report.held.thumbprint, now_.certificate.thumbprint());
  EXPECT_EQ(report.echo, nonce);
  EXPECT_FALSE(report.enrol.has_value()) << "it comes to nobody with it";
}

TEST_F(FarewellTest, FormerServerAnswersWithTheKeyThatTheAgentKnew) {
  const auto report = Report();
  EXPECT_TRUE(IsAnswered(ReplyBy(server_, report, server_id_)));
}

TEST_F(FarewellTest, NobodyElseCanAnswerInItsPlace) {
  const auto report = Report();
  EXPECT_FALSE(IsAnswered(""));
  EXPECT_FALSE(IsAnswered("a page"));
  EXPECT_FALSE(IsAnswered(ReplyBy(other_, report, server_id_)));
  EXPECT_FALSE(IsAnswered(ReplyBy(other_, report, now_.server))) << "nor the present server";
  const Identity thief{.key = authority_.MakeKey(), .certificate = server_.certificate};
  EXPECT_FALSE(IsAnswered(ReplyBy(thief, report, server_id_)));
}

TEST_F(FarewellTest, AnswerToAnEarlierReportIsNone) {
  const auto first = Report();
  const std::string stale = ReplyBy(server_, first, server_id_);
  (void)Report();
  EXPECT_FALSE(IsAnswered(stale));
}

TEST_F(FarewellTest, ServerThatHasANewerCertificateSinceShowsItsBundle) {
  const auto report = Report();
  const Identity newer = Issue(owner_, {server_id_}, 9);
  EXPECT_FALSE(IsAnswered(ReplyBy(newer, report, server_id_)));
  EXPECT_TRUE(IsAnswered(
      ReplyBy(newer, report, server_id_, {newer.certificate.der(), owner_.certificate.der()})));
}

TEST_F(FarewellTest, ServerOfSeveralIdsAnswersUnderAnyOfThem) {
  const ServerId joined = authority_.MakeServerId();
  const Identity both = Issue(owner_, {server_id_, joined}, 9);
  Begin(both.certificate.der());
  const auto report = Report();
  EXPECT_TRUE(IsAnswered(ReplyBy(both, report, joined)));
  EXPECT_TRUE(IsAnswered(ReplyBy(both, report, server_id_)));
  EXPECT_FALSE(IsAnswered(ReplyBy(both, report, authority_.MakeServerId())));
}

TEST_F(FarewellTest, DistrustedServerIsNotHeard) {
  distrust_ = trust::DistrustList({server_.certificate.thumbprint()});
  const auto report = Report();
  EXPECT_FALSE(IsAnswered(ReplyBy(server_, report, server_id_)));
}

TEST_F(FarewellTest, WithoutItsCertificateNobodyIsBelieved) {
  Begin(Bytes(20, 7));
  const auto report = Report();
  EXPECT_FALSE(IsAnswered(ReplyBy(server_, report, server_id_)));
}

}  // namespace
}  // namespace countersign::mover
