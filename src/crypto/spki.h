#pragma once

// Private to crypto/.

#include "crypto/keys.h"

namespace countersign::crypto {

// Spki is a SubjectPublicKeyInfo taken apart. Views into the input.
struct Spki {
  KeyKind kind = KeyKind::kP256;
  ByteView point = {};  // of an EC key: 0x04 ‖ x ‖ y; whether it is on the curve is not checked
  ByteView modulus =
      {};  // of an RSA key: big-endian, without leading zeros, odd; its exponent is 65537
  std::size_t modulus_bits = 0;
};

// ParseSpki reads DER by hand and accepts just the forms that protocol section 2 allows, so that
// OpenSSL's decoders never see another (explicit curve parameters of an attacker's choice, say) and
// each key has one encoding only. kMalformed names what is not allowed.
[[nodiscard]] Result<Spki> ParseSpki(ByteView der);

}  // namespace countersign::crypto
