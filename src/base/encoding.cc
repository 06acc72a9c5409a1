#include "base/encoding.h"

#include <cstdint>

namespace countersign {
namespace {

constexpr std::string_view kLowerDigits = "0123456789abcdef";
constexpr std::string_view kUpperDigits = "0123456789ABCDEF";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::uint8_t kNoDigit = 0xff;
using ReverseTable = std::array<std::uint8_t, 256>;

constexpr ReverseTable Reverse(std::string_view alphabet) {
  ReverseTable table{};
  table.fill(kNoDigit);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}

constexpr ReverseTable kFromBase64 = Reverse(kBase64);
constexpr ReverseTable kFromBase64Url = Reverse(kBase64Url);

std::string Hex(ByteView bytes, std::string_view digits) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 0x0f]);
  }
  return out;
}

std::optional<std::uint8_t> HexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

std::string EncodeUnpadded(ByteView bytes, std::string_view alphabet) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  int num_bits = 0;
  for (const std::uint8_t byte : bytes) {
    bits = (bits << 8) | byte;
    num_bits += 8;
    while (num_bits >= 6) {
      num_bits -= 6;
      out.push_back(alphabet[(bits >> num_bits) & 0x3f]);
    }
  }
  if (num_bits > 0) out.push_back(alphabet[(bits << (6 - num_bits)) & 0x3f]);
  return out;
}

std::optional<Bytes> DecodeUnpadded(std::string_view text, const ReverseTable& table) {
  if (text.size() % 4 == 1) return std::nullopt;
  Bytes out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int num_bits = 0;
  for (const char c : text) {
    const std::uint8_t digit = table[static_cast<unsigned char>(c)];
    if (digit == kNoDigit) return std::nullopt;
    bits = (bits << 6) | digit;
    num_bits += 6;
    if (num_bits >= 8) {
      num_bits -= 8;
      out.push_back(static_cast<std::uint8_t>(bits >> num_bits));
    }
  }
  // Unused bits that are not zero would give one value many spellings, and a signed text with them
  // many signatures.
  if ((bits & ((1U << num_bits) - 1)) != 0) return std::nullopt;
  return out;
}

// SequenceLen is the length that a UTF-8 lead octet announces, or 0.
std::size_t SequenceLen(std::uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 0;
}

bool IsPrintableCodePoint(std::uint32_t code_point, std::size_t len) {
  constexpr std::array<std::uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  if (code_point < kSmallest[len] || code_point > 0x10ffff)
    return false;  // overlong, or no Unicode
  if (code_point < 0x20 || (code_point >= 0x7f && code_point <= 0x9f)) return false;
  if (code_point >= 0xd800 && code_point <= 0xdfff) return false;
  const bool noncharacter =
      (code_point >= 0xfdd0 && code_point <= 0xfdef) || (code_point & 0xfffe) == 0xfffe;
  return !noncharacter;
}

}  // namespace

std::string HexLower(ByteView bytes) { return Hex(bytes, kLowerDigits); }
std::string HexUpper(ByteView bytes) { return Hex(bytes, kUpperDigits); }

std::optional<Bytes> ParseHex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = HexDigit(text[i]);
    const auto low = HexDigit(text[i + 1]);
    if (!high || !low) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>((*high << 4) | *low));
  }
  return out;
}

std::string Base64UrlEncode(ByteView bytes) { return EncodeUnpadded(bytes, kBase64Url); }

std::optional<Bytes> Base64UrlDecode(std::string_view text) {
  return DecodeUnpadded(text, kFromBase64Url);
}

std::string Base64Encode(ByteView bytes) {
  std::string out = EncodeUnpadded(bytes, kBase64);
  while (out.size() % 4 != 0) out.push_back('=');
  return out;
}

std::optional<Bytes> Base64Decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return DecodeUnpadded(text, kFromBase64);
}

bool IsPrintableUtf8(std::string_view text) {
  const ByteView bytes = AsBytes(text);
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t len = SequenceLen(bytes[i]);
    if (len == 0 || len > bytes.size() - i) return false;
    std::uint32_t code_point = len == 1 ? bytes[i] : bytes[i] & (0xffU >> (len + 1));
    for (std::size_t k = 1; k < len; ++k) {
      if ((bytes[i + k] & 0xc0) != 0x80) return false;
      code_point = (code_point << 6) | (bytes[i + k] & 0x3fU);
    }
    if (!IsPrintableCodePoint(code_point, len)) return false;
    i += len;
  }
  return true;
}

}  // namespace countersign
