#include <utility>

#include "server/events.h"
#include "server/move.h"
#include "server/next_steps.h"
#include "server/standing.h"

// Agents that come, that go, and that come back.
namespace countersign::server {
namespace {

using store::ExpectedState;
using store::MovingState;

// What was to be brought to an agent that has gone is brought nowhere.
Status EndOrders(store::Registry& registry, const AgentId& agent, bool to_target, Instant now) {
  auto open = registry.AllOpenOrders(agent, "");
  if (!open) return std::unexpected(std::move(open).error());
  for (auto& order : *open) {
    const bool is_move = order.act == kMoveAct && to_target;
    order.state = is_move ? store::OrderState::kDone : store::OrderState::kLapsed;
    if (is_move) order.verdict = VerdictName(trust::Verdict::kDone);
    order.ended = now;
    COUNTERSIGN_RETURN_IF_ERROR(registry.PutOrder(order));
  }
  return {};
}

}  // namespace

Status KeepStray(store::Registry& registry, store::AgentRow& row, Instant now) {
  if (row.moved_to.empty() || row.reason != kStray) return {};
  row.moved_to.clear();
  auto open = registry.AllOpenOrders(row.id, kMoveAct);
  if (!open) return std::unexpected(std::move(open).error());
  for (auto& order : *open) {
    order.state = store::OrderState::kLapsed;
    order.ended = now;
    COUNTERSIGN_RETURN_IF_ERROR(registry.PutOrder(order));
  }
  // Its campaign is done with it: it neither waits for an answer nor orders it away once more.
  auto moving = registry.moves().FindMoving(row.id);
  if (!moving) return std::unexpected(std::move(moving).error());
  if (!*moving || (*moving)->state == MovingState::kFailed) return {};
  (*moving)->state = MovingState::kFailed;
  (*moving)->reason = kCameBack;
  (*moving)->text.clear();
  (*moving)->since = now;
  return registry.moves().PutMoving(**moving);
}

Result<std::optional<store::ExpectedRow>> FindExpected(store::Registry& registry,
                                                       const AgentId& agent, Instant now) {
  auto found = registry.moves().FindExpected(agent);
  if (!found || !*found || (*found)->until > now) return found;
  return std::nullopt;
}

Status ExpectAgents(World& world, const Expectation& expectation, Instant now) {
  store::MoveTable& table = world.registry.moves();
  const auto counts = table.CountExpected(now);
  if (!counts) return std::unexpected(counts.error());
  const std::uint64_t before = counts->expected + counts->arriving + counts->arrived;
  if (before + expectation.agents.size() > kMaxExpected) {
    return Fail(Code::kExhausted, "at most " + std::to_string(kMaxExpected) +
                                      " agents can be announced, and " + std::to_string(before) +
                                      " are. Nothing was changed");
  }
  return world.registry.Transact([&]() -> Status {
    for (const AgentId& agent : expectation.agents) {
      COUNTERSIGN_RETURN_IF_ERROR(table.PutExpected({.agent = agent,
                                                     .from = expectation.from,
                                                     .state = ExpectedState::kExpected,
                                                     .until = expectation.until,
                                                     .since = now}));
    }
    return RecordEvent(
        world, {.id = 0,
                .at = now,
                .kind = "agents-expected",
                .agent = "",
                .text = std::to_string(expectation.agents.size()) + " agents of server " +
                        expectation.from.Text() + ", until " + FormatUtc(expectation.until)});
  });
}

Result<wire::MoveAnnouncement> AnnouncementOf(const IdentityBook& book,
                                              std::vector<std::string> addresses) {
  const auto* const active = book.Active();
  if (active == nullptr) {
    return Fail(Code::kRefused, "this server has no certificate: no agent can come to it",
                std::string(kReplaceCommand));
  }
  const ServerId& server = active->identity.server_ids.front();
  auto bundle = book.BundleFor(*active, active->identity.owner, server);
  if (active->identity.self_signed || !bundle) {
    return Fail(Code::kRefused,
                "this server has an imported identity, which stands under no owner key: agents "
                "take no order to move to it",
                "CertificateManager -c PASSWORD makes an owner key; or use IpXfer on the agents");
  }
  wire::MoveAnnouncement announcement;
  announcement.target = {.server = server,
                         .owner = active->identity.owner,
                         .generation = active->identity.generation,
                         .addresses = std::move(addresses)};
  announcement.bundle = *std::move(bundle);
  return announcement;
}

Status Server::TakeArrival(store::AgentRow& row, const wire::Report& report, Proved proved,
                           Instant now) {
  if (!book_.IsOurs(report.aud)) return {};
  if (row.admitted && row.moved_to.empty()) {
    row.arriving = false;
    return {};
  }
  // Anybody may repeat an old report: alone it makes no tombstone an arriving agent (Accepts).
  if (proved == Proved::kNo && !row.moved_to.empty()) return {};
  auto found = FindExpected(world_.registry, row.id, now);
  if (!found) return std::unexpected(std::move(found).error());
  // An announcement is for one arrival.
  if (!*found || (*found)->state == ExpectedState::kArrived) {
    row.arriving = false;
    return {};
  }
  store::ExpectedRow& expected = **found;
  const bool arrived = proved == Proved::kYes && book_.IsOurs(report.held.server);
  const ExpectedState state = arrived ? ExpectedState::kArrived : ExpectedState::kArriving;
  if (expected.state != state) {
    expected.state = state;
    expected.since = now;
    COUNTERSIGN_RETURN_IF_ERROR(world_.registry.moves().PutExpected(expected));
  }
  row.arriving = !arrived;
  if (!arrived) return {};
  row.admitted = true;
  row.admitted_by = "move";
  row.moved_to.clear();
  return Event("agent-admitted", &row.id, row.host + " came from server " + expected.from.Text(),
               now);
}

Status Server::TakeLeaving(store::AgentRow& row, const ServerId& to, Instant now) {
  if (row.moved_to == to.Urn() && row.standing == kMoved) return {};
  auto found = world_.registry.moves().FindMoving(row.id);
  if (!found) return std::unexpected(std::move(found).error());
  bool to_target = false;
  if (*found) {
    const auto move = world_.registry.moves().FindMove((*found)->move);
    if (!move) return std::unexpected(move.error());
    to_target = *move && (*move)->server == to;
  }
  if (to_target && (*found)->state != MovingState::kMoved) {
    (*found)->state = MovingState::kMoved;
    (*found)->reason.clear();
    (*found)->text.clear();
    (*found)->since = now;
    COUNTERSIGN_RETURN_IF_ERROR(world_.registry.moves().PutMoving(**found));
  }
  // One that goes from server to server fills neither the history nor the orders with it.
  const bool is_news = row.moved_to.empty();
  row.moved_to = to.Urn();
  row.arriving = false;
  if (!is_news) return {};
  COUNTERSIGN_RETURN_IF_ERROR(EndOrders(world_.registry, row.id, to_target, now));
  return EventOf(row, "agent-moved", row.host + " belongs to server " + to.Text() + " now", now);
}

Status Server::NoteWhereabouts(store::AgentRow& row, bool leaving, Instant now) {
  if (!row.admitted || !row.held_known || row.want_bundle) return {};
  if (book_.IsOurs(row.held_server) && book_.KnowsOwner(row.held_owner)) {
    return TakeReturn(row, now);
  }
  if (leaving) return TakeLeaving(row, row.aud, now);
  const auto found = world_.registry.moves().FindMoving(row.id);
  if (!found) return std::unexpected(found.error());
  if (!*found) return {};
  const auto move = world_.registry.moves().FindMove((*found)->move);
  if (!move) return std::unexpected(move.error());
  const bool is_there =
      *move && (*move)->server == row.held_server && (*move)->owner == row.held_owner;
  return is_there ? TakeLeaving(row, row.held_server, now) : Status();
}

// It holds this server's certificate again. By whom? An older copy of its disk has not used up the
// warrant by which it left, and is sent after it while that one is good; one that was brought back
// on its machine has, and answers so (TakeMoveAnswer).
Status Server::TakeReturn(store::AgentRow& row, Instant now) {
  if (row.moved_to.empty()) return {};
  auto found = world_.registry.moves().FindMoving(row.id);
  if (!found) return std::unexpected(std::move(found).error());
  if (!*found || (*found)->state == MovingState::kFailed) {
    row.moved_to.clear();
    return EventOf(row, "agent-returned", row.host + " was brought back on its machine", now);
  }
  store::MovingRow& moving = **found;
  const auto move = world_.registry.moves().FindMove(moving.move);
  if (!move) return std::unexpected(move.error());
  if (!*move || (*move)->expires <= now) return {};
  const auto open = world_.registry.AllOpenOrders(row.id, kMoveAct);
  if (!open) return std::unexpected(open.error());
  if (!open->empty()) return {};
  // Not at once after an attempt that failed, and not at each return of one that goes to and fro.
  const bool was_ordered = moving.state == MovingState::kOrdered;
  const bool just_now = moving.since <= now && now - moving.since < kRetryAfter;
  if (just_now && (was_ordered || moving.tries >= kMaxMoveTries)) return {};
  moving.state = MovingState::kOrdered;
  moving.since = now;
  ++moving.tries;
  COUNTERSIGN_RETURN_IF_ERROR(world_.registry.moves().PutMoving(moving));
  COUNTERSIGN_RETURN_IF_ERROR(
      GiveOrder(row.id, std::string(kMoveAct), "", (*move)->expires - now, now));
  if (was_ordered) return {};
  return EventOf(row, "agent-stray",
                 row.host + " had moved, and an older copy of it is back: it is ordered away again",
                 now);
}

}  // namespace countersign::server
