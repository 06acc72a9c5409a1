#include "agent/unload_lock.h"

#include <algorithm>
#include <utility>

#include "base/process.h"
#include "crypto/argon2.h"
#include "wire/warrant.h"

namespace countersign::agent {
namespace {

constexpr std::string_view kHowToShow =
    "give the unload password (see --help), or a warrant: countersign owner warrant --unlock AGENT "
    "-o FILE";

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// How long the n-th wrong try locks: the free ones not at all, then 1 minute, doubled each time.
Uptime LockAfter(std::uint32_t failures) {
  if (failures < UnloadLock::kFreeTries) return Uptime(0);
  const std::uint32_t doublings = std::min(failures - UnloadLock::kFreeTries, std::uint32_t{16});
  return std::min(UnloadLock::kFirstLock * (std::int64_t{1} << doublings),
                  UnloadLock::kLongestLock);
}

std::string Lasting(Uptime time) { return FormatDuration(std::chrono::ceil<Seconds>(time)); }

std::unexpected<Error> Locked(Uptime left, Times now) {
  const Instant until = now.wall + std::chrono::ceil<Seconds>(left);
  return Fail(
      Code::kExhausted,
      "after too many wrong tries no unload password is taken for another " + Lasting(left) +
          " (until " + FormatUtc(until) + ")",
      "wait; or a warrant passes at once: countersign owner warrant --unlock AGENT -o FILE");
}

}  // namespace

Result<UnloadLock> UnloadLock::Open(std::unique_ptr<store::UnloadStorage> storage,
                                    std::string boot_id) {
  UnloadLock lock(std::move(storage), std::move(boot_id));
  const auto file = lock.storage_->Load();
  if (!file) return std::unexpected(file.error());
  if (file->empty()) return lock;
  auto state = store::ParseUnloadState(*file);
  if (state) {
    lock.state_ = *std::move(state);
  } else {
    lock.damaged_ = state.error();
  }
  return lock;
}

Result<UnloadLock> UnloadLock::Open(const std::filesystem::path& folder) {
  return Open(std::make_unique<store::UnloadFile>(folder), BootId());
}

Status UnloadLock::Store(const store::UnloadState& next) {
  const auto stored = storage_->Store(store::EncodeUnloadState(next));
  if (!stored) {
    return Fail(Code::kIo,
                "the state of the unload password cannot be written: " + stored.error().message,
                stored.error().next);
  }
  state_ = next;
  damaged_.reset();
  return {};
}

Status UnloadLock::Anchor(Times now) {
  if (damaged_ || state_.lock_left <= Uptime(0)) return {};
  store::UnloadState next = state_;
  next.lock_left = LockedFor(now);
  next.boot_id = boot_id_;
  next.at = now.boot;
  next.wall_at = now.wall;
  return Store(next);
}

// A clock that counts from the boot goes on within it, and can not be set.
bool UnloadLock::IsThisBoot(Times now) const {
  return state_.boot_id == boot_id_ && !boot_id_.empty() && now.boot >= state_.at;
}

// Within one boot only the clock that cannot be set counts. Across a boot there is the wall clock
// alone: one that went back counts as no time at all, so that the lock begins anew, once, on the
// boot's own clock; one that went on counts as what it says.
Uptime UnloadLock::LockedFor(Times now) const {
  if (state_.lock_left <= Uptime(0)) return Uptime(0);
  const Uptime passed = IsThisBoot(now) ? now.boot - state_.at
                                        : Uptime(std::max(now.wall - state_.wall_at, Seconds(0)));
  return std::max(state_.lock_left - passed, Uptime(0));
}

Result<UnloadLock::Passed> UnloadLock::Pass(const UnloadKey& key, const trust::TrustState& held,
                                            const AgentId& self, Times now) {
  if (!is_set()) return Passed{};
  if (!key.warrant.empty()) {
    const auto warrant = wire::JudgeWarrant(
        Trimmed(key.warrant),
        {.held = held, .self = self, .now = now.wall, .act = wire::WarrantAct::kUnlock});
    if (!warrant) return std::unexpected(warrant.error());
    return Passed{wire::SpentOf(*warrant)};
  }
  if (damaged_) return std::unexpected(*damaged_);
  if (key.password == nullptr || key.password->empty()) {
    return Fail(Code::kWrongPassword, "this agent is protected by an unload password",
                std::string(kHowToShow));
  }
  return TryPassword(*key.password, now);
}

Result<UnloadLock::Passed> UnloadLock::TryPassword(const SecretBytes& password, Times now) {
  const Uptime left = LockedFor(now);
  if (left > Uptime(0)) {
    // From here on this boot's clock counts, whatever becomes of the wall clock.
    if (!IsThisBoot(now)) COUNTERSIGN_RETURN_IF_ERROR(Anchor(now));
    return Locked(left, now);
  }
  // Counted before it is judged: who kills the process in between has used up his try.
  const store::UnloadState before = state_;
  store::UnloadState next = state_;
  next.failures = std::min(state_.failures, std::uint32_t{1'000'000}) + 1;
  next.lock_left = LockAfter(next.failures);
  next.boot_id = boot_id_;
  next.at = now.boot;
  next.wall_at = now.wall;
  COUNTERSIGN_RETURN_IF_ERROR(Store(next));
  const auto right = password.size() > kMaxPasswordLen
                         ? Status(Fail(Code::kWrongPassword, "too long"))
                         : crypto::VerifyPassword(state_.verifier, password);
  if (right) {
    COUNTERSIGN_RETURN_IF_ERROR(
        Store({.verifier = state_.verifier, .failures = 0, .lock_left = {}}));
    return Passed{};
  }
  if (right.error().code != Code::kWrongPassword) {
    // Not judged, so not counted.
    COUNTERSIGN_RETURN_IF_ERROR(Store(before));
    return Fail(Code::kIo, right.error().message, right.error().next);
  }
  const std::uint32_t tries = state_.failures;
  const std::string left_over =
      tries < kFreeTries
          ? "; free tries left before it is locked: " + std::to_string(kFreeTries - tries)
          : "; it is locked now for " + Lasting(state_.lock_left);
  return Fail(Code::kWrongPassword, "that is not the unload password" + left_over,
              std::string(kHowToShow));
}

Status UnloadLock::Set(const std::string& verifier) {
  if (!verifier.empty()) COUNTERSIGN_RETURN_IF_ERROR(crypto::CheckVerifierForm(verifier));
  if (!damaged_ && verifier == state_.verifier) return {};
  return Store({.verifier = verifier, .failures = 0, .lock_left = {}});
}

}  // namespace countersign::agent
