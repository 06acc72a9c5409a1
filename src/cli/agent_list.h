#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ids.h"

namespace countersign::cli {

// AgentList is a file that names agents, one on each line: the id, then whatever helps a person
// (host, domain). Lines that begin with # are remarks; "# server UUID" says whose agents they are.
// `move plan -o` writes it; `move expect` on the target and `move start --list` read it.
struct AgentList {
  std::optional<ServerId> server;
  std::vector<AgentId> agents;  // each once, in the file's order
  bool operator==(const AgentList&) const = default;
};

inline constexpr std::size_t kMaxAgentListLen = 8UL * 1024 * 1024;
inline constexpr std::size_t kMaxListedAgents = 25'000;  // what one request holds

// ParseAgentList: kMalformed names the line.
[[nodiscard]] Result<AgentList> ParseAgentList(std::string_view text);
[[nodiscard]] Result<AgentList> ReadAgentList(const std::string& file);

// FormatAgentListHead is the file's beginning, FormatAgentListLine one agent's line: `host` and
// `domain` are untrusted, and lose what could end the line or fool a terminal.
[[nodiscard]] std::string FormatAgentListHead(std::string_view server);
[[nodiscard]] std::string FormatAgentListLine(std::string_view agent, std::string_view host,
                                              std::string_view domain);

}  // namespace countersign::cli
