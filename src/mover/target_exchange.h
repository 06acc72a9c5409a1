#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "crypto/keys.h"
#include "store/agent_counters.h"
#include "trust/challenge.h"
#include "trust/identity.h"
#include "trust/trust_state.h"
#include "wire/registration.h"

namespace countersign::mover {

// TargetExchange is the exchange in which a server proves itself to an agent that does not trust it
// yet: a report to it (`aud` = its id) and its reply, judged against the trust state *to be*
// (protocol section 8). Nothing is stored. The state may come from a certificate that the
// administrator gave (trust::FirstTrust) or from a bundle that was accepted for a move. Sans-I/O;
// one thread; `key` must outlive it.
class TargetExchange {
 public:
  struct Answer {
    // The verdict of the first of steps 1 to 6 that failed: the target has not proved itself, and
    // nothing else is set.
    std::optional<trust::Verdict> refused;
    std::optional<trust::TrustState> state;  // to be stored; newer, if the reply had a bundle
    bool accepted = false;                   // the target knows and admits this agent
    bool expired = false;                    // its certificate is past its end by this clock
    std::vector<Digest> web;                 // digests of its web host's keys
    Nonce nonce;                             // for the next report to it
  };

  TargetExchange(trust::TrustState to_be, wire::AgentProfile profile, const crypto::Signer& key,
                 RandomSource& random);

  // MakeReport returns the report to POST. A second call begins the exchange anew; with the nonce
  // of an answer, `echo`, it proves to the target that the agent is there and holds what it says.
  [[nodiscard]] Result<std::string> MakeReport(store::AgentCounters& counters,
                                               const Instance& instance, Times now,
                                               const std::optional<Nonce>& echo = std::nullopt);
  // TakeReply judges the answer (status 200).
  [[nodiscard]] Answer TakeReply(std::string_view message, const trust::DistrustList& distrust,
                                 Times now) const;

  [[nodiscard]] const trust::TrustState& to_be() const { return to_be_; }

 private:
  trust::TrustState to_be_;
  wire::AgentProfile profile_;
  const crypto::Signer& key_;
  AgentId id_;
  RandomSource& random_;
  trust::ChallengeKeeper challenges_;
  std::string challenge_;
};

}  // namespace countersign::mover
