#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/output.h"
#include "cli/passwords.h"
#include "cli/session.h"

// countersign rollout …: each prints its outcome and returns the exit code. Shares and durations
// are as they were typed; what is wrong with one is said before a password is asked for.
namespace countersign::cli {

struct RolloutPlanCommand {
  std::string canary;                // "5%", or empty
  std::vector<std::string> domains;  // of the first wave
  std::string names;  // list this class by name: taken, at-once, next-contact, unseen, hands
};
// PlanRollout changes nothing.
[[nodiscard]] Exit PlanRollout(Session& session, const RolloutPlanCommand& command, Form form);

struct RolloutStartCommand {
  std::string canary;
  std::vector<std::string> domains;
  std::uint64_t rate = 0;  // agents per hour; 0: no limit
  std::string halt_at = "2%";
  std::string soak = "1h";
  bool from_reserve = false;  // no password is needed, then
  bool clock_is_right = false;
  PasswordSource password = AutomaticBackupPassword();
};
[[nodiscard]] Exit StartRollout(Session& session, const RolloutStartCommand& command, Form form);

struct RolloutStatusCommand {
  bool once = false;
  std::string wait;  // a duration, or empty
};
// ShowRollout follows a rollout with a bar if standard output and error are terminals and the
// server runs, until it rests (rollout_text.h) or the user interrupts; otherwise it prints one
// object. With `wait` it waits for that first: kOk if the rollout is finished then, or there is
// none; kGate if it waits for a person or was aborted; kTimedOut.
[[nodiscard]] Exit ShowRollout(Session& session, const RolloutStatusCommand& command, Form form);

[[nodiscard]] Exit PauseRollout(Session& session, Form form);

struct RolloutResumeCommand {
  std::string halt_at;                // empty: as before
  std::optional<std::uint64_t> rate;  // 0: no limit any more
};
[[nodiscard]] Exit ResumeRollout(Session& session, const RolloutResumeCommand& command, Form form);

// FinishRollout, AbortRollout: kGate if it was not done, after showing by name whom it concerns.
[[nodiscard]] Exit FinishRollout(Session& session, bool accept, Form form);
[[nodiscard]] Exit AbortRollout(Session& session, bool accept, Form form);

struct RollBackCommand {
  PasswordSource password = AutomaticBackupPassword();
  bool clock_is_right = false;
};
[[nodiscard]] Exit RollBack(Session& session, const RollBackCommand& command, Form form);

}  // namespace countersign::cli
