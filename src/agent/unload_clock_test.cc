#include "agent/unload_lock_fixture.h"

// The lock, and clocks that are wrong or are set.
namespace countersign::agent {
namespace {

TEST_F(UnloadLockTest, WallClockThatIsSetWithinABootChangesNothing) {
  SetPassword();
  FailTimes(3);
  for (const Seconds jump :
       {Seconds(std::chrono::hours(24 * 4'000)), Seconds(std::chrono::hours(-24 * 9'000))}) {
    now_.wall += jump;
    Reopen();
    EXPECT_EQ(lock_->LockedFor(now_), Uptime(60'000));
    EXPECT_EQ(CodeOf("right one"), Code::kExhausted);
  }
  now_.boot += Uptime(60'000);
  EXPECT_TRUE(Try("right one").has_value());
}

TEST_F(UnloadLockTest, WallClockThatWentBackOverARebootDelaysItOnceAndNotForEver) {
  SetPassword();
  FailTimes(3);
  now_.wall = FromUnix(0);
  Reboot();
  EXPECT_EQ(CodeOf("right one"), Code::kExhausted);
  // From here on this boot's clock counts; the wall clock may do what it likes.
  now_.wall = FromUnix(5);
  now_.boot += Uptime(59'000);
  EXPECT_EQ(CodeOf("right one"), Code::kExhausted);
  now_.boot += Uptime(1'000);
  EXPECT_TRUE(Try("right one").has_value());
}

TEST_F(UnloadLockTest, WhatPassedBeforeAnOrderlyEndIsNotLostToAWrongClock) {
  SetPassword();
  FailTimes(3);
  for (int boot = 0; boot < 3; ++boot) {
    ASSERT_TRUE(lock_->Anchor(now_).has_value());  // the agent's start
    now_.boot += Uptime(20'000);
    ASSERT_TRUE(lock_->Anchor(now_).has_value());  // its end
    now_.wall = FromUnix(0);
    Reboot();
  }
  EXPECT_TRUE(Try("right one").has_value());
}

TEST_F(UnloadLockTest, WallClockThatWentOnOverARebootCounts) {
  SetPassword();
  FailTimes(3);
  now_.wall += std::chrono::hours(1);
  Reboot();
  EXPECT_EQ(lock_->LockedFor(now_), Uptime(0));
  EXPECT_EQ(CodeOf("wrong"), Code::kWrongPassword);
  EXPECT_EQ(lock_->LockedFor(now_), Uptime(120'000)) << "the failures before are not forgotten";
}

TEST_F(UnloadLockTest, BootClockThatWentBackIsAnotherBoot) {
  SetPassword();
  FailTimes(3);
  now_.boot -= Uptime(500'000);  // a machine put back together with its memory
  EXPECT_EQ(lock_->LockedFor(now_), Uptime(60'000));
  EXPECT_EQ(CodeOf("right one"), Code::kExhausted);
  now_.boot += Uptime(60'000);
  EXPECT_TRUE(Try("right one").has_value());
}

}  // namespace
}  // namespace countersign::agent
