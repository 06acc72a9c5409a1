#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "tests/simulation/scheduler.h"

namespace countersign::simulation {

// Trace is the story of a run: its hash tells two runs apart, and for one seed it is printed.
class Trace {
 public:
  enum class Print { kNo, kYes };
  Trace(const Scheduler& scheduler, Print print) : scheduler_(scheduler), print_(print) {}

  void Add(std::string_view what) {
    const std::string line = std::to_string(scheduler_.now()) + " " + std::string(what);
    for (const char c : line) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    if (print_ == Print::kYes) std::printf("%s\n", line.c_str());
  }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }

 private:
  const Scheduler& scheduler_;
  Print print_;
  std::uint64_t hash_ = 0xcbf29ce484222325;  // FNV-1a
};

}  // namespace countersign::simulation
