#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "crypto/keys.h"
#include "wire/registration.h"

namespace countersign::testing {

// FakeAgent says to a server what a test wants an agent to say. Copied it is a cloned disk; put
// back to an earlier copy, a restored one.
struct FakeAgent {
  explicit FakeAgent(crypto::PrivateKey agent_key)
      : key(std::move(agent_key)), id(Uuid::FromDigest(key.public_key().digest())) {
    profile.host = "host";
    profile.port = 21'112;
  }

  // Report is the next report; it uses up seq and nonce.
  [[nodiscard]] wire::Report Report(Instant now);
  [[nodiscard]] std::string Sign(const wire::Report& report) const;
  // Receipt answers the octets of an order.
  [[nodiscard]] wire::Receipt Receipt(std::string_view order, trust::Verdict verdict, Instant now);
  [[nodiscard]] std::string Sign(const wire::Receipt& receipt) const;
  // Hold makes it hold a certificate.
  void Hold(const trust::TrustState& state);
  // Restart draws another instance, and goes on after a block of seq.
  void Restart(RandomSource& random);

  crypto::PrivateKey key;
  AgentId id;
  wire::AgentProfile profile;
  std::optional<trust::TrustState> held;
  std::uint64_t seq = 0;
  Instance instance;
  std::optional<Nonce> nonce;
  bool show_bundle = false;
  std::vector<wire::Failure> failures;
};

}  // namespace countersign::testing
