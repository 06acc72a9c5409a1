#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "keys/key_ring.h"
#include "server/issuing.h"
#include "server/server.h"
#include "tests/simulation/forger.h"
#include "tests/simulation/watched_registry.h"
#include "tests/simulation/world.h"
#include "tests/support/memory_storage.h"

namespace countersign::simulation {

// ServerNode is the shipping server::Server over SQLite in memory, with the small loop that the
// daemon is: ticks, calls, intake. The registry outlives a restart.
class ServerNode {
 public:
  ServerNode(World world, std::uint64_t seed);

  void Start();
  void Kill();
  [[nodiscard]] bool is_up() const { return server_.has_value(); }
  void StartAfter(SimTime delay);
  void SetClock(Seconds error) { clock_error_ = error; }

  // ReplaceCertificate is `CertificateManager -c`.
  void ReplaceCertificate();
  [[nodiscard]] StolenKey StealKey();
  [[nodiscard]] StolenKey StealOwner();
  // AddOrder queues an order, if this agent may have one now.
  std::optional<std::int64_t> AddOrder(const AgentId& agent, const std::string& act,
                                       Seconds expires_after);
  void Know(const AgentId& agent, int node) { nodes_[agent] = node; }

  [[nodiscard]] const server::IdentityBook& book() const { return server_->book(); }
  [[nodiscard]] WatchedRegistry& registry() { return registry_; }
  [[nodiscard]] const wire::EnrolToken& token() const { return token_; }
  [[nodiscard]] std::size_t num_replacements() const { return num_replacements_; }

 private:
  struct Calling {
    server::Call call;
    int node = 0;
  };
  [[nodiscard]] Instant Now() const { return world_.WallClock(clock_error_); }
  [[nodiscard]] server::World Given();
  void Take(const Request& request, const Network::Respond& respond);
  void Poll();
  void Tick();
  void FetchChallenge(const std::shared_ptr<Calling>& calling);
  void SendOrder(const std::shared_ptr<Calling>& calling, const Response& response);
  void TakeReceipt(const std::shared_ptr<Calling>& calling, const Response& response);
  void Fail(const Calling& calling, std::string_view why);
  void TellChecker();

  World world_;
  TraceLog log_;
  testing::SeededRandom random_;
  testing::MemoryServerStorage storage_;
  std::unique_ptr<store::Registry> sqlite_ = store::OpenSqlite(":memory:").value();
  WatchedRegistry registry_{*sqlite_};
  std::unique_ptr<keys::KeyRing> ring_ = keys::MakeMemoryKeyRing();
  store::ServerConfig config_;
  wire::EnrolToken token_;
  Seconds clock_error_{0};
  std::uint64_t life_ = 0;
  std::set<AgentId> busy_;
  std::map<AgentId, int> nodes_;
  std::size_t num_replacements_ = 0;
  std::optional<server::Server> server_;
};

}  // namespace countersign::simulation
