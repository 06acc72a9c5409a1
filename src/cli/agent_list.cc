#include "cli/agent_list.h"

#include <algorithm>
#include <set>

#include "base/files.h"

namespace countersign::cli {
namespace {

constexpr std::string_view kServer = "# server ";
constexpr std::string_view kSpace = " \t\r";

std::unexpected<Error> Wrong(std::size_t line, std::string_view what) {
  return Fail(Code::kMalformed,
              "line " + std::to_string(line) + ": " + std::string(what) +
                  "; a list of agents has an agent id (a UUID in lower case) on each line",
              "countersign move plan --all -o agents.list");
}

std::string_view FirstWord(std::string_view line) {
  const auto begin = line.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  line.remove_prefix(begin);
  return line.substr(0, line.find_first_of(kSpace));
}

std::string Harmless(std::string_view text) {
  std::string clean(text);
  std::ranges::replace_if(clean, [](char c) { return c <= ' ' || c > '~'; }, '?');
  return clean;
}

}  // namespace

Result<AgentList> ParseAgentList(std::string_view text) {
  AgentList list;
  std::set<AgentId> seen;
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.starts_with(kServer)) {
      list.server = ServerId::ParseText(FirstWord(line.substr(kServer.size())));
      if (!list.server) return Wrong(number, "that is no server id");
      continue;
    }
    const std::string_view word = FirstWord(line);
    if (word.empty() || word.starts_with('#')) continue;
    const auto agent = AgentId::ParseText(word);
    if (!agent) return Wrong(number, "that is no agent id");
    if (!seen.insert(*agent).second) continue;
    if (list.agents.size() >= kMaxListedAgents) {
      return Wrong(number,
                   "more than " + std::to_string(kMaxListedAgents) + " agents: make several lists");
    }
    list.agents.push_back(*agent);
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

std::string FormatAgentListHead(std::string_view server) {
  return "# Agents that are to move: announce them on the server that they go to, with\n"
         "#   countersign move expect FILE -o target.json\n" +
         std::string(kServer) + std::string(server) + "\n";
}

std::string FormatAgentListLine(std::string_view agent, std::string_view host,
                                std::string_view domain) {
  std::string line(agent);
  if (!host.empty()) line += " " + Harmless(host);
  if (!domain.empty()) line += " " + Harmless(domain);
  return line + "\n";
}

}  // namespace countersign::cli
