#pragma once

#include <cstdint>

#include "base/error.h"
#include "tests/support/seeded_random.h"

namespace countersign::simulation {

// Chance is what the seed decides.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}
  // Below is uniform in 0..limit-1. REQUIRES: limit > 0.
  [[nodiscard]] std::int64_t Below(std::int64_t limit) {
    Check(limit > 0, "nothing to choose from");
    return static_cast<std::int64_t>(random_.Next() % static_cast<std::uint64_t>(limit));
  }
  [[nodiscard]] std::size_t Index(std::size_t size) {
    return static_cast<std::size_t>(Below(static_cast<std::int64_t>(size)));
  }
  // Of is true `percent` times in a hundred (fractions too).
  [[nodiscard]] bool Of(double percent) {
    return static_cast<double>(Below(1'000'000)) < percent * 10'000;
  }
  [[nodiscard]] testing::SeededRandom& random() { return random_; }

 private:
  testing::SeededRandom random_;
};

}  // namespace countersign::simulation
