#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"
#include "trust/challenge.h"
#include "trust/identity.h"
#include "trust/trust_state.h"
#include "wire/messages.h"

namespace countersign::wire {

// Steps 2 to 7 of protocol section 5, for orders and replies alike, judged against one trust state.
// Pure: what has to be written or used up is told to the caller.

// Judge is the agent's side of the check: who it is and what it knows.
struct Judge {
  const trust::TrustState& held;
  const trust::DistrustList& distrust;
  AgentId self;
  Instant now;  // the agent's wall clock, for step 7 only
};

struct Judgement {
  // The verdict of the first step that failed; nothing when steps 2 to 7 passed.
  std::optional<trust::Verdict> refused;
  // Step 6 was passed: the caller must use the challenge up, and commit `moved` if it is set,
  // before anything else, also when `refused` is kCertificateExpired.
  bool authentic = false;
  std::optional<trust::TrustState> moved;  // the trust state to commit, if trust moved
};

// JudgeOrder: `challenge_is_good` is step 2's answer (ChallengeKeeper::IsGood for the listener; for
// an order in a reply: its challenge is byte for byte the reply's).
[[nodiscard]] Judgement JudgeOrder(const Judge& judge, const SignedOrder& order,
                                   bool challenge_is_good);
// JudgeReply: `challenge_is_good`: it is the challenge of the report that this answers, and good.
[[nodiscard]] Judgement JudgeReply(const Judge& judge, const SignedReply& reply,
                                   bool challenge_is_good);

}  // namespace countersign::wire
