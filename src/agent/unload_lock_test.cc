#include "agent/unload_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/set_unload.h"
#include "crypto/argon2.h"
#include "tests/support/agent_bench.h"
#include "tests/support/must.h"
#include "wire/warrant.h"

namespace countersign::agent {
namespace {

using testing::AgentBench;
using ::testing::HasSubstr;
using testing::Must;
using trust::Verdict;

// What a kill leaves: the content, whatever the process knew.
struct Disk {
  Bytes content;
  std::size_t writes = 0;
  std::function<bool(std::size_t)> kill_before = {};  // the n-th write
  std::function<bool(std::size_t)> kill_after = {};
};
struct Killed {};

class DiskStorage final : public store::UnloadStorage {
 public:
  explicit DiskStorage(Disk& disk) : disk_(disk) {}
  Result<Bytes> Load() override { return disk_.content; }
  Status Store(ByteView whole) override {
    ++disk_.writes;
    if (disk_.kill_before && disk_.kill_before(disk_.writes)) throw Killed();
    disk_.content = ToBytes(whole);
    if (disk_.kill_after && disk_.kill_after(disk_.writes)) throw Killed();
    return {};
  }

 private:
  Disk& disk_;
};

class FullDisk final : public store::UnloadStorage {
 public:
  explicit FullDisk(Bytes content) : content_(std::move(content)) {}
  Result<Bytes> Load() override { return content_; }
  Status Store(ByteView) override { return Fail(Code::kExhausted, "the disk is full"); }

 private:
  Bytes content_;
};

std::string VerifierOf(std::string_view password) {
  testing::SeededRandom random(5);
  return Must(crypto::MakeVerifier(SecretBytes::OwnText(password),
                                   {.memory_kib = 8, .passes = 1, .lanes = 1}, random));
}

class UnloadLockTest : public ::testing::Test {
 protected:
  UnloadLockTest() {
    bench_.Start();
    Reopen();
  }
  // Reopen is another process, by default within the same boot.
  void Reopen() {
    lock_.emplace(Must(UnloadLock::Open(std::make_unique<DiskStorage>(disk_), boot_)));
  }
  // Reboot begins a new boot, whose clock begins anew.
  void Reboot() {
    boot_ += "+";
    now_.boot = Uptime(5'000);
    Reopen();
  }
  void Pass(Seconds time) {
    now_.wall += time;
    now_.boot += Uptime(time);
  }
  void SetPassword() { ASSERT_TRUE(lock_->Set(VerifierOf("right one")).has_value()); }
  Result<UnloadLock::Passed> Try(std::string_view password) {
    const auto secret = SecretBytes::OwnText(password);
    return lock_->Pass({.password = &secret}, bench_.agent().trust(), bench_.id, now_);
  }
  Result<UnloadLock::Passed> Show(const std::string& warrant) {
    return lock_->Pass({.warrant = warrant}, bench_.agent().trust(), bench_.id, now_);
  }
  Code CodeOf(std::string_view password) {
    const auto tried = Try(password);
    return tried ? Code::kInternal : tried.error().code;
  }
  void FailTimes(int times) {
    for (int i = 0; i < times; ++i) EXPECT_EQ(CodeOf("wrong"), Code::kWrongPassword);
  }
  std::string Warrant() {
    const wire::Warrant warrant{.x5c = bench_.owner.certificate.der(),
                                .jti = bench_.random.Token(),
                                .iat = static_cast<std::uint64_t>(ToUnix(now_.wall)),
                                .exp = static_cast<std::uint64_t>(ToUnix(now_.wall)) + 86'400,
                                .server = bench_.server_id,
                                .act = wire::WarrantAct::kUnlock,
                                .agents = {bench_.id}};
    return Must(wire::SignWarrant(warrant, bench_.owner.key));
  }

  AgentBench bench_;
  Disk disk_;
  std::string boot_ = "boot";
  std::optional<UnloadLock> lock_;
  Times now_{bench_.now.wall, Uptime(1'000'000)};
};

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

// --- clocks ---

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

// --- warrants ---

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
