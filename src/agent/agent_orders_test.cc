#include <gtest/gtest.h>

#include "agent/agent.h"
#include "tests/support/agent_bench.h"

// Steps 1 to 10 of protocol section 5, as an agent's listener takes them. That each step refuses
// what it should is shown in wire/judge_test.cc; here it is what follows from a refusal or not.
namespace countersign::agent {
namespace {

using testing::AgentBench;
using testing::AgentDisk;
using testing::AgentFile;
using testing::Fate;
using testing::Identity;
using trust::Verdict;

class AgentOrdersTest : public ::testing::Test {
 protected:
  [[nodiscard]] bool IsHeld(const Identity& identity) {
    return bench_.agent().trust().certificate == identity.certificate;
  }
  AgentBench bench_;
};

// Step 1.

TEST_F(AgentOrdersTest, WhatIsNoOrderIsMalformedAndNothingOfItIsEchoed) {
  const std::string message = AgentBench::Sign(bench_.Order(), bench_.server.key) + "=";
  const auto receipt = bench_.Read(bench_.Give(message).receipt);
  EXPECT_EQ(receipt.verdict, Verdict::kMalformed);
  EXPECT_FALSE(receipt.order.has_value());
  EXPECT_EQ(receipt.oh, wire::HashOfOrder(message));
}

TEST_F(AgentOrdersTest, TextWithoutDotIsMalformedWithTheHashOfAllOfIt) {
  const auto receipt = bench_.Read(bench_.Give("hello").receipt);
  EXPECT_EQ(receipt.verdict, Verdict::kMalformed);
  EXPECT_EQ(receipt.oh, wire::HashOfOrder("hello"));
}

TEST_F(AgentOrdersTest, ReceiptNamesTheOrderAndWhatIsHeld) {
  const auto order = bench_.Order();
  const std::string message = AgentBench::Sign(order, bench_.server.key);
  const auto receipt = bench_.Read(bench_.Give(message).receipt);
  EXPECT_EQ(receipt.verdict, Verdict::kDone);
  EXPECT_EQ(receipt.iss, bench_.id);
  EXPECT_EQ(receipt.aud, bench_.server_id);
  EXPECT_EQ(receipt.order, order.jti);
  EXPECT_EQ(receipt.oh, wire::HashOfOrder(message));
  EXPECT_EQ(receipt.held, wire::HeldOf(bench_.agent().trust()));
  EXPECT_EQ(receipt.instance, bench_.agent().instance());
  EXPECT_EQ(receipt.time, static_cast<std::uint64_t>(ToUnix(bench_.now.wall)));
}

// Step 2.

TEST_F(AgentOrdersTest, ChallengeIsGoodForOneOrder) {
  const auto first = bench_.Order();
  auto second = bench_.Order();
  second.challenge = first.challenge;
  EXPECT_EQ(bench_.Send(first).verdict, Verdict::kDone);
  EXPECT_EQ(bench_.Send(second).verdict, Verdict::kStale);
}

TEST_F(AgentOrdersTest, RecordedOrderIsStaleWhenItIsPlayedAgain) {
  const std::string message = AgentBench::Sign(bench_.Order(), bench_.server.key);
  EXPECT_EQ(bench_.Verdict(message), Verdict::kDone);
  EXPECT_EQ(bench_.Verdict(message), Verdict::kStale);
}

TEST_F(AgentOrdersTest, ChallengeIsGoodFor300SecondsOfTheClockThatCannotBeSet) {
  const auto in_time = bench_.Order();
  const auto late = bench_.Order();
  bench_.now.boot += Uptime(300'000);
  bench_.now.wall -= std::chrono::hours(24);
  EXPECT_EQ(bench_.Send(in_time).verdict, Verdict::kDone);
  bench_.now.boot += Uptime(1);
  EXPECT_EQ(bench_.Send(late).verdict, Verdict::kStale);
}

TEST_F(AgentOrdersTest, ChallengeOfAnEarlierProcessIsStale) {
  const auto order = bench_.Order();
  bench_.Start();
  EXPECT_EQ(bench_.Send(order).verdict, Verdict::kStale);
}

TEST_F(AgentOrdersTest, ChallengeOfAReportIsStaleInAnOrder) {
  auto order = bench_.Order();
  order.challenge = bench_.Report().challenge;
  EXPECT_EQ(bench_.Send(order).verdict, Verdict::kStale);
}

// Steps 3 to 6.

TEST_F(AgentOrdersTest, ChallengeOutlivesEveryRefusalBeforeStep6) {
  const auto order = bench_.Order();
  const Identity newer = bench_.Issue(11);

  auto unknown = order;
  unknown.x5t = newer.certificate.thumbprint();
  EXPECT_EQ(bench_.Verdict(unknown, newer.key), Verdict::kUnknownKey);
  EXPECT_EQ(bench_.Verdict(order, newer.key), Verdict::kBadSignature);
  EXPECT_EQ(bench_.Verdict(bench_.By(newer, order), bench_.server.key), Verdict::kBadSignature);
  auto elsewhere = order;
  elsewhere.iss = bench_.authority.MakeServerId();
  EXPECT_EQ(bench_.Verdict(elsewhere, bench_.server.key), Verdict::kWrongServer);
  auto other = bench_.By(newer, order);
  other.aud = bench_.authority.MakeServerId();
  EXPECT_EQ(bench_.Verdict(other, newer.key), Verdict::kWrongAgent);

  EXPECT_TRUE(IsHeld(bench_.server));
  EXPECT_EQ(bench_.Verdict(order, bench_.server.key), Verdict::kDone);
}

TEST_F(AgentOrdersTest, BundleOfTheHeldCertificateIsIgnored) {
  auto order = bench_.Order();
  order.x5c = {bench_.server.certificate.der(), Bytes{1, 2, 3}};
  EXPECT_EQ(bench_.Send(order).verdict, Verdict::kDone);
}

TEST_F(AgentOrdersTest, DistrustedKeyIsRefused) {
  bench_.distrust = trust::DistrustList({bench_.server.key.public_key().digest()});
  bench_.Start();
  EXPECT_EQ(bench_.Send(bench_.Order()).verdict, Verdict::kDistrusted);
}

TEST_F(AgentOrdersTest, NewerCertificateIsTakenOverWithTheOrder) {
  const Identity newer = bench_.Issue(11);
  const auto order = bench_.By(newer, bench_.Order());
  const auto receipt = bench_.Read(bench_.Give(AgentBench::Sign(order, newer.key)).receipt);
  EXPECT_EQ(receipt.verdict, Verdict::kDone);
  EXPECT_EQ(receipt.held.thumbprint, newer.certificate.thumbprint());
  bench_.Start();
  EXPECT_TRUE(IsHeld(newer));
}

TEST_F(AgentOrdersTest, OldCertificateCommandsNothingAfterItWasReplaced) {
  const Identity newer = bench_.Issue(11);
  EXPECT_EQ(bench_.Verdict(bench_.By(newer, bench_.Order()), newer.key), Verdict::kDone);
  EXPECT_EQ(bench_.Verdict(bench_.Order(), bench_.server.key), Verdict::kUnknownKey);
  EXPECT_EQ(bench_.Verdict(bench_.By(bench_.server, bench_.Order()), bench_.server.key),
            Verdict::kOlderGeneration);
  EXPECT_TRUE(IsHeld(newer));
}

// Step 7.

TEST_F(AgentOrdersTest, ExpiredCertificateMovesTrustAndNothingElse) {
  const Identity expired = bench_.Issue(11, bench_.now.wall - Seconds(1));
  const auto order = bench_.By(expired, bench_.Order("report"));
  (void)bench_.Exchange();
  (void)bench_.Exchange();
  const Uptime next = bench_.agent().NextReportAt();
  EXPECT_EQ(bench_.Verdict(order, expired.key), Verdict::kCertificateExpired);
  EXPECT_TRUE(IsHeld(expired));
  // Only the failure is told within the hour; the act did not run, and its jti is as good as new.
  EXPECT_EQ(bench_.agent().NextReportAt(), next);
  const Identity newer = bench_.Issue(12);
  auto again = bench_.By(newer, bench_.Order());
  again.jti = order.jti;
  EXPECT_EQ(bench_.Verdict(again, newer.key), Verdict::kDone);
}

TEST_F(AgentOrdersTest, ExpiredOrderUsesItsChallengeUp) {
  bench_.now.wall = testing::kTestEnd + Seconds(1);
  const auto order = bench_.Order();
  EXPECT_EQ(bench_.Send(order).verdict, Verdict::kCertificateExpired);
  bench_.now.wall = testing::kTestEnd;
  EXPECT_EQ(bench_.Send(order).verdict, Verdict::kStale);
  EXPECT_EQ(bench_.Send(bench_.Order()).verdict, Verdict::kDone);
}

TEST_F(AgentOrdersTest, ClockOf1970ObeysAsEver) {
  bench_.now.wall = FromUnix(0);
  EXPECT_EQ(bench_.Send(bench_.Order()).verdict, Verdict::kDone);
}

// Step 8.

TEST_F(AgentOrdersTest, SecondTimeIsDoneBeforeWithTheEarlierVerdict) {
  auto order = bench_.Order("make-coffee");
  EXPECT_EQ(bench_.Send(order).verdict, Verdict::kUnknownAction);
  for (int i = 0; i < 2; ++i) {
    order.challenge = bench_.agent().DrawChallenge(bench_.now);
    const auto receipt = bench_.Send(order);
    EXPECT_EQ(receipt.verdict, Verdict::kDoneBefore);
    ASSERT_TRUE(receipt.earlier.has_value());
    EXPECT_EQ(receipt.earlier->verdict, Verdict::kUnknownAction);
    bench_.Start();
  }
}

TEST_F(AgentOrdersTest, EarlierResultIsToldAgain) {
  auto order = bench_.Order();
  order.args = R"({"loud":true})";
  const auto first = bench_.Send(order);
  EXPECT_EQ(first.verdict, Verdict::kFailed);
  EXPECT_FALSE(first.result.empty());
  order.challenge = bench_.agent().DrawChallenge(bench_.now);
  const auto second = bench_.Send(order);
  ASSERT_TRUE(second.earlier.has_value());
  EXPECT_EQ(second.earlier->result, first.result);
}

TEST_F(AgentOrdersTest, OrderThatRunsSaysRunningAndAfterARestartInterruptedForEver) {
  auto order = bench_.Order("update-now");
  EXPECT_EQ(bench_.Give(AgentBench::Sign(order, bench_.server.key)).pending, order.jti);
  order.challenge = bench_.agent().DrawChallenge(bench_.now);
  EXPECT_EQ(bench_.Send(order).verdict, Verdict::kRunning);
  for (int i = 0; i < 3; ++i) {
    bench_.Start();
    order.challenge = bench_.agent().DrawChallenge(bench_.now);
    EXPECT_EQ(bench_.Send(order).verdict, Verdict::kInterrupted);
    EXPECT_EQ(bench_.Send(bench_.Order()).verdict, Verdict::kDone);  // rewrites the file, or adds
  }
}

TEST_F(AgentOrdersTest, FullShareOfTheHeldCertificateIsBusy) {
  trust::OrderMemory full;
  const Digest held = bench_.server.certificate.thumbprint();
  for (std::size_t i = 0; i < trust::OrderMemory::kMaxHeld; ++i) {
    ASSERT_TRUE(full.Start(bench_.random.Token(), held, bench_.now.wall).has_value());
  }
  bench_.disk.orders() = full.Encode();
  bench_.Start();
  EXPECT_EQ(bench_.Send(bench_.Order()).verdict, Verdict::kBusy);
  // The rightful server's next certificate has a share of its own.
  const Identity newer = bench_.Issue(11);
  EXPECT_EQ(bench_.Verdict(bench_.By(newer, bench_.Order()), newer.key), Verdict::kDone);
}

// Steps 9 and 10.

TEST_F(AgentOrdersTest, ReportActReportsWithinFiveSeconds) {
  (void)bench_.Exchange();
  (void)bench_.Exchange();
  EXPECT_EQ(bench_.Send(bench_.Order("report")).verdict, Verdict::kDone);
  EXPECT_LE(bench_.agent().NextReportAt(), bench_.now.boot + Uptime(5'000));
}

TEST_F(AgentOrdersTest, ReportAskedForDuringAnotherIsNotForgotten) {
  const auto report = bench_.Report();
  EXPECT_EQ(bench_.Send(bench_.Order("report")).verdict, Verdict::kDone);
  EXPECT_FALSE(bench_.Take(bench_.Reply(report), bench_.server.key).refused.has_value());
  EXPECT_LE(bench_.agent().NextReportAt(), bench_.now.boot + Uptime(5'000));
}

class UpdateNowTest : public AgentOrdersTest {
 protected:
  // Gives an update-now to the listener, which holds its answer back.
  Jti Begin() {
    const auto order = bench_.Order("update-now");
    const auto answer = bench_.Give(AgentBench::Sign(order, bench_.server.key));
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.receipt.empty());
    EXPECT_EQ(answer.pending, order.jti);
    return order.jti;
  }
  [[nodiscard]] std::optional<wire::Receipt> Pending(const Jti& jti) {
    const auto receipt = bench_.agent().PendingReceipt(jti, bench_.now);
    return receipt ? std::optional(bench_.Read(*receipt)) : std::nullopt;
  }
};

TEST_F(UpdateNowTest, IsReceiptedWhenTheReplyWasApplied) {
  const Identity newer = bench_.Issue(11);
  const Jti jti = Begin();
  EXPECT_EQ(bench_.agent().NextReportAt(), bench_.now.boot);
  EXPECT_FALSE(Pending(jti).has_value());
  const auto reply = bench_.By(newer, bench_.Reply(bench_.Report()));
  EXPECT_FALSE(bench_.Take(reply, newer.key).refused.has_value());
  const auto receipt = Pending(jti);
  ASSERT_TRUE(receipt.has_value());
  EXPECT_EQ(receipt->verdict, Verdict::kDone);
  EXPECT_EQ(receipt->held.thumbprint, newer.certificate.thumbprint());
  EXPECT_FALSE(Pending(jti).has_value());
  EXPECT_TRUE(bench_.agent().TakeReceipts().empty());
}

TEST_F(UpdateNowTest, WaitsForAReportMadeAfterIt) {
  const auto earlier = bench_.Report();
  const Jti jti = Begin();
  EXPECT_FALSE(bench_.Take(bench_.Reply(earlier), bench_.server.key).refused.has_value());
  EXPECT_FALSE(Pending(jti).has_value());
  EXPECT_EQ(bench_.agent().NextReportAt(), bench_.now.boot);
  (void)bench_.Exchange();
  EXPECT_TRUE(Pending(jti).has_value());
}

TEST_F(UpdateNowTest, SurvivesTheFailureOfAnEarlierReport) {
  (void)bench_.Report();
  const Jti jti = Begin();
  bench_.agent().ReportFailed("cut", 0, bench_.now);
  EXPECT_FALSE(Pending(jti).has_value());
  EXPECT_EQ(bench_.agent().NextReportAt(), bench_.now.boot);
}

TEST_F(UpdateNowTest, FailsWithItsReport) {
  const Jti jti = Begin();
  (void)bench_.Report();
  bench_.agent().ReportFailed("connection refused", 0, bench_.now);
  const auto receipt = Pending(jti);
  ASSERT_TRUE(receipt.has_value());
  EXPECT_EQ(receipt->verdict, Verdict::kFailed);
}

TEST_F(UpdateNowTest, AfterRunningItsReceiptIsNobodysAndTheNextIsDoneBefore) {
  auto order = bench_.Order("update-now");
  (void)bench_.Give(AgentBench::Sign(order, bench_.server.key));
  const auto running = bench_.agent().RunningReceipt(order.jti, bench_.now);
  ASSERT_TRUE(running.has_value());
  EXPECT_EQ(bench_.Read(*running).verdict, Verdict::kRunning);
  (void)bench_.Exchange();
  EXPECT_FALSE(Pending(order.jti).has_value());
  EXPECT_TRUE(bench_.agent().TakeReceipts().empty());
  order.challenge = bench_.agent().DrawChallenge(bench_.now);
  const auto receipt = bench_.Send(order);
  EXPECT_EQ(receipt.verdict, Verdict::kDoneBefore);
  ASSERT_TRUE(receipt.earlier.has_value());
  EXPECT_EQ(receipt.earlier->verdict, Verdict::kDone);
}

TEST_F(UpdateNowTest, RunningReceiptOfWhatHasJustEndedIsItsEnd) {
  const Jti jti = Begin();
  (void)bench_.Exchange();
  const auto receipt = bench_.agent().RunningReceipt(jti, bench_.now);
  ASSERT_TRUE(receipt.has_value());
  EXPECT_EQ(bench_.Read(*receipt).verdict, Verdict::kDone);
}

// Failure receipts are limited.

TEST_F(AgentOrdersTest, SourceBeyondItsLimitIsToldToWaitAndNothingIsLookedAt) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(bench_.Give("x").status, 200);
  const auto answer = bench_.Give(AgentBench::Sign(bench_.Order(), bench_.server.key));
  EXPECT_EQ(answer.status, 429);
  EXPECT_GT(answer.retry_after, 0U);
  EXPECT_TRUE(answer.receipt.empty());
}

TEST_F(AgentOrdersTest, ManyStrangersDoNotShutTheServerOut) {
  int unanswered = 0;
  for (int i = 0; i < 300; ++i) {
    unanswered += bench_.Give("x", "198.51.100." + std::to_string(i % 250)).status == 429 ? 1 : 0;
  }
  EXPECT_GE(unanswered, 200);
  EXPECT_EQ(bench_.Send(bench_.Order()).verdict, Verdict::kDone);
}

TEST_F(AgentOrdersTest, RefusalIsCountedAndTold) {
  (void)bench_.Give("x", "198.51.100.9");
  const auto report = bench_.Report();
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_EQ(report.failures[0].verdict, Verdict::kMalformed);
  EXPECT_EQ(report.failures[0].source, "198.51.100.9");
  EXPECT_EQ(report.failures[0].count, 1U);
}

}  // namespace
}  // namespace countersign::agent
