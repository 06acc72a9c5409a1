#include "crypto/der.h"

namespace countersign::crypto {
namespace {

constexpr std::uint8_t kConstructed = 0x20;
constexpr std::uint8_t kHighTag = 0x1f;
constexpr int kMaxDepth = 32;

bool AreElements(ByteView input, int depth) {
  DerReader reader(input);
  while (const auto element = reader.ReadAny()) {
    if ((element->tag & kConstructed) == 0) continue;
    if (depth == kMaxDepth || !AreElements(element->content, depth + 1)) return false;
  }
  return reader.AtEnd();
}

}  // namespace

std::optional<DerReader::Element> DerReader::ReadAny() {
  if (rest_.empty()) return std::nullopt;
  Reader reader(rest_);
  const std::uint8_t tag = reader.ReadU8();
  std::size_t len = reader.ReadU8();
  bool minimal = true;
  if (len == 0x81) {
    len = reader.ReadU8();
    minimal = len >= 0x80;
  } else if (len == 0x82) {
    len = reader.ReadU16();
    minimal = len >= 0x100;
  } else {
    minimal = len < 0x80;  // longer than 64 KiB: nothing that is parsed here
  }
  const ByteView content = reader.ReadBytes(len);
  if (!reader.ok() || !minimal || (tag & kHighTag) == kHighTag) {
    FailForGood();
    return std::nullopt;
  }
  const ByteView whole = rest_.first(rest_.size() - reader.remaining());
  rest_ = rest_.subspan(whole.size());
  return Element{.tag = tag, .content = content, .whole = whole};
}

ByteView DerReader::Read(std::uint8_t tag) {
  const auto element = ReadAny();
  if (!element || element->tag != tag) {
    FailForGood();
    return {};
  }
  return element->content;
}

void DerReader::FailForGood() {
  failed_ = true;
  rest_ = {};
}

bool IsDer(ByteView input) {
  DerReader reader(input);
  const auto element = reader.ReadAny();
  return element && reader.AtEnd() && AreElements(element->whole, 0);
}

}  // namespace countersign::crypto
