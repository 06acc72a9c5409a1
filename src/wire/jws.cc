#include "wire/jws.h"

#include "crypto/hash.h"

namespace countersign::wire {

std::string_view AlgorithmName(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kEs256:
      return "ES256";
    case Algorithm::kEs384:
      return "ES384";
    case Algorithm::kRs256:
      return "RS256";
    case Algorithm::kEs256Batch:
      return "ES256-BATCH";
    case Algorithm::kEs384Batch:
      return "ES384-BATCH";
    case Algorithm::kRs256Batch:
      return "RS256-BATCH";
  }
  Check(false, "an Algorithm without a name");
  return {};
}

Algorithm PlainAlgorithm(crypto::KeyKind kind) {
  switch (kind) {
    case crypto::KeyKind::kP256:
      return Algorithm::kEs256;
    case crypto::KeyKind::kP384:
      return Algorithm::kEs384;
    case crypto::KeyKind::kRsa:
      return Algorithm::kRs256;
  }
  Check(false, "a KeyKind without an algorithm");
  return Algorithm::kEs256;
}

Digest HashOfOrder(std::string_view message) {
  // Without a dot, rfind's npos takes the whole.
  return crypto::Sha256(AsBytes(message.substr(0, message.rfind('.'))));
}

bool IsSignedBy(const Envelope& envelope, const crypto::PublicKey& key) {
  if (envelope.algorithm != PlainAlgorithm(key.kind())) return false;
  return key.VerifyJws(AsBytes(envelope.signing_input), envelope.signature);
}

}  // namespace countersign::wire
