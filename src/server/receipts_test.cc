#include <gtest/gtest.h>

#include "server/server.h"
#include "server/standing.h"
#include "tests/support/server_bench.h"

// What a server believes of receipts (protocol section 6).
namespace countersign::server {
namespace {

using store::OrderState;
using testing::FakeAgent;
using testing::ServerBench;
using trust::Verdict;

class ReceiptsTest : public ::testing::Test {
 protected:
  [[nodiscard]] Call NextCall() { return bench_.Due().at(0); }
  // Take gives a receipt in the call; whether the order's row changed by it.
  bool Changes(Call& call, const std::string& receipt) {
    const auto before = bench_.Order(call.jti);
    (void)bench_.server().TakeReceipt(call, receipt, bench_.now);
    return bench_.Order(call.jti) != before;
  }
  bool Changes(Call& call, const wire::Receipt& receipt) {
    return Changes(call, agent_.Sign(receipt));
  }
  [[nodiscard]] wire::Receipt Receipt(std::string_view order, Verdict verdict = Verdict::kDone) {
    return agent_.Receipt(order, verdict, bench_.now);
  }
  ServerBench bench_;
  FakeAgent agent_ = bench_.KnownAgent();
  Jti jti_ = bench_.AddOrder(agent_);
  Call call_ = NextCall();
  std::string order_ = bench_.Sign(call_);
};

TEST_F(ReceiptsTest, FinalVerdictEndsTheOrder) {
  auto receipt = Receipt(order_);
  receipt.result = R"({"generation":10})";
  EXPECT_TRUE(Changes(call_, receipt));
  const auto row = bench_.Order(jti_);
  EXPECT_EQ(row.state, OrderState::kDone);
  EXPECT_EQ(row.verdict, "done");
  EXPECT_EQ(row.result, receipt.result);
  EXPECT_EQ(row.ended, bench_.now);
  EXPECT_EQ(bench_.registry->ReceiptsOf(jti_).value().size(), 1U);
}

TEST_F(ReceiptsTest, DoneBeforeTellsTheEarlierVerdictAndResult) {
  auto receipt = Receipt(order_, Verdict::kDoneBefore);
  receipt.earlier = {Verdict::kFailed, R"({"error":"no"})"};
  EXPECT_TRUE(Changes(call_, receipt));
  const auto row = bench_.Order(jti_);
  EXPECT_EQ(row.state, OrderState::kDone);
  EXPECT_EQ(row.verdict, "done-before");
  EXPECT_EQ(row.earlier, "failed");
  EXPECT_EQ(row.result, R"({"error":"no"})");
}

TEST_F(ReceiptsTest, FirstFinalVerdictCounts) {
  EXPECT_TRUE(Changes(call_, Receipt(order_, Verdict::kFailed)));
  EXPECT_FALSE(Changes(call_, Receipt(order_, Verdict::kDone)));
  EXPECT_EQ(bench_.Order(jti_).verdict, "failed");
}

TEST_F(ReceiptsTest, ReceiptIsProofOfWhatIsHeld) {
  bench_.Replace(bench_.Issue(11));
  EXPECT_EQ(bench_.Row(agent_).standing, kBehind);
  const std::string second = bench_.Sign(call_);
  agent_.Hold(bench_.AcceptedStateOf(bench_.active));
  EXPECT_TRUE(Changes(call_, Receipt(second)));
  EXPECT_EQ(bench_.Row(agent_).standing, kVerified);
  EXPECT_EQ(bench_.Row(agent_).last_verified, bench_.now);
}

// Not believed.

TEST_F(ReceiptsTest, AnotherKeyIsNotBelieved) {
  const FakeAgent other = bench_.KnownAgent();
  EXPECT_FALSE(Changes(call_, other.Sign(Receipt(order_))));
  auto receipt = Receipt(order_);
  receipt.iss = other.id;
  EXPECT_FALSE(Changes(call_, other.Sign(receipt)));
  EXPECT_FALSE(Changes(call_, receipt));
}

TEST_F(ReceiptsTest, AnotherOrderIsNotBelieved) {
  auto receipt = Receipt(order_);
  receipt.order = bench_.random.Token();
  EXPECT_FALSE(Changes(call_, receipt));
  receipt = Receipt(order_);
  receipt.oh[0] ^= 1;
  EXPECT_FALSE(Changes(call_, receipt));
  EXPECT_FALSE(Changes(call_, "no receipt"));
}

TEST_F(ReceiptsTest, ReceiptOfOneOrderDoesNotEndAnother) {
  EXPECT_TRUE(Changes(call_, Receipt(order_)));
  const Jti second = bench_.AddOrder(agent_);
  Call call = NextCall();
  const std::string order = bench_.Sign(call);
  EXPECT_FALSE(Changes(call, Receipt(order_)));
  auto mixed = Receipt(order_);
  mixed.order = second;
  EXPECT_FALSE(Changes(call, mixed));
  EXPECT_TRUE(Changes(call, Receipt(order)));
}

TEST_F(ReceiptsTest, ForgottenAgentIsNotBelieved) {
  auto row = bench_.Row(agent_);
  row.forgotten = true;
  bench_.Put(row);
  EXPECT_FALSE(Changes(call_, Receipt(order_)));
}

// An agent that could not read the order names none.

TEST_F(ReceiptsTest, NullOrderWithTheRightHashEndsThatVersion) {
  auto receipt = Receipt(order_, Verdict::kMalformed);
  receipt.order.reset();
  EXPECT_TRUE(Changes(call_, receipt));
  EXPECT_EQ(bench_.Order(jti_).state, OrderState::kSent);
  EXPECT_EQ(bench_.Order(jti_).verdict, "malformed");
  EXPECT_TRUE(bench_.Order(jti_).versions.empty());
}

TEST_F(ReceiptsTest, NullOrderWithAFinalVerdictIsNotBelieved) {
  auto receipt = Receipt(order_, Verdict::kDone);
  receipt.order.reset();
  EXPECT_FALSE(Changes(call_, receipt));
}

// Versions.

TEST_F(ReceiptsTest, LateReceiptOfAnEarlierVersionCounts) {
  (void)bench_.Sign(call_);
  (void)bench_.Sign(call_);
  EXPECT_TRUE(Changes(call_, Receipt(order_)));
  EXPECT_EQ(bench_.Order(jti_).state, OrderState::kDone);
}

TEST_F(ReceiptsTest, OtherVerdictEndsOnlyTheVersionItNames) {
  const std::string second = bench_.Sign(call_);
  EXPECT_TRUE(Changes(call_, Receipt(second, Verdict::kStale)));
  EXPECT_EQ(bench_.Order(jti_).state, OrderState::kSent);
  EXPECT_FALSE(Changes(call_, Receipt(second))) << "that version has ended";
  EXPECT_TRUE(Changes(call_, Receipt(order_)));
  EXPECT_EQ(bench_.Order(jti_).state, OrderState::kDone);
}

TEST_F(ReceiptsTest, RunningIsAskedAgainSoon) {
  EXPECT_TRUE(Changes(call_, Receipt(order_, Verdict::kRunning)));
  EXPECT_TRUE(bench_.Due().empty());
  bench_.now += Seconds(5);
  Call again = NextCall();
  auto receipt = Receipt(bench_.Sign(again), Verdict::kDoneBefore);
  receipt.earlier = {Verdict::kDone, ""};
  EXPECT_TRUE(Changes(again, receipt));
  EXPECT_EQ(bench_.Order(jti_).earlier, "done");
}

TEST_F(ReceiptsTest, RefusalIsRememberedUntilSomethingBetterComes) {
  EXPECT_TRUE(Changes(call_, Receipt(order_, Verdict::kBadSignature)));
  EXPECT_EQ(bench_.Row(agent_).last_refusal, "bad-signature");
  EXPECT_TRUE(Changes(call_, Receipt(bench_.Sign(call_))));
  EXPECT_EQ(bench_.Row(agent_).last_refusal, "");
}

TEST_F(ReceiptsTest, LateFinalReceiptSettlesAnUnknownOrder) {
  bench_.now += std::chrono::hours(24);
  EXPECT_TRUE(bench_.Due().empty());
  ASSERT_EQ(bench_.Order(jti_).state, OrderState::kUnknown);
  EXPECT_TRUE(Changes(call_, Receipt(order_)));
  EXPECT_EQ(bench_.Order(jti_).state, OrderState::kDone);
}

// Posted.

TEST_F(ReceiptsTest, PostedReceiptIsTakenOrKnownOrRefused) {
  const std::string receipt = agent_.Sign(Receipt(order_));
  const auto post = [&](std::string_view message) {
    return bench_.server().TakePostedReceipt(message, bench_.now);
  };
  EXPECT_EQ(post("no receipt"), 400);
  const FakeAgent other = bench_.KnownAgent();
  EXPECT_EQ(post(other.Sign(Receipt(order_))), 400);
  auto unknown = Receipt(order_);
  unknown.order = bench_.random.Token();
  EXPECT_EQ(post(agent_.Sign(unknown)), 400);
  auto nameless = Receipt(order_, Verdict::kMalformed);
  nameless.order.reset();
  EXPECT_EQ(post(agent_.Sign(nameless)), 400);
  EXPECT_EQ(post(receipt), 204);
  EXPECT_EQ(bench_.Order(jti_).state, OrderState::kDone);
  EXPECT_EQ(post(receipt), 204) << "known";
}

}  // namespace
}  // namespace countersign::server
