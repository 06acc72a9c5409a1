#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ids.h"

namespace countersign::cli {

// AgentList is a file that names agents, one on each line: the id, the server to which it belongs
// ("server=UUID", may be missing), then whatever helps a person (host, domain). Lines that begin
// with # are remarks; "# server UUID" names the server that they all come from, to which those
// belong whose line names none: a server of two fleets that were brought together has two ids.
// `move plan -o` writes it; `move expect` on the target and `move start --list` read it.
struct AgentList {
  std::optional<ServerId> server;
  std::vector<AgentId> agents;           // each once, in the file's order
  std::map<AgentId, ServerId> belong{};  // those whose line names their server
  bool operator==(const AgentList&) const = default;
};

inline constexpr std::size_t kMaxAgentListLen = 8UL * 1024 * 1024;
inline constexpr std::size_t kMaxListedAgents = 25'000;  // what one request holds

// ParseAgentList: kMalformed names the line.
[[nodiscard]] Result<AgentList> ParseAgentList(std::string_view text);
[[nodiscard]] Result<AgentList> ReadAgentList(const std::string& file);

// ByServer sorts its agents by the server to which they belong. kUsage names one of which neither
// its line nor the head says it.
[[nodiscard]] Result<std::map<ServerId, std::vector<AgentId>>> ByServer(const AgentList& list);

// FormatAgentListHead is the file's beginning, FormatAgentListLine one agent's line: `server` may
// be empty; `host` and `domain` are untrusted, and lose what could end the line, fool a terminal or
// be taken for a server.
[[nodiscard]] std::string FormatAgentListHead(std::string_view server);
[[nodiscard]] std::string FormatAgentListLine(std::string_view agent, std::string_view server,
                                              std::string_view host, std::string_view domain);

}  // namespace countersign::cli
