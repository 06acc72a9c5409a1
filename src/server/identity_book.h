#pragma once

#include <optional>
#include <set>
#include <vector>

#include "base/error.h"
#include "crypto/certificate.h"
#include "store/registry.h"
#include "trust/identity.h"

namespace countersign::server {

// IdentityBook is every certificate that this server has, and what each is for: a parsed view of
// the registry's certificate rows. Immutable; load it anew after a change. Bundles are answered
// from it.
class IdentityBook {
 public:
  struct Entry {
    crypto::Certificate certificate;
    store::CertificateRow row;
    trust::Identity identity;  // of server certificates; empty otherwise
  };

  [[nodiscard]] static Result<IdentityBook> Load(store::Registry& registry);
  // LoadInUse leaves out replaced and revoked server certificates, which grow in number for ever.
  [[nodiscard]] static Result<IdentityBook> LoadInUse(store::Registry& registry);
  [[nodiscard]] static Result<IdentityBook> Make(const std::vector<store::CertificateRow>& rows);

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  // Active is the certificate that signs; nullptr while there is none (`-c` makes one).
  [[nodiscard]] const Entry* Active() const { return Find(store::CertificateState::kActive); }
  [[nodiscard]] const Entry* Reserve() const { return Find(store::CertificateState::kReserve); }
  // Pending is the certificate of the rollout under way; nullptr: there is none.
  [[nodiscard]] const Entry* Pending() const { return Find(store::CertificateState::kPending); }
  // Aborted are those of rollouts that were aborted, whose keys are kept for agents that may hold
  // them.
  [[nodiscard]] std::vector<const Entry*> Aborted() const;
  [[nodiscard]] const Entry* FindServer(const Digest& thumbprint) const;
  // Owner is the owner certificate under which the active certificate stands: of a made owner, or
  // the imported certificate itself.
  [[nodiscard]] const crypto::Certificate* OwnerCertificate() const;

  // server_ids are those that the active certificate names, the server's own first.
  [[nodiscard]] const std::vector<ServerId>& server_ids() const { return server_ids_; }
  [[nodiscard]] bool IsOurs(const ServerId& id) const;
  // SafeGeneration is the lowest that was issued after every revoked one, 0 if none was revoked:
  // who holds it, or a later one, has heard of all thefts. (What was issued before a theft may be
  // unknown here, where the server was restored to before it.)
  [[nodiscard]] std::uint64_t SafeGeneration() const;
  // RevokedGeneration is the highest of a revoked certificate, 0 if there is none: whoever has its
  // key commands agents that hold this generation or an older one. RevokedUntil: the day on which
  // the last of them expires by an honest clock.
  [[nodiscard]] std::uint64_t RevokedGeneration() const;
  [[nodiscard]] std::optional<Instant> RevokedUntil() const;
  // HighestGeneration over all server certificates ever, reserve included.
  [[nodiscard]] std::uint64_t HighestGeneration() const;

  // KnowsOwner: an owner of this server now or earlier (its key is in a certificate here).
  [[nodiscard]] bool KnowsOwner(const Digest& owner) const;
  // EarlierOwners are the digests of those before the present one, merged identities' included.
  [[nodiscard]] std::set<Digest> EarlierOwners() const;
  // BundleFor returns the bundle (DER) by which an agent that believes in `owner` and `server`
  // accepts `target`: the target, the successions from its owner back to `owner`, each naming
  // `server`, and a certificate that carries the key of `owner`. Nothing if there is no such way
  // (another owner; a self-signed target).
  [[nodiscard]] std::optional<std::vector<Bytes>> BundleFor(const Entry& target,
                                                            const Digest& owner,
                                                            const ServerId& server) const;

 private:
  [[nodiscard]] const Entry* Find(store::CertificateState state) const;
  std::vector<Entry> entries_;
  std::vector<ServerId> server_ids_;
};

}  // namespace countersign::server
