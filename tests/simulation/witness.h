#pragma once

#include <map>
#include <string>
#include <string_view>

#include "agent/agent.h"
#include "tests/simulation/checker.h"

namespace countersign::simulation {

// Witness stands beside a shipping agent::Agent and tells the checker, whenever an order begins or
// a reply is taken, by which proof: it judges the message anew, from what the agent trusts and from
// the challenges that it saw drawn. One for each machine.
class Witness {
 public:
  Witness(Checker& checker, int machine, const AgentId& agent)
      : checker_(checker), machine_(machine), id_(agent) {}

  // Drew: the listener gave this challenge out.
  void Drew(const std::string& challenge, Uptime now) { drawn_[challenge] = now; }
  // Reported: this report is under way.
  void Reported(std::string_view report);
  // Judges: `agent` is about to judge this message. `agent` must live until the next call of any.
  void Judges(const agent::Agent& agent, std::string_view message, Uptime now);
  // TakeLogLine listens for "order <jti>: <act>", the agent's word for: it begins.
  void TakeLogLine(std::string_view line);
  // TookReply: the reply that it judged was not refused.
  void TookReply();
  // ReportEnded: no answer to the report under way is good any more.
  void ReportEnded() { report_challenge_.clear(); }
  // Died: the process is gone, and its challenges with it.
  void Died();

 private:
  // What proves that the order of this id in the message that is being judged may run.
  [[nodiscard]] Proof ProofOf(const Jti& jti);
  [[nodiscard]] Proof ProofOfReply(const wire::SignedReply& reply) const;
  [[nodiscard]] bool IsOurs(const wire::SignedOrder& order) const;
  [[nodiscard]] const crypto::PublicKey& trusted_key() const {
    return agent_->trust().certificate.key();
  }

  Checker& checker_;
  const int machine_;
  const AgentId id_;
  const agent::Agent* agent_ = nullptr;
  std::string message_;                  // what it is judging
  Uptime now_{};                         // then
  std::map<std::string, Uptime> drawn_;  // challenges of the listener that are unused
  std::string report_challenge_;         // of the report made last
};

}  // namespace countersign::simulation
