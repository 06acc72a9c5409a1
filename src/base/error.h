#pragma once

#include <expected>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

namespace countersign {

// Code says what kind of failure an Error is. Programs branch on it; it maps to one documented exit
// code each (docs/exit-codes.md). A *verdict* (an order refused) is never an Error.
enum class Code {
  kUsage,             // the call itself makes no sense; nothing was tried
  kMalformed,         // untrusted bytes or a file are not what they should be
  kNotFound,          // the file, agent, key or certificate named is not there
  kAlreadyExists,     // it is there, and would have been overwritten
  kPermissionDenied,  // the operating system, or a policy, says no
  kWrongPassword,     // a password does not open what it should open
  kRefused,           // the operation is understood and refused in this state
  kUnavailable,       // the other side cannot be reached, or is not running
  kTimedOut,          // it did not end in the time allowed
  kExhausted,         // a documented limit, memory or disk space is used up
  kDamaged,           // our own file fails its checksum or contradicts another
  kIo,                // any other failure of the operating system
  kInternal,          // a library failed where it should not: a bug or a broken machine
};

// CodeName returns the stable lower-case name used in JSON output ("wrong-password").
[[nodiscard]] std::string_view CodeName(Code code);

// Error is a failure told to a person: what was expected, what was found, and what to run next.
// Value type. Never holds a secret.
struct Error {
  Code code = Code::kInternal;
  std::string message;
  std::string next = {};  // the command to run next, or empty

  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// Fail makes the unexpected side of a Result.
[[nodiscard]] inline std::unexpected<Error> Fail(Code code, std::string message,
                                                 std::string next = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(next)});
}

// WithContext puts "what was being done: " before the message, once per layer.
[[nodiscard]] std::unexpected<Error> WithContext(std::string_view context, Error error);

// Check aborts the process with the place and the text if `condition` is false: for bugs only, in
// release builds too.
void Check(bool condition, std::string_view what,
           std::source_location place = std::source_location::current());

#define COUNTERSIGN_RETURN_IF_ERROR(expression)           \
  do {                                                    \
    if (auto status_ = (expression); !status_) {          \
      return std::unexpected(std::move(status_).error()); \
    }                                                     \
  } while (false)

}  // namespace countersign
