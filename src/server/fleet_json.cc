#include "server/fleet_json.h"

#include <algorithm>
#include <string>
#include <utility>

#include "server/present.h"
#include "server/standing.h"

namespace countersign::server {
namespace {

constexpr std::size_t kMaxDomains = 100;

boost::json::object CountsJson(const FleetCounts& counts) {
  return {{"agents", counts.agents},   {"taken", counts.taken},
          {"at_once", counts.at_once}, {"next_contact", counts.next_contact},
          {"unseen", counts.unseen},   {"hands", counts.hands}};
}

void Add(FleetCounts& sum, const FleetCounts& more) {
  sum.agents += more.agents;
  sum.taken += more.taken;
  sum.at_once += more.at_once;
  sum.next_contact += more.next_contact;
  sum.unseen += more.unseen;
  sum.hands += more.hands;
}

boost::json::array DomainsJson(const Fleet& fleet) {
  std::vector<std::pair<std::string, FleetCounts>> domains(fleet.domains.begin(),
                                                           fleet.domains.end());
  std::ranges::stable_sort(
      domains, [](const auto& a, const auto& b) { return a.second.agents > b.second.agents; });
  boost::json::array array;
  FleetCounts others;
  for (std::size_t i = 0; i < domains.size(); ++i) {
    if (i >= kMaxDomains) {
      Add(others, domains[i].second);
      continue;
    }
    boost::json::object domain = CountsJson(domains[i].second);
    domain["domain"] = domains[i].first;
    array.push_back(std::move(domain));
  }
  if (others.agents > 0) {
    boost::json::object domain = CountsJson(others);
    domain["domain"] = nullptr;
    array.push_back(std::move(domain));
  }
  return array;
}

std::string TextOf(std::string_view reason) {
  std::string text = ReasonText(reason);
  if (text.empty() && !reason.empty()) text = "it answered \"" + std::string(reason) + "\"";
  return text;
}

std::string NextOf(const store::AgentRow& row, const Member& member) {
  switch (member.prospect) {
    case Prospect::kTaken:
      return "nothing: it has it";
    case Prospect::kAtOnce:
      return "nothing: it is called";
    case Prospect::kNextContact:
      return "nothing: it takes the certificate over at its next contact";
    case Prospect::kUnseen:
      return "nothing: it takes the certificate over when it is back";
    case Prospect::kHands:
      return NextStep(kMismatched, member.reason, row.id);
  }
  return "";
}

// What a person does next, by the state.
std::string_view NextOf(trust::RolloutState state) {
  switch (state) {
    case trust::RolloutState::kPlanned:
    case trust::RolloutState::kCanary:
      return "nothing: it goes on by itself; countersign rollout resume offers it to everybody now";
    case trust::RolloutState::kRolling:
      return "nothing: it goes on by itself; countersign rollout pause stops it";
    case trust::RolloutState::kGate:
      return "countersign rollout finish";
    case trust::RolloutState::kPaused:
      return "countersign rollout resume, abort or rollback";
    case trust::RolloutState::kHalted:
      return "countersign rollout plan --names hands; then countersign rollout resume, abort or "
             "rollback";
    case trust::RolloutState::kFinished:
    case trust::RolloutState::kAborted:
      return "";
  }
  return "";
}

}  // namespace

boost::json::object FleetJson(const Fleet& fleet) {
  boost::json::object json = CountsJson(fleet.all);
  boost::json::array unseen;
  for (std::size_t i = 0; i < kUnseenDays.size(); ++i) {
    unseen.push_back(
        boost::json::object{{"days", kUnseenDays.at(i)}, {"agents", fleet.unseen_since.at(i)}});
  }
  json["unseen_since"] = std::move(unseen);
  json["never_seen"] = fleet.never_seen;
  boost::json::array reasons;
  for (const auto& [reason, count] : fleet.reasons) {
    reasons.push_back(
        boost::json::object{{"reason", reason}, {"text", TextOf(reason)}, {"agents", count}});
  }
  json["reasons"] = std::move(reasons);
  json["domains"] = DomainsJson(fleet);
  return json;
}

boost::json::object MemberJson(const store::AgentRow& row, const Member& member) {
  return {{"agent", row.id.Text()},
          {"host", row.host},
          {"domain", row.domain},
          {"class", ProspectName(member.prospect)},
          {"reason", member.reason},
          {"text", TextOf(member.reason)},
          {"next", NextOf(row, member)},
          {"last_contact", row.last_contact ? FormatUtc(*row.last_contact) : ""}};
}

boost::json::object RolloutJson(const IdentityBook& book, const store::RolloutRow& row,
                                const std::optional<trust::RolloutCounts>& counts) {
  const trust::Rollout& rollout = row.rollout;
  const auto* const entry = book.FindServer(rollout.thumbprint);
  const auto* const active = book.Active();
  const bool under_way = trust::IsUnderWay(rollout.state);
  boost::json::object json{
      {"state", trust::RolloutStateName(rollout.state)},
      {"generation", rollout.generation},
      {"serial", entry == nullptr ? "" : entry->certificate.serial()},
      {"since", FormatUtc(rollout.since)},
      {"started", FormatUtc(rollout.started)},
      {"by", row.by},
      {"canary_share", rollout.terms.canary_share},
      {"domains", TextsJson(rollout.terms.domains)},
      {"rate", rollout.terms.rate_per_hour},
      {"halt_at", rollout.terms.halt_at},
      {"soak_seconds", rollout.terms.soak.count()},
      {"why", rollout.why},
      {"must_end_by",
       under_way && active != nullptr ? FormatUtc(active->certificate.not_after()) : ""},
      {"next", NextOf(rollout.state)}};
  if (!counts) return json;
  json["agents"] = counts->agents;
  json["taken"] = counts->taken;
  json["sent"] = counts->sent;
  json["refused"] = counts->refused;
  const std::uint64_t asked = counts->taken + counts->sent + counts->refused;
  json["waiting"] = counts->agents - std::min(counts->agents, asked);
  return json;
}

}  // namespace countersign::server
