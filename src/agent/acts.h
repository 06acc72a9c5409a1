#pragma once

#include <boost/json/object.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "trust/trust_state.h"
#include "trust/verdict.h"

// What orders can make an agent do (protocol section 5, steps 9 and 10; docs/actions.md). To add an
// act: one function, one `agent.acts().Add(…)`, and its name in store::Policy's default if it runs
// no code.
namespace countersign::agent {

// ActOrder is an order as its act sees it: steps 1 to 8 are passed, and it is recorded as started.
struct ActOrder {
  Jti jti;
  const std::string& act;
  const boost::json::object& args;  // empty if the order has none
  const trust::TrustState& trust;   // the agent's, when the act begins
  Times now;
};

// ActEnded: the act is over at once. `result`: a JSON object of at most wire::kMaxResultLen octets
// as serialised, or empty.
struct ActEnded {
  trust::Verdict verdict = trust::Verdict::kDone;
  std::string result = {};
};
// ActReports: it ends with the answer to a report that is made from now on.
struct ActReports {};
// RunProgram: a program is to be run, and what becomes of it is verdict and result. No shell.
struct RunProgram {
  std::filesystem::path program;
  std::vector<std::string> arguments;  // without the program's name
  std::string input;                   // its standard input; empty: none
  std::filesystem::path folder;        // where it runs
  Seconds time_limit{};
};
// MoveAgent: the agent is to move to another server (protocol section 8); warrant and bundle are
// judged already. Nothing changes before the target has proved itself to `to_be` and accepts it.
struct MoveAgent {
  trust::TrustState held;              // by which the order was judged: to_be follows from it alone
  trust::TrustState to_be;             // with the warrant kept as used up
  std::vector<std::string> addresses;  // "host:port" of the target, the first is tried first
};
// Deed is what the daemon carries out; Agent::EndAct says how it ended.
using Deed = std::variant<RunProgram, MoveAgent>;
using ActOutcome = std::variant<ActEnded, ActReports, Deed>;

// Task is one deed with the order that it is for.
struct Task {
  Jti jti;
  Deed deed;
};

// Act does what an order asks for, or says how it goes on. Never writes the trust state and never
// runs code that the order brings (bounds on power). Runs on the agent's thread and must not block.
using Act = std::function<ActOutcome(const ActOrder&)>;

// Acts is the table of what an agent can do, by name ([a-z0-9-]{1,32}).
class Acts {
 public:
  // Add replaces an act of that name.
  void Add(std::string name, Act act) { acts_.insert_or_assign(std::move(name), std::move(act)); }
  [[nodiscard]] const Act* Find(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> Names() const;

 private:
  std::map<std::string, Act, std::less<>> acts_;
};

// ActFailed is the end of an act that did not do it: {"error": why}.
[[nodiscard]] ActEnded ActFailed(std::string_view why);
// NoArguments makes an act that refuses any.
[[nodiscard]] Act NoArguments(Act act);

}  // namespace countersign::agent
