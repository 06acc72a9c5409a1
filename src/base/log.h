#pragma once

#include <string_view>

namespace countersign {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Log takes what the logic wants a person to read. Implemented over spdlog in daemon/ and silent in
// tests; the logic never logs a secret. Used from one thread.
class Log {
 public:
  virtual ~Log() = default;
  virtual void Write(LogLevel level, std::string_view text) = 0;
};

}  // namespace countersign
