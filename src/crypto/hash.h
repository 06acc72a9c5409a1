#pragma once

#include <initializer_list>

#include "base/bytes.h"
#include "base/random.h"

namespace countersign::crypto {

[[nodiscard]] Digest Sha256(ByteView data);
// Sha256 of the concatenation of the parts.
[[nodiscard]] Digest Sha256(std::initializer_list<ByteView> parts);
// Sha1 is only for comparison with viewers that show SHA-1 thumbprints; never for a decision.
[[nodiscard]] std::array<std::uint8_t, 20> Sha1(ByteView data);
[[nodiscard]] Digest HmacSha256(ByteView key, ByteView message);
// EqualConstantTime compares in time that depends on the lengths only.
[[nodiscard]] bool EqualConstantTime(ByteView a, ByteView b);

// SystemRandom draws from the system's generator through OpenSSL. Thread-safe.
class SystemRandom final : public RandomSource {
 public:
  void Fill(std::span<std::uint8_t> out) override;
};

}  // namespace countersign::crypto
