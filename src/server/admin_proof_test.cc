#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "server/admin.h"
#include "server/server.h"
#include "tests/support/server_bench.h"
#include "wire/jwk.h"

// What administrators are shown of proofs of adoption.
namespace countersign::server {
namespace {

using testing::FakeAgent;
using testing::ServerBench;

class AdminProofTest : public ::testing::Test {
 protected:
  AdminMessage Ask(std::string_view agent) {
    AdminMessage request;
    request.json = {{"command", "rollout-proof"}, {"agent", agent}};
    return Admin(bench_.server()).Handle(request, User(), bench_.now);
  }
  AdminMessage Ask(const FakeAgent& agent) { return Ask(agent.id.Text()); }
  [[nodiscard]] store::ProofRow Stored(const FakeAgent& agent) {
    return bench_.registry->FindProof(agent.id).value().value();
  }
  void ExpectRefused(const AdminMessage& answer, std::string_view code) {
    EXPECT_FALSE(answer.json.at("ok").as_bool());
    EXPECT_EQ(answer.json.at("code").as_string(), code) << boost::json::serialize(answer.json);
    EXPECT_FALSE(answer.json.at("next").as_string().empty());
  }
  ServerBench bench_;
};

TEST_F(AdminProofTest, ReportWithKeyAndCertificate) {
  const FakeAgent agent = bench_.KnownAgent();
  const auto events = bench_.registry->ListEvents(0, 100)->size();
  const AdminMessage answer = Ask(agent);
  const auto& json = answer.json;
  ASSERT_TRUE(json.at("ok").as_bool()) << boost::json::serialize(json);
  EXPECT_EQ(json.at("agent").as_string(), agent.id.Text());
  EXPECT_EQ(json.at("host").as_string(), "host");
  EXPECT_EQ(json.at("generation").to_number<std::uint64_t>(), 10U);
  EXPECT_EQ(json.at("generation_held").to_number<std::uint64_t>(), 10U);
  EXPECT_EQ(json.at("serial").as_string(), bench_.active.certificate.serial());
  EXPECT_EQ(json.at("sha256").as_string(), HexLower(bench_.active.certificate.thumbprint()));
  EXPECT_EQ(json.at("kind").as_string(), "report");
  EXPECT_EQ(json.at("at").as_string(), FormatUtc(bench_.now));
  EXPECT_EQ(json.at("message").as_string(), Stored(agent).message);
  EXPECT_EQ(wire::ReadJwk(json.at("jwk").as_object()).value(), agent.key.public_key());
  ASSERT_EQ(answer.blobs.size(), 1U);
  EXPECT_EQ(answer.blobs[0], bench_.active.certificate.der());
  EXPECT_EQ(bench_.registry->ListEvents(0, 100)->size(), events) << "it only shows";
}

TEST_F(AdminProofTest, ReceiptComesWithTheKeyThatItDoesNotCarry) {
  FakeAgent agent = bench_.KnownAgent();
  (void)bench_.AddOrder(agent);
  auto call = bench_.Due().at(0);
  bench_.Replace(bench_.Issue(11));
  const std::string order = bench_.Sign(call);
  agent.Hold(bench_.AcceptedStateOf(bench_.active));
  (void)bench_.server().TakeReceipt(
      call, agent.Sign(agent.Receipt(order, trust::Verdict::kDone, bench_.now)), bench_.now);
  const AdminMessage answer = Ask(agent);
  EXPECT_EQ(answer.json.at("kind").as_string(), "receipt");
  EXPECT_EQ(answer.json.at("generation").to_number<std::uint64_t>(), 11U);
  const auto key = wire::ReadJwk(answer.json.at("jwk").as_object()).value();
  const auto receipt = wire::ParseReceipt(std::string(answer.json.at("message").as_string()));
  ASSERT_TRUE(receipt.has_value());
  EXPECT_TRUE(wire::IsSignedBy(receipt->envelope, key));
}

TEST_F(AdminProofTest, CertificateThatTheServerForgotIsNamedByItsThumbprint) {
  FakeAgent agent = bench_.KnownAgent();
  const auto later = bench_.Issue(20);
  agent.Hold(bench_.AcceptedStateOf(later));
  (void)bench_.Tell(agent);
  agent.show_bundle = true;
  (void)bench_.Tell(agent);
  const AdminMessage answer = Ask(agent);
  ASSERT_TRUE(answer.json.at("ok").as_bool()) << boost::json::serialize(answer.json);
  EXPECT_EQ(answer.json.at("serial").as_string(), "");
  EXPECT_EQ(answer.json.at("sha256").as_string(), HexLower(later.certificate.thumbprint()));
  EXPECT_TRUE(answer.blobs.empty());
}

TEST_F(AdminProofTest, WhoHasNoneIsNotFound) {
  FakeAgent fresh = bench_.NewAgent();
  ExpectRefused(Ask(fresh), "not-found");
  (void)bench_.Tell(fresh);
  ExpectRefused(Ask(fresh), "not-found");
  ExpectRefused(Ask("no id"), "usage");
  ExpectRefused(Ask(""), "usage");
}

TEST_F(AdminProofTest, AlteredRowIsNotGivenOut) {
  FakeAgent agent = bench_.KnownAgent();
  const FakeAgent other = bench_.KnownAgent();
  const auto stored = Stored(agent);
  const auto refused = [&](auto alter) {
    auto row = stored;
    alter(row);
    ASSERT_TRUE(bench_.registry->PutProof(row).has_value());
    ExpectRefused(Ask(agent), "damaged");
  };
  refused([](auto& row) { row.generation = 11; });
  refused([](auto& row) { row.thumbprint[31] ^= 1; });
  refused([](auto& row) { row.kind = store::ProofKind::kReceipt; });
  refused([](auto& row) { row.message[row.message.size() - 5] ^= 1; });
  refused([](auto& row) { row.message.clear(); });
  refused([&](auto& row) { row.message = Stored(other).message; });
  ASSERT_TRUE(bench_.registry->PutProof(stored).has_value());
  EXPECT_TRUE(Ask(agent).json.at("ok").as_bool());
}

}  // namespace
}  // namespace countersign::server
