#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "tests/simulation/witness.h"
#include "tests/simulation/world.h"
#include "tests/support/agent_disk.h"

namespace countersign::simulation {

// AgentNode is one machine with one agent: the shipping agent::Agent, a disk that fails and dies,
// two clocks, and the small loop that the daemon is. It can be killed and cut off its power at any
// moment.
class AgentNode {
 public:
  AgentNode(World world, int number, crypto::PrivateKey key, wire::AgentProfile profile,
            const trust::TrustState& first_trust);

  [[nodiscard]] const AgentId& id() const { return id_; }
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool is_up() const { return agent_ != nullptr; }
  [[nodiscard]] const trust::TrustState& trust() const { return agent_->trust(); }
  [[nodiscard]] testing::AgentDisk& disk() { return disk_; }

  void Start();
  void Kill();      // the process; what it wrote stays, written through or not
  void PowerCut();  // the machine: its boot clock begins anew
  void StartAfter(SimTime delay);
  // RestoreBackup puts the disk back to what `backup` holds, and starts.
  void RestoreBackup(const testing::AgentDisk::Files& backup);
  void SetClock(Seconds error) { clock_error_ = error; }

  [[nodiscard]] std::size_t num_deaths() const { return num_deaths_; }

 private:
  [[nodiscard]] Times Now() const;
  // Do runs `what` in the agent; a PowerCut in it takes the node down.
  template <class What>
  void Do(What what);
  void Died();
  void Take(const Request& request, Network::Respond respond);
  void TakeOrder(const Request& request, const Network::Respond& respond);
  void Report();
  void TakeAnswer(const std::optional<Response>& response);
  void PostReceipts(std::vector<std::string> receipts);
  void AnswerHeld();
  void WakeLater();
  void SaveLater();

  World world_;
  const int number_;
  crypto::PrivateKey key_;
  AgentId id_;
  wire::AgentProfile profile_;
  testing::AgentDisk disk_;
  TraceLog log_;
  Seconds clock_error_{0};
  SimTime booted_at_ = -100 * kSecond;
  std::uint64_t life_ = 0;  // of the process; what an earlier one began is nobody's
  std::uint64_t wake_ = 0;
  bool reporting_ = false;
  std::map<Jti, Network::Respond> held_;  // answers that wait for the end of an act
  Witness witness_;
  std::size_t num_deaths_ = 0;
  std::unique_ptr<agent::Agent> agent_;
};

}  // namespace countersign::simulation
