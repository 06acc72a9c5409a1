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
// The most used-up warrants that an agent remembers. Only the owner's key makes any.
inline constexpr std::size_t kMaxSpentWarrants = 256;

// SpentWarrant is a warrant that was used up here (section 8): by a committed move or a passed
// unlock.
struct SpentWarrant {
  Jti jti;
  Instant exp;
  bool operator==(const SpentWarrant&) const = default;
};

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
  std::uint64_t generation = 0;          // of `certificate`
  std::vector<Highest> highest;          // one for each server id ever trusted, `server` among them
  std::vector<SpentWarrant> spent = {};  // in the order of their use; no jti twice

  [[nodiscard]] const Highest* FindHighest(const ServerId& id) const;
  [[nodiscard]] bool HasSpent(const Jti& jti) const;
  bool operator==(const TrustState&) const = default;
};

// FirstTrust makes the state for one certificate given by local authority (installation, mover):
// rule A is not asked. The server id is that of `previous`, where the certificate names it among
// others (fleets that were brought together), else the first one. `previous`, if any, keeps its
// memory of generations; the one for the server id becomes that of the certificate, also downwards.
// Fails with kRefused as IdentityOf does, or with kExhausted over kMaxServerIds. Used-up warrants
// stay used up.
[[nodiscard]] Result<TrustState> FirstTrust(const crypto::Certificate& certificate,
                                            const TrustState* previous);

// WithSpent is the state after this warrant was used up in it. What has run out is forgotten only
// when the room for kMaxSpentWarrants is needed, so that a clock which is set forward and back
// again brings no warrant back. kRefused if that many are still good, or if it is used up already.
[[nodiscard]] Result<TrustState> WithSpent(TrustState state, const SpentWarrant& spent,
                                           Instant now);

// File form (version 1 without used-up warrants, 2 with): "CSTS", version, fields, SHA-256 of all
// before it. Encode and Parse are inverse; ParseTrustState fails with kDamaged on a half, on a
// wrong checksum and on any contradiction.
inline constexpr std::size_t kMaxTrustStateLen = 64 * 1024;
[[nodiscard]] Bytes EncodeTrustState(const TrustState& state);
[[nodiscard]] Result<TrustState> ParseTrustState(ByteView file);

}  // namespace countersign::trust
