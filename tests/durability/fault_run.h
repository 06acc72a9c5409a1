#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/durability/identity_operations.h"
#include "tests/durability/system_calls.h"

namespace countersign::testing {

// Ending is what the process does after the operation has told its outcome.
enum class Ending {
  kClose,  // ends in order
  kKill,   // is killed
  kAgain,  // tries the operation once more, without a fault, and ends in order
};

// Outcome is what came of one run of an operation in a process of its own.
struct Outcome {
  Told told;
  Told again;             // of the second try
  bool happened = false;  // the fault did, if the process lived to say so
  bool killed = false;    // by SIGKILL
  std::string died_of;    // what else ended it; empty: nothing
  std::size_t num_calls = 0;
  std::size_t images_when_told = 0;  // of RunWithPowerCuts
  std::size_t num_images = 0;
};

// RunWithFault runs the operation on `root`/server, with every call below `root` counted.
[[nodiscard]] Outcome RunWithFault(const Operation& operation, const std::filesystem::path& root,
                                   const Fault& fault, Ending ending);

// RunStart opens the folder as the next start does, which mends it.
[[nodiscard]] Outcome RunStart(const std::filesystem::path& root, const Fault& fault);

// RunWithPowerCuts runs it once, and leaves in `images`/1, /2, … what a power cut would leave of
// `root` after each fsync, and when the outcome is told.
[[nodiscard]] Outcome RunWithPowerCuts(const Operation& operation,
                                       const std::filesystem::path& root,
                                       const std::filesystem::path& images, const Fault& fault);

}  // namespace countersign::testing
