#include "tests/support/seeded_random.h"

namespace countersign::testing {

void SeededRandom::Fill(std::span<std::uint8_t> out) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i % 8 == 0) bits = Next();
    out[i] = static_cast<std::uint8_t>(bits >> (8 * (i % 8)));
  }
}

std::uint64_t SeededRandom::Next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace countersign::testing
