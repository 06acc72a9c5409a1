#pragma once

#include <bitset>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace countersign::store {

// ArgumentPattern says which arguments of a program the local policy allows (docs/actions.md). It
// is matched against the whole argument, in time that is bounded by (elements × length): there is
// nothing to backtrack. Value type, thread-safe.
//
//   *          any number of printable ASCII characters except '/'; ** the same with '/'
//   ?          one of them, without '/'
//   [a-z0-9_]  one of these ASCII characters; '-' is itself at either end
//   {n}, {n,m} after ? or […]: so many of them; n ≤ m ≤ 256
//   \c         the character c itself; everything else, also beyond ASCII, is itself
//
// What a wildcard matches never begins an argument with '-' (an option has to be written out), and
// an argument with a ".." between slashes is matched by no pattern with a wildcard.
class ArgumentPattern {
 public:
  static constexpr std::size_t kMaxLen = 256;
  static constexpr std::size_t kMaxArgumentLen = 1'024;  // octets; a longer one matches nothing

  // Parse: kMalformed says what is wrong with it.
  [[nodiscard]] static Result<ArgumentPattern> Parse(std::string_view text);
  // Matches is false for what is not printable UTF-8.
  [[nodiscard]] bool Matches(std::string_view argument) const;
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  using Set = std::bitset<256>;  // of octets
  struct Element {
    Set set;
    std::size_t min = 1;
    std::size_t max = 1;
    bool wildcard = false;
  };
  class Parser;
  std::string text_;
  std::vector<Element> elements_;
};

}  // namespace countersign::store
