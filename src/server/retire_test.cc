#include <gtest/gtest.h>

#include "server/standing.h"
#include "tests/support/server_bench.h"

// A machine that is installed anew leaves the list of mismatched agents by itself.
namespace countersign::server {
namespace {

using testing::FakeAgent;
using testing::ServerBench;

class RetireTest : public ::testing::Test {
 protected:
  // The old agent trusts another owner; then time passes.
  void SetUp() override {
    auto row = bench_.Row(old_);
    row.held_owner[0] ^= 1;
    row.held_thumbprint[0] ^= 1;
    row.standing = kMismatched;
    row.reason = "other-owner";
    bench_.Put(row);
    bench_.now += std::chrono::hours(1);
  }
  // Reinstall is a new agent on the machine of `old_` that has proved itself and is admitted; what
  // `change` sets in its row is as if it had said so.
  FakeAgent Newcomer(const std::function<void(store::AgentRow&)>& change = {}) {
    FakeAgent agent = bench_.NewAgent();
    (void)bench_.Tell(agent);
    auto row = bench_.Row(agent);
    const auto earlier = bench_.Row(old_);
    row.host = earlier.host;
    row.port = earlier.port;
    row.admitted = true;
    row.held_known = true;
    if (change) change(row);
    bench_.Put(row);
    EXPECT_TRUE(bench_.server().RetireEarlier(row, bench_.now).has_value());
    return agent;
  }
  std::string Standing() { return bench_.Row(old_).standing; }

  ServerBench bench_;
  FakeAgent old_ = bench_.KnownAgent();
};

TEST_F(RetireTest, TheEarlierRowGoesAndSaysWhoCame) {
  const FakeAgent agent = Newcomer();
  EXPECT_EQ(Standing(), kRetired);
  EXPECT_EQ(bench_.Row(old_).successor, agent.id);
  EXPECT_EQ(bench_.Events("agent-retired"), 1U);
}

TEST_F(RetireTest, OnlyOnTheSameMachine) {
  (void)Newcomer([](store::AgentRow& row) { row.host += "-other"; });
  EXPECT_NE(Standing(), kRetired);
  (void)Newcomer([](store::AgentRow& row) { row.port += 1; });
  EXPECT_NE(Standing(), kRetired);
  (void)Newcomer([](store::AgentRow& row) { row.source = "192.0.2.99"; });
  EXPECT_NE(Standing(), kRetired);
}

// Nobody is pushed out of sight who is not in the list that administrators work off.
TEST_F(RetireTest, OnlyOneThatNeedsHandsOrIsExposed) {
  for (const std::string_view standing : {kVerified, kBehind, kNew}) {
    auto row = bench_.Row(old_);
    row.standing = standing;
    bench_.Put(row);
    (void)Newcomer();
    EXPECT_EQ(Standing(), standing);
  }
  auto row = bench_.Row(old_);
  row.standing = kExposed;
  bench_.Put(row);
  (void)Newcomer();
  EXPECT_EQ(Standing(), kRetired);
}

// A compromised endpoint must not push others out of sight.
TEST_F(RetireTest, OnlyByOneThatIsAdmittedAndProved) {
  (void)Newcomer([](store::AgentRow& row) { row.admitted = false; });
  EXPECT_NE(Standing(), kRetired);
  (void)Newcomer([](store::AgentRow& row) { row.held_known = false; });
  EXPECT_NE(Standing(), kRetired);
}

TEST_F(RetireTest, OneThatWasHeardSinceStays) {
  auto row = bench_.Row(old_);
  row.last_contact = bench_.now + Seconds(60);
  bench_.Put(row);
  (void)Newcomer();
  EXPECT_NE(Standing(), kRetired);
}

TEST_F(RetireTest, ItGetsNoOrdersAndTheRefusalSaysWhy) {
  (void)Newcomer();
  const auto queued = bench_.server().AddOrders(
      {.agents = {old_.id}, .act = "ping", .args = {}, .expires_after = Seconds(60)}, bench_.now);
  ASSERT_FALSE(queued.has_value());
  EXPECT_EQ(queued.error().code, Code::kRefused);
  EXPECT_NE(queued.error().message.find("installed anew"), std::string::npos);
}

TEST_F(RetireTest, OneThatSpeaksAgainIsRetiredNoMore) {
  (void)Newcomer();
  ASSERT_EQ(Standing(), kRetired);
  (void)bench_.Tell(old_);
  EXPECT_EQ(Standing(), kVerified);
  EXPECT_TRUE(bench_.Row(old_).successor.is_nil());
}

}  // namespace
}  // namespace countersign::server
