#include "base/bytes.h"

namespace countersign {
namespace {

std::uint64_t BigEndian(ByteView bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = (value << 8) | byte;
  return value;
}

void AppendBigEndian(Bytes& out, std::uint64_t value, std::size_t len) {
  for (std::size_t i = len; i > 0; --i) {
    out.push_back(static_cast<std::uint8_t>(value >> (8 * (i - 1))));
  }
}

}  // namespace

std::uint8_t Reader::ReadU8() { return static_cast<std::uint8_t>(BigEndian(ReadBytes(1))); }
std::uint16_t Reader::ReadU16() { return static_cast<std::uint16_t>(BigEndian(ReadBytes(2))); }
std::uint32_t Reader::ReadU32() { return static_cast<std::uint32_t>(BigEndian(ReadBytes(4))); }
std::uint64_t Reader::ReadU64() { return BigEndian(ReadBytes(8)); }

ByteView Reader::ReadBytes(std::size_t len) {
  if (failed_ || len > rest_.size()) {
    failed_ = true;
    rest_ = {};
    return {};
  }
  const ByteView view = rest_.first(len);
  rest_ = rest_.subspan(len);
  return view;
}

ByteView Reader::ReadPrefixed(std::size_t max_len) {
  const std::size_t len = ReadU32();
  if (len > max_len) {
    failed_ = true;
    rest_ = {};
    return {};
  }
  return ReadBytes(len);
}

Writer& Writer::U8(std::uint8_t value) {
  out_.push_back(value);
  return *this;
}

Writer& Writer::U16(std::uint16_t value) {
  AppendBigEndian(out_, value, 2);
  return *this;
}

Writer& Writer::U32(std::uint32_t value) {
  AppendBigEndian(out_, value, 4);
  return *this;
}

Writer& Writer::U64(std::uint64_t value) {
  AppendBigEndian(out_, value, 8);
  return *this;
}

Writer& Writer::Raw(ByteView bytes) {
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  return *this;
}

Writer& Writer::Prefixed(ByteView bytes) {
  return U32(static_cast<std::uint32_t>(bytes.size())).Raw(bytes);
}

}  // namespace countersign
