#pragma once

#include <cstdint>
#include <expected>
#include <span>

#include "trust/trust_state.h"
#include "trust/verdict.h"

namespace countersign::trust {

// MoveGoal is the server that a warrant sends an agent to.
struct MoveGoal {
  ServerId server;
  Digest owner{};                      // of the key that the last certificate carries
  std::uint64_t least_generation = 0;  // of the server certificate
};

// TrustAfterMove is the trust state that an agent which holds `held` has after a move to `goal`
// (protocol section 8), if it accepts the target's bundle: rule A with the goal's owner in the
// place of the stored one, and without its clause 3. Failures, in this order:
//   kWrongServer       the goal is the agent's own server: nothing to move to
//   kOtherOwner        the key of the last certificate is not the goal's owner's
//   kChain             as in rule A
//   kWrongServer       certificate 0 does not name the goal's server id (successions need not)
//   kOlderGeneration   below the goal's least, or below the highest ever held for that server id;
//   kFork              another certificate of the same generation as that highest
//   kDistrusted        as in rule A
//   kCannotRecord      the agent has trusted kMaxServerIds servers already
// Not trusted yet: the target has to prove itself to this state first. Pure.
[[nodiscard]] std::expected<TrustState, Verdict> TrustAfterMove(const TrustState& held,
                                                                const MoveGoal& goal,
                                                                std::span<const Bytes> bundle,
                                                                const DistrustList& distrust);

}  // namespace countersign::trust
