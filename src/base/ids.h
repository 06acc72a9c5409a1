#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace countersign {

// Uuid is a 16-byte UUID. Value type. Text form: lower case with hyphens.
class Uuid {
 public:
  Uuid() = default;  // the nil UUID: names nobody
  explicit Uuid(const std::array<std::uint8_t, 16>& bytes) : bytes_(bytes) {}

  // FromDigest is UUIDv8 (RFC 9562 5.8) of a digest: its first 16 bytes with version and variant
  // bits set (protocol section 2).
  [[nodiscard]] static Uuid FromDigest(const Digest& digest);
  // FromRandom sets the version (4) and variant bits of 16 random bytes.
  [[nodiscard]] static Uuid FromRandom(const std::array<std::uint8_t, 16>& random);
  // ParseText reads the 36-character lower-case form only.
  [[nodiscard]] static std::optional<Uuid> ParseText(std::string_view text);
  // ParseUrn reads "urn:uuid:" and the lower-case form only.
  [[nodiscard]] static std::optional<Uuid> ParseUrn(std::string_view text);

  [[nodiscard]] std::string Text() const;
  [[nodiscard]] std::string Urn() const;
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  [[nodiscard]] bool is_nil() const { return *this == Uuid(); }
  auto operator<=>(const Uuid&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

using ServerId = Uuid;
using AgentId = Uuid;  // Uuid::FromDigest of the digest of the agent key

// Token128 is 128 random bits as `jti`, `nonce` and `instance` have them: 22 base64url characters.
class Token128 {
 public:
  Token128() = default;
  explicit Token128(const std::array<std::uint8_t, 16>& bytes) : bytes_(bytes) {}
  [[nodiscard]] static std::optional<Token128> Parse(std::string_view text);
  [[nodiscard]] std::string Text() const;
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  auto operator<=>(const Token128&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

using Jti = Token128;
using Nonce = Token128;
using Instance = Token128;

}  // namespace countersign
