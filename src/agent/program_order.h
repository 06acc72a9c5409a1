#pragma once

#include <boost/json/object.hpp>

#include "agent/acts.h"
#include "store/policy.h"

// Orders that run a program of this machine: `run`, and acts for which there is a hook.
namespace countersign::agent {

// RunNamedProgram is the act `run`: {"program": NAME, "args": ["…", …]}. `not-allowed` unless the
// policy names the program, and each argument matches its pattern.
[[nodiscard]] ActOutcome RunNamedProgram(const store::Policy& policy,
                                         const boost::json::object& args);

// HookProgram runs the hook of the order's act, with the verified order as JSON on its input.
// REQUIRES: the policy has that hook.
[[nodiscard]] ActOutcome HookProgram(const store::Policy& policy, const ActOrder& order,
                                     const AgentId& agent);

// ProgramResult is the `result` of a program that has ended, at most wire::kMaxResultLen octets as
// serialised: {"exit": code} or {"signal": number}, {"timed_out": true}, "output" (the end of
// standard output and error together, UTF-8 with U+FFFD for what is none) and "cut" (octets of it
// left out at the front), if any are.
struct ProgramEnd {
  int exit = -1;  // -1: ended by a signal
  int signal = 0;
  bool timed_out = false;
  std::string output;            // its end
  std::uint64_t output_len = 0;  // all that it wrote
};
[[nodiscard]] ActEnded ProgramResult(const ProgramEnd& end);

}  // namespace countersign::agent
