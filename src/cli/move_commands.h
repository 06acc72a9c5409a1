#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/output.h"
#include "cli/passwords.h"
#include "cli/session.h"

// countersign move …: agents to another server and from it (docs/moves.md). Each prints its outcome
// and returns the exit code. Shares, rates and durations are as they were typed; what is wrong with
// one is said before a password is asked for.
namespace countersign::cli {

// MoveWhom is whom a command is about: named agents, a list (agent_list.h), a domain with those
// beneath it, or all. Exactly one of the four.
struct MoveWhom {
  std::vector<std::string> agents;
  std::string list;
  std::string domain;
  bool all = false;
};

struct MovePlanCommand {
  MoveWhom whom;
  std::string output;    // file for the list of those that can be moved; empty: none
  bool names = false;    // show all by name
  bool replace = false;  // overwrite an existing file
};
// PlanMove changes nothing. kMoveHands if some of them need hands.
[[nodiscard]] Exit PlanMove(Session& session, const MovePlanCommand& command, Form form);

struct MoveStartCommand {
  MoveWhom whom;
  std::string target;           // announcement of the target: what `move expect` wrote there
  std::string rate = "60/min";  // "60/min", "5/s", "0": no limit
  std::string halt_at = "5%";
  std::string warrant;  // file with warrants made elsewhere: no password is needed, then
  PasswordSource password = AutomaticBackupPassword();
};
[[nodiscard]] Exit StartMove(Session& session, const MoveStartCommand& command, Form form);

struct MoveStatusCommand {
  bool once = false;
  std::string wait;   // a duration, or empty
  std::string names;  // list those in this state by name: waiting, ordered, moved, failed
};
// ShowMove follows a campaign with a bar if standard output and error are terminals and the server
// runs; otherwise it prints one object. With `wait` it waits for its end first: kOk: all are moved;
// kMoveLeft: it is finished, and some are not; kMoveHalted; kMoveAborted; kTimedOut.
[[nodiscard]] Exit ShowMove(Session& session, const MoveStatusCommand& command, Form form);

struct MoveResumeCommand {
  std::string halt_at;  // empty: as before
  std::string rate;
};
[[nodiscard]] Exit ResumeMove(Session& session, const MoveResumeCommand& command, Form form);
[[nodiscard]] Exit AbortMove(Session& session, Form form);

struct MoveExpectCommand {
  std::string list;
  std::string from;                    // id of the server that they come from; empty: the list's
  std::vector<std::string> addresses;  // of this server; empty: its public host and ports
  std::uint64_t days = 30;
  std::string output;  // file for the announcement; empty: standard output
  bool replace = false;
};
[[nodiscard]] Exit ExpectAgents(Session& session, const MoveExpectCommand& command, Form form);

struct MoveWarrantCommand {
  std::string target;
  std::string list;  // empty: all agents of the server
  bool all = false;
  std::string server;  // to which they belong; empty: as the list says, or all of the backup's
  std::string backup;  // a copy of OfficeScanAuth.dat
  std::string output;
  std::uint64_t days = 30;
  bool replace = false;
  PasswordSource password = AutomaticBackupPassword();
};
// MakeWarrant signs warrants for a move where no server is needed.
[[nodiscard]] Exit MakeWarrant(const MoveWarrantCommand& command, Form form);

// ParseRate reads "60/min", "5/s", "60" (a minute) or "0" as agents in a minute. kUsage.
[[nodiscard]] Result<std::uint64_t> ParseRate(std::string_view text);

}  // namespace countersign::cli
