#include "agent/unload_lock_fixture.h"

// Tries, kills, and what is set.
namespace countersign::agent {
namespace {

TEST_F(UnloadLockTest, NoneSetPassesAndWritesNothing) {
  EXPECT_FALSE(lock_->is_set());
  EXPECT_TRUE(Try("anything").has_value());
  EXPECT_TRUE(Try("").has_value());
  EXPECT_FALSE(Must(Show("nonsense")).spent.has_value());
  EXPECT_EQ(disk_.writes, 0U);
}

TEST_F(UnloadLockTest, RightPasswordPassesInAnyProcess) {
  SetPassword();
  EXPECT_TRUE(lock_->is_set());
  EXPECT_TRUE(Try("right one").has_value());
  Reopen();
  EXPECT_TRUE(lock_->is_set());
  EXPECT_TRUE(Try("right one").has_value());
  EXPECT_EQ(CodeOf("wrong"), Code::kWrongPassword);
}

TEST_F(UnloadLockTest, NothingShownIsNoTry) {
  SetPassword();
  const std::size_t writes = disk_.writes;
  const auto passed = lock_->Pass({}, bench_.agent().trust(), bench_.id, now_);
  ASSERT_FALSE(passed.has_value());
  EXPECT_EQ(passed.error().code, Code::kWrongPassword);
  EXPECT_THAT(passed.error().next, HasSubstr("countersign owner warrant"));
  EXPECT_EQ(CodeOf(""), Code::kWrongPassword);
  EXPECT_EQ(lock_->failures(), 0U);
  EXPECT_EQ(disk_.writes, writes);
}

TEST_F(UnloadLockTest, ThreeTriesAreFreeThenTheLockDoublesUpToADay) {
  SetPassword();
  FailTimes(3);
  Uptime expected = std::chrono::minutes(1);
  for (int n = 0; n < 14; ++n) {
    EXPECT_EQ(lock_->LockedFor(now_), expected) << n;
    Pass(std::chrono::floor<Seconds>(expected) - Seconds(1));
    EXPECT_EQ(CodeOf("right one"), Code::kExhausted) << "not even the right one is tried";
    Pass(Seconds(1));
    EXPECT_EQ(CodeOf("wrong"), Code::kWrongPassword);
    expected = std::min<Uptime>(expected * 2, std::chrono::hours(24));
  }
  EXPECT_EQ(lock_->LockedFor(now_), Uptime(std::chrono::hours(24)));
  Pass(std::chrono::hours(24));
  EXPECT_TRUE(Try("right one").has_value());
  EXPECT_EQ(lock_->failures(), 0U);
  FailTimes(2);
  EXPECT_EQ(lock_->LockedFor(now_), Uptime(0)) << "the free tries are there again";
}

TEST_F(UnloadLockTest, LockedSaysUntilWhenAndCountsNothing) {
  SetPassword();
  FailTimes(3);
  const std::size_t writes = disk_.writes;
  const auto tried = Try("right one");
  ASSERT_FALSE(tried.has_value());
  EXPECT_THAT(tried.error().message, HasSubstr(FormatUtc(now_.wall + Seconds(60))));
  EXPECT_THAT(tried.error().next, HasSubstr("warrant"));
  EXPECT_EQ(lock_->failures(), 3U);
  EXPECT_EQ(disk_.writes, writes);
}

TEST_F(UnloadLockTest, LockHoldsAcrossRestartsAndReboots) {
  SetPassword();
  FailTimes(3);
  Reopen();
  EXPECT_EQ(CodeOf("right one"), Code::kExhausted);
  now_.wall += Seconds(20);  // the reboot takes a while
  Reboot();
  EXPECT_EQ(lock_->LockedFor(now_), Uptime(40'000));
  EXPECT_EQ(CodeOf("right one"), Code::kExhausted);
  Pass(Seconds(40));
  EXPECT_TRUE(Try("right one").has_value());
}

// Whoever kills the process at a write gains no try by it, and the right password is not lost.
TEST_F(UnloadLockTest, KilledAtEachWriteTheTryIsCounted) {
  SetPassword();
  const Bytes fresh = disk_.content;
  for (const bool before : {true, false}) {
    disk_ = {};
    disk_.content = fresh;
    Reopen();
    const auto kill = [](std::size_t) { return true; };
    (before ? disk_.kill_before : disk_.kill_after) = kill;
    EXPECT_THROW((void)Try("wrong"), Killed);
    disk_.kill_before = disk_.kill_after = {};
    Reopen();
    // Killed before it was counted, it was not judged either.
    EXPECT_EQ(lock_->failures(), before ? 0U : 1U);
  }
  disk_.content = fresh;
  for (int n = 0; n < 3; ++n) {
    Reopen();
    disk_.kill_after = [](std::size_t) { return true; };
    EXPECT_THROW((void)Try("wrong"), Killed);
    disk_.kill_after = {};
  }
  Reopen();
  EXPECT_EQ(CodeOf("right one"), Code::kExhausted) << "three kills are three tries";
}

TEST_F(UnloadLockTest, KilledAfterTheRightOneCostsAtMostATry) {
  SetPassword();
  const std::size_t first = disk_.writes + 1;
  disk_.kill_after = [&](std::size_t n) { return n == first; };
  EXPECT_THROW((void)Try("right one"), Killed);
  disk_.kill_after = {};
  Reopen();
  EXPECT_EQ(lock_->failures(), 1U);
  EXPECT_TRUE(Try("right one").has_value());
  EXPECT_EQ(lock_->failures(), 0U);
}

TEST_F(UnloadLockTest, TryThatCannotBeCountedIsNotJudged) {
  SetPassword();
  lock_.emplace(Must(UnloadLock::Open(std::make_unique<FullDisk>(disk_.content), boot_)));
  EXPECT_EQ(CodeOf("right one"), Code::kIo);
  EXPECT_EQ(CodeOf("wrong"), Code::kIo);
  EXPECT_TRUE(Show(Warrant()).has_value());
}

// --- setting it ---

TEST_F(UnloadLockTest, AnotherPasswordForgetsTheFailuresTheSameOneDoesNot) {
  SetPassword();
  FailTimes(3);
  SetPassword();
  EXPECT_EQ(CodeOf("right one"), Code::kExhausted) << "sent anew, it is no way around the lock";
  ASSERT_TRUE(lock_->Set(VerifierOf("another one")).has_value());
  EXPECT_TRUE(Try("another one").has_value());
  ASSERT_TRUE(lock_->Set("").has_value());
  EXPECT_FALSE(lock_->is_set());
  EXPECT_TRUE(Try("").has_value());
}

TEST_F(UnloadLockTest, OnlyAVerifierCanBeSet) {
  const auto set = lock_->Set("right one");
  ASSERT_FALSE(set.has_value());
  EXPECT_EQ(set.error().code, Code::kMalformed);
  EXPECT_FALSE(lock_->is_set());
}

TEST_F(UnloadLockTest, DamagedFileLetsOnlyAWarrantPass) {
  SetPassword();
  disk_.content[20] ^= 1;
  Reopen();
  EXPECT_TRUE(lock_->is_set());
  EXPECT_EQ(CodeOf("right one"), Code::kDamaged);
  EXPECT_TRUE(Show(Warrant()).has_value());
  SetPassword();
  EXPECT_TRUE(Try("right one").has_value());
}

TEST_F(UnloadLockTest, FileComesBackAndADamagedOneNever) {
  const store::UnloadState state{.verifier = VerifierOf("x"),
                                 .failures = 9,
                                 .lock_left = std::chrono::hours(24),
                                 .boot_id = "boot",
                                 .at = Uptime(77),
                                 .wall_at = FromUnix(-5)};
  const Bytes file = store::EncodeUnloadState(state);
  EXPECT_LE(file.size(), store::kMaxUnloadFileLen);
  EXPECT_EQ(Must(store::ParseUnloadState(file)), state);
  for (std::size_t at = 0; at < file.size(); ++at) {
    Bytes broken = file;
    broken[at] ^= 0x10;
    EXPECT_FALSE(store::ParseUnloadState(broken).has_value()) << at;
    EXPECT_FALSE(store::ParseUnloadState(ByteView(file).first(at)).has_value()) << at;
  }
  store::UnloadState longer = state;
  longer.lock_left += Uptime(1);
  EXPECT_EQ(store::ParseUnloadState(store::EncodeUnloadState(longer)).error().code, Code::kDamaged);
}

}  // namespace
}  // namespace countersign::agent
