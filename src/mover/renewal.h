#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/time.h"
#include "crypto/keys.h"
#include "mover/target_exchange.h"
#include "store/agent_counters.h"
#include "trust/identity.h"
#include "trust/trust_state.h"
#include "wire/registration.h"

namespace countersign::mover {

// Renewal is `IpXfer -e FILE`: the trust of an agent is renewed by local authority, rule A is not
// asked (protocol section 8, mover). One exchange is tried *before* anything is stored: the
// server's reply is judged against the trust state to be. So a kill at any point leaves the old
// state or the new one. Sans-I/O; one thread; `counters`, `key`, `random` must outlive it.
class Renewal {
 public:
  enum class Result {
    kVerified,     // the server answered with that certificate's key: store `state`
    kNotVerified,  // the server could not be reached: store `state`, and say so
    kOtherKey,     // a server answered with another key: keep the old state, unless told otherwise
  };
  struct Outcome {
    Result result = Result::kOtherKey;
    std::string why;                         // for people
    std::string next;                        // what to run now, or empty
    std::optional<trust::TrustState> state;  // to be stored; none where the old one is kept
  };

  // Begin fails as trust::FirstTrust does.
  [[nodiscard]] static countersign::Result<std::unique_ptr<Renewal>> Begin(
      const trust::TrustState& held, const crypto::Certificate& certificate,
      const wire::AgentProfile& profile, const crypto::Signer& key, RandomSource& random);

  // MakeReport returns the report to POST. Called once.
  [[nodiscard]] countersign::Result<std::string> MakeReport(store::AgentCounters& counters,
                                                            const Instance& instance, Times now);
  // TakeReply judges the answer (status 200).
  [[nodiscard]] Outcome TakeReply(std::string_view message, const trust::DistrustList& distrust,
                                  Times now) const;
  // NotReached is the outcome without an answer. Where the certificate is for another server than
  // the agent belonged to, `why` and `next` say so: a server that was installed anew has a new id,
  // and with a wrong file the agent belongs to nobody.
  [[nodiscard]] Outcome NotReached(std::string_view why) const;

  [[nodiscard]] const trust::TrustState& to_be() const { return exchange_.to_be(); }

 private:
  Renewal(const ServerId& held, trust::TrustState to_be, const wire::AgentProfile& profile,
          const crypto::Signer& key, RandomSource& random);

  ServerId held_;
  TargetExchange exchange_;
};

// ResultName returns the stable word: "verified", "installed-not-verified", "other-key".
[[nodiscard]] std::string_view ResultName(Renewal::Result result);

// Decide makes what keeps the old state an installation without verification if the administrator
// said so (`--no-verify`, `verify` false); otherwise the outcome stays as it is.
[[nodiscard]] Renewal::Outcome Decide(Renewal::Outcome outcome, const Renewal& renewal,
                                      bool verify);

}  // namespace countersign::mover
