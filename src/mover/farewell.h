#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/time.h"
#include "crypto/keys.h"
#include "store/agent_counters.h"
#include "store/move_journal.h"
#include "trust/identity.h"
#include "trust/trust_state.h"
#include "wire/registration.h"

namespace countersign::mover {

// Farewell is the exchange in which a server that the agent has left is told so: a report with
// `leaving`, whose reply is judged against the certificate by which the agent knew that server, as
// any reply is (protocol section 7). Without that anybody on the way could end the telling with a
// 200. Sans-I/O; one thread; `now` (the trust held since the move) and `key` must outlive it.
class Farewell {
 public:
  Farewell(const store::FormerServer& former, const trust::TrustState& now,
           wire::AgentProfile profile, const crypto::Signer& key, RandomSource& random);

  // MakeReport returns the report to POST. A second call begins the exchange anew; only one with a
  // nonce of that server, `echo`, signs off.
  [[nodiscard]] Result<std::string> MakeReport(store::AgentCounters& counters,
                                               const Instance& instance, Times now,
                                               const std::optional<Nonce>& echo);
  // IsAnswered judges the answer (status 200) to the report made last: whether that very server
  // made it, with the certificate that the agent knew or with one that follows from it.
  [[nodiscard]] bool IsAnswered(std::string_view message, const trust::DistrustList& distrust,
                                Times now) const;

 private:
  std::optional<trust::TrustState> knew_;  // of the former server; nothing: nobody is believed
  const trust::TrustState& now_;
  wire::AgentProfile profile_;
  const crypto::Signer& key_;
  AgentId id_;
  RandomSource& random_;
  std::string challenge_;
};

}  // namespace countersign::mover
