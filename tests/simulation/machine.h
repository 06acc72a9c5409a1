#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "tests/simulation/witness.h"
#include "tests/simulation/world.h"
#include "tests/support/agent_disk.h"

namespace countersign::simulation {

// Machine is an endpoint with the shipping agent::Agent on it, which somebody else switches on and
// makes report: it is for years in which it mostly is off. A disk that dies in a write takes it
// down and up again.
class Machine {
 public:
  Machine(Ground ground, int number, crypto::PrivateKey key, wire::AgentProfile profile,
          const trust::TrustState& first_trust);
  // Clone is another machine with the same disk.
  [[nodiscard]] std::unique_ptr<Machine> Clone(int number) const;

  [[nodiscard]] const AgentId& id() const { return id_; }
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] std::string Name() const { return "agent " + std::to_string(number_); }
  [[nodiscard]] std::string Address() const;
  [[nodiscard]] testing::AgentDisk& disk() { return disk_; }
  [[nodiscard]] bool is_up() const { return agent_ != nullptr; }
  [[nodiscard]] agent::Agent& agent() { return *agent_; }
  // Trust is what it holds, up or down.
  [[nodiscard]] const trust::TrustState& trust() const { return trust_; }
  // IsOnDisk: that is on the disk, too, and not something newer that a failed write has left.
  [[nodiscard]] bool IsOnDisk() const;
  [[nodiscard]] Times Now() const;

  void Start();
  void Kill();
  void PowerCut();
  void RestoreBackup(const testing::AgentDisk::Files& backup);
  void SetClock(Seconds error) { clock_error_ = error; }
  [[nodiscard]] Seconds clock_error() const { return clock_error_; }

  // NextReportIn is how long it would wait by itself.
  [[nodiscard]] SimTime NextReportIn() const {
    return (agent_->NextReportAt() - Now().boot).count();
  }
  // Nothing: it can not, or its disk died.
  [[nodiscard]] std::optional<std::string> Report();
  void ReportFailed();
  struct Took {
    bool refused = true;
    std::vector<std::string> receipts;
  };
  Took TakeReply(const std::string& message, const std::string& nonce);
  [[nodiscard]] std::string DrawChallenge();
  // TakeOrder: `pending` while the act runs; EndPending has its receipt then.
  [[nodiscard]] agent::OrderAnswer TakeOrder(const std::string& message, const std::string& source);
  [[nodiscard]] std::optional<std::string> EndPending(const Jti& jti);
  [[nodiscard]] std::vector<std::string> TakeReceipts();

  // WouldRun plays an order to a copy of this machine, by an honest clock, and tells whether it
  // runs there. Changes nothing here.
  using Forge = std::function<std::optional<std::string>(const std::string& challenge)>;
  [[nodiscard]] bool WouldRun(Instant by, const Forge& forge) const;

  [[nodiscard]] std::size_t num_deaths() const { return num_deaths_; }

 private:
  // Do runs `what` in the agent, and restarts the machine if its disk dies.
  template <class What>
  void Do(What what);

  Ground ground_;
  const int number_;
  crypto::PrivateKey key_;
  AgentId id_;
  wire::AgentProfile profile_;
  testing::AgentDisk disk_;
  TraceLog log_;
  Witness witness_;
  trust::TrustState trust_;
  Seconds clock_error_{0};
  SimTime booted_at_ = -100 * kSecond;
  std::size_t num_deaths_ = 0;
  std::unique_ptr<agent::Agent> agent_;
};

}  // namespace countersign::simulation
