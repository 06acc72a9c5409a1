#pragma once

#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"

namespace countersign::crypto {

// KeyKind fixes the one plain JWS algorithm that a key allows (protocol section 5): ES256, ES384 or
// RS256.
enum class KeyKind { kP256, kP384, kRsa };

[[nodiscard]] std::string_view JwsAlgorithm(KeyKind kind);

// PublicKey is a key that protocol section 2 allows: P-256 or P-384 as a named curve with an
// uncompressed point on the curve, or RSA of 2048 to 4096 bits with e = 65537. Immutable value,
// cheap to copy, safe to share between threads.
class PublicKey {
 public:
  // FromSpki parses a DER SubjectPublicKeyInfo strictly (nothing after the end); kMalformed names
  // what is not allowed.
  [[nodiscard]] static Result<PublicKey> FromSpki(ByteView der);
  // FromP256 makes the key of a JWK from its coordinates; fails if the point is not on the curve.
  [[nodiscard]] static Result<PublicKey> FromP256(const std::array<std::uint8_t, 32>& x,
                                                  const std::array<std::uint8_t, 32>& y);

  [[nodiscard]] KeyKind kind() const;
  [[nodiscard]] const Bytes& spki() const;        // the octets, as they stood in the certificate
  [[nodiscard]] const Digest& digest() const;     // SHA-256 of spki()
  [[nodiscard]] std::string Description() const;  // "EC P-256", "RSA 2048"
  // P256Coordinates returns x‖y (64 octets). REQUIRES: kind() == kP256.
  [[nodiscard]] std::array<std::uint8_t, 64> P256Coordinates() const;

  // VerifyJws checks a plain JWS signature (RFC 7518 3.3, 3.4) of the one algorithm that the key
  // allows: r‖s of fixed length for ECDSA. False for any failure; never an error.
  [[nodiscard]] bool VerifyJws(ByteView message, ByteView signature) const;

  bool operator==(const PublicKey& other) const { return spki() == other.spki(); }

  struct Impl;
  [[nodiscard]] const Impl& impl() const { return *impl_; }  // for crypto/ only

 private:
  explicit PublicKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  friend struct PublicKeyAccess;
  std::shared_ptr<const Impl> impl_;
};

// Signer signs JWS with a private key that it does not show. What travels through the program is a
// Signer, never a key. Thread-safe.
class Signer {
 public:
  virtual ~Signer() = default;
  [[nodiscard]] virtual const PublicKey& public_key() const = 0;
  // SignJws makes a plain JWS signature (r‖s for ECDSA, PKCS #1 v1.5 for RSA).
  [[nodiscard]] virtual Result<Bytes> SignJws(ByteView message) const = 0;
};

// PrivateKey is a software key of a kind that PublicKey allows. Immutable value, cheap to copy;
// the key material is wiped when the last copy goes. Lives in keys/ and, for the moment of an
// owner's operation, in server/.
class PrivateKey final : public Signer {
 public:
  // Generate makes a new key; RSA is 2048 bits (tests only: the product makes P-256).
  [[nodiscard]] static Result<PrivateKey> Generate(KeyKind kind);
  // FromPkcs8 parses unencrypted PKCS #8 (or SEC1/PKCS #1) DER.
  [[nodiscard]] static Result<PrivateKey> FromPkcs8(const SecretBytes& der);
  [[nodiscard]] SecretBytes ToPkcs8(KeyExportToken token) const;

  [[nodiscard]] const PublicKey& public_key() const override { return public_key_; }
  [[nodiscard]] Result<Bytes> SignJws(ByteView message) const override;

  struct Impl;
  [[nodiscard]] const Impl& impl() const { return *impl_; }  // for crypto/ only

 private:
  PrivateKey(std::shared_ptr<const Impl> impl, PublicKey public_key)
      : impl_(std::move(impl)), public_key_(std::move(public_key)) {}
  friend struct PrivateKeyAccess;
  std::shared_ptr<const Impl> impl_;
  PublicKey public_key_;
};

}  // namespace countersign::crypto
