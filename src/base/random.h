#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/ids.h"

namespace countersign {

// RandomSource gives random bytes. crypto::SystemRandom is the real one; the simulator has a seeded
// one. Implementations are used from one thread unless they say otherwise.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  // Fill overwrites all of `out`. Cannot fail: the real one aborts the process if the system has no
  // randomness.
  virtual void Fill(std::span<std::uint8_t> out) = 0;

  template <std::size_t N>
  [[nodiscard]] std::array<std::uint8_t, N> Array() {
    std::array<std::uint8_t, N> out;
    Fill(out);
    return out;
  }
  [[nodiscard]] Token128 Token() { return Token128(Array<16>()); }
};

}  // namespace countersign
