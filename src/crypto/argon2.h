#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/random.h"
#include "base/secret.h"

// Argon2id (RFC 9106) for passwords that are checked and never opened: only a verifier is kept. Its
// text is the PHC form `$argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH`, base64 without padding.
// Thread-safe; memory that held the password or is derived from it is wiped.
namespace countersign::crypto {

// What one try costs. 64 MiB and 3 passes are the second recommendation of RFC 9106 (section 4)
// with one lane: about 0.15 s of one core of 2020.
struct Argon2Cost {
  std::uint32_t memory_kib = 64 * 1024;
  std::uint32_t passes = 3;
  std::uint32_t lanes = 1;
  bool operator==(const Argon2Cost&) const = default;
};

// What a verifier that was read may ask of this machine; a dearer one is kMalformed.
inline constexpr std::uint32_t kMaxArgon2MemoryKib = 256 * 1024;
inline constexpr std::uint32_t kMaxArgon2Passes = 16;
inline constexpr std::uint32_t kMaxArgon2Lanes = 8;
inline constexpr std::size_t kMaxVerifierLen = 256;

// MakeVerifier hashes with 16 octets of salt to 32. kUsage: a cost beyond the limits above;
// kExhausted: no memory.
[[nodiscard]] Result<std::string> MakeVerifier(const SecretBytes& password, const Argon2Cost& cost,
                                               RandomSource& random);

// CheckVerifierForm takes the PHC form of argon2id, version 19, within the limits above, salt 8 to
// 48 octets, hash 16 to 64, one way to write each. kMalformed otherwise. Costs nothing.
[[nodiscard]] Status CheckVerifierForm(std::string_view verifier);

// VerifyPassword is success if `password` is the verifier's, kWrongPassword if not (compared in
// constant time), kMalformed as CheckVerifierForm, kExhausted without the memory that it asks for.
[[nodiscard]] Status VerifyPassword(std::string_view verifier, const SecretBytes& password);

}  // namespace countersign::crypto
