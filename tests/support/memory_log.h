#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/log.h"

namespace countersign::testing {

// MemoryLog keeps what was logged.
class MemoryLog final : public Log {
 public:
  struct Line {
    LogLevel level;
    std::string text;
  };
  void Write(LogLevel level, std::string_view text) override {
    lines.push_back({level, std::string(text)});
  }
  [[nodiscard]] bool Has(std::string_view part) const { return Count(part) > 0; }
  [[nodiscard]] std::size_t Count(std::string_view part) const {
    std::size_t count = 0;
    for (const Line& line : lines) count += line.text.find(part) != std::string::npos ? 1U : 0U;
    return count;
  }

  std::vector<Line> lines;
};

}  // namespace countersign::testing
