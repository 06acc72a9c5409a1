#include "agent/set_unload.h"
#include "agent/unload_lock_fixture.h"

// Warrants, and the unload password of a running agent.
namespace countersign::agent {
namespace {

using trust::Verdict;

TEST_F(UnloadLockTest, WarrantPassesALockedAgentAndLeavesTheLock) {
  SetPassword();
  FailTimes(3);
  const std::size_t writes = disk_.writes;
  const auto passed = Show("\n " + Warrant() + "\n");
  ASSERT_TRUE(passed.has_value()) << passed.error().message;
  EXPECT_TRUE(passed->spent.has_value());
  EXPECT_EQ(disk_.writes, writes);
  EXPECT_EQ(CodeOf("right one"), Code::kExhausted);
}

TEST_F(UnloadLockTest, BadWarrantIsRefusedWithItsReason) {
  SetPassword();
  const auto shown = Show("nonsense");
  ASSERT_FALSE(shown.has_value());
  EXPECT_EQ(shown.error().code, Code::kRefused);
  EXPECT_THAT(shown.error().message, HasSubstr("bad-warrant"));
  EXPECT_EQ(lock_->failures(), 0U);
}

// A running agent: what the protocol says of orders, and of who may lock out whom.
class AgentUnloadTest : public UnloadLockTest {
 protected:
  AgentUnloadTest() { Restart(); }
  void Restart() {
    agent_ = Must(Agent::Create(
        {bench_.disk, bench_.key, bench_.random, bench_.log, bench_.distrust, &*lock_},
        bench_.profile, now_));
  }
  wire::Receipt Order(std::string args) {
    auto order = bench_.Order("set-unload");
    order.args = std::move(args);
    order.challenge = agent_->DrawChallenge(now_);
    const auto answer =
        agent_->TakeOrder(AgentBench::Sign(order, bench_.server.key), "192.0.2.1", now_);
    return bench_.Read(answer.receipt);
  }
  std::unique_ptr<Agent> agent_;
};

TEST_F(AgentUnloadTest, OrderSetsAndClearsThePassword) {
  const std::string verifier = VerifierOf("from the server");
  EXPECT_EQ(Order(R"({"verifier":")" + verifier + R"("})").verdict, Verdict::kDone);
  EXPECT_EQ(CodeOf("wrong"), Code::kWrongPassword);
  EXPECT_TRUE(Try("from the server").has_value());
  EXPECT_EQ(Order(R"({"verifier":""})").verdict, Verdict::kDone);
  EXPECT_FALSE(lock_->is_set());
}

TEST_F(AgentUnloadTest, OrderThatIsNoVerifierChangesNothing) {
  SetPassword();
  for (
      const std::string& args : std::vector<std::string>{
          "", "{}", R"({"verifier":1})", R"({"verifier":"","more":1})", R"({"verifier":"secret"})",
          R"({"verifier":"$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"})"}) {
    const auto receipt = Order(args);
    EXPECT_EQ(receipt.verdict, Verdict::kFailed) << args;
    EXPECT_THAT(receipt.result, ::testing::Not(HasSubstr("secret")));
  }
  EXPECT_TRUE(Try("right one").has_value());
}

// A thief of the server key may set any password. The owner's warrant passes it.
TEST_F(AgentUnloadTest, ThiefOfTheServerKeyLocksNobodyOut) {
  EXPECT_EQ(Order(R"({"verifier":")" + VerifierOf("the thief's") + R"("})").verdict,
            Verdict::kDone);
  FailTimes(3);
  const std::string warrant = Warrant();
  const auto passed = agent_->PassUnload({.warrant = warrant}, now_);
  ASSERT_TRUE(passed.has_value()) << passed.error().message;
}

TEST_F(AgentUnloadTest, WarrantPassesOnceAlsoAfterARestart) {
  SetPassword();
  const std::string warrant = Warrant();
  ASSERT_TRUE(agent_->PassUnload({.warrant = warrant}, now_).has_value());
  EXPECT_EQ(agent_->trust().spent.size(), 1U);
  for (int i = 0; i < 2; ++i) {
    const auto again = agent_->PassUnload({.warrant = warrant}, now_);
    ASSERT_FALSE(again.has_value());
    EXPECT_EQ(again.error().code, Code::kRefused);
    EXPECT_THAT(again.error().message, HasSubstr("used up"));
    Restart();
  }
  EXPECT_TRUE(agent_->PassUnload({.warrant = Warrant()}, now_).has_value()) << "a new one";
}

TEST_F(AgentUnloadTest, WarrantIsNotUsedUpWhereNoneIsNeeded) {
  const std::string warrant = Warrant();
  ASSERT_TRUE(agent_->PassUnload({.warrant = warrant}, now_).has_value());
  EXPECT_TRUE(agent_->trust().spent.empty());
}

}  // namespace
}  // namespace countersign::agent
