#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keys/key_ring.h"
#include "server/server.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/fake_agent.h"
#include "tests/support/memory_log.h"
#include "tests/support/memory_storage.h"

namespace countersign::testing {

// ServerBench is one server in memory, with an owner and an active certificate of generation 10,
// and the fake agents that talk to it. Its certificates are written to the registry directly, so
// that a test chooses generations and no password is stretched. Aborts where a step fails that the
// test does not judge.
class ServerBench {
 public:
  explicit ServerBench(std::uint64_t seed = 1);

  [[nodiscard]] server::Server& server() { return *server_; }
  // Restart makes the server anew from the registry.
  void Restart();
  void Configure(const store::ServerConfig& config);

  // --- identity ---
  [[nodiscard]] Identity Issue(std::uint64_t generation);
  void Put(const crypto::Certificate& certificate, store::CertificateRole role,
           store::CertificateState state);
  // Replace makes `next` the active certificate.
  void Replace(const Identity& next);
  // StateOf is what an agent holds that took over this certificate, or began with it (no bundle).
  [[nodiscard]] trust::TrustState FirstTrustOf(const Identity& identity) const;
  [[nodiscard]] trust::TrustState AcceptedStateOf(const Identity& identity) const;

  // --- agents ---
  // NewAgent holds the active certificate and is not known to the server.
  [[nodiscard]] FakeAgent NewAgent();
  // KnownAgent has proved itself, and is admitted.
  [[nodiscard]] FakeAgent KnownAgent();
  [[nodiscard]] server::ReportAnswer Give(std::string_view report,
                                          std::string_view source = kAgentAddress);
  // Tell is one exchange: the reply, whose nonce the agent takes.
  wire::Reply Tell(FakeAgent& agent);
  [[nodiscard]] wire::Reply Tell(FakeAgent& agent, const wire::Report& report);
  [[nodiscard]] store::AgentRow Row(const FakeAgent& agent);
  [[nodiscard]] bool Knows(const FakeAgent& agent);
  void Put(const store::AgentRow& row);
  [[nodiscard]] std::size_t Events(std::string_view kind);

  // --- orders ---
  Jti AddOrder(const FakeAgent& agent, std::string act = "ping");
  [[nodiscard]] std::vector<server::Call> Due();
  // Sign makes the next version of a call's order.
  [[nodiscard]] std::string Sign(const server::Call& call);
  [[nodiscard]] store::OrderRow Order(const Jti& jti);

  static constexpr std::string_view kAgentAddress = "192.0.2.7";

  TestAuthority authority;
  SeededRandom random;
  MemoryLog log;
  MemoryServerStorage storage;
  std::unique_ptr<store::Registry> registry = store::OpenSqlite(":memory:").value();
  std::unique_ptr<keys::KeyRing> ring = keys::MakeMemoryKeyRing();
  store::ServerConfig config;
  Identity owner = authority.MakeOwner();
  ServerId server_id = authority.MakeServerId();
  Identity active = Issue(10);
  Instant now = kTestBegin + std::chrono::hours(24 * 30);

 private:
  std::optional<server::Server> server_;
};

}  // namespace countersign::testing
