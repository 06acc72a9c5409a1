#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <utility>

#include "server/events.h"
#include "server/move.h"
#include "server/standing.h"

// How a campaign goes on: who is ordered away next, and what follows from the answers.
namespace countersign::server {
namespace {

using store::MoveRow;
using store::MoveState;
using store::MovingRow;
using store::MovingState;

constexpr std::size_t kAtOnce = 200;
constexpr std::size_t kMovingAtOnce = 1'000;
constexpr std::size_t kMaxTextLen = 512;
// Where the next sweep goes on.
constexpr std::string_view kMetaSwept = "move-swept";
constexpr Seconds kExpectedKept = std::chrono::hours(24 * 90);

// A minute's rate is spread over it. Times ahead of `now`, which a clock that was set back leaves,
// begin anew.
std::uint64_t OrdersLeft(MoveRow& move, Instant now) {
  if (move.rate_per_minute == 0) return kAtOnce;
  const Seconds past = now - move.rate_since;
  if (past < Seconds(0) || past >= Seconds(60)) {
    move.rate_since = now;
    move.rate_used = 0;
  }
  const auto seconds = static_cast<std::uint64_t>((now - move.rate_since).count()) + 1;
  const std::uint64_t allowed = (move.rate_per_minute * seconds + 59) / 60;
  return std::min<std::uint64_t>(kAtOnce, allowed - std::min(allowed, move.rate_used));
}

// The same rule as a rollout's: the share of those that answered.
bool IsTooMany(const MoveRow& move, const store::MovingCounts& counts) {
  const std::uint64_t answered = counts.moved + counts.failed;
  return counts.failed > 0 && counts.failed * 10'000 > answered * move.halt_at;
}

Status End(World& world, MoveRow& move, MoveState state, const std::string& why, Instant now) {
  move.state = state;
  move.since = now;
  move.why = state == MoveState::kHalted ? why : "";
  COUNTERSIGN_RETURN_IF_ERROR(world.registry.moves().PutMove(move));
  const bool halted = state == MoveState::kHalted;
  world.log.Write(halted ? LogLevel::kError : LogLevel::kInfo,
                  std::string("move-") + (halted ? "halted: " : "finished: ") + why +
                      (halted ? "; run countersign move status" : ""));
  return RecordEvent(world, {.id = 0,
                             .at = now,
                             .kind = halted ? "move-halted" : "move-finished",
                             .agent = "",
                             .text = why});
}

Status Fails(World& world, MovingRow row, std::string_view reason, std::string text, Instant now) {
  row.state = MovingState::kFailed;
  row.reason = reason;
  row.text = std::move(text);
  row.since = now;
  return world.registry.moves().PutMoving(row);
}

// GiveUp ends the attempt to move an agent. One that had moved, and of which only an older copy was
// ordered away again, has moved all the same: its tombstone stays.
Status GiveUp(World& world, MovingRow row, std::string_view reason, Instant now) {
  const auto agent = world.registry.FindAgent(row.agent);
  if (!agent) return std::unexpected(agent.error());
  if (!*agent || (*agent)->forgotten || (*agent)->moved_to.empty()) {
    return Fails(world, std::move(row), reason, "", now);
  }
  row.state = MovingState::kMoved;
  row.since = now;
  return world.registry.moves().PutMoving(row);
}

// Everybody who is left when the first warrant runs out.
Status Expire(World& world, const MoveRow& move, Instant now) {
  for (const MovingState state : {MovingState::kWaiting, MovingState::kOrdered}) {
    for (;;) {
      const auto rows =
          world.registry.moves().ListMoving(move.id, state, std::nullopt, kMovingAtOnce);
      if (!rows) return std::unexpected(rows.error());
      for (const auto& row : *rows) {
        COUNTERSIGN_RETURN_IF_ERROR(GiveUp(world, row, kWarrantExpired, now));
      }
      if (rows->size() < kMovingAtOnce) break;
    }
  }
  return {};
}

Status OrderAway(Server& server, const MoveRow& move, MovingRow row, Instant now) {
  World& world = server.world();
  const auto agent = world.registry.FindAgent(row.agent);
  if (!agent) return std::unexpected(agent.error());
  if (!*agent || (*agent)->forgotten) return Fails(world, row, kGone, "", now);
  if ((*agent)->moved_to == move.server.Urn() && (*agent)->standing == kMoved) {
    row.state = MovingState::kMoved;
    row.since = now;
    return world.registry.moves().PutMoving(row);
  }
  if (const auto why = WhyNotMovable(**agent)) {
    if (!(*agent)->moved_to.empty()) return GiveUp(world, std::move(row), kNeedsHands, now);
    return Fails(world, row, kNeedsHands, ReasonText(*why), now);
  }
  const Seconds lasts = std::max(Seconds(60), move.expires - now);
  const bool holds_active = server.book().Active() != nullptr &&
                            (*agent)->held_thumbprint == server.book().Active()->row.thumbprint;
  // An order to move has no room for the bundle by which the agent catches up: that comes with the
  // reply to the report that this asks for, and the order to move with it.
  if (!holds_active && server.AddressOf(**agent)) {
    COUNTERSIGN_RETURN_IF_ERROR(
        server.GiveOrder(row.agent, std::string(kUpdateNow), "", lasts, now));
  }
  COUNTERSIGN_RETURN_IF_ERROR(server.GiveOrder(row.agent, std::string(kMoveAct), "", lasts, now));
  row.state = MovingState::kOrdered;
  row.since = now;
  ++row.tries;
  return world.registry.moves().PutMoving(row);
}

Status MoveOn(Server& server, MoveRow move, Instant now) {
  World& world = server.world();
  store::MoveTable& table = world.registry.moves();
  if (now >= move.expires) COUNTERSIGN_RETURN_IF_ERROR(Expire(world, move, now));
  const auto counts = table.CountMoving(move.id);
  if (!counts) return std::unexpected(counts.error());
  const std::string so_far = std::to_string(counts->moved) + " of " +
                             std::to_string(counts->all()) + " agents moved, " +
                             std::to_string(counts->failed) + " failed";
  const bool is_over = counts->waiting == 0 && counts->ordered == 0;
  if (is_over && counts->failed == 0) return End(world, move, MoveState::kFinished, so_far, now);
  if (now < move.expires && IsTooMany(move, *counts)) {
    COUNTERSIGN_RETURN_IF_ERROR(WithdrawOrders(world, move, now));
    return End(world, move, MoveState::kHalted, so_far, now);
  }
  if (is_over) return End(world, move, MoveState::kFinished, so_far, now);
  const std::uint64_t left = OrdersLeft(move, now);
  if (left == 0 || counts->waiting == 0) return {};
  const auto rows = table.ListMoving(move.id, MovingState::kWaiting, std::nullopt,
                                     static_cast<std::size_t>(left));
  if (!rows) return std::unexpected(rows.error());
  for (const auto& row : *rows) {
    COUNTERSIGN_RETURN_IF_ERROR(OrderAway(server, move, row, now));
    ++move.rate_used;
  }
  return table.PutMove(move);
}

// A member of the result, which the agent wrote: untrusted, and cut.
std::string Said(const store::OrderRow& order, std::string_view name) {
  boost::system::error_code failed;
  const auto value = boost::json::parse(order.result, failed);
  if (failed || !value.is_object()) return {};
  const auto* const member = value.get_object().if_contains(name);
  if (member == nullptr || !member->is_string()) return {};
  return std::string(std::string_view(member->get_string()).substr(0, kMaxTextLen));
}

// A stable word and nothing else.
bool IsWord(std::string_view text) {
  constexpr std::size_t kLongest = 32;
  return !text.empty() && text.size() <= kLongest &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

Status SweepOne(World& world, MovingRow row, Instant now) {
  const auto open = world.registry.AllOpenOrders(row.agent, kMoveAct);
  if (!open) return std::unexpected(open.error());
  if (!open->empty()) return {};
  const auto agent = world.registry.FindAgent(row.agent);
  if (!agent) return std::unexpected(agent.error());
  // One that had moved is ordered away when it is back again.
  const bool had_moved = *agent && !(*agent)->moved_to.empty();
  if (row.tries >= kMaxMoveTries || had_moved) {
    return GiveUp(world, std::move(row), kNoAnswer, now);
  }
  row.state = MovingState::kWaiting;
  row.since = now;
  return world.registry.moves().PutMoving(row);
}

}  // namespace

void Server::AdvanceMove(Instant now) {
  const auto move = MoveUnderWay(world_.registry);
  Status done = move ? Status() : std::unexpected(move.error());
  if (done && *move && (*move)->state == MoveState::kRunning) {
    done = world_.registry.Transact([&] { return MoveOn(*this, **move, now); });
  }
  if (done) return;
  world_.log.Write(LogLevel::kError, "the move does not go on: " + done.error().message);
}

Status Server::GiveOrder(const AgentId& agent, std::string act, std::string args,
                         Seconds expires_after, Instant now) {
  const auto order = world_.registry.AddOrder(
      NewOrder(agent, std::move(act), std::move(args), expires_after, now));
  if (!order) return std::unexpected(order.error());
  return {};
}

Status TakeMoveAnswer(World& world, const store::OrderRow& order, store::AgentRow& row,
                      Instant now) {
  auto found = world.registry.moves().FindMoving(row.id);
  if (!found) return std::unexpected(std::move(found).error());
  if (!*found || (*found)->state == MovingState::kMoved) return {};
  MovingRow& moving = **found;
  const std::string& verdict = order.earlier.empty() ? order.verdict : order.earlier;
  if (verdict == VerdictName(trust::Verdict::kDone)) return {};  // `held` says where it is
  std::string reason = Said(order, "reason");
  if (!IsWord(reason)) reason = verdict;
  // A stray whose warrant was used up is none: it left, and was brought back on its machine.
  if (reason == "used-warrant" && !row.moved_to.empty()) {
    row.moved_to.clear();
    COUNTERSIGN_RETURN_IF_ERROR(
        RecordEvent(world, {.id = 0,
                            .at = now,
                            .kind = "agent-returned",
                            .agent = row.id.Text(),
                            .text = row.host + " was brought back on its machine"}));
    reason = kCameBack;
  }
  // One that is still a stray stays one, whatever its older copy says: it is ordered away again
  // after a while (TakeReturn).
  if (!row.moved_to.empty()) {
    moving.since = now;
    return world.registry.moves().PutMoving(moving);
  }
  // It was ended in the middle, and belongs to this server as before: `held` says so.
  const bool again =
      verdict == VerdictName(trust::Verdict::kInterrupted) && moving.tries < kMaxMoveTries;
  if (!again) return Fails(world, moving, reason, Said(order, "error"), now);
  moving.state = MovingState::kWaiting;
  moving.since = now;
  return world.registry.moves().PutMoving(moving);
}

Status SweepMoves(World& world, Instant now) {
  store::MoveTable& table = world.registry.moves();
  const auto dropped = table.DropExpected(now - kExpectedKept);
  if (!dropped) return std::unexpected(dropped.error());
  const auto move = MoveUnderWay(world.registry);
  if (!move) return std::unexpected(move.error());
  if (!*move) return {};
  const auto text = world.registry.GetMeta(kMetaSwept);
  if (!text) return std::unexpected(text.error());
  const std::string before = text->value_or("");
  const auto rows = table.ListMoving((*move)->id, MovingState::kOrdered, AgentId::ParseText(before),
                                     kMovingAtOnce);
  if (!rows) return std::unexpected(rows.error());
  for (const auto& row : *rows) {
    // An order stays open for a day after it was sent, at least.
    if (now - row.since < Server::kJtiLifetime) continue;
    COUNTERSIGN_RETURN_IF_ERROR(SweepOne(world, row, now));
  }
  const std::string after = rows->size() < kMovingAtOnce ? "" : rows->back().agent.Text();
  return after == before ? Status() : world.registry.PutMeta(kMetaSwept, after);
}

}  // namespace countersign::server
