#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "tests/support/agent_disk.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/memory_log.h"

namespace countersign::testing {

// AgentBench is one agent that trusts generation 10 of `owner`, its disk and its clocks, and the
// other side's keys, with which a test is the server or an attacker. Aborts where a step that the
// test does not judge fails.
class AgentBench {
 public:
  explicit AgentBench(std::uint64_t seed = 1);

  // Start makes the agent from what the disk holds: an installation, or a restart.
  void Start();
  [[nodiscard]] Status TryStart();
  [[nodiscard]] agent::Agent& agent() { return *agent_; }

  // Issue makes a server certificate and key under `owner`.
  [[nodiscard]] Identity Issue(std::uint64_t generation,
                               std::optional<Instant> not_after = std::nullopt);
  [[nodiscard]] std::vector<Bytes> BundleOf(const Identity& identity) const;

  // --- orders to the listener ---
  // Order drafts an order of the held certificate with a fresh challenge and a new jti.
  [[nodiscard]] wire::Order Order(std::string act = "ping");
  // By makes it one of `signer`, with its bundle.
  [[nodiscard]] wire::Order By(const Identity& signer, wire::Order order) const;
  [[nodiscard]] static std::string Sign(const wire::Order& order, const crypto::Signer& signer);
  // Give hands the octets to the listener.
  [[nodiscard]] agent::OrderAnswer Give(std::string_view message,
                                        std::string_view source = kServerAddress);
  // Send signs by `server`, gives, and reads the receipt.
  [[nodiscard]] wire::Receipt Send(const wire::Order& order);
  [[nodiscard]] trust::Verdict Verdict(std::string_view message);
  [[nodiscard]] trust::Verdict Verdict(const wire::Order& order, const crypto::Signer& signer) {
    return Verdict(Sign(order, signer));
  }
  // Read parses a receipt and checks that the agent signed it.
  [[nodiscard]] wire::Receipt Read(std::string_view receipt) const;

  // --- reports ---
  [[nodiscard]] wire::Report Report();  // made now
  // Reply drafts the answer to `report` by the held certificate.
  [[nodiscard]] wire::Reply Reply(const wire::Report& report);
  [[nodiscard]] wire::Reply By(const Identity& signer, wire::Reply reply) const;
  [[nodiscard]] agent::Agent::ReplyOutcome Take(const wire::Reply& reply,
                                                const crypto::Signer& signer);
  // Exchange is a whole one with the held certificate.
  agent::Agent::ReplyOutcome Exchange();

  void Pass(Uptime time);

  static constexpr std::string_view kServerAddress = "192.0.2.1";

  TestAuthority authority;
  SeededRandom random;
  AgentDisk disk;
  MemoryLog log;
  Identity owner = authority.MakeOwner();
  ServerId server_id = authority.MakeServerId();
  Identity server = Issue(10);  // the certificate held
  crypto::PrivateKey key = authority.MakeKey();
  AgentId id = Uuid::FromDigest(key.public_key().digest());
  wire::AgentProfile profile;
  trust::DistrustList distrust;
  Times now{kTestBegin + std::chrono::hours(24 * 30), Uptime(1'000'000)};

 private:
  std::unique_ptr<agent::Agent> agent_;
};

}  // namespace countersign::testing
