#include "server/reachability.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/must.h"

namespace countersign::server {
namespace {

using testing::Must;

Instance InstanceOf(std::uint8_t number) {
  std::array<std::uint8_t, 16> bytes{};
  bytes.back() = number;
  return Instance(bytes);
}

// One agent at 192.0.2.7, which reports every 15 minutes, and a clock.
class ReachabilityTest : public ::testing::Test {
 protected:
  void SetUp() override {
    row_.source = "192.0.2.7";
    row_.first_seen = now_;
    SetNetworks({});
  }
  void SetNetworks(const std::vector<std::string>& networks) {
    policy_ = ReachPolicy(config_, Must(net::NetworkSet::Parse(networks)));
  }
  void Report(std::uint8_t instance = 1, bool has_address = true) {
    policy_.TakeReport(row_, InstanceOf(instance), has_address, now_);
    row_.instance = InstanceOf(instance);
    row_.last_verified = now_;
  }
  void ReportAfter(Seconds time, std::uint8_t instance = 1) {
    now_ += time;
    Report(instance);
  }
  void FailCall() { ReachPolicy::TakeFailedCall(row_, now_); }
  // BecomeUnreachable: two calls fail, and it reports all the same.
  void BecomeUnreachable() {
    Report();
    for (int i = 0; i < 2; ++i) {
      now_ += Seconds(60);
      FailCall();
    }
    ReportAfter(Seconds(60));
  }
  [[nodiscard]] Reach Now() const { return policy_.Of(row_, now_).reach; }
  [[nodiscard]] std::string_view Why() const { return policy_.Of(row_, now_).reason; }

  store::ServerConfig config_;
  ReachPolicy policy_;
  store::AgentRow row_;
  Instant now_ = FromUnix(1'800'000'000);
};

TEST_F(ReachabilityTest, NeverHeardIsOffline) {
  EXPECT_EQ(Now(), Reach::kOffline);
  EXPECT_EQ(Why(), "never-heard");
}

TEST_F(ReachabilityTest, WhoReportsIsOnlineSinceItsFirstReport) {
  Report();
  const Instant first = now_;
  for (int i = 0; i < 5; ++i) ReportAfter(config_.report_interval);
  EXPECT_EQ(Now(), Reach::kOnline);
  EXPECT_EQ(policy_.Of(row_, now_).since, first);
}

TEST_F(ReachabilityTest, OneMissedReportIsNoSilence) {
  Report();
  now_ += 2 * config_.report_interval;
  EXPECT_EQ(Now(), Reach::kOnline);
}

TEST_F(ReachabilityTest, OfflineAfterTwoMissedReportsAndAMinute) {
  Report();
  const Instant limit = now_ + 2 * config_.report_interval + ReachPolicy::kGrace;
  now_ = limit - Seconds(1);
  EXPECT_EQ(Now(), Reach::kOnline);
  now_ = limit;
  EXPECT_EQ(Now(), Reach::kOffline);
  EXPECT_EQ(Why(), "silent");
  now_ += std::chrono::hours(5);
  EXPECT_EQ(policy_.Of(row_, now_).since, limit);
}

TEST_F(ReachabilityTest, WhoIsHeardAgainIsOnlineSinceThen) {
  Report();
  ReportAfter(std::chrono::hours(5));
  EXPECT_EQ(Now(), Reach::kOnline);
  EXPECT_EQ(policy_.Of(row_, now_).since, now_);
}

TEST_F(ReachabilityTest, IntervalThatItWasToldCountsNotTheNewOne) {
  Report();
  config_.report_interval = Seconds(60);
  SetNetworks({});
  now_ += Seconds(900);
  EXPECT_EQ(Now(), Reach::kOnline);
}

TEST_F(ReachabilityTest, OneFailedCallChangesNothing) {
  Report();
  FailCall();
  ReportAfter(Seconds(60));
  EXPECT_EQ(Now(), Reach::kOnline);
}

TEST_F(ReachabilityTest, FailedCallsToWhoKeepsReportingMakeItUnreachable) {
  Report();
  now_ += Seconds(60);
  FailCall();
  FailCall();
  EXPECT_EQ(Now(), Reach::kOnline) << "it may have been switched off";
  ReportAfter(Seconds(60));
  EXPECT_EQ(Now(), Reach::kUnreachable);
  EXPECT_EQ(Why(), "calls");
  EXPECT_EQ(policy_.Of(row_, now_).since, now_);
}

TEST_F(ReachabilityTest, FailedCallsToWhoIsSilentMakeItOffline) {
  Report();
  for (int i = 0; i < 5; ++i) {
    now_ += std::chrono::minutes(15);
    FailCall();
  }
  EXPECT_EQ(Now(), Reach::kOffline);
  Report();
  EXPECT_EQ(Now(), Reach::kOnline) << "they failed because it was switched off";
}

TEST_F(ReachabilityTest, CallsThatFailedDuringARestartSayNothing) {
  Report(1);
  now_ += Seconds(60);
  FailCall();
  FailCall();
  ReportAfter(Seconds(60), 2);
  EXPECT_EQ(Now(), Reach::kOnline);
}

TEST_F(ReachabilityTest, UnreachableStaysThatUntilACallIsAnswered) {
  BecomeUnreachable();
  const Instant since = now_;
  for (int i = 0; i < 4; ++i) ReportAfter(Seconds(300));
  ReportAfter(Seconds(300), 2);  // started anew
  row_.source = "198.51.100.9";  // and elsewhere
  ReportAfter(Seconds(300), 2);
  EXPECT_EQ(Now(), Reach::kUnreachable);
  EXPECT_EQ(policy_.Of(row_, now_).since, since);
  policy_.TakeReceipt(row_, ReachPolicy::Way::kPosted, now_);
  EXPECT_EQ(Now(), Reach::kUnreachable) << "it brought the receipt itself";
  now_ += Seconds(1);
  policy_.TakeReceipt(row_, ReachPolicy::Way::kCall, now_);
  EXPECT_EQ(Now(), Reach::kOnline);
  EXPECT_EQ(policy_.Of(row_, now_).since, now_);
  ReportAfter(Seconds(60), 2);
  EXPECT_EQ(Now(), Reach::kOnline);
}

TEST_F(ReachabilityTest, AnsweredCallBreaksTheRow) {
  Report();
  FailCall();
  now_ += Seconds(60);
  policy_.TakeReceipt(row_, ReachPolicy::Way::kCall, now_);
  FailCall();
  ReportAfter(Seconds(60));
  EXPECT_EQ(Now(), Reach::kOnline);
}

TEST_F(ReachabilityTest, ReceiptsAreContactToo) {
  Report();
  now_ += std::chrono::minutes(25);
  policy_.TakeReceipt(row_, ReachPolicy::Way::kCall, now_);
  now_ += std::chrono::minutes(25);
  EXPECT_EQ(Now(), Reach::kOnline);
}

TEST_F(ReachabilityTest, UnreachableIsTriedAgainAfterSixHours) {
  BecomeUnreachable();
  EXPECT_FALSE(policy_.MayBeCalled(row_, now_));
  now_ = *row_.call_failed_at + ReachPolicy::kTryAgainAfter;
  EXPECT_TRUE(policy_.MayBeCalled(row_, now_));
  FailCall();
  EXPECT_FALSE(policy_.MayBeCalled(row_, now_ + Seconds(1)));
}

TEST_F(ReachabilityTest, WithoutAnAddressItIsUnreachable) {
  Report(1, false);
  EXPECT_EQ(Now(), Reach::kUnreachable);
  EXPECT_EQ(Why(), "no-address");
}

TEST_F(ReachabilityTest, SourceInAnUnreachableNetworkIsEnough) {
  SetNetworks({"192.0.2.0/24"});
  row_.addresses = {"10.1.2.3"};
  Report();
  EXPECT_EQ(Why(), "network");
  EXPECT_FALSE(policy_.MayBeCalled(row_, now_));
  EXPECT_EQ(policy_.IntervalFor(row_), config_.unreachable_interval);
}

TEST_F(ReachabilityTest, OwnAddressesCountOnlyAllTogether) {
  SetNetworks({"10.0.0.0/8", "2001:db8:5::/48"});
  row_.addresses = {"10.1.2.3", "2001:db8:5::1", "fe80::1", "127.0.0.1"};
  EXPECT_TRUE(policy_.IsInNetwork(row_));
  row_.addresses.emplace_back("172.17.0.1");
  EXPECT_FALSE(policy_.IsInNetwork(row_));
  row_.addresses = {"fe80::1", "no address"};
  EXPECT_FALSE(policy_.IsInNetwork(row_));
}

TEST_F(ReachabilityTest, Ipv6SourceInAnUnreachableNetwork) {
  SetNetworks({"2001:db8:5::/48"});
  row_.source = "2001:db8:5::7";
  EXPECT_TRUE(policy_.IsInNetwork(row_));
  row_.source = "2001:db8:6::7";
  EXPECT_FALSE(policy_.IsInNetwork(row_));
}

TEST_F(ReachabilityTest, NetworkThatIsTakenOutOfTheListIsReachableAtTheNextReport) {
  SetNetworks({"192.0.2.0/24"});
  Report();
  SetNetworks({});
  ReportAfter(Seconds(300));
  EXPECT_EQ(Now(), Reach::kOnline);
}

TEST_F(ReachabilityTest, WhoIsAskedToWait) {
  Report();
  EXPECT_EQ(policy_.WaitFor(row_), Seconds(0));
  BecomeUnreachable();
  EXPECT_EQ(policy_.WaitFor(row_), config_.long_poll_seconds);
  config_.long_poll = store::LongPoll::kOff;
  SetNetworks({});
  EXPECT_EQ(policy_.WaitFor(row_), Seconds(0));
  row_ = {};
  config_.long_poll = store::LongPoll::kAll;
  SetNetworks({});
  EXPECT_EQ(policy_.WaitFor(row_), config_.long_poll_seconds);
}

TEST_F(ReachabilityTest, WaitLongerThanTheIntervalIsNoSilence) {
  config_.unreachable_interval = Seconds(60);
  SetNetworks({"192.0.2.0/24"});
  Report();
  now_ += Seconds(240 * 2);
  EXPECT_EQ(Now(), Reach::kUnreachable);
  now_ += Seconds(60);
  EXPECT_EQ(Now(), Reach::kOffline);
}

}  // namespace
}  // namespace countersign::server
