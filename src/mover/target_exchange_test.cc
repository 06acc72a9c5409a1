#include "mover/target_exchange.h"

#include <gtest/gtest.h>

#include "mover/reply_fixture.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/memory_storage.h"

namespace countersign::mover {
namespace {

using testing::Identity;

// An agent that is about to belong to a server.
class TargetExchangeTest : public ::testing::Test {
 protected:
  TargetExchangeTest()
      : exchange_(trust::FirstTrust(server_.certificate, nullptr).value(), profile_, agent_key_,
                  authority_.random()) {}

  // ReplyBy is what a server with this key, which admits everybody, answers to the report.
  std::string ReplyBy(const Identity& signer) {
    auto counters = store::AgentCounters::Load(storage_).value();
    const auto text = exchange_.MakeReport(counters, Instance(), kNow);
    EXPECT_TRUE(text.has_value());
    const auto report = wire::ParseReport(*text);
    EXPECT_TRUE(report.has_value());
    return ReplyTo(report->report, signer, authority_.random(), {.accepted = true});
  }

  testing::TestAuthority authority_{4};
  testing::MemoryAgentStorage storage_;
  wire::AgentProfile profile_;
  trust::DistrustList distrust_;
  crypto::PrivateKey agent_key_ = authority_.MakeKey();
  ServerId server_id_ = authority_.MakeServerId();
  Identity owner_ = authority_.MakeOwner();
  Identity server_ = authority_.MakeServer(owner_, {.server_ids = {server_id_}, .generation = 7});
  Identity other_ = authority_.MakeServer(owner_, {.server_ids = {server_id_}, .generation = 8});
  TargetExchange exchange_;
};

TEST_F(TargetExchangeTest, ServerWithTheKeyProvesItselfAndAccepts) {
  const auto answer = exchange_.TakeReply(ReplyBy(server_), distrust_, kNow);
  EXPECT_FALSE(answer.refused.has_value());
  ASSERT_TRUE(answer.state.has_value());
  EXPECT_EQ(*answer.state, exchange_.to_be());
  EXPECT_TRUE(answer.accepted);
  EXPECT_FALSE(answer.expired);
}

TEST_F(TargetExchangeTest, AnotherKeyProvesNothing) {
  const auto answer = exchange_.TakeReply(ReplyBy(other_), distrust_, kNow);
  EXPECT_EQ(answer.refused, trust::Verdict::kUnknownKey);
  EXPECT_FALSE(answer.state.has_value());
  EXPECT_FALSE(answer.accepted);
}

TEST_F(TargetExchangeTest, ReplyToAnotherReportIsStale) {
  const std::string first = ReplyBy(server_);
  static_cast<void>(ReplyBy(server_));
  EXPECT_EQ(exchange_.TakeReply(first, distrust_, kNow).refused, trust::Verdict::kStale);
}

// Step 7: trust is right, and nothing else is taken.
TEST_F(TargetExchangeTest, ExpiredServerProvesItselfAndAcceptsNobody) {
  const std::string reply = ReplyBy(server_);
  const Times later{server_.certificate.not_after() + Seconds(1), kNow.boot};
  const auto answer = exchange_.TakeReply(reply, distrust_, later);
  EXPECT_FALSE(answer.refused.has_value());
  EXPECT_TRUE(answer.state.has_value());
  EXPECT_TRUE(answer.expired);
  EXPECT_FALSE(answer.accepted);
}

}  // namespace
}  // namespace countersign::mover
