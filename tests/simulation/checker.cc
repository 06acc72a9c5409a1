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

void Checker::Ran(int agent, const Jti& jti, bool is_signed) {
  const std::string name = "agent " + std::to_string(agent);
  trace_.Add(name + " runs " + jti.Text());
  if (!is_signed) Violated(name + " obeys a key that it does not trust");
  const std::size_t runs = ++runs_[{agent, jti}];
  if (runs > 1 && !WasRestored(agent)) Violated(name + " runs order " + jti.Text() + " twice");
}

void Checker::Applied(int agent, bool is_signed) {
  if (!is_signed) {
    Violated("agent " + std::to_string(agent) + " takes a reply of a key that it does not trust");
  }
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
