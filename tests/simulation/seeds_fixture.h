#pragma once

// What the tests of many seeds share.

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

namespace countersign::simulation {

inline std::optional<std::uint64_t> FromEnvironment(const std::string& name) {
  const char* const text = std::getenv(name.c_str());
  if (text == nullptr) return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

// HowToRepeat is the command for the test that takes its seed from `variable`.
inline std::string HowToRepeat(const std::string& variable, std::uint64_t seed,
                               const std::string& test) {
  return variable + "=" + std::to_string(seed) +
         " tests/simulation/simulation_tests --gtest_filter=" + test;
}

}  // namespace countersign::simulation
