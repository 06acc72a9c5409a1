#include "cli/mismatched.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "cli/campaign.h"
#include "cli/output.h"
#include "cli/progress.h"

namespace countersign::cli {
namespace {

// How many agents of these standings there are; 0 if that cannot be told.
std::uint64_t CountAgents(Session& session, const std::vector<std::string>& standings) {
  server::AdminMessage request;
  request.json = {{"command", "status"}};
  const auto answer = session.Call(std::move(request));
  const auto* const counts = answer ? answer->json.if_contains("by_standing") : nullptr;
  if (counts == nullptr || !counts->is_object()) return 0;
  std::uint64_t total = 0;
  for (const auto& [standing, count] : counts->get_object()) {
    const bool wanted =
        standings.empty() || std::ranges::find(standings, standing) != standings.end();
    boost::system::error_code failed;
    const auto number = count.to_number<std::uint64_t>(failed);
    if (wanted && !failed) total += number;
  }
  return total;
}

}  // namespace

Status ForEachAgent(Session& session, const std::vector<std::string>& standings,
                    const std::function<void(const boost::json::object&)>& take) {
  std::string after;
  boost::json::array wanted;
  for (const auto& standing : standings) wanted.emplace_back(standing);
  Progress progress("reading the agents");
  COUNTERSIGN_RETURN_IF_ERROR(session.Open());
  const std::uint64_t total = CountAgents(session, standings);
  std::uint64_t done = 0;
  for (;;) {
    server::AdminMessage request;
    request.json = {
        {"command", "agents"}, {"standings", wanted}, {"after", after}, {"limit", kPageLen}};
    const auto answer = session.Call(std::move(request));
    if (!answer) return std::unexpected(answer.error());
    const auto& agents = answer->json.at("agents").as_array();
    for (const auto& agent : agents) take(agent.as_object());
    progress.Advance(done += agents.size(), total);
    after = Text(answer->json, "next_after");
    if (after.empty()) return {};
  }
}

std::vector<std::string> MismatchedStandings() { return {"mismatched", "new", "quarantined"}; }

Result<MismatchedList> MismatchedCsv(Session& session, Bom bom) {
  MismatchedList list{.csv = MismatchedCsvHeader(bom)};
  const auto listed = ForEachAgent(session, MismatchedStandings(), [&](const auto& agent) {
    list.csv += MismatchedCsvRow(agent);
    ++list.num_agents;
  });
  if (!listed) return std::unexpected(listed.error());
  return list;
}

}  // namespace countersign::cli
