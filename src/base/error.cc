#include "base/error.h"

#include <cstdio>
#include <cstdlib>

namespace countersign {

std::string_view CodeName(Code code) {
  switch (code) {
    case Code::kUsage:
      return "usage";
    case Code::kMalformed:
      return "malformed";
    case Code::kNotFound:
      return "not-found";
    case Code::kAlreadyExists:
      return "already-exists";
    case Code::kPermissionDenied:
      return "permission-denied";
    case Code::kWrongPassword:
      return "wrong-password";
    case Code::kRefused:
      return "refused";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kTimedOut:
      return "timed-out";
    case Code::kExhausted:
      return "exhausted";
    case Code::kDamaged:
      return "damaged";
    case Code::kIo:
      return "io";
    case Code::kInternal:
      return "internal";
  }
  return "internal";
}

std::unexpected<Error> WithContext(std::string_view context, Error error) {
  error.message.insert(0, std::string(context) + ": ");
  return std::unexpected(std::move(error));
}

void Check(bool condition, std::string_view what, std::source_location place) {
  if (condition) return;
  std::fprintf(stderr, "%s:%u: check failed: %.*s\n", place.file_name(), place.line(),
               static_cast<int>(what.size()), what.data());
  std::abort();
}

}  // namespace countersign
