#pragma once

// Private to crypto/: what stands behind PublicKey and PrivateKey.

#include <string>

#include "crypto/keys.h"
#include "crypto/openssl_ptr.h"

namespace countersign::crypto {

struct PublicKey::Impl {
  KeyKind kind = KeyKind::kP256;
  Bytes spki;
  Digest digest{};
  std::string description;
  EvpPkeyPtr key;
  // Ready to verify a JWS of this key: copying it costs a tenth of setting it up. Only copied, so
  // it may be shared between threads.
  EvpMdCtxPtr jws_verifier;
};

struct PrivateKey::Impl {
  EvpPkeyPtr key;
  EvpMdCtxPtr jws_signer;  // as above
};

}  // namespace countersign::crypto
