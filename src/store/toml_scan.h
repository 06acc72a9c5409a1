#pragma once

// Private to store/config.cc.

#include <cstdint>
#include <optional>
#include <string_view>

namespace countersign::store {

// TextPlace is a place in a file as people count it, from 1. Columns are code points.
struct TextPlace {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  bool operator==(const TextPlace&) const = default;
};

// FindBareNonAscii finds the first character beyond ASCII that stands neither in a comment nor in a
// string of one line. TOML has no use for one elsewhere (but in strings of several lines, which we
// do without), and toml++ 3.3 reaches undefined behaviour by some of them: its
// is_non_ascii_horizontal_whitespace() calls U+00A1..U+0499 unreachable. A byte order mark at the
// beginning is passed over.
[[nodiscard]] std::optional<TextPlace> FindBareNonAscii(std::string_view text);

}  // namespace countersign::store
