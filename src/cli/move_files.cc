#include "cli/move_files.h"

#include <boost/json/array.hpp>
#include <utility>

#include "base/files.h"
#include "cli/agent_list.h"
#include "wire/move_target.h"

namespace countersign::cli {

Status AddWhom(boost::json::object& request, const MoveWhom& whom) {
  const int given = (whom.agents.empty() ? 0 : 1) + (whom.list.empty() ? 0 : 1) +
                    (whom.domain.empty() ? 0 : 1) + (whom.all ? 1 : 0);
  if (given != 1) {
    return Fail(Code::kUsage, "say which agents: --agent, --list, --domain or --all",
                "countersign move plan --all");
  }
  boost::json::array agents;
  for (const auto& agent : whom.agents) agents.emplace_back(agent);
  if (!whom.list.empty()) {
    const auto list = ReadAgentList(whom.list);
    if (!list) return std::unexpected(list.error());
    for (const AgentId& agent : list->agents) agents.emplace_back(agent.Text());
  }
  if (!agents.empty()) request["agents"] = std::move(agents);
  if (!whom.domain.empty()) request["domain"] = whom.domain;
  if (whom.all) request["all"] = true;
  return {};
}

Result<std::string> ReadTarget(const std::string& file) {
  const std::string next = "countersign move expect agents.list -o target.json (on the target)";
  const auto content = ReadFile(file, wire::kMaxAnnouncementLen);
  if (!content) {
    Error error = content.error();
    if (error.code == Code::kNotFound) error.next = next;
    return std::unexpected(std::move(error));
  }
  const auto target = wire::ParseMoveAnnouncement(AsText(*content));
  if (!target) {
    Error error = target.error();
    error.next = next;
    return WithContext(file, std::move(error));
  }
  return std::string(AsText(*content));
}

}  // namespace countersign::cli
