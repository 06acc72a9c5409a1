#pragma once

// The fixture that the tests of the unload password share: a lock, its disk, and an agent's trust.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/unload_lock.h"
#include "crypto/argon2.h"
#include "tests/support/agent_bench.h"
#include "tests/support/must.h"
#include "wire/warrant.h"

namespace countersign::agent {

using testing::AgentBench;
using ::testing::HasSubstr;
using testing::Must;

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

inline std::string VerifierOf(std::string_view password) {
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

}  // namespace countersign::agent
