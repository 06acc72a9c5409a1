#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/simulation/trace.h"

namespace countersign::simulation {

// Broken makes something wrong on purpose, so that the simulator is known to be able to fail.
enum class Broken {
  kNothing,
  kDiskLosesOrders,  // a power cut undoes appends that were told to be durable
  kDiskLosesTrust,   // a new trust state is told to be durable and is not
  kOwnerIsRobbed,    // the thief has the owner key, which is outside every promise
};

struct Options {
  std::uint64_t seed = 1;
  Broken broken = Broken::kNothing;
  Trace::Print print = Trace::Print::kNo;
};

struct Outcome {
  std::optional<std::string> violation;  // the first
  std::uint64_t trace_hash = 0;
  // What happened, so that a run in which nothing did is seen.
  std::size_t runs = 0;
  std::size_t moves = 0;
  std::size_t deaths = 0;
  std::size_t replacements = 0;
  std::size_t attacks = 0;
};

// Simulate is one world under one seed: a server and some agents for hours full of faults and
// attacks, and then for as long without.
//
// Watched at every moment: no agent obeys or trusts a key that the owner did not certify, or
// follows what answers no fresh challenge of its own; no order runs twice; no generation goes
// backwards. At the end: every agent holds the active certificate, every order has ended as what
// its agent did with it, and every agent is verified and obeys.
[[nodiscard]] Outcome Simulate(const Options& options);

}  // namespace countersign::simulation
