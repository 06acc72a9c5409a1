#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace countersign {

// Hex, lower case without separators.
[[nodiscard]] std::string HexLower(ByteView bytes);
// Hex, upper case without separators (as `openssl x509 -serial` prints).
[[nodiscard]] std::string HexUpper(ByteView bytes);
// ParseHex accepts either case, an even number of digits and nothing else.
[[nodiscard]] std::optional<Bytes> ParseHex(std::string_view text);

// Base64url without padding (RFC 7515 section 2).
[[nodiscard]] std::string Base64UrlEncode(ByteView bytes);
// Canonical only: no padding, no other characters, no length of 4n+1, unused bits zero.
[[nodiscard]] std::optional<Bytes> Base64UrlDecode(std::string_view text);

// Base64 with padding (RFC 4648 section 4), as `x5c` has it.
[[nodiscard]] std::string Base64Encode(ByteView bytes);
// Canonical only: padding required and minimal, unused bits zero, no white space.
[[nodiscard]] std::optional<Bytes> Base64Decode(std::string_view text);

// DecodeFixed decodes canonical base64url of exactly N octets.
template <std::size_t N>
[[nodiscard]] std::optional<std::array<std::uint8_t, N>> Base64UrlDecodeFixed(
    std::string_view text) {
  const auto bytes = Base64UrlDecode(text);
  if (!bytes || bytes->size() != N) return std::nullopt;
  std::array<std::uint8_t, N> out;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

// IsPrintableUtf8 tells whether `text` is well-formed UTF-8 without control characters
// (U+0000–001F, U+007F–009F), noncharacters or surrogates.
[[nodiscard]] bool IsPrintableUtf8(std::string_view text);

}  // namespace countersign
