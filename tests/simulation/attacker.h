#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/forger.h"
#include "tests/simulation/world.h"

namespace countersign::simulation {

// Attacker sits in the network (N): it records all, plays it again to anybody, changes and
// redirects it, answers in another's place, and makes messages of its own. Once it is given server
// keys it is a thief too (T1), with those that have been replaced and with one that has not.
class Attacker {
 public:
  Attacker(World world, std::uint64_t seed, const ServerId& server);

  void Knows(const AgentId& agent, int node) { agents_.emplace_back(agent, node); }
  void Steal(StolenKey key) { forger_.Steal(std::move(key)); }
  // Act does one thing, whatever chance decides.
  void Act();
  [[nodiscard]] std::size_t num_acts() const { return num_acts_; }

 private:
  void Record(const Request& request, const Response* response);
  void ReplayRequest();
  void ReplayResponse();
  void ForgeOrder();
  void ForgeReply();
  void SendForgedOrder(const AgentId& agent, int node, const std::string& challenge);
  [[nodiscard]] std::string Changed(std::string message);

  World world_;
  Forger forger_;
  std::vector<std::pair<AgentId, int>> agents_;
  std::vector<Request> requests_;
  std::vector<std::pair<Route, Response>> responses_;
  std::size_t num_acts_ = 0;
};

}  // namespace countersign::simulation
