#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "crypto/certificate.h"

namespace countersign::trust {

// Identity is what one server certificate says about itself (protocol sections 2 and 3).
struct Identity {
  Digest owner;                      // digest of the owner key that it belongs to
  std::vector<ServerId> server_ids;  // at least one; the server's own first
  std::uint64_t generation = 0;
  bool self_signed = false;  // an imported identity: the owner key is its own key

  [[nodiscard]] bool Names(const ServerId& server) const;
};

// IdentityOf reads the identity of a server certificate.
//  - It verifies under its own key: the owner is that key; if it lacks a server id or a generation,
//    neither is read: id = UUIDv8 of the key's digest, generation = notBefore (at least 1).
//  - Otherwise it must be CA:FALSE with a 32-byte authority key identifier, a server id and a
//    generation.
//  - Anything else is refused (kRefused, with what is missing).
// This is the whole of *first trust* (section 3) that looks at the certificate.
[[nodiscard]] Result<Identity> IdentityOf(const crypto::Certificate& certificate);

// DistrustList holds SHA-256 values of certificates or keys that are refused on this machine,
// whoever vouches for them (section 4). No order changes it.
class DistrustList {
 public:
  DistrustList() = default;
  explicit DistrustList(std::set<Digest> entries) : entries_(std::move(entries)) {}
  [[nodiscard]] bool Has(const Digest& digest) const { return entries_.contains(digest); }
  // HasEither looks for the certificate or its key.
  [[nodiscard]] bool HasEither(const crypto::Certificate& certificate) const {
    return Has(certificate.thumbprint()) || Has(certificate.key().digest());
  }

 private:
  std::set<Digest> entries_;
};

}  // namespace countersign::trust
