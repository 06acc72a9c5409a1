#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"

// What a registry keeps of moves to and from other servers (protocol section 8): the campaigns that
// take agents away, one row for each agent of each of them, and the agents that are expected here.
namespace countersign::store {

// The numbers stand in the registry.
enum class MoveState { kRunning, kHalted, kFinished, kAborted };

// MoveRow is one campaign that moves agents to another server.
struct MoveRow {
  std::int64_t id = 0;  // given by the registry at insertion; grows
  ServerId server;      // the target, and its owner
  Digest owner{};
  std::uint64_t least_generation = 0;
  std::vector<std::string> addresses;  // of the target: "host:port", the first is tried first
  Bytes bundle;                        // the target's: DER, each with a 4-byte length
  MoveState state = MoveState::kRunning;
  std::uint64_t rate_per_minute = 0;  // most agents to order away in a minute; 0: any
  std::uint32_t halt_at = 500;  // share of failures above which it halts by itself; basis points
  Instant started;
  Instant since;    // in this state
  Instant expires;  // of the first of its warrants
  Instant rate_since;
  std::uint64_t rate_used = 0;  // orders since then
  std::string why;              // halted, aborted: for people
  std::string by;               // who began it
  bool operator==(const MoveRow&) const = default;
};

enum class MovingState { kWaiting, kOrdered, kMoved, kFailed };
[[nodiscard]] std::string_view MovingStateName(MovingState state);

// MovingRow is one agent of a campaign.
struct MovingRow {
  std::int64_t move = 0;
  AgentId agent;
  MovingState state = MovingState::kWaiting;
  std::string reason = {};    // with kFailed: a stable word (docs/moves.md)
  std::string text = {};      // the same for people, from the agent: untrusted
  std::uint32_t warrant = 0;  // number of the warrant that names it
  std::uint32_t tries = 0;    // orders given
  Instant since = {};         // in this state
  bool operator==(const MovingRow&) const = default;
};
struct MovingCounts {
  std::uint64_t waiting = 0;
  std::uint64_t ordered = 0;
  std::uint64_t moved = 0;
  std::uint64_t failed = 0;
  [[nodiscard]] std::uint64_t all() const { return waiting + ordered + moved + failed; }
  bool operator==(const MovingCounts&) const = default;
};
struct ReasonCount {
  std::string reason;
  std::uint64_t count = 0;
  bool operator==(const ReasonCount&) const = default;
};

// ExpectedRow is an agent that this server's administrator announced (`move expect`).
enum class ExpectedState { kExpected, kArriving, kArrived };
struct ExpectedRow {
  AgentId agent;
  ServerId from;  // the server that it comes from
  ExpectedState state = ExpectedState::kExpected;
  Instant until;  // not accepted any more from then on
  Instant since;  // in this state
  bool operator==(const ExpectedRow&) const = default;
};
struct ExpectedCounts {
  std::uint64_t expected = 0;
  std::uint64_t arriving = 0;
  std::uint64_t arrived = 0;
  bool operator==(const ExpectedCounts&) const = default;
};

// MoveTable is the part of a Registry that keeps them: under its transactions, with its errors.
class MoveTable {
 public:
  virtual ~MoveTable() = default;

  // AddMove returns the new id; row.id is ignored.
  [[nodiscard]] virtual Result<std::int64_t> AddMove(const MoveRow& row) = 0;
  [[nodiscard]] virtual Status PutMove(const MoveRow& row) = 0;  // replaces by id; or kNotFound
  [[nodiscard]] virtual Result<std::optional<MoveRow>> FindMove(std::int64_t id) = 0;
  // ListMoves begins with those running or halted, then goes on by id, the newest first.
  [[nodiscard]] virtual Result<std::vector<MoveRow>> ListMoves(std::size_t limit) = 0;
  // Warrants (compact serialisation) of a campaign, by number.
  [[nodiscard]] virtual Status PutWarrant(std::int64_t move, std::uint32_t number,
                                          std::string_view warrant) = 0;
  [[nodiscard]] virtual Result<std::optional<std::string>> FindWarrant(std::int64_t move,
                                                                       std::uint32_t number) = 0;

  [[nodiscard]] virtual Status PutMoving(const MovingRow& row) = 0;  // inserts or replaces
  // FindMoving returns an agent's row of the newest campaign that names it.
  [[nodiscard]] virtual Result<std::optional<MovingRow>> FindMoving(const AgentId& agent) = 0;
  // ListMoving of one campaign: those in `state` (none: all), by agent id, from the first after
  // `after`.
  [[nodiscard]] virtual Result<std::vector<MovingRow>> ListMoving(
      std::int64_t move, std::optional<MovingState> state, const std::optional<AgentId>& after,
      std::size_t limit) = 0;
  [[nodiscard]] virtual Result<MovingCounts> CountMoving(std::int64_t move) = 0;
  // CountReasons of those that failed, by reason.
  [[nodiscard]] virtual Result<std::vector<ReasonCount>> CountReasons(std::int64_t move) = 0;
  // RetryFailed makes those that failed wait anew, but for those that failed with reason `but`.
  [[nodiscard]] virtual Status RetryFailed(std::int64_t move, std::string_view but,
                                           Instant now) = 0;

  [[nodiscard]] virtual Status PutExpected(const ExpectedRow& row) = 0;  // inserts or replaces
  [[nodiscard]] virtual Result<std::optional<ExpectedRow>> FindExpected(const AgentId& agent) = 0;
  [[nodiscard]] virtual Result<std::vector<ExpectedRow>> ListExpected(
      const std::optional<AgentId>& after, std::size_t limit) = 0;
  // CountExpected counts by state those whose time is not over at `now`; arrived ones always.
  [[nodiscard]] virtual Result<ExpectedCounts> CountExpected(Instant now) = 0;
  // DropExpected deletes those whose time was over before `before`; returns how many.
  [[nodiscard]] virtual Result<std::uint64_t> DropExpected(Instant before) = 0;
};

}  // namespace countersign::store
