#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/time.h"

namespace countersign::store {

// UnloadState is what an agent keeps of its unload password (docs/unload-password.md): the verifier
// and the lock after wrong tries. The lock is `lock_left` long, counted from the moment `at` of the
// boot `boot_id`; across boots from `wall_at`.
struct UnloadState {
  std::string verifier;        // argon2id, PHC form; empty: none is set
  std::uint32_t failures = 0;  // wrong tries since the last right one
  Uptime lock_left{};          // 0: not locked
  std::string boot_id = {};    // of which `at` is a moment
  Uptime at{};
  Instant wall_at = {};
  bool operator==(const UnloadState&) const = default;
};

// File form: "CSUL", version, fields, SHA-256 of all before it. Encode and Parse are inverse.
// kDamaged: a half, a wrong checksum, a verifier of another form, a lock of more than 24 hours.
inline constexpr std::size_t kMaxUnloadFileLen = 1024;
[[nodiscard]] Bytes EncodeUnloadState(const UnloadState& state);
[[nodiscard]] Result<UnloadState> ParseUnloadState(ByteView file);

// UnloadStorage is where it lies: a file of the agent's folder, or a test's memory. As
// AgentStorage: what was stored survives a power cut; after a failure the old or the new is there.
class UnloadStorage {
 public:
  virtual ~UnloadStorage() = default;
  [[nodiscard]] virtual Result<Bytes> Load() = 0;  // nothing there: empty
  [[nodiscard]] virtual Status Store(ByteView whole) = 0;
};

// UnloadFile is `unload` in an agent's folder, 0600. Caller must still: hold the folder's lock.
class UnloadFile final : public UnloadStorage {
 public:
  explicit UnloadFile(const std::filesystem::path& folder) : path_(folder / "unload") {}
  [[nodiscard]] Result<Bytes> Load() override;
  [[nodiscard]] Status Store(ByteView whole) override;

 private:
  std::filesystem::path path_;
};

}  // namespace countersign::store
