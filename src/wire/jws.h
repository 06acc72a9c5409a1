#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "crypto/keys.h"

namespace countersign::wire {

// The six algorithm names of protocol section 11. The key allows one plain one and its batch form.
enum class Algorithm { kEs256, kEs384, kRs256, kEs256Batch, kEs384Batch, kRs256Batch };
[[nodiscard]] std::string_view AlgorithmName(Algorithm algorithm);
// PlainAlgorithm is the one plain algorithm that a key of this kind allows.
[[nodiscard]] Algorithm PlainAlgorithm(crypto::KeyKind kind);

// Envelope is the outside of a parsed JWS compact serialisation (RFC 7515 section 7.1): what its
// signature covers, and the signature. Nothing in it is verified yet.
struct Envelope {
  Algorithm algorithm = Algorithm::kEs256;
  std::string signing_input;  // all before the last '.'
  Bytes signature;
  Digest oh;  // SHA-256 of the signing input
};

// HashOfOrder is `oh` of a receipt for any octets (section 6): SHA-256 of all before the last '.',
// of everything if there is none.
[[nodiscard]] Digest HashOfOrder(std::string_view message);

// IsSignedBy verifies an envelope with the key's own algorithm: another `alg` is a bad signature,
// never a choice of the message. Batch forms are not taken yet and never verify here.
[[nodiscard]] bool IsSignedBy(const Envelope& envelope, const crypto::PublicKey& key);

}  // namespace countersign::wire
