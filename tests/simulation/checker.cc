#include "tests/simulation/checker.h"

namespace countersign::simulation {

void Checker::Violated(const std::string& what) {
  trace_.Add("VIOLATION: " + what);
  if (!violation_) violation_ = what;
}

void Checker::SawTrust(int agent, const trust::TrustState& state) {
  const std::string name = "agent " + std::to_string(agent);
  const Digest& thumbprint = state.certificate.thumbprint();
  if (!certified_.contains(thumbprint)) {
    Violated(name + " trusts a certificate that the owner did not issue");
  }
  Seen& seen = seen_[agent];
  if (seen.thumbprint == thumbprint) return;
  if (state.generation < seen.generation) {
    Violated(name + " went back from generation " + std::to_string(seen.generation) + " to " +
             std::to_string(state.generation));
  }
  if (state.generation == seen.generation) Violated(name + " trusts two of one generation");
  trace_.Add(name + " trusts generation " + std::to_string(state.generation));
  seen = {state.generation, thumbprint};
  ++num_moves_;
}

void Checker::ExpectProved(const std::string& name, const Proof& proof) {
  if (!proof.is_signed) Violated(name + " follows a key that it does not trust");
  if (!proof.is_fresh) Violated(name + " follows what answers no challenge of its own");
}

void Checker::Ran(int agent, const Jti& jti, const Proof& proof) {
  const std::string name = "agent " + std::to_string(agent);
  trace_.Add(name + " runs " + jti.Text());
  ExpectProved(name, proof);
  const std::size_t runs = ++runs_[{agent, jti}];
  if (runs > 1 && !WasRestored(agent)) Violated(name + " runs order " + jti.Text() + " twice");
}

void Checker::Applied(int agent, const Proof& proof) {
  ExpectProved("agent " + std::to_string(agent), proof);
}

void Checker::Restored(int agent) {
  restored_.insert(agent);
  seen_.erase(agent);
}

std::size_t Checker::Runs(int agent, const Jti& jti) const {
  const auto at = runs_.find({agent, jti});
  return at == runs_.end() ? 0 : at->second;
}

}  // namespace countersign::simulation
