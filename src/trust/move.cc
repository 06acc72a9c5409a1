#include "trust/move.h"

#include <algorithm>
#include <utility>

#include "trust/rule_a.h"

namespace countersign::trust {

std::expected<TrustState, Verdict> TrustAfterMove(const TrustState& held, const MoveGoal& goal,
                                                  std::span<const Bytes> bundle,
                                                  const DistrustList& distrust) {
  if (goal.server == held.server) return std::unexpected(Verdict::kWrongServer);
  // Rule A asks for the stored owner, server and generations: here they are the goal's.
  TrustState asked = held;
  asked.owner = goal.owner;
  asked.server = goal.server;
  const auto accepted = RuleA(asked, bundle, distrust, Names::kServerCertificate);
  if (!accepted) return std::unexpected(accepted.error());
  const crypto::Certificate& certificate = accepted->certificate();
  const std::uint64_t generation = certificate.generation().value_or(0);
  if (generation < goal.least_generation) return std::unexpected(Verdict::kOlderGeneration);
  TrustState next = held;
  next.certificate = certificate;
  next.bundle = accepted->bundle;
  next.owner = accepted->owner();
  next.server = goal.server;
  next.generation = generation;
  const TrustState::Highest highest{goal.server, generation, certificate.thumbprint()};
  const auto at = std::ranges::find(next.highest, goal.server, &TrustState::Highest::server);
  if (at != next.highest.end()) {
    *at = highest;
  } else if (next.highest.size() < kMaxServerIds) {
    next.highest.push_back(highest);
  } else {
    return std::unexpected(Verdict::kCannotRecord);
  }
  return next;
}

}  // namespace countersign::trust
