#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/world.h"
#include "tests/support/certificate_factory.h"
#include "wire/messages.h"

namespace countersign::simulation {

// A server key that a thief has taken, with all that is public about it.
struct StolenKey {
  crypto::PrivateKey key;
  crypto::Certificate certificate;
  std::vector<Bytes> bundle;
};

// Forger makes messages that an agent shall not follow: under keys of its own, and, once it is
// given stolen ones, under these, with every mixture of certificates and bundles that might pass.
class Forger {
 public:
  Forger(Ground ground, std::uint64_t seed, const ServerId& server);

  void Steal(StolenKey key) { stolen_.push_back(std::move(key)); }
  [[nodiscard]] const std::vector<StolenKey>& stolen() const { return stolen_; }
  // Saw: an order of this id was on the network.
  void Saw(const Jti& jti);

  // Who signs, by which certificate, with which bundle.
  struct Signing {
    crypto::PrivateKey key;
    Digest x5t;
    std::vector<Bytes> bundle;
  };
  [[nodiscard]] Signing ChooseSigning();
  [[nodiscard]] static Signing By(const StolenKey& stolen) {
    return {stolen.key, stolen.certificate.thumbprint(), stolen.bundle};
  }
  enum class Place { kAlone, kInReply };
  [[nodiscard]] std::optional<std::string> Order(const Signing& by, const AgentId& agent,
                                                 const std::string& challenge, Place place);
  // Ping is an order that has nothing wrong but its signer.
  [[nodiscard]] std::optional<std::string> Ping(const Signing& by, const ServerId& server,
                                                const AgentId& agent, const std::string& challenge);
  // Reply answers a report; its nonce goes into `nonce`.
  struct SignedReply {
    std::string message;
    std::string nonce;
  };
  [[nodiscard]] std::optional<SignedReply> Reply(const Signing& by, const wire::Report& report);

 private:
  [[nodiscard]] Signing ByFakeOf(const StolenKey& stolen);

  Ground ground_;
  testing::TestAuthority authority_;
  ServerId server_;
  testing::Identity own_owner_ = authority_.MakeOwner();
  testing::Identity own_server_;
  ServerId own_id_ = authority_.MakeServerId();
  std::vector<StolenKey> stolen_;
  std::vector<Jti> jtis_;
};

}  // namespace countersign::simulation
