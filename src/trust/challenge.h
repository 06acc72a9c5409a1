#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

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
  // Used-up challenges that are remembered for each use. When there are more, those drawn first are
  // forgotten, and every challenge drawn no later than one of them is stale: a thief of the server
  // key who floods the agent makes challenges short-lived, but not useless for the rightful server.
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
  struct Drawn {
    std::array<std::uint8_t, 16> random;
    Uptime at;
    std::uint8_t use;
  };
  struct Spent {
    std::set<std::pair<Uptime, std::array<std::uint8_t, 16>>> challenges;  // drawn first, first
    Uptime forgotten_to = Uptime::min();  // nothing drawn up to here is good any more
    void ForgetFirst();
  };
  [[nodiscard]] std::optional<Drawn> Parse(std::string_view challenge) const;

  SecretBytes key_;
  std::array<Spent, 2> spent_;  // by use
};

}  // namespace countersign::trust
