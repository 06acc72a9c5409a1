#include "base/ids.h"

#include "base/encoding.h"

namespace countersign {
namespace {

constexpr std::string_view kUrnPrefix = "urn:uuid:";

// RFC 9562 4.1 and 4.2: four bits of version, two of variant.
Uuid Stamp(std::array<std::uint8_t, 16> bytes, std::uint8_t version) {
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | (version << 4));
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  return Uuid(bytes);
}

constexpr bool IsHyphenPlace(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

}  // namespace

Uuid Uuid::FromDigest(const Digest& digest) {
  std::array<std::uint8_t, 16> bytes;
  std::copy_n(digest.begin(), bytes.size(), bytes.begin());
  return Stamp(bytes, 8);
}

Uuid Uuid::FromRandom(const std::array<std::uint8_t, 16>& random) { return Stamp(random, 4); }

std::optional<Uuid> Uuid::ParseText(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string digits;
  digits.reserve(32);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (IsHyphenPlace(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    if (text[i] >= 'A' && text[i] <= 'F') return std::nullopt;
    digits.push_back(text[i]);
  }
  const auto bytes = ParseHex(digits);
  if (!bytes) return std::nullopt;
  std::array<std::uint8_t, 16> out{};
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return Uuid(out);
}

std::optional<Uuid> Uuid::ParseUrn(std::string_view text) {
  if (!text.starts_with(kUrnPrefix)) return std::nullopt;
  return ParseText(text.substr(kUrnPrefix.size()));
}

std::string Uuid::Text() const {
  const std::string digits = HexLower(bytes_);
  return digits.substr(0, 8) + '-' + digits.substr(8, 4) + '-' + digits.substr(12, 4) + '-' +
         digits.substr(16, 4) + '-' + digits.substr(20);
}

std::string Uuid::Urn() const { return std::string(kUrnPrefix) + Text(); }

std::optional<Token128> Token128::Parse(std::string_view text) {
  const auto bytes = Base64UrlDecodeFixed<16>(text);
  if (!bytes) return std::nullopt;
  return Token128(*bytes);
}

std::string Token128::Text() const { return Base64UrlEncode(bytes_); }

}  // namespace countersign
