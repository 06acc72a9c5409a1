#include "server/admin_move.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "base/encoding.h"
#include "server/admin.h"
#include "server/admin_request.h"
#include "server/issuing_internal.h"
#include "server/move.h"
#include "server/move_warrants.h"
#include "server/next_steps.h"
#include "server/present.h"
#include "server/standing.h"
#include "trust/rollout.h"

// Moves: beginning, looking at and steering one.
namespace countersign::server {
namespace {

using store::MoveState;
using store::MovingState;

constexpr std::uint64_t kMostPerMinute = 1'000'000;

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

Result<MoveStart> ReadStart(Server& server, const AdminMessage& request) {
  const auto selection = ReadSelection(request);
  if (!selection) return std::unexpected(selection.error());
  const auto text = TextMember(request, "target", "");
  if (!text) return std::unexpected(text.error());
  auto target = wire::ParseMoveAnnouncement(*text);
  if (!target) return std::unexpected(std::move(target).error());
  const MoveTerms usual;
  const auto rate = NumberMember(request, "rate", usual.rate_per_minute, kMostPerMinute);
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

Admin::Answer Admin::StartMove(const AdminMessage& request, Instant now) {
  auto start = ReadStart(server_, request);
  if (!start) return std::unexpected(std::move(start).error());
  World& world = server_.world();
  // Where nobody is to be moved no warrant is made: without agents it would be one for all.
  if (start->warrants.empty() && !start->selected.agents.empty()) {
    const auto password = Secret(request, 0);
    if (!password) return std::unexpected(password.error());
    if (server_.book().Active() == nullptr) {
      return Fail(Code::kRefused, "this server has no certificate: agents take no orders of it",
                  std::string(kReplaceCommand));
    }
    const auto all = FlagMember(request, "all");
    const auto file = ReadBackupFile(world);
    if (!file) return std::unexpected(file.error());
    MoveWarrants wanted{.agents = start->selected.agents, .target = start->target.target};
    if (all && *all) {
      for (auto& [held, agents] : wanted.agents) agents.clear();  // one for all of that server
    }
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
                 {"moved_already", start->selected.moved},
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
  return NameMoving(std::move(answer), request, rows->front());
}

Admin::Answer Admin::NameMoving(AdminMessage answer, const AdminMessage& request,
                                const store::MoveRow& move) {
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
      registry.moves().ListMoving(move.id, *state, AgentId::ParseText(*after), kMaxNames);
  if (!rows) return std::unexpected(rows.error());
  boost::json::array names;
  for (const auto& row : *rows) {
    const auto found = registry.FindAgent(row.agent);
    if (!found) return std::unexpected(found.error());
    const auto& agent = *found;
    names.push_back(boost::json::object{{"agent", row.agent.Text()},
                                        {"host", agent ? agent->host : ""},
                                        {"domain", agent ? agent->domain : ""},
                                        {"state", store::MovingStateName(row.state)},
                                        {"reason", row.reason},
                                        {"reason_text", MoveReasonText(row.reason)},
                                        {"said", row.text},
                                        {"since", FormatUtc(row.since)},
                                        {"next_step", MoveNextStep(row, move.state)}});
  }
  answer.json["names"] = std::move(names);
  answer.json["next_after"] = rows->size() == kMaxNames ? rows->back().agent.Text() : "";
  return answer;
}

Admin::Answer Admin::ResumeMove(const AdminMessage& request, Instant now) {
  MoveChange change;
  if (request.json.contains("rate")) {
    const auto rate = NumberMember(request, "rate", 0, kMostPerMinute);
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

}  // namespace countersign::server
