#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "tests/support/agent_disk.h"
#include "tests/support/memory_log.h"
#include "tests/support/server_bench.h"

namespace countersign::attacks {

// One line of a table: who tries what, and what comes of it. `attempt` plays it against the
// shipping agent and server and tells what happened: a verdict, a status, or an effect in a word.
class Scene;
struct Attack {
  const char* who;
  const char* what;
  const char* expected;
  std::string (*attempt)(Scene&);
};
inline std::ostream& operator<<(std::ostream& out, const Attack& attack) {
  return out << attack.who << " " << attack.what;
}

// SceneAgent is a machine with the shipping agent.
struct SceneAgent {
  crypto::PrivateKey key;
  AgentId id;
  wire::AgentProfile profile;
  testing::AgentDisk disk;
  testing::MemoryLog log;
  Times now;
  std::unique_ptr<agent::Agent> agent;
};

// Whoever signs: a key, and the bundle of the certificate that it claims.
struct Signing {
  const crypto::Signer& key;
  std::vector<Bytes> bundle;  // its first certificate gives x5t#S256; alone it is not sent
};

// Scene is a server and one agent that it has admitted, both real, and the wire between them in the
// hands of the test. `bench` holds the server and the owner's key.
class Scene {
 public:
  Scene();

  [[nodiscard]] std::unique_ptr<SceneAgent> NewAgent();
  void Start(SceneAgent& agent);  // or restart
  void Pass(Seconds time);        // on every clock

  // Exchange is a whole report and reply, with its receipts; the verdict if the reply was refused.
  std::string Exchange(SceneAgent& agent);
  [[nodiscard]] wire::SignedReport Report(SceneAgent& agent);
  // Command gives an order, as the dispatcher does; the order's verdict in the end.
  std::string Command(SceneAgent& agent, const std::string& act = "ping");
  // NextOrder is the octets of an order that the server signs for this agent now.
  [[nodiscard]] std::string NextOrder(SceneAgent& agent, const std::string& act = "ping");
  [[nodiscard]] std::string Challenge(SceneAgent& agent);
  // Give hands octets to the listener: the receipt's verdict, or the status.
  [[nodiscard]] std::string Give(SceneAgent& agent, std::string_view message,
                                 std::string_view source = "203.0.113.9");
  // Forge signs an order of the attacker's with a fresh challenge of the agent, and gives it.
  [[nodiscard]] std::string Forge(const Signing& by, const std::string& act = "ping");
  // ForgeReply answers the agent's next report; what is set in `reply` beyond the basics stays.
  [[nodiscard]] std::string ForgeReply(const Signing& by, wire::Reply reply = {});
  [[nodiscard]] std::vector<Bytes> BundleOf(const testing::Identity& identity) const;
  // Runs: how many acts the agent began.
  [[nodiscard]] std::size_t Runs() const { return victim->log.Count("order ") - Refusals(); }
  [[nodiscard]] std::string HeldBy(const SceneAgent& agent) const;

  testing::ServerBench bench;
  std::unique_ptr<SceneAgent> victim;

 private:
  void Make(SceneAgent& agent, server::Call& call);
  [[nodiscard]] std::size_t Refusals() const;
};

}  // namespace countersign::attacks
