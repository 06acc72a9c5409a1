#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/output.h"
#include "cli/session.h"

// countersign agents …, countersign order …, countersign status, countersign events.
namespace countersign::cli {

[[nodiscard]] Exit ShowStatus(Session& session, Form form);
[[nodiscard]] Exit ListEvents(Session& session, Form form);

struct ListCommand {
  std::vector<std::string> standings;
  bool exposed = false;        // only those that a stolen key may still command
  std::string reach;           // only those that are "online", "unreachable" or "offline"; or empty
  bool earlier_owner = false;  // only those that have not proved to follow the present owner
};
[[nodiscard]] Exit ListAgents(Session& session, const ListCommand& command, Form form);
[[nodiscard]] Exit ShowAgent(Session& session, const std::string& agent, Form form);
// ChangeAgents: `command` is "approve" or "forget".
[[nodiscard]] Exit ChangeAgents(Session& session, std::string_view command,
                                const std::vector<std::string>& agents, Form form);

struct OrderCommand {
  std::vector<std::string> agents;
  bool all = false;
  std::string act;
  std::string args;
  std::filesystem::path args_file;   // instead of `args`
  std::vector<std::string> program;  // with `run`, instead of `args`: its name and arguments
  std::chrono::seconds wait{30};
  std::chrono::seconds expires{7 * 86'400};
};
[[nodiscard]] Exit SendOrder(Session& session, const OrderCommand& command, Form form);

}  // namespace countersign::cli
