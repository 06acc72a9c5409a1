#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "server/admin.h"
#include "server/admin_request.h"
#include "server/fleet_json.h"
#include "server/rollout.h"
#include "server/rollout_request.h"
#include "server/standing.h"

// Rollouts: beginning, looking at and steering one (protocol section 9).
namespace countersign::server {
namespace {

// How many agents the first wave would have: those of the domains, and about the share of the
// others (of all others exactly, where no domain is named).
std::uint64_t CanaryOf(const trust::RolloutTerms& terms, const Fleet& fleet) {
  std::uint64_t in_domains = 0;
  for (const auto& [domain, counts] : fleet.domains) {
    const bool is_in = std::ranges::any_of(
        terms.domains, [&](const std::string& of) { return trust::IsInDomain(domain, of); });
    if (is_in) in_domains += counts.agents;
  }
  const std::uint64_t others = fleet.all.agents - in_domains;
  return in_domains + (others * terms.canary_share + trust::kEverybody - 1) / trust::kEverybody;
}

// Gate is who has not taken the certificate over, those first who need hands.
struct Gate {
  Fleet fleet;
  boost::json::array names;
  bool is_shown = false;  // and nobody has come to need hands since
};

Result<Gate> LookAtGate(Server& server, Instant now) {
  Gate gate;
  auto shown = server.rollout() ? server.rollout()->rollout.gate_shown : std::nullopt;
  if (shown && *shown > now) shown.reset();  // the clock was set back since
  gate.is_shown = shown.has_value();
  boost::json::array others;
  auto fleet = LookAtFleet(server, now, [&](const store::AgentRow& row, const Member& member) {
    if (member.prospect == Prospect::kTaken) return;
    const bool hands = member.prospect == Prospect::kHands;
    if (hands && shown && member.since >= *shown) gate.is_shown = false;
    boost::json::array& to = hands ? gate.names : others;
    if (to.size() < kMaxNames) to.push_back(MemberJson(row, member));
  });
  if (!fleet) return std::unexpected(std::move(fleet).error());
  gate.fleet = *std::move(fleet);
  for (auto& other : others) {
    if (gate.names.size() >= kMaxNames) break;
    gate.names.push_back(std::move(other));
  }
  return gate;
}

// MayHold names the agents that were sent the certificate of an aborted rollout: without its key
// they obey nobody until the next one.
Result<boost::json::array> MayHold(Server& server) {
  store::Registry& registry = server.world().registry;
  boost::json::array names;
  for (const auto* const entry : server.book().Aborted()) {
    const auto offers = registry.ListOffers(entry->identity.generation, std::nullopt, kMaxNames);
    if (!offers) return std::unexpected(offers.error());
    for (const auto& offer : *offers) {
      const auto row = registry.FindAgent(offer.agent);
      if (!row) return std::unexpected(row.error());
      if (!*row || names.size() >= kMaxNames) continue;
      names.push_back(MemberJson(**row, {Prospect::kHands, "aborted", offer.since}));
    }
  }
  return names;
}

// WereNamed: a person was shown who may hold each of the aborted certificates, also of one that a
// rollback aborted. From now on each was.
Result<bool> WereNamed(Server& server, Instant now) {
  store::Registry& registry = server.world().registry;
  auto rows = registry.ListRollouts(kMaxNames);
  if (!rows) return std::unexpected(std::move(rows).error());
  bool named = true;
  for (auto& row : *rows) {
    const auto* const entry = server.book().FindServer(row.rollout.thumbprint);
    const bool kept = entry != nullptr && entry->row.state == store::CertificateState::kAborted;
    if (!kept || row.rollout.gate_shown) continue;
    named = false;
    row.rollout.gate_shown = now;
    COUNTERSIGN_RETURN_IF_ERROR(registry.PutRollout(row));
  }
  return named;
}

}  // namespace

Admin::Answer Admin::PlanRollout(const AdminMessage& request, Instant now) {
  const auto terms = ReadTerms(request);
  if (!terms) return std::unexpected(terms.error());
  const auto wanted = ReadClass(request);
  if (!wanted) return std::unexpected(wanted.error());
  const auto limit = NumberMember(request, "limit", kMaxNames, kMaxNames);
  if (!limit) return std::unexpected(limit.error());
  if (*limit == 0) return Fail(Code::kUsage, "limit: at least 1 is needed");
  const auto after_text = TextMember(request, "after", "");
  if (!after_text) return std::unexpected(after_text.error());
  const auto after = AgentId::ParseText(*after_text);
  boost::json::array names;
  std::string next_after;
  const auto fleet =
      LookAtFleet(server_, now, [&](const store::AgentRow& row, const Member& member) {
        if (!*wanted || member.prospect != **wanted || (after && row.id <= *after)) return;
        if (names.size() < *limit) {
          names.push_back(MemberJson(row, member));
          return;
        }
        if (next_after.empty()) next_after = std::string(names.back().at("agent").as_string());
      });
  if (!fleet) return std::unexpected(fleet.error());
  AdminMessage answer;
  answer.json = {{"fleet", FleetJson(*fleet)},
                 {"canary", CanaryOf(*terms, *fleet)},
                 {"names", std::move(names)},
                 {"next_after", next_after}};
  return answer;
}

Admin::Answer Admin::StartRollout(const AdminMessage& request, Instant now) {
  const auto terms = ReadTerms(request);
  if (!terms) return std::unexpected(terms.error());
  const auto from_reserve = FlagMember(request, "from_reserve");
  if (!from_reserve) return std::unexpected(from_reserve.error());
  const auto clock = FlagMember(request, "clock_is_right");
  if (!clock) return std::unexpected(clock.error());
  const SecretBytes* password = nullptr;
  if (!*from_reserve) {
    const auto given = Secret(request, 0);
    if (!given) return std::unexpected(given.error());
    password = *given;
  }
  const auto issued = server::StartRollout(server_.world(), server_.config(), password, *terms,
                                           *clock ? ClockIsRight::kYes : ClockIsRight::kNo, now);
  return WithRollout(Changed(issued, now), now);
}

Admin::Answer Admin::WithRollout(Answer answer, Instant now) {
  if (!answer) return answer;
  server_.AdvanceRollout(now);
  if (!server_.rollout()) return answer;
  const auto counts = server_.CountRollout();
  if (!counts) return std::unexpected(counts.error());
  answer->json["rollout"] = RolloutJson(server_.book(), *server_.rollout(), *counts);
  return answer;
}

Admin::Answer Admin::RolloutStatus(const AdminMessage&, Instant) {
  store::Registry& registry = server_.world().registry;
  AdminMessage answer;
  if (server_.rollout()) {
    const auto counts = server_.CountRollout();
    if (!counts) return std::unexpected(counts.error());
    answer.json["rollout"] = RolloutJson(server_.book(), *server_.rollout(), *counts);
  }
  const auto rows = registry.ListRollouts(kEarlierShown + 1);
  if (!rows) return std::unexpected(rows.error());
  boost::json::array earlier;
  for (const auto& row : *rows) {
    if (trust::IsUnderWay(row.rollout.state) || earlier.size() >= kEarlierShown) continue;
    earlier.push_back(RolloutJson(server_.book(), row, std::nullopt));
  }
  boost::json::array kept;
  for (const auto* const entry : server_.book().Aborted()) {
    const auto counts = registry.CountOffers(entry->identity.generation);
    if (!counts) return std::unexpected(counts.error());
    kept.push_back(boost::json::object{{"generation", entry->identity.generation},
                                       {"serial", entry->certificate.serial()},
                                       {"agents", counts->sent + counts->taken + counts->refused}});
  }
  answer.json["earlier"] = std::move(earlier);
  answer.json["kept"] = std::move(kept);
  return answer;
}

Admin::Answer Admin::PauseRollout(const AdminMessage&, Instant now) {
  COUNTERSIGN_RETURN_IF_ERROR(server::PauseRollout(server_.world(), now));
  COUNTERSIGN_RETURN_IF_ERROR(server_.LoadRollout());
  return WithRollout(AdminMessage(), now);
}

Admin::Answer Admin::ResumeRollout(const AdminMessage& request, Instant now) {
  const auto options = ReadResumeOptions(request);
  if (!options) return std::unexpected(options.error());
  COUNTERSIGN_RETURN_IF_ERROR(server::ResumeRollout(server_.world(), *options, now));
  COUNTERSIGN_RETURN_IF_ERROR(server_.LoadRollout());
  return WithRollout(AdminMessage(), now);
}

Admin::Answer Admin::FinishRollout(const AdminMessage& request, Instant now) {
  const auto accept = FlagMember(request, "accept");
  if (!accept) return std::unexpected(accept.error());
  if (!server_.rollout()) {
    return Fail(Code::kNotFound, "no rollout is under way", "countersign rollout start");
  }
  auto gate = LookAtGate(server_, now);
  if (!gate) return std::unexpected(std::move(gate).error());
  const bool all_have_it = gate->fleet.all.taken == gate->fleet.all.agents;
  AdminMessage answer;
  answer.json = {
      {"done", true}, {"fleet", FleetJson(gate->fleet)}, {"names", std::move(gate->names)}};
  if (all_have_it || (*accept && gate->is_shown)) {
    const auto issued = server::FinishRollout(server_.world(), now);
    auto changed = Changed(issued, now);
    if (!changed) return changed;
    for (auto& member : changed->json) answer.json[member.key()] = std::move(member.value());
    return answer;
  }
  answer.json["done"] = false;
  COUNTERSIGN_RETURN_IF_ERROR(server_.GateShown(now));
  return WithRollout(std::move(answer), now);
}

Admin::Answer Admin::AbortRollout(const AdminMessage& request, Instant now) {
  const auto accept = FlagMember(request, "accept");
  if (!accept) return std::unexpected(accept.error());
  // Only what was aborted before, and named, is given up.
  const bool was_under_way = server_.rollout().has_value();
  const auto named = was_under_way ? Result<bool>(true) : WereNamed(server_, now);
  if (!named) return std::unexpected(named.error());
  const Strand strand = *accept && !was_under_way && *named ? Strand::kYes : Strand::kNo;
  auto names = MayHold(server_);
  if (!names) return std::unexpected(std::move(names).error());
  const bool only_shows =
      strand == Strand::kNo && !was_under_way && !server_.book().Aborted().empty();
  if (!only_shows) {
    COUNTERSIGN_RETURN_IF_ERROR(server::AbortRollout(server_.world(), strand, now));
    COUNTERSIGN_RETURN_IF_ERROR(server_.Reload(now));
  }
  if (was_under_way) {
    names = MayHold(server_);
    if (!names) return std::unexpected(std::move(names).error());
  }
  const auto fleet = LookAtFleet(server_, now);
  if (!fleet) return std::unexpected(fleet.error());
  AdminMessage answer;
  const bool done = strand == Strand::kYes || (!*accept && was_under_way) || names->empty();
  answer.json = {{"done", done}, {"fleet", FleetJson(*fleet)}, {"names", *std::move(names)}};
  return answer;
}

Admin::Answer Admin::RollBack(const AdminMessage& request, Instant now) {
  const auto clock = FlagMember(request, "clock_is_right");
  if (!clock) return std::unexpected(clock.error());
  const auto password = Secret(request, 0);
  if (!password) return std::unexpected(password.error());
  return Changed(server::RollBack(server_.world(), server_.config(), **password,
                                  *clock ? ClockIsRight::kYes : ClockIsRight::kNo, now),
                 now);
}

}  // namespace countersign::server
