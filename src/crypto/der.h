#pragma once

// Private to crypto/.

#include <optional>

#include "base/bytes.h"

namespace countersign::crypto {

// Tags of the types that are read here (X.690 8.1.2), constructed bit included.
inline constexpr std::uint8_t kDerInteger = 0x02;
inline constexpr std::uint8_t kDerBitString = 0x03;
inline constexpr std::uint8_t kDerNull = 0x05;
inline constexpr std::uint8_t kDerOid = 0x06;
inline constexpr std::uint8_t kDerSequence = 0x30;

// DerReader takes DER apart, element by element. It refuses what DER refuses: lengths that are
// indefinite or not minimal, and tags above 30 (nothing that we read has one). Like Reader: a
// failure is for good, and checked once with AtEnd(). Views live as long as the input.
class DerReader {
 public:
  struct Element {
    std::uint8_t tag = 0;
    ByteView content;
    ByteView whole;  // with tag and length
  };

  explicit DerReader(ByteView input) : rest_(input) {}
  [[nodiscard]] std::optional<Element> ReadAny();
  // Read returns the content of the next element, which must have `tag`; empty on failure.
  [[nodiscard]] ByteView Read(std::uint8_t tag);
  [[nodiscard]] bool NextIs(std::uint8_t tag) const { return !rest_.empty() && rest_[0] == tag; }
  [[nodiscard]] bool AtEnd() const { return !failed_ && rest_.empty(); }

 private:
  void FailForGood();
  ByteView rest_;
  bool failed_ = false;
};

// IsDer tells whether `input` is one element, and everything constructed in it elements throughout,
// nested at most 32 deep. The contents of primitive types are not looked at.
[[nodiscard]] bool IsDer(ByteView input);

}  // namespace countersign::crypto
