#pragma once

// Private to crypto/: the two forms of an ECDSA signature, r‖s of fixed length (JWS, RFC 7518 3.4)
// and DER (X.509 and OpenSSL).

#include <optional>

#include "base/bytes.h"

namespace countersign::crypto {

// EcdsaDer is an ECDSA-Sig-Value made from r‖s without allocating. The range of r and s is left to
// the verification.
class EcdsaDer {
 public:
  static constexpr std::size_t kMaxFixedLen = 96;  // P-384

  // REQUIRES: a signature of even length, 2 to kMaxFixedLen octets.
  explicit EcdsaDer(ByteView signature);
  [[nodiscard]] ByteView view() const { return {bytes_.data(), len_}; }

 private:
  void Append(ByteView number);
  std::array<std::uint8_t, 2 + 2 * (2 + 1 + kMaxFixedLen / 2)> bytes_{};
  std::size_t len_ = 2;
};

// EcdsaFixedFromDer makes r‖s of 2 * `number_len` octets; nothing if `der` is no signature, or one
// of larger numbers.
[[nodiscard]] std::optional<Bytes> EcdsaFixedFromDer(ByteView der, std::size_t number_len);

}  // namespace countersign::crypto
