#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/durability/fault_run.h"

namespace countersign::testing {

// Before is a prepared server as it was before the operation.
struct Before {
  bool is_there = false;
  Seen seen;
  std::map<std::string, std::string> files;
};
[[nodiscard]] Before LookBefore(const Operation& operation, const std::filesystem::path& root);

// Whether the next operation is tried as well, which takes as long as all the rest.
enum class Thorough { kNo, kYes };

// Judge returns what is wrong with what an operation left in `root`/server: it must be the old
// state or the new one, and the one that was told; the next start mends the rest, and the next
// operation goes through.
[[nodiscard]] std::vector<std::string> Judge(const Operation& operation, const Before& before,
                                             const Outcome& outcome, const Fault& fault,
                                             const std::filesystem::path& root, Thorough thorough);

}  // namespace countersign::testing
