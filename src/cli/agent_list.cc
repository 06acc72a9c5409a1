#include "cli/agent_list.h"

#include <algorithm>
#include <set>

#include "base/files.h"

namespace countersign::cli {
namespace {

constexpr std::string_view kServer = "# server ";
constexpr std::string_view kBelongsTo = "server=";
constexpr std::string_view kSpace = " \t\r";

std::unexpected<Error> Wrong(std::size_t line, std::string_view what) {
  return Fail(Code::kMalformed,
              "line " + std::to_string(line) + ": " + std::string(what) +
                  "; a list of agents has an agent id (a UUID in lower case) on each line",
              "countersign move plan --all -o agents.list");
}

// CutWord takes the next word off the line; empty at its end.
std::string_view CutWord(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kSpace), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kSpace));
  line.remove_prefix(word.size());
  return word;
}

std::string Harmless(std::string_view text) {
  std::string clean(text);
  std::ranges::replace_if(clean, [](char c) { return c <= ' ' || c > '~' || c == '='; }, '?');
  return clean;
}

}  // namespace

Result<AgentList> ParseAgentList(std::string_view text) {
  AgentList list;
  std::set<AgentId> seen;
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.starts_with(kServer)) {
      line.remove_prefix(kServer.size());
      list.server = ServerId::ParseText(CutWord(line));
      if (!list.server) return Wrong(number, "that is no server id");
      continue;
    }
    const std::string_view word = CutWord(line);
    if (word.empty() || word.starts_with('#')) continue;
    const auto agent = AgentId::ParseText(word);
    if (!agent) return Wrong(number, "that is no agent id");
    std::optional<ServerId> server;
    if (const std::string_view next = CutWord(line); next.starts_with(kBelongsTo)) {
      server = ServerId::ParseText(next.substr(kBelongsTo.size()));
      if (!server) return Wrong(number, "behind server= stands no server id");
    }
    if (!seen.insert(*agent).second) continue;
    if (list.agents.size() >= kMaxListedAgents) {
      return Wrong(number,
                   "more than " + std::to_string(kMaxListedAgents) + " agents: make several lists");
    }
    list.agents.push_back(*agent);
    if (server) list.belong[*agent] = *server;
  }
  return list;
}

Result<AgentList> ReadAgentList(const std::string& file) {
  const auto content = ReadFile(file, kMaxAgentListLen);
  if (!content) return std::unexpected(content.error());
  auto list = ParseAgentList(AsText(*content));
  if (!list) return WithContext(file, std::move(list).error());
  if (!list->agents.empty()) return list;
  return Fail(Code::kMalformed, file + " names no agent",
              "countersign move plan --all -o agents.list");
}

Result<std::map<ServerId, std::vector<AgentId>>> ByServer(const AgentList& list) {
  std::map<ServerId, std::vector<AgentId>> sorted;
  for (const AgentId& agent : list.agents) {
    auto server = list.server;
    if (const auto at = list.belong.find(agent); at != list.belong.end()) server = at->second;
    if (!server) {
      return Fail(Code::kUsage,
                  "the list does not say to which server the agent " + agent.Text() +
                      " belongs; --server: its id",
                  "countersign owner show (on the server whose agents move)");
    }
    sorted[*server].push_back(agent);
  }
  return sorted;
}

std::string FormatAgentListHead(std::string_view server) {
  return "# Agents that are to move: announce them on the server that they go to, with\n"
         "#   countersign move expect FILE -o target.json\n" +
         std::string(kServer) + std::string(server) + "\n";
}

std::string FormatAgentListLine(std::string_view agent, std::string_view server,
                                std::string_view host, std::string_view domain) {
  std::string line(agent);
  if (!server.empty()) line += " " + std::string(kBelongsTo) + std::string(server);
  if (!host.empty()) line += " " + Harmless(host);
  if (!domain.empty()) line += " " + Harmless(domain);
  return line + "\n";
}

}  // namespace countersign::cli
