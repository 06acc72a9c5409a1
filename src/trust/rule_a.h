#pragma once

#include <expected>
#include <span>
#include <vector>

#include "trust/trust_state.h"
#include "trust/verdict.h"

namespace countersign::trust {

inline constexpr std::size_t kMinBundle = 2;
inline constexpr std::size_t kMaxBundle = 32;
inline constexpr std::size_t kMaxBundleLen = 32 * 1024;  // octets of DER, all certificates together

// Accepted is a bundle that passed rule A. It is not trusted yet: only when a message signed with
// its certificate's key, addressed to this agent, with a challenge of this agent has been verified
// may the caller replace the trust state by Moved(held, accepted).
struct Accepted {
  std::vector<crypto::Certificate> bundle;

  [[nodiscard]] const crypto::Certificate& certificate() const { return bundle.front(); }
  // The owner that the certificate is issued by: the key of certificate 1.
  [[nodiscard]] const Digest& owner() const { return bundle[1].key().digest(); }
};

// RuleA decides whether an agent that holds `held` accepts `bundle` (DER, server certificate first;
// protocol section 4). Clauses in the order in which their failures are named:
//   1 kOtherOwner       the key of the last certificate is the stored owner's; a last certificate
//                       that cannot be read has no such key
//   2 kChain            count, lengths, encodings, algorithms, CA:FALSE first, CA:TRUE with
//                       keyCertSign between, every signature from the last to the first, authority
//                       key identifier and generation of certificate 0
//   3 kWrongServer      certificate 0 and every succession names the stored server id
//   4 kOlderGeneration, its generation is above the highest ever held; the one held passes, another
//     kFork             of the same generation does not
//   5 kDistrusted       no certificate and no key of it is distrusted
// Names and dates are not compared. Pure; at most kMaxBundle - 1 signatures are verified.
// `names`: of a move (move.h) clause 3 asks only certificate 0.
enum class Names { kAll, kServerCertificate };
[[nodiscard]] std::expected<Accepted, Verdict> RuleA(const TrustState& held,
                                                     std::span<const Bytes> bundle,
                                                     const DistrustList& distrust,
                                                     Names names = Names::kAll);

// Moved is the trust state after an accepted bundle: nothing is merged, the previous certificate is
// forgotten. For the certificate already held nothing changes. REQUIRES: `accepted` is RuleA's
// answer for this same `held`.
[[nodiscard]] TrustState Moved(const TrustState& held, const Accepted& accepted);

}  // namespace countersign::trust
