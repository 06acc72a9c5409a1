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

// FindForbidden finds the first character that our files have no use for and that toml++ 3.3 does
// not bear everywhere: one beyond ASCII that stands neither in a comment nor in a string of one
// line (its is_non_ascii_horizontal_whitespace() calls U+00A1..U+0499 unreachable), and the ':' or
// '-' of a date or time outside of comments and strings (it asserts digits that may not be there).
// A byte order mark at the beginning is passed over.
[[nodiscard]] std::optional<TextPlace> FindForbidden(std::string_view text);

}  // namespace countersign::store
