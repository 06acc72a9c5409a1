#pragma once

#include <cstdlib>
#include <optional>
#include <source_location>
#include <utility>

#include "base/error.h"

namespace countersign::testing {

// Must takes the value out, or ends the program: for what a test cannot go on without.
template <class T>
[[nodiscard]] T Must(std::optional<T> value,
                     std::source_location place = std::source_location::current()) {
  if (value) return *std::move(value);
  Check(false, "a value that has to be there", place);
  std::abort();
}
template <class T>
[[nodiscard]] T Must(Result<T> result,
                     std::source_location place = std::source_location::current()) {
  if (result) return *std::move(result);
  Check(false, result.error().message, place);
  std::abort();
}

}  // namespace countersign::testing
