#include <boost/json/array.hpp>
#include <set>
#include <utility>

#include "server/admin.h"
#include "server/admin_move.h"
#include "server/admin_request.h"
#include "server/fleet.h"
#include "server/present.h"
#include "server/standing.h"
#include "trust/rollout.h"

// What a move would come to, before it begins.
namespace countersign::server {
namespace {

bool IsSelected(const Selection& selection, const std::set<AgentId>& named,
                const store::AgentRow& row) {
  if (selection.all) return true;
  if (!selection.domain.empty()) return trust::IsInDomain(row.domain, selection.domain);
  return named.contains(row.id);
}

// PlanCounts is what a plan would come to, by when an agent would hear of it.
struct PlanCounts {
  std::uint64_t agents = 0;
  std::uint64_t at_once = 0;
  std::uint64_t next_contact = 0;
  std::uint64_t unseen = 0;
  std::uint64_t hands = 0;
};

std::string_view Classify(const Server& server, const store::AgentRow& row, PlanCounts& counts,
                          Instant now) {
  ++counts.agents;
  if (WhyNotMovable(row)) {
    ++counts.hands;
    return "hands";
  }
  if (!row.last_contact || now - *row.last_contact > kUnseenAfter) {
    ++counts.unseen;
    return "unseen";
  }
  const bool callable = server.AddressOf(row).has_value();
  ++(callable ? counts.at_once : counts.next_contact);
  return callable ? "at-once" : "next-contact";
}

boost::json::object PlanJson(const Server& server, const store::AgentRow& row,
                             std::string_view prospect) {
  const std::string why = WhyNotMovable(row).value_or("");
  return {{"agent", row.id.Text()},
          {"host", row.host},
          {"domain", row.domain},
          {"server", HeldServer(row, server.book()).Text()},
          {"class", prospect},
          {"reason", why},
          {"reason_text", ReasonText(why)},
          {"next_step", why.empty() ? "" : NextStep(row.standing, why, row.id)}};
}

// As the start of the move would say.
Status CheckNamed(store::Registry& registry, const std::set<AgentId>& named) {
  for (const AgentId& agent : named) {
    const auto row = registry.FindAgent(agent);
    if (!row) return std::unexpected(row.error());
    if (*row && !(*row)->forgotten) continue;
    return Fail(Code::kNotFound, "no agent " + agent.Text() + " is registered",
                "countersign agents list");
  }
  return {};
}

}  // namespace

Result<Selection> ReadSelection(const AdminMessage& request) {
  Selection selection;
  auto agents = AgentsMember(request);
  if (!agents) return std::unexpected(std::move(agents).error());
  selection.agents = *std::move(agents);
  auto domain = ScopeMember(request);
  if (!domain) return std::unexpected(std::move(domain).error());
  selection.domain = *std::move(domain);
  const auto all = FlagMember(request, "all");
  if (!all) return std::unexpected(all.error());
  selection.all = *all;
  const int given = (selection.agents.empty() ? 0 : 1) + (selection.domain.empty() ? 0 : 1) +
                    (selection.all ? 1 : 0);
  if (given == 1) return selection;
  return Fail(Code::kUsage, "name agents, or a domain, or all of them");
}

Admin::Answer Admin::PlanMove(const AdminMessage& request, Instant now) {
  const auto selection = ReadSelection(request);
  if (!selection) return std::unexpected(selection.error());
  const auto limit = NumberMember(request, "limit", kMaxNames, kMaxNames);
  if (!limit) return std::unexpected(limit.error());
  if (*limit == 0) return Fail(Code::kUsage, "limit: at least 1 is needed");
  const auto after_text = TextMember(request, "after", "");
  if (!after_text) return std::unexpected(after_text.error());
  const auto after = AgentId::ParseText(*after_text);
  const std::set<AgentId> named(selection->agents.begin(), selection->agents.end());
  COUNTERSIGN_RETURN_IF_ERROR(CheckNamed(server_.world().registry, named));
  PlanCounts counts;
  boost::json::array names;
  std::string next_after;
  store::AgentQuery query;
  query.after = after;
  // The first page counts all; the others end when they are full.
  while (!after || next_after.empty()) {
    const auto rows = server_.world().registry.ListAgents(query);
    if (!rows) return std::unexpected(rows.error());
    for (const auto& row : *rows) {
      if (row.standing == kMoved || row.standing == kRetired) continue;
      if (!IsSelected(*selection, named, row)) continue;
      const auto prospect = Classify(server_, row, counts, now);
      if (names.size() < *limit) {
        names.push_back(PlanJson(server_, row, prospect));
      } else if (next_after.empty()) {
        next_after = std::string(names.back().at("agent").as_string());
      }
    }
    if (rows->size() < query.limit) break;
    query.after = rows->back().id;
  }
  const auto* const active = server_.book().Active();
  AdminMessage answer;
  answer.json = {{"server", active == nullptr ? "" : active->identity.server_ids.front().Text()},
                 {"names", std::move(names)},
                 {"next_after", next_after}};
  if (after) return answer;
  answer.json["agents"] = counts.agents;
  answer.json["at_once"] = counts.at_once;
  answer.json["next_contact"] = counts.next_contact;
  answer.json["unseen"] = counts.unseen;
  answer.json["hands"] = counts.hands;
  return answer;
}

}  // namespace countersign::server
