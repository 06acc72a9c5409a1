#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/server_node.h"
#include "tests/simulation/world.h"
#include "tests/support/certificate_factory.h"

namespace countersign::simulation {

// Attacker sits in the network (N): it records all, plays it again to anybody, changes and
// redirects it, answers in another's place, and makes messages of its own. Once it is given server
// keys it is a thief too (T1), with those that have been replaced and with one that has not.
class Attacker {
 public:
  Attacker(World world, std::uint64_t seed, const ServerId& server);

  void Knows(const AgentId& agent, int node) { agents_.emplace_back(agent, node); }
  void Steal(StolenKey key) { stolen_.push_back(std::move(key)); }
  // Act does one thing, whatever chance decides.
  void Act();
  [[nodiscard]] std::size_t num_acts() const { return num_acts_; }

 private:
  // Who signs, by which certificate, with which bundle.
  struct Signing {
    crypto::PrivateKey key;
    Digest x5t;
    std::vector<Bytes> bundle;
  };
  void Record(const Request& request, const Response* response);
  void ReplayRequest();
  void ReplayResponse();
  void ForgeOrder();
  void ForgeReply();
  void SendForgedOrder(const AgentId& agent, int node, const std::string& challenge);
  [[nodiscard]] Signing ChooseSigning();
  [[nodiscard]] Signing ByFakeOf(const StolenKey& stolen);
  [[nodiscard]] std::optional<std::string> SignOrder(const Signing& by, const AgentId& agent,
                                                     const std::string& challenge, bool in_reply);
  [[nodiscard]] std::string Changed(std::string message);

  World world_;
  testing::TestAuthority authority_;
  ServerId server_;
  testing::Identity own_owner_ = authority_.MakeOwner();
  testing::Identity own_server_;
  std::vector<std::pair<AgentId, int>> agents_;
  std::vector<StolenKey> stolen_;
  std::vector<Request> requests_;
  std::vector<std::pair<Route, Response>> responses_;
  std::vector<Jti> jtis_;  // of orders seen
  std::size_t num_acts_ = 0;
};

}  // namespace countersign::simulation
