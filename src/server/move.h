#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "server/server.h"
#include "store/move_table.h"
#include "wire/move_target.h"

// Moving agents to another server (protocol section 8, docs/moves.md): the old server's side is a
// campaign in the registry, which gives orders to move and goes on over restarts; the target's is a
// list of the agents that its administrator announced. An agent that has gone leaves a tombstone.
namespace countersign::server {

inline constexpr std::string_view kMoveAct = "move";
// Agents that one warrant names: the order with it still fits into a reply.
inline constexpr std::size_t kAgentsInWarrant = 64;
inline constexpr std::uint32_t kMaxMoveTries = 5;
inline constexpr std::size_t kMaxExpected = 200'000;

// Reasons for which an agent of a campaign is not moved, beside those that it says itself.
inline constexpr std::string_view kGone = "gone";                       // forgotten or deleted
inline constexpr std::string_view kNeedsHands = "needs-hands";          // takes no orders
inline constexpr std::string_view kNoAnswer = "no-answer";              // none to kMaxMoveTries
inline constexpr std::string_view kWarrantExpired = "warrant-expired";  // it was not reached
inline constexpr std::string_view kCameBack = "came-back";  // by local authority, or kept here
// MoveReasonText explains a reason to a person; MoveNextStep names what to do in this state of the
// campaign.
[[nodiscard]] std::string MoveReasonText(std::string_view reason);
[[nodiscard]] std::string MoveNextStep(const store::MovingRow& row, store::MoveState campaign);

// WhyNotMovable returns why an agent would not take an order to move (a reason of standing.h), or
// nothing: it would.
[[nodiscard]] std::optional<std::string> WhyNotMovable(const store::AgentRow& row);

// Selection is whom a campaign is to move: these, or a domain with those beneath it, or all.
struct Selection {
  std::vector<AgentId> agents = {};
  std::string domain = {};
  bool all = false;
};
// HeldServer is the server that an agent belongs to by its own word: one of this server's ids, of
// which there are several where fleets were brought together. Of one that has not said so yet, the
// first. A warrant for another id is none to the agent.
[[nodiscard]] ServerId HeldServer(const store::AgentRow& row, const IdentityBook& book);

// Select finds their rows. Named agents have to be there and movable (kNotFound, kRefused with the
// first that is not); of a domain and of all, the others are counted in `left_out`. Named ones that
// have moved already are left out, too, and counted in `moved`.
struct Selected {
  std::map<ServerId, std::vector<AgentId>> agents = {};  // by HeldServer; each by id
  std::uint64_t left_out = 0;
  std::uint64_t moved = 0;
  [[nodiscard]] std::size_t size() const;
};
[[nodiscard]] Result<Selected> Select(Server& server, const Selection& selection);

struct MoveTerms {
  std::uint64_t rate_per_minute = 60;  // 0: any
  std::uint32_t halt_at = 500;         // basis points, above 0
};

// MoveUnderWay finds the campaign that runs or is halted.
[[nodiscard]] Result<std::optional<store::MoveRow>> MoveUnderWay(store::Registry& registry);

// StartMove begins a campaign with these warrants: each has to be this owner's, for this server and
// this target, not run out, and every agent has to be named in one for the server that it holds.
// kRefused: one is under way; a warrant; the target is this server, or its bundle is not what the
// announcement says. kNotFound: nobody is left to be moved.
struct MoveStart {
  wire::MoveAnnouncement target;
  Selected selected;
  std::vector<std::string> warrants;
  MoveTerms terms;
};
[[nodiscard]] Result<store::MoveRow> StartMove(Server& server, const MoveStart& start, Instant now);

// ResumeMove goes on after a halt; those that failed are ordered anew, but for kCameBack. AbortMove
// orders nobody else away, and withdraws the orders that were not sent. kNotFound: none is under
// way.
struct MoveChange {
  std::optional<std::uint64_t> rate_per_minute;
  std::optional<std::uint32_t> halt_at;
};
[[nodiscard]] Status ResumeMove(Server& server, const MoveChange& change, Instant now);
[[nodiscard]] Status AbortMove(Server& server, Instant now);

// WithdrawOrders takes back the orders of a campaign that were not sent: their agents wait again.
// One that was sent may be carried out all the same, but is not sent again. REQUIRES: within a
// transaction.
[[nodiscard]] Status WithdrawOrders(World& world, const store::MoveRow& move, Instant now);

// TakeMoveAnswer notes what a believed receipt with a final verdict says of an order to move.
[[nodiscard]] Status TakeMoveAnswer(World& world, const store::OrderRow& order,
                                    store::AgentRow& row, Instant now);
// ArgsOfOrder are the args that an order is sent with: the registry keeps an order to move without
// warrant and bundle, which its campaign has. They are for an agent that its campaign has ordered
// away, and for no other.
[[nodiscard]] Result<std::string> ArgsOfOrder(store::Registry& registry,
                                              const store::OrderRow& order);
// SweepMoves orders anew those whose order ended without an answer, and forgets announced agents
// long after their time; at most 1,000 agents each time. Call it about once a minute.
[[nodiscard]] Status SweepMoves(World& world, Instant now);

// KeepStray: a person lets an agent stay that had moved and is back; nothing for others. For its
// campaign it has failed (kCameBack), and is not ordered away by `resume` either.
[[nodiscard]] Status KeepStray(store::Registry& registry, store::AgentRow& row, Instant now);

// --- the target's side ---

// ExpectAgents announces agents; until then they are admitted when they come. kExhausted over
// kMaxExpected in all.
struct Expectation {
  std::vector<AgentId> agents;
  ServerId from;
  Instant until;
};
[[nodiscard]] Status ExpectAgents(World& world, const Expectation& expectation, Instant now);
// IsExpected: this agent was announced, and its time is not over.
[[nodiscard]] Result<std::optional<store::ExpectedRow>> FindExpected(store::Registry& registry,
                                                                     const AgentId& agent,
                                                                     Instant now);
// AnnouncementOf is what the old server's administrator needs of this one. kRefused: no
// certificate, or one that stands under no owner key (an imported identity).
[[nodiscard]] Result<wire::MoveAnnouncement> AnnouncementOf(const IdentityBook& book,
                                                            std::vector<std::string> addresses);

}  // namespace countersign::server
