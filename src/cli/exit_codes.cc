#include "cli/exit_codes.h"

namespace countersign::cli {

Exit ExitFor(Code code) {
  switch (code) {
    case Code::kUsage:
      return Exit::kUsage;
    case Code::kMalformed:
      return Exit::kMalformed;
    case Code::kNotFound:
      return Exit::kNotFound;
    case Code::kAlreadyExists:
      return Exit::kAlreadyExists;
    case Code::kPermissionDenied:
      return Exit::kPermissionDenied;
    case Code::kWrongPassword:
      return Exit::kWrongPassword;
    case Code::kRefused:
      return Exit::kRefused;
    case Code::kUnavailable:
      return Exit::kUnavailable;
    case Code::kTimedOut:
      return Exit::kTimedOut;
    case Code::kExhausted:
      return Exit::kExhausted;
    case Code::kDamaged:
      return Exit::kDamaged;
    case Code::kIo:
      return Exit::kIo;
    case Code::kInternal:
      break;
  }
  return Exit::kInternal;
}

}  // namespace countersign::cli
