#include "crypto/spki.h"

#include <algorithm>
#include <bit>

#include "crypto/der.h"

namespace countersign::crypto {
namespace {

constexpr std::array<std::uint8_t, 7> kEcPublicKey = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
constexpr std::array<std::uint8_t, 8> kP256Oid = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
constexpr std::array<std::uint8_t, 5> kP384Oid = {0x2b, 0x81, 0x04, 0x00, 0x22};
constexpr std::array<std::uint8_t, 9> kRsaEncryption = {0x2a, 0x86, 0x48, 0x86, 0xf7,
                                                        0x0d, 0x01, 0x01, 0x01};
constexpr std::array<std::uint8_t, 3> kExponent65537 = {0x01, 0x00, 0x01};

constexpr std::uint8_t kUncompressed = 0x04;  // SEC 1 2.3.3
constexpr std::size_t kMinModulusBits = 2048;
constexpr std::size_t kMaxModulusBits = 4096;

bool Equal(ByteView a, ByteView b) { return std::ranges::equal(a, b); }

std::unexpected<Error> NotAllowed(std::string message) {
  return Fail(Code::kMalformed, std::move(message));
}

Result<Spki> ParseEc(DerReader parameters, ByteView point) {
  if (!parameters.NextIs(kDerOid)) {
    return NotAllowed("the EC key has explicit or no curve parameters; a named curve is required");
  }
  const ByteView curve = parameters.Read(kDerOid);
  if (!parameters.AtEnd()) return NotAllowed("octets follow the name of the EC key's curve");
  Spki spki{.kind = KeyKind::kP256, .point = point};
  if (Equal(curve, kP384Oid)) {
    spki.kind = KeyKind::kP384;
  } else if (!Equal(curve, kP256Oid)) {
    return NotAllowed("the EC key is on another curve than P-256 or P-384");
  }
  const std::size_t len = spki.kind == KeyKind::kP256 ? 65 : 97;
  if (point.empty() || point[0] != kUncompressed || point.size() != len) {
    return NotAllowed("the EC key's point is not in uncompressed form");
  }
  return spki;
}

Result<Spki> ParseRsa(DerReader parameters, ByteView key) {
  if (!parameters.Read(kDerNull).empty() || !parameters.AtEnd()) {
    return NotAllowed("the RSA key's parameters are not NULL");
  }
  DerReader outer(key);
  DerReader fields(outer.Read(kDerSequence));
  ByteView modulus = fields.Read(kDerInteger);
  const ByteView exponent = fields.Read(kDerInteger);
  if (!outer.AtEnd() || !fields.AtEnd() || modulus.size() < 2 || exponent.empty()) {
    return NotAllowed("the RSA key is not the DER of a modulus and an exponent");
  }
  // DER 8.3: one leading zero exactly where the sign bit demands it.
  if (modulus[0] == 0 && modulus[1] >= 0x80) {
    modulus = modulus.subspan(1);
  } else if (modulus[0] == 0 || modulus[0] >= 0x80) {
    return NotAllowed("the RSA modulus is negative or not minimally encoded");
  }
  if (!Equal(exponent, kExponent65537)) return NotAllowed("the RSA exponent is not 65537");
  const std::size_t bits =
      modulus.size() * 8 - static_cast<std::size_t>(std::countl_zero(modulus[0]));
  if (bits < kMinModulusBits || bits > kMaxModulusBits) {
    return NotAllowed("the RSA key has " + std::to_string(bits) +
                      " bits; 2048 to 4096 are allowed");
  }
  if (modulus.back() % 2 == 0) return NotAllowed("the RSA modulus is even");
  return Spki{.kind = KeyKind::kRsa, .modulus = modulus, .modulus_bits = bits};
}

}  // namespace

// RFC 5280 4.1.2.7, RFC 3279 2.3.1, RFC 5480 2.
Result<Spki> ParseSpki(ByteView der) {
  DerReader outer(der);
  DerReader fields(outer.Read(kDerSequence));
  DerReader algorithm(fields.Read(kDerSequence));
  const ByteView bits = fields.Read(kDerBitString);
  if (!outer.AtEnd() || !fields.AtEnd() || bits.empty() || bits[0] != 0) {
    return NotAllowed("not the DER of a SubjectPublicKeyInfo");
  }
  const ByteView oid = algorithm.Read(kDerOid);
  if (Equal(oid, kEcPublicKey)) return ParseEc(algorithm, bits.subspan(1));
  if (Equal(oid, kRsaEncryption)) return ParseRsa(algorithm, bits.subspan(1));
  return NotAllowed("the key's algorithm is neither EC nor plain RSA");
}

}  // namespace countersign::crypto
