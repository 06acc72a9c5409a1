#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using Digest = std::array<std::uint8_t, 32>;  // SHA-256

// AsBytes views text as octets; valid as long as `text`.
[[nodiscard]] inline ByteView AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
// AsText views octets as text (no UTF-8 check); valid as long as `bytes`.
[[nodiscard]] inline std::string_view AsText(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline Bytes ToBytes(ByteView bytes) { return {bytes.begin(), bytes.end()}; }
[[nodiscard]] inline Bytes ToBytes(std::string_view text) { return ToBytes(AsBytes(text)); }

// Reader takes a view of untrusted octets apart from front to back. Every Read* either returns
// exactly what was asked for or sets failed() for good and returns zeroes/empty; check ok() and
// AtEnd() once at the end. Big-endian. Views returned live as long as the input.
class Reader {
 public:
  explicit Reader(ByteView input) : rest_(input) {}
  [[nodiscard]] std::uint8_t ReadU8();
  [[nodiscard]] std::uint16_t ReadU16();
  [[nodiscard]] std::uint32_t ReadU32();
  [[nodiscard]] std::uint64_t ReadU64();
  [[nodiscard]] ByteView ReadBytes(std::size_t len);
  // ReadArray reads exactly N octets into an array.
  template <std::size_t N>
  [[nodiscard]] std::array<std::uint8_t, N> ReadArray() {
    std::array<std::uint8_t, N> out{};
    const ByteView view = ReadBytes(N);
    if (view.size() == N) std::copy(view.begin(), view.end(), out.begin());
    return out;
  }
  // ReadPrefixed reads a 4-byte length and that many octets; fails over `max_len`.
  [[nodiscard]] ByteView ReadPrefixed(std::size_t max_len);
  [[nodiscard]] bool ok() const { return !failed_; }
  [[nodiscard]] bool AtEnd() const { return !failed_ && rest_.empty(); }
  [[nodiscard]] std::size_t remaining() const { return rest_.size(); }

 private:
  ByteView rest_;
  bool failed_ = false;
};

// Writer is the counterpart of Reader.
class Writer {
 public:
  Writer& U8(std::uint8_t value);
  Writer& U16(std::uint16_t value);
  Writer& U32(std::uint32_t value);
  Writer& U64(std::uint64_t value);
  Writer& Raw(ByteView bytes);
  Writer& Prefixed(ByteView bytes);  // 4-byte length, then the octets
  [[nodiscard]] Bytes Take() { return std::move(out_); }
  [[nodiscard]] const Bytes& bytes() const { return out_; }

 private:
  Bytes out_;
};

}  // namespace countersign
