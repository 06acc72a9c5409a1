#include "server/move.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/encoding.h"
#include "server/events.h"
#include "server/next_steps.h"
#include "server/standing.h"
#include "trust/move.h"
#include "trust/rollout.h"
#include "wire/warrant.h"

// Campaigns: beginning, resuming and aborting one.
namespace countersign::server {
namespace {

using store::MoveRow;
using store::MoveState;
using store::MovingState;

constexpr std::size_t kReadyAtOnce = 1'000;

std::unexpected<Error> RefuseToStart(std::string why, std::string next = {}) {
  return Fail(Code::kRefused, std::move(why) + ". Nothing was started", std::move(next));
}

Bytes Packed(const std::vector<Bytes>& bundle) {
  Writer writer;
  for (const Bytes& der : bundle) writer.Prefixed(der);
  return writer.Take();
}

std::vector<Bytes> Unpacked(ByteView packed) {
  Reader reader(packed);
  std::vector<Bytes> bundle;
  while (reader.ok() && reader.remaining() > 0) {
    bundle.push_back(ToBytes(reader.ReadPrefixed(crypto::Certificate::kMaxLen)));
  }
  return bundle;
}

// What an agent of this server would say of the target: judged here first, with the state of one
// that holds the active certificate.
Status CheckTarget(const IdentityBook& book, const wire::MoveAnnouncement& announcement) {
  const wire::MoveTarget& target = announcement.target;
  if (book.IsOurs(target.server)) {
    return RefuseToStart("the target is this server itself (" + target.server.Text() + ")");
  }
  const auto* const active = book.Active();
  if (active == nullptr) {
    return RefuseToStart("this server has no certificate: agents take no orders of it",
                         std::string(kReplaceCommand));
  }
  const auto held = trust::FirstTrust(active->certificate, nullptr);
  if (!held) return std::unexpected(held.error());
  const auto after = trust::TrustAfterMove(
      *held,
      {.server = target.server, .owner = target.owner, .least_generation = target.generation},
      announcement.bundle, {});
  if (after) return {};
  return RefuseToStart("the target's bundle is not what the announcement says (" +
                           std::string(VerdictName(after.error())) + ")",
                       "countersign move expect (on the target) writes another");
}

std::unexpected<Error> BadWarrant(std::string why) {
  return RefuseToStart("a warrant is not good for this: " + std::move(why),
                       "countersign move warrant makes another");
}

struct Warrants {
  // Number of the one that names an agent, and of the one for all, by the server it is for.
  std::map<std::pair<ServerId, AgentId>, std::uint32_t> by_agent;
  std::map<ServerId, std::uint32_t> for_all;
  Instant expires = Instant::max();

  [[nodiscard]] std::optional<std::uint32_t> Find(const ServerId& held,
                                                  const AgentId& agent) const {
    if (const auto at = by_agent.find({held, agent}); at != by_agent.end()) return at->second;
    if (const auto at = for_all.find(held); at != for_all.end()) return at->second;
    return std::nullopt;
  }
};

Status CheckWarrant(const IdentityBook& book, const wire::SignedWarrant& message,
                    const wire::MoveTarget& target, Instant now) {
  const wire::Warrant& warrant = message.warrant;
  const auto owner = crypto::Certificate::Parse(warrant.x5c);
  const auto& active = *book.Active();
  if (!owner || owner->key().digest() != active.identity.owner) {
    return BadWarrant("it is of another owner key than the one that agents here follow");
  }
  if (!wire::IsSignedBy(message.envelope, owner->key())) {
    return BadWarrant("its signature is not that of the owner key");
  }
  if (warrant.act != wire::WarrantAct::kMove || !warrant.target) {
    return BadWarrant("it allows no move");
  }
  if (!book.IsOurs(warrant.server)) {
    return BadWarrant("it is for the server " + warrant.server.Text());
  }
  if (!(*warrant.target == target)) {
    return BadWarrant("its target is " + warrant.target->server.Text() +
                      ", or other addresses, or another least generation, than announced");
  }
  if (FromUnix(static_cast<std::int64_t>(warrant.exp)) <= now) {
    return BadWarrant("it ran out at " +
                      FormatUtc(FromUnix(static_cast<std::int64_t>(warrant.exp))));
  }
  return {};
}

// Every agent would answer `bad-warrant` to one that is for another server than it belongs to.
Status CheckAllAreNamed(const Warrants& warrants, const Selected& selected) {
  for (const auto& [held, agents] : selected.agents) {
    for (const AgentId& agent : agents) {
      if (warrants.Find(held, agent)) continue;
      return BadWarrant("none names the agent " + agent.Text() + " for the server " + held.Text() +
                        ", to which it belongs");
    }
  }
  return {};
}

Result<Warrants> ReadWarrants(const IdentityBook& book, const MoveStart& start, Instant now) {
  Warrants warrants;
  for (std::size_t i = 0; i < start.warrants.size(); ++i) {
    const auto message = wire::ParseWarrant(start.warrants[i]);
    if (!message) return BadWarrant(message.error().message);
    COUNTERSIGN_RETURN_IF_ERROR(CheckWarrant(book, *message, start.target.target, now));
    const auto number = static_cast<std::uint32_t>(i);
    const auto exp = FromUnix(static_cast<std::int64_t>(message->warrant.exp));
    warrants.expires = std::min(warrants.expires, exp);
    const ServerId& server = message->warrant.server;
    if (message->warrant.agents.empty()) warrants.for_all[server] = number;
    for (const AgentId& agent : message->warrant.agents) {
      warrants.by_agent[{server, agent}] = number;
    }
  }
  if (start.warrants.empty()) return BadWarrant("none is given");
  COUNTERSIGN_RETURN_IF_ERROR(CheckAllAreNamed(warrants, start.selected));
  return warrants;
}

Status Store(World& world, MoveRow& move, const MoveStart& start, const Warrants& warrants,
             Instant now) {
  store::MoveTable& table = world.registry.moves();
  const auto id = table.AddMove(move);
  if (!id) return std::unexpected(id.error());
  move.id = *id;
  for (std::size_t i = 0; i < start.warrants.size(); ++i) {
    COUNTERSIGN_RETURN_IF_ERROR(
        table.PutWarrant(move.id, static_cast<std::uint32_t>(i), start.warrants[i]));
  }
  for (const auto& [held, agents] : start.selected.agents) {
    for (const AgentId& agent : agents) {
      const store::MovingRow row{.move = move.id,
                                 .agent = agent,
                                 .warrant = warrants.Find(held, agent).value(),
                                 .since = now};
      COUNTERSIGN_RETURN_IF_ERROR(table.PutMoving(row));
    }
  }
  return RecordEvent(world, {.id = 0,
                             .at = now,
                             .kind = "move-started",
                             .agent = "",
                             .text = std::to_string(start.selected.size()) + " agents to server " +
                                     move.server.Text() + " at " + move.addresses.front()});
}

Result<Selected> SelectNamed(Server& server, const Selection& selection) {
  Selected selected;
  const std::set<AgentId> named(selection.agents.begin(), selection.agents.end());
  for (const AgentId& agent : named) {
    const auto row = server.world().registry.FindAgent(agent);
    if (!row) return std::unexpected(row.error());
    if (!*row || (*row)->forgotten) {
      return Fail(Code::kNotFound, "no agent " + agent.Text() + " is registered",
                  "countersign agents list");
    }
    // The list that a campaign began with is good for the one that goes on with the rest.
    if ((*row)->standing == kMoved) {
      ++selected.moved;
      continue;
    }
    if (const auto why = WhyNotMovable(**row)) {
      return Fail(Code::kRefused,
                  "agent " + agent.Text() + " (" + (*row)->host +
                      ") takes no order to move: " + ReasonText(*why) + ". Nothing was started",
                  NextStep((*row)->standing, *why, agent));
    }
    selected.agents[HeldServer(**row, server.book())].push_back(agent);
  }
  return selected;
}

Result<MoveRow> UnderWayOrRefuse(store::Registry& registry) {
  auto move = MoveUnderWay(registry);
  if (!move) return std::unexpected(std::move(move).error());
  if (!*move) {
    return Fail(Code::kNotFound, "no move is under way", "countersign move status");
  }
  return **std::move(move);
}

}  // namespace

std::optional<std::string> WhyNotMovable(const store::AgentRow& row) {
  if (!row.admitted) return "not-admitted";
  if (!row.successor.is_nil()) return "reinstalled";
  if (row.cloned) return "cloned";
  if (row.standing == kMoved) return std::string(kMoved);
  if (row.standing == kMismatched && row.reason != kStray) return row.reason;
  return std::nullopt;
}

ServerId HeldServer(const store::AgentRow& row, const IdentityBook& book) {
  if (row.held_known && book.IsOurs(row.held_server)) return row.held_server;
  return book.server_ids().empty() ? ServerId() : book.server_ids().front();
}

std::size_t Selected::size() const {
  std::size_t count = 0;
  for (const auto& [held, some] : agents) count += some.size();
  return count;
}

Result<Selected> Select(Server& server, const Selection& selection) {
  if (!selection.agents.empty()) return SelectNamed(server, selection);
  store::Registry& registry = server.world().registry;
  Selected selected;
  store::AgentQuery query;
  query.limit = kReadyAtOnce;
  for (;;) {
    const auto rows = registry.ListAgents(query);
    if (!rows) return std::unexpected(rows.error());
    for (const auto& row : *rows) {
      if (!selection.all && !trust::IsInDomain(row.domain, selection.domain)) continue;
      if (row.standing == kMoved || row.standing == kRetired) continue;
      if (WhyNotMovable(row)) {
        ++selected.left_out;
      } else {
        selected.agents[HeldServer(row, server.book())].push_back(row.id);
      }
    }
    if (rows->size() < query.limit) return selected;
    query.after = rows->back().id;
  }
}

Result<std::optional<MoveRow>> MoveUnderWay(store::Registry& registry) {
  auto rows = registry.moves().ListMoves(1);
  if (!rows) return std::unexpected(std::move(rows).error());
  if (rows->empty()) return std::nullopt;
  const MoveState state = rows->front().state;
  if (state != MoveState::kRunning && state != MoveState::kHalted) return std::nullopt;
  return std::move(rows->front());
}

Result<MoveRow> StartMove(Server& server, const MoveStart& start, Instant now) {
  World& world = server.world();
  const auto under_way = MoveUnderWay(world.registry);
  if (!under_way) return std::unexpected(under_way.error());
  if (*under_way) {
    return RefuseToStart("a move to server " + (*under_way)->server.Text() + " is under way",
                         "countersign move status");
  }
  if (start.selected.agents.empty()) {
    return Fail(Code::kNotFound,
                start.selected.moved > 0 ? "there is no agent to be moved: those named have moved"
                                         : "there is no agent to be moved",
                "countersign move plan --all");
  }
  if (start.terms.halt_at == 0 || start.terms.halt_at > trust::kEverybody) {
    return Fail(Code::kUsage, "a move that halts at 0% never begins");
  }
  COUNTERSIGN_RETURN_IF_ERROR(CheckTarget(server.book(), start.target));
  const auto warrants = ReadWarrants(server.book(), start, now);
  if (!warrants) return std::unexpected(warrants.error());
  const wire::MoveTarget& target = start.target.target;
  MoveRow move{.id = 0,
               .server = target.server,
               .owner = target.owner,
               .least_generation = target.generation,
               .addresses = target.addresses,
               .bundle = Packed(start.target.bundle),
               .state = MoveState::kRunning,
               .rate_per_minute = start.terms.rate_per_minute,
               .halt_at = start.terms.halt_at,
               .started = now,
               .since = now,
               .expires = warrants->expires,
               .rate_since = now,
               .rate_used = 0,
               .why = {},
               .by = world.by ? ActorText(*world.by) : std::string()};
  const auto stored =
      world.registry.Transact([&] { return Store(world, move, start, *warrants, now); });
  if (!stored) return std::unexpected(stored.error());
  return move;
}

Status ResumeMove(Server& server, const MoveChange& change, Instant now) {
  World& world = server.world();
  auto move = UnderWayOrRefuse(world.registry);
  if (!move) return std::unexpected(std::move(move).error());
  if (change.halt_at && (*change.halt_at == 0 || *change.halt_at > trust::kEverybody)) {
    return Fail(Code::kUsage, "a move that halts at 0% never goes on");
  }
  move->halt_at = change.halt_at.value_or(move->halt_at);
  move->rate_per_minute = change.rate_per_minute.value_or(move->rate_per_minute);
  move->state = MoveState::kRunning;
  move->since = now;
  move->rate_since = now;
  move->rate_used = 0;
  move->why.clear();
  return world.registry.Transact([&]() -> Status {
    COUNTERSIGN_RETURN_IF_ERROR(world.registry.moves().RetryFailed(move->id, kCameBack, now));
    COUNTERSIGN_RETURN_IF_ERROR(world.registry.moves().PutMove(*move));
    return RecordEvent(world, {.id = 0,
                               .at = now,
                               .kind = "move-resumed",
                               .agent = "",
                               .text = "to server " + move->server.Text()});
  });
}

Status AbortMove(Server& server, Instant now) {
  World& world = server.world();
  auto move = UnderWayOrRefuse(world.registry);
  if (!move) return std::unexpected(std::move(move).error());
  move->state = MoveState::kAborted;
  move->since = now;
  move->why = "by an administrator";
  return world.registry.Transact([&]() -> Status {
    COUNTERSIGN_RETURN_IF_ERROR(WithdrawOrders(world, *move, now));
    COUNTERSIGN_RETURN_IF_ERROR(world.registry.moves().PutMove(*move));
    return RecordEvent(world, {.id = 0,
                               .at = now,
                               .kind = "move-aborted",
                               .agent = "",
                               .text = "to server " + move->server.Text()});
  });
}

Status WithdrawOrders(World& world, const MoveRow& move, Instant now) {
  store::MoveTable& table = world.registry.moves();
  std::optional<AgentId> after;
  for (;;) {
    const auto rows = table.ListMoving(move.id, MovingState::kOrdered, after, kReadyAtOnce);
    if (!rows) return std::unexpected(rows.error());
    for (auto row : *rows) {
      auto open = world.registry.AllOpenOrders(row.agent, kMoveAct);
      if (!open) return std::unexpected(std::move(open).error());
      for (auto& order : *open) {
        if (order.state == store::OrderState::kSent) {
          // Its answer is believed when it comes, but it is not signed anew.
          order.state = store::OrderState::kUnknown;
          COUNTERSIGN_RETURN_IF_ERROR(world.registry.PutOrder(order));
          continue;
        }
        order.state = store::OrderState::kLapsed;
        order.ended = now;
        COUNTERSIGN_RETURN_IF_ERROR(world.registry.PutOrder(order));
        row.state = MovingState::kWaiting;
        row.since = now;
        COUNTERSIGN_RETURN_IF_ERROR(table.PutMoving(row));
      }
    }
    if (rows->size() < kReadyAtOnce) return {};
    after = rows->back().agent;
  }
}

Result<std::string> ArgsOfOrder(store::Registry& registry, const store::OrderRow& order) {
  if (order.act != kMoveAct || !order.args.empty()) return order.args;
  const auto moving = registry.moves().FindMoving(order.agent);
  if (!moving) return std::unexpected(moving.error());
  if (!*moving || (*moving)->state != MovingState::kOrdered) return order.args;
  const auto move = registry.moves().FindMove((*moving)->move);
  if (!move) return std::unexpected(move.error());
  auto warrant = registry.moves().FindWarrant((*moving)->move, (*moving)->warrant);
  if (!warrant) return std::unexpected(std::move(warrant).error());
  if (!*move || !*warrant) return order.args;
  return wire::FormatMoveArgs({.warrant = **warrant, .bundle = Unpacked((*move)->bundle)});
}

}  // namespace countersign::server
