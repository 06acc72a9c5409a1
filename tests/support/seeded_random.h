#pragma once

#include <cstdint>

#include "base/random.h"

namespace countersign::testing {

// SeededRandom gives the same bytes for the same seed, on every machine (splitmix64). No secret may
// come from it. Used from one thread.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void Fill(std::span<std::uint8_t> out) override;
  [[nodiscard]] std::uint64_t Next();

 private:
  std::uint64_t state_;
};

}  // namespace countersign::testing
