#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/ids.h"
#include "base/secret.h"
#include "base/time.h"
#include "store/unload_file.h"
#include "trust/trust_state.h"

namespace countersign::agent {

// UnloadKey is what somebody shows who wants to stop, move or uninstall the agent. Both empty is
// nothing at all.
struct UnloadKey {
  const SecretBytes* password = nullptr;
  std::string warrant = {};  // compact serialisation, white space around it allowed; goes first
};

// UnloadLock is the unload password of one agent (docs/unload-password.md): needed for the mover,
// for stopping and for uninstalling the agent. Three wrong tries are free, then it is locked for
// one minute, doubled by each further wrong one, at most 24 hours, across restarts and reboots.
// Every try is counted durably before it is judged, so that killing the process gains nothing.
// A warrant of the owner passes it, locked or not, once. Not thread-safe; whoever opens it holds
// the folder's lock meanwhile.
//
// How to pass:
//   auto lock = UnloadLock::Open(folder);
//   auto passed = lock->Pass(key, trust, self, now);
//   if (!passed) return passed.error();
//   if (passed->spent) {  // a warrant: keep it as used up BEFORE what is protected is done
//     auto next = trust::WithSpent(trust, *passed->spent, now.wall);
//     … StoreTrust(*next)
//   }
// A mover keeps it in the very trust state that it commits (WithSpent(new state, …)), so that a try
// that fails before costs no warrant; a dry run keeps nothing. In a running agent
// Agent::PassUnload does all of this.
class UnloadLock {
 public:
  static constexpr std::uint32_t kFreeTries = 3;
  static constexpr Uptime kFirstLock = std::chrono::minutes(1);
  static constexpr Uptime kLongestLock = std::chrono::hours(24);
  static constexpr std::size_t kMinPasswordLen = 5;     // octets
  static constexpr std::size_t kMaxPasswordLen = 1024;  // octets

  // Open reads the state (no file: none is set). A damaged file opens, and only a warrant passes.
  // `boot_id`: what tells two boots of the machine apart (base/process.h, BootId).
  [[nodiscard]] static Result<UnloadLock> Open(std::unique_ptr<store::UnloadStorage> storage,
                                               std::string boot_id);
  [[nodiscard]] static Result<UnloadLock> Open(const std::filesystem::path& folder);

  // is_set: something has to be shown.
  [[nodiscard]] bool is_set() const { return damaged_ || !state_.verifier.empty(); }

  struct Passed {
    std::optional<trust::SpentWarrant> spent;  // the warrant by which, to be kept as used up
  };
  // Pass: success where none is set (nothing is judged or used up then). Errors:
  //   kWrongPassword  nothing was shown, or a wrong password; says how many tries are left
  //   kExhausted      locked: says until when; the password was not tried and nothing was counted
  //   kRefused        bad-warrant, with the reason
  //   kDamaged        the file is; only a warrant passes
  //   kIo             the try cannot be counted (disk), or judged (no memory): not passed
  // `held`, `self`: of this agent. Slow (up to about a second) where a password is tried.
  [[nodiscard]] Result<Passed> Pass(const UnloadKey& key, const trust::TrustState& held,
                                    const AgentId& self, Times now);

  // Set stores a verifier (crypto/argon2.h), or none (empty); wrong tries are forgotten if it is
  // another one. Asks nobody. kMalformed: no verifier.
  [[nodiscard]] Status Set(const std::string& verifier);

  // Anchor writes down how much of a lock is left now, counted from now on by the clock that cannot
  // be set. Call it at the agent's start and at its end: what passed while it ran is not lost where
  // the wall clock is wrong. Nothing where nothing is locked.
  [[nodiscard]] Status Anchor(Times now);

  // LockedFor is how long no password is tried from now on; 0: it may be tried.
  [[nodiscard]] Uptime LockedFor(Times now) const;
  [[nodiscard]] std::uint32_t failures() const { return state_.failures; }

 private:
  UnloadLock(std::unique_ptr<store::UnloadStorage> storage, std::string boot_id)
      : storage_(std::move(storage)), boot_id_(std::move(boot_id)) {}
  [[nodiscard]] Status Store(const store::UnloadState& next);
  [[nodiscard]] bool IsThisBoot(Times now) const;
  [[nodiscard]] Result<Passed> TryPassword(const SecretBytes& password, Times now);

  std::unique_ptr<store::UnloadStorage> storage_;
  std::string boot_id_;
  store::UnloadState state_;
  std::optional<Error> damaged_;
};

}  // namespace countersign::agent
