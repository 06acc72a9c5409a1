#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <set>
#include <utility>

#include "base/encoding.h"
#include "base/process.h"
#include "server/admin.h"
#include "server/admin_request.h"
#include "server/fleet.h"
#include "server/issuing_internal.h"
#include "server/move.h"
#include "server/move_warrants.h"
#include "server/standing.h"
#include "trust/rollout.h"

// Moves: planning, beginning, looking at and steering one, and announcing agents.
namespace countersign::server {
namespace {

using store::MoveState;
using store::MovingState;

constexpr std::size_t kMaxNames = 1'000;
constexpr std::size_t kEarlierShown = 10;
constexpr std::uint64_t kMostRate = 1'000'000;
constexpr std::uint64_t kMostDays = 365;

std::string_view StateName(MoveState state) {
  switch (state) {
    case MoveState::kRunning:
      return "running";
    case MoveState::kHalted:
      return "halted";
    case MoveState::kFinished:
      return "finished";
    case MoveState::kAborted:
      break;
  }
  return "aborted";
}

boost::json::array TextsJson(const std::vector<std::string>& texts) {
  boost::json::array array;
  for (const auto& text : texts) array.emplace_back(text);
  return array;
}

Result<boost::json::object> MoveJson(store::MoveTable& table, const store::MoveRow& move) {
  const auto counts = table.CountMoving(move.id);
  if (!counts) return std::unexpected(counts.error());
  const auto reasons = table.CountReasons(move.id);
  if (!reasons) return std::unexpected(reasons.error());
  boost::json::array why;
  for (const auto& one : *reasons) {
    why.push_back(boost::json::object{
        {"reason", one.reason}, {"text", MoveReasonText(one.reason)}, {"agents", one.count}});
  }
  return boost::json::object{{"move", move.id},
                             {"state", StateName(move.state)},
                             {"server", move.server.Text()},
                             {"owner", HexLower(move.owner)},
                             {"addresses", TextsJson(move.addresses)},
                             {"rate_per_minute", move.rate_per_minute},
                             {"halt_at", move.halt_at},
                             {"started", FormatUtc(move.started)},
                             {"since", FormatUtc(move.since)},
                             {"warrant_until", FormatUtc(move.expires)},
                             {"by", move.by},
                             {"why", move.why},
                             {"agents", counts->all()},
                             {"waiting", counts->waiting},
                             {"ordered", counts->ordered},
                             {"moved", counts->moved},
                             {"failed", counts->failed},
                             {"reasons", std::move(why)}};
}

Result<Selection> ReadSelection(const AdminMessage& request) {
  Selection selection;
  auto agents = AgentsMember(request);
  if (!agents) return std::unexpected(std::move(agents).error());
  selection.agents = *std::move(agents);
  auto domain = TextMember(request, "domain", "");
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

boost::json::object PlanJson(const store::AgentRow& row, std::string_view prospect) {
  const std::string why = WhyNotMovable(row).value_or("");
  return {{"agent", row.id.Text()},
          {"host", row.host},
          {"domain", row.domain},
          {"class", prospect},
          {"reason", why},
          {"reason_text", ReasonText(why)},
          {"next_step", why.empty() ? "" : NextStep(row.standing, why, row.id)}};
}

Result<MoveStart> ReadStart(Server& server, const AdminMessage& request) {
  const auto selection = ReadSelection(request);
  if (!selection) return std::unexpected(selection.error());
  const auto text = TextMember(request, "target", "");
  if (!text) return std::unexpected(text.error());
  auto target = wire::ParseMoveAnnouncement(*text);
  if (!target) return std::unexpected(std::move(target).error());
  const MoveTerms usual;
  const auto rate = NumberMember(request, "rate", usual.rate_per_minute, kMostRate);
  if (!rate) return std::unexpected(rate.error());
  const auto halt_at = NumberMember(request, "halt_at", usual.halt_at, trust::kEverybody);
  if (!halt_at) return std::unexpected(halt_at.error());
  auto selected = Select(server, *selection);
  if (!selected) return std::unexpected(std::move(selected).error());
  MoveStart start{
      .target = *std::move(target),
      .selected = *std::move(selected),
      .warrants = {},
      .terms = {.rate_per_minute = *rate, .halt_at = static_cast<std::uint32_t>(*halt_at)}};
  for (const Bytes& blob : request.blobs) {
    // One warrant on each line, as `move warrant` writes them.
    std::string_view rest = AsText(blob);
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      const auto line = rest.substr(0, end);
      if (!line.empty()) start.warrants.emplace_back(line);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
  }
  return start;
}

}  // namespace

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
        names.push_back(PlanJson(row, prospect));
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

Admin::Answer Admin::StartMove(const AdminMessage& request, Instant now) {
  auto start = ReadStart(server_, request);
  if (!start) return std::unexpected(std::move(start).error());
  World& world = server_.world();
  if (start->warrants.empty()) {
    const auto password = Secret(request, 0);
    if (!password) return std::unexpected(password.error());
    const auto* const active = server_.book().Active();
    if (active == nullptr) {
      return Fail(Code::kRefused, "this server has no certificate: agents take no orders of it",
                  "CertificateManager -c PASSWORD");
    }
    const auto all = FlagMember(request, "all");
    const auto file = ReadBackupFile(world);
    if (!file) return std::unexpected(file.error());
    MoveWarrants wanted{.server = active->identity.server_ids.front(),
                        .target = start->target.target};
    // One for all is good for those that join later, too.
    if (!all || !*all) wanted.agents = start->selected.agents;
    auto warrants = MakeMoveWarrants(*file, **password, wanted, world.random, now);
    if (!warrants) return std::unexpected(std::move(warrants).error());
    start->warrants = *std::move(warrants);
  }
  const auto move = server::StartMove(server_, *start, now);
  if (!move) return std::unexpected(move.error());
  server_.AdvanceMove(now);
  auto json = MoveJson(world.registry.moves(), *move);
  if (!json) return std::unexpected(std::move(json).error());
  AdminMessage answer;
  answer.json = {{"move", *std::move(json)},
                 {"left_out", start->selected.left_out},
                 {"warrants", start->warrants.size()}};
  return answer;
}

Admin::Answer Admin::MoveStatus(const AdminMessage& request, Instant now) {
  store::MoveTable& table = server_.world().registry.moves();
  const auto rows = table.ListMoves(kEarlierShown + 1);
  if (!rows) return std::unexpected(rows.error());
  AdminMessage answer;
  boost::json::array earlier;
  for (const auto& row : *rows) {
    auto json = MoveJson(table, row);
    if (!json) return std::unexpected(std::move(json).error());
    const bool moves = row.state == MoveState::kRunning || row.state == MoveState::kHalted;
    if (moves) {
      answer.json["move"] = *std::move(json);
    } else if (earlier.size() < kEarlierShown) {
      earlier.push_back(*std::move(json));
    }
  }
  answer.json["earlier"] = std::move(earlier);
  const auto expected = table.CountExpected(now);
  if (!expected) return std::unexpected(expected.error());
  answer.json["expected"] = boost::json::object{{"expected", expected->expected},
                                                {"arriving", expected->arriving},
                                                {"arrived", expected->arrived}};
  const auto state = TextMember(request, "names", "");
  if (!state) return std::unexpected(state.error());
  if (state->empty() || rows->empty()) return answer;
  return NameMoving(std::move(answer), request, rows->front().id);
}

Admin::Answer Admin::NameMoving(AdminMessage answer, const AdminMessage& request,
                                std::int64_t move) {
  static constexpr std::array kStates = {MovingState::kWaiting, MovingState::kOrdered,
                                         MovingState::kMoved, MovingState::kFailed};
  const auto name = TextMember(request, "names", "");
  if (!name) return std::unexpected(name.error());
  const auto* const state = std::ranges::find(kStates, *name, store::MovingStateName);
  if (state == kStates.end()) {
    return Fail(Code::kUsage, "names: there are waiting, ordered, moved and failed");
  }
  const auto after = TextMember(request, "after", "");
  if (!after) return std::unexpected(after.error());
  store::Registry& registry = server_.world().registry;
  const auto rows =
      registry.moves().ListMoving(move, *state, AgentId::ParseText(*after), kMaxNames);
  if (!rows) return std::unexpected(rows.error());
  boost::json::array names;
  for (const auto& row : *rows) {
    const auto agent = registry.FindAgent(row.agent);
    if (!agent) return std::unexpected(agent.error());
    names.push_back(boost::json::object{{"agent", row.agent.Text()},
                                        {"host", *agent ? (*agent)->host : ""},
                                        {"domain", *agent ? (*agent)->domain : ""},
                                        {"state", store::MovingStateName(row.state)},
                                        {"reason", row.reason},
                                        {"reason_text", MoveReasonText(row.reason)},
                                        {"said", row.text},
                                        {"since", FormatUtc(row.since)},
                                        {"next_step", MoveNextStep(row)}});
  }
  answer.json["names"] = std::move(names);
  answer.json["next_after"] = rows->size() == kMaxNames ? rows->back().agent.Text() : "";
  return answer;
}

Admin::Answer Admin::ResumeMove(const AdminMessage& request, Instant now) {
  MoveChange change;
  if (request.json.contains("rate")) {
    const auto rate = NumberMember(request, "rate", 0, kMostRate);
    if (!rate) return std::unexpected(rate.error());
    change.rate_per_minute = *rate;
  }
  if (request.json.contains("halt_at")) {
    const auto halt_at = NumberMember(request, "halt_at", 0, trust::kEverybody);
    if (!halt_at) return std::unexpected(halt_at.error());
    change.halt_at = static_cast<std::uint32_t>(*halt_at);
  }
  COUNTERSIGN_RETURN_IF_ERROR(server::ResumeMove(server_, change, now));
  server_.AdvanceMove(now);
  return MoveStatus({}, now);
}

Admin::Answer Admin::AbortMove(const AdminMessage&, Instant now) {
  COUNTERSIGN_RETURN_IF_ERROR(server::AbortMove(server_, now));
  return MoveStatus({}, now);
}

Admin::Answer Admin::ExpectAgents(const AdminMessage& request, Instant now) {
  Expectation expectation;
  auto agents = AgentsMember(request);
  if (!agents) return std::unexpected(std::move(agents).error());
  if (agents->empty()) return Fail(Code::kUsage, "at least one agent id is needed");
  expectation.agents = *std::move(agents);
  const auto from = TextMember(request, "from_server", "");
  if (!from) return std::unexpected(from.error());
  const auto server = ServerId::ParseText(*from);
  if (!server) return Fail(Code::kUsage, "from_server: the id of the server that they come from");
  expectation.from = *server;
  if (server_.book().IsOurs(*server)) {
    return Fail(Code::kRefused,
                "the list is of this server's own agents: run this on the server that they go to");
  }
  const auto days = NumberMember(request, "days", 30, kMostDays);
  if (!days) return std::unexpected(days.error());
  if (*days == 0) return Fail(Code::kUsage, "days: at least 1 is needed");
  expectation.until = now + std::chrono::hours(24 * static_cast<std::int64_t>(*days));
  auto addresses = TextsMember(request, "addresses");
  if (!addresses) return std::unexpected(std::move(addresses).error());
  if (addresses->empty()) {
    const store::ServerConfig& config = server_.config();
    const std::string host = config.public_host.empty() ? HostName() : config.public_host;
    addresses->push_back(wire::FormatMoveAddress({host, config.http_port, config.https_port}));
  }
  auto announcement = AnnouncementOf(server_.book(), *std::move(addresses));
  if (!announcement) return std::unexpected(std::move(announcement).error());
  const std::string text = wire::FormatMoveAnnouncement(*announcement);
  // What the other side would not read is not given out.
  if (const auto read = wire::ParseMoveAnnouncement(text); !read) {
    return std::unexpected(read.error());
  }
  COUNTERSIGN_RETURN_IF_ERROR(server::ExpectAgents(server_.world(), expectation, now));
  AdminMessage answer;
  answer.json = {{"target", text},
                 {"server", announcement->target.server.Text()},
                 {"owner", HexLower(announcement->target.owner)},
                 {"generation", announcement->target.generation},
                 {"addresses", TextsJson(announcement->target.addresses)},
                 {"agents", expectation.agents.size()},
                 {"until", FormatUtc(expectation.until)}};
  return answer;
}

}  // namespace countersign::server
