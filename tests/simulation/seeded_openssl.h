#pragma once

#include <cstdint>

namespace countersign::simulation {

// SeededOpenSsl makes all randomness of OpenSSL in this process follow from a seed, as long as it
// lives: keys, signatures and salts are the same in every run. One at a time; one thread.
class SeededOpenSsl {
 public:
  explicit SeededOpenSsl(std::uint64_t seed);
  SeededOpenSsl(const SeededOpenSsl&) = delete;
  SeededOpenSsl& operator=(const SeededOpenSsl&) = delete;
  ~SeededOpenSsl();
};

}  // namespace countersign::simulation
