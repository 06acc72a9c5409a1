#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "tests/simulation/trace.h"
#include "trust/trust_state.h"

namespace countersign::simulation {

// Proof is what a message that an agent follows has to have.
struct Proof {
  bool is_signed = false;  // by the key of what the agent trusts, for this agent
  bool is_fresh = false;   // it answers a challenge of this agent's process, in time and unused
};

// Checker holds what must be true at every moment, and remembers the first thing that was not.
class Checker {
 public:
  explicit Checker(Trace& trace) : trace_(trace) {}

  // The owner certified this server certificate; nobody else's is ever to be trusted.
  void Certified(const crypto::Certificate& certificate) {
    certified_.insert(certificate.thumbprint());
  }
  // SawTrust: this is what agent `agent` trusts now.
  void SawTrust(int agent, const trust::TrustState& state);
  // Ran: the agent begins the act of an order.
  void Ran(int agent, const Jti& jti, const Proof& proof);
  // Applied: the agent took what a reply says.
  void Applied(int agent, const Proof& proof);
  // Restored: the agent's disk was put back to a backup, which may undo anything there.
  void Restored(int agent);

  [[nodiscard]] std::size_t Runs(int agent, const Jti& jti) const;
  [[nodiscard]] bool WasRestored(int agent) const { return restored_.contains(agent); }
  void Violated(const std::string& what);
  void ExpectProved(const std::string& name, const Proof& proof);
  [[nodiscard]] const std::optional<std::string>& violation() const { return violation_; }
  [[nodiscard]] std::size_t num_runs() const { return runs_.size(); }
  [[nodiscard]] std::size_t num_moves() const { return num_moves_; }

 private:
  struct Seen {
    std::uint64_t generation = 0;
    Digest thumbprint{};
  };
  Trace& trace_;
  std::set<Digest> certified_;
  std::map<int, Seen> seen_;
  std::map<std::pair<int, Jti>, std::size_t> runs_;
  std::set<int> restored_;
  std::size_t num_moves_ = 0;
  std::optional<std::string> violation_;
};

}  // namespace countersign::simulation
