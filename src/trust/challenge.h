#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/time.h"

namespace countersign::trust {

enum class ChallengeUse : std::uint8_t { kListener = 1, kReport = 2 };

// ChallengeKeeper draws challenges and judges them (protocol section 5). A challenge is 16 random
// bytes, a time, its use and an HMAC-SHA-256 under a key drawn at the agent's start, as base64url:
// nothing is stored for a challenge until it is used up. Good for kLifetime on a clock that counts
// sleep and cannot be set, and for one message. Not thread-safe.
class ChallengeKeeper {
 public:
  static constexpr Uptime kLifetime = Uptime(300'000);
  // Challenges that authenticated messages can use up within kLifetime; beyond it all are stale.
  static constexpr std::size_t kMaxSpent = 16'384;

  // `key`: 32 random bytes of this process.
  explicit ChallengeKeeper(SecretBytes key) : key_(std::move(key)) {}

  [[nodiscard]] std::string Draw(ChallengeUse use, const std::array<std::uint8_t, 16>& random,
                                 Uptime now) const;
  // IsGood: made here, for this use, in time and not used up.
  [[nodiscard]] bool IsGood(std::string_view challenge, ChallengeUse use, Uptime now) const;
  // Spend uses a good challenge up. REQUIRES: IsGood, and the message passed step 6.
  void Spend(std::string_view challenge, Uptime now);

 private:
  SecretBytes key_;
  std::set<std::string, std::less<>> spent_;
  std::deque<std::pair<Uptime, std::string>> spent_order_;
};

}  // namespace countersign::trust
