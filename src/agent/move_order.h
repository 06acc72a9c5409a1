#pragma once

#include "agent/acts.h"
#include "trust/identity.h"

namespace countersign::agent {

// OrderToMove is the act `move` (protocol section 8): `args` hold the owner's warrant and the
// target's bundle. Both are judged here; nothing is changed. Ends at once with `bad-warrant`
// ({"error", "reason": "bad-warrant"}) or `failed` ({"error", "reason": a stable word of
// docs/moves.md}); otherwise it is a MoveAgent, whose trust state has the warrant as used up.
[[nodiscard]] ActOutcome OrderToMove(const ActOrder& order, const AgentId& self,
                                     const trust::DistrustList& distrust);

// MoveFailed is the result of a move that did not happen, for EndAct: {"error", "reason"}, cut to
// what a result may hold.
[[nodiscard]] std::string MoveFailedResult(std::string_view reason, std::string_view why);
// MovedResult is that of one that did: {"server", "generation", "address"}.
[[nodiscard]] std::string MovedResult(const trust::TrustState& now, std::string_view address);

}  // namespace countersign::agent
