#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "crypto/certificate.h"
#include "trust/identity.h"

namespace countersign::trust {

// The most server ids of which an agent remembers the highest generation (section 3).
inline constexpr std::size_t kMaxServerIds = 32;

// TrustState is what an agent believes (protocol section 3). Value type; made only by FirstTrust,
// Moved and ParseTrustState, which keep its parts consistent: `certificate` belongs to `owner` and
// names `server`, and is the highest generation remembered for it.
struct TrustState {
  struct Highest {
    ServerId server;
    std::uint64_t generation = 0;
    Digest thumbprint;
    bool operator==(const Highest&) const = default;
  };

  crypto::Certificate certificate;
  std::vector<crypto::Certificate> bundle;  // as accepted; empty after first trust
  Digest owner;
  ServerId server;
  std::uint64_t generation = 0;  // of `certificate`
  std::vector<Highest> highest;  // one for each server id ever trusted, `server` among them

  [[nodiscard]] const Highest* FindHighest(const ServerId& id) const;
  bool operator==(const TrustState&) const = default;
};

// FirstTrust makes the state for one certificate given by local authority (installation, mover):
// rule A is not asked. `previous`, if any, keeps its memory of generations; the one for the new
// server id becomes that of the certificate, also downwards. Fails with kRefused as IdentityOf
// does, or with kExhausted over kMaxServerIds.
[[nodiscard]] Result<TrustState> FirstTrust(const crypto::Certificate& certificate,
                                            const TrustState* previous);

// File form: "CSTS", version, fields, SHA-256 of all before it. Encode and Parse are inverse;
// ParseTrustState fails with kDamaged on a half, on a wrong checksum and on any contradiction.
inline constexpr std::size_t kMaxTrustStateLen = 64 * 1024;
[[nodiscard]] Bytes EncodeTrustState(const TrustState& state);
[[nodiscard]] Result<TrustState> ParseTrustState(ByteView file);

}  // namespace countersign::trust
