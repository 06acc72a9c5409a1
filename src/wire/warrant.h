#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"
#include "crypto/keys.h"
#include "trust/trust_state.h"
#include "wire/jws.h"

// Warrants (protocol section 8): what an owner allows at an agent that no server can allow. Signed
// by the owner key, made under the password of the automatic backup, and good once at each agent.
// Pure functions, thread-safe.
namespace countersign::wire {

inline constexpr std::size_t kMaxWarrantLen = 24 * 1024;
inline constexpr std::size_t kMaxWarrantAgents = 256;  // that are named; or all of the server
inline constexpr std::size_t kMaxTargetAddresses = 16;
inline constexpr std::size_t kMaxTargetAddressLen = 64;
inline constexpr Seconds kMaxWarrantLife = std::chrono::hours(24 * 30);

// What a warrant allows: to be moved, or to pass the unload password once.
enum class WarrantAct { kMove, kUnlock };
[[nodiscard]] std::string_view WarrantActName(WarrantAct act);  // "move", "unlock"

// MoveTarget is where a warrant sends its agents.
struct MoveTarget {
  ServerId server;
  Digest owner{};                // of its owner's key: whom its bundle has to follow from
  std::uint64_t generation = 0;  // the least that its certificate may have
  std::vector<std::string> addresses = {};  // 1 to 16, the first is tried first; opaque here
  bool operator==(const MoveTarget&) const = default;
};

struct Warrant {
  Bytes x5c;  // the owner's certificate (DER); only its key is read
  Jti jti;
  std::uint64_t iat = 0;  // Unix seconds
  std::uint64_t exp = 0;  // later than iat, by at most kMaxWarrantLife
  ServerId server;        // whose agents it is for
  WarrantAct act = WarrantAct::kUnlock;
  std::vector<AgentId> agents = {};       // empty: all of the server; for kUnlock exactly one
  std::optional<MoveTarget> target = {};  // with kMove, and with it alone
  bool operator==(const Warrant&) const = default;
};
struct SignedWarrant {
  Envelope envelope;
  Warrant warrant;
};
// ParseWarrant takes untrusted octets (one compact serialisation, nothing around it) and verifies
// no signature. kMalformed with the reason.
[[nodiscard]] Result<SignedWarrant> ParseWarrant(std::string_view text);
// SignWarrant fails with kUsage if the warrant breaks a limit, or if `signer` is not the key of the
// certificate in it.
[[nodiscard]] Result<std::string> SignWarrant(const Warrant& warrant, const crypto::Signer& signer);

// WarrantJudge is the agent's side of the check.
struct WarrantJudge {
  const trust::TrustState& held;
  AgentId self;
  Instant now;  // the agent's wall clock, for `exp` only
  WarrantAct act = WarrantAct::kUnlock;
};
// JudgeWarrant says whether this agent takes the warrant for this act: it parses, its key has the
// stored owner digest and signed it, it is for the agent's server, this act and this agent, it has
// not run out, and it was not used up here. Anything else is the verdict `bad-warrant`: kRefused,
// with the reason in words. One that is taken has to be kept as used up, once what it allows is
// done: trust::WithSpent(state, SpentOf(warrant), now), in the trust state that is committed.
[[nodiscard]] Result<Warrant> JudgeWarrant(std::string_view text, const WarrantJudge& judge);
[[nodiscard]] trust::SpentWarrant SpentOf(const Warrant& warrant);

}  // namespace countersign::wire
