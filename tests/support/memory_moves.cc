#include "tests/support/memory_registry.h"

// The moves of MemoryRegistry.
namespace countersign::testing {

using store::ExpectedRow;
using store::ExpectedState;
using store::MoveRow;
using store::MoveState;
using store::MovingRow;
using store::MovingState;

Result<std::int64_t> MemoryRegistry::AddMove(const MoveRow& row) {
  MoveRow added = row;
  added.id = content_.moves.empty() ? 1 : content_.moves.rbegin()->first + 1;
  Set(content_.moves, added.id, added);
  return added.id;
}

Status MemoryRegistry::PutMove(const MoveRow& row) {
  if (!content_.moves.contains(row.id)) {
    return Failed(Code::kNotFound, "there is no move " + std::to_string(row.id));
  }
  Set(content_.moves, row.id, row);
  return {};
}

Result<std::optional<MoveRow>> MemoryRegistry::FindMove(std::int64_t id) {
  const auto at = content_.moves.find(id);
  if (at == content_.moves.end()) return std::nullopt;
  return at->second;
}

Result<std::vector<MoveRow>> MemoryRegistry::ListMoves(std::size_t limit) {
  std::vector<MoveRow> rows;
  for (const bool under_way : {true, false}) {
    for (auto at = content_.moves.rbegin(); at != content_.moves.rend(); ++at) {
      const MoveState state = at->second.state;
      const bool moves = state == MoveState::kRunning || state == MoveState::kHalted;
      if (moves == under_way && rows.size() < limit) rows.push_back(at->second);
    }
  }
  return rows;
}

Status MemoryRegistry::PutWarrant(std::int64_t move, std::uint32_t number,
                                  std::string_view warrant) {
  Set(content_.warrants, {move, number}, std::string(warrant));
  return {};
}

Result<std::optional<std::string>> MemoryRegistry::FindWarrant(std::int64_t move,
                                                               std::uint32_t number) {
  const auto at = content_.warrants.find({move, number});
  if (at == content_.warrants.end()) return std::nullopt;
  return at->second;
}

Status MemoryRegistry::PutMoving(const MovingRow& row) {
  Set(content_.moving, {row.agent, row.move}, row);
  return {};
}

Result<std::optional<MovingRow>> MemoryRegistry::FindMoving(const AgentId& agent) {
  auto at = content_.moving.upper_bound({agent, INT64_MAX});
  if (at == content_.moving.begin() || (--at)->first.first != agent) return std::nullopt;
  return at->second;
}

Result<std::vector<MovingRow>> MemoryRegistry::ListMoving(std::int64_t move,
                                                          std::optional<MovingState> state,
                                                          const std::optional<AgentId>& after,
                                                          std::size_t limit) {
  std::vector<MovingRow> rows;
  for (const auto& [key, row] : content_.moving) {
    const bool wanted = row.move == move && (!state || row.state == *state);
    if (wanted && (!after || row.agent > *after) && rows.size() < limit) rows.push_back(row);
  }
  return rows;
}

Result<store::MovingCounts> MemoryRegistry::CountMoving(std::int64_t move) {
  store::MovingCounts counts;
  for (const auto& [key, row] : content_.moving) {
    if (row.move != move) continue;
    counts.waiting += row.state == MovingState::kWaiting ? 1U : 0U;
    counts.ordered += row.state == MovingState::kOrdered ? 1U : 0U;
    counts.moved += row.state == MovingState::kMoved ? 1U : 0U;
    counts.failed += row.state == MovingState::kFailed ? 1U : 0U;
  }
  return counts;
}

Result<std::vector<store::ReasonCount>> MemoryRegistry::CountReasons(std::int64_t move) {
  std::map<std::string, std::uint64_t> by_reason;
  for (const auto& [key, row] : content_.moving) {
    if (row.move == move && row.state == MovingState::kFailed) ++by_reason[row.reason];
  }
  std::vector<store::ReasonCount> counts;
  for (const auto& [reason, count] : by_reason) counts.push_back({reason, count});
  return counts;
}

Status MemoryRegistry::RetryFailed(std::int64_t move, std::string_view but, Instant now) {
  const auto moving = content_.moving;
  for (const auto& [key, row] : moving) {
    if (row.move != move || row.state != MovingState::kFailed || row.reason == but) {
      continue;
    }
    MovingRow again{.move = move, .agent = row.agent, .warrant = row.warrant, .since = now};
    Set(content_.moving, key, std::move(again));
  }
  return {};
}

void MemoryRegistry::EraseMoving(const AgentId& agent) {
  for (;;) {
    const auto at = content_.moving.lower_bound({agent, INT64_MIN});
    if (at == content_.moving.end() || at->first.first != agent) return;
    Erase(content_.moving, std::pair(at->first));
  }
}

Status MemoryRegistry::PutExpected(const ExpectedRow& row) {
  Set(content_.expected, row.agent, row);
  return {};
}

Result<std::optional<ExpectedRow>> MemoryRegistry::FindExpected(const AgentId& agent) {
  const auto at = content_.expected.find(agent);
  if (at == content_.expected.end()) return std::nullopt;
  return at->second;
}

Result<std::vector<ExpectedRow>> MemoryRegistry::ListExpected(const std::optional<AgentId>& after,
                                                              std::size_t limit) {
  std::vector<ExpectedRow> rows;
  for (auto at = content_.expected.upper_bound(after.value_or(AgentId()));
       at != content_.expected.end() && rows.size() < limit; ++at) {
    rows.push_back(at->second);
  }
  return rows;
}

Result<store::ExpectedCounts> MemoryRegistry::CountExpected(Instant now) {
  store::ExpectedCounts counts;
  for (const auto& [agent, row] : content_.expected) {
    if (row.until <= now && row.state != ExpectedState::kArrived) continue;
    counts.expected += row.state == ExpectedState::kExpected ? 1U : 0U;
    counts.arriving += row.state == ExpectedState::kArriving ? 1U : 0U;
    counts.arrived += row.state == ExpectedState::kArrived ? 1U : 0U;
  }
  return counts;
}

Result<std::uint64_t> MemoryRegistry::DropExpected(Instant before) {
  std::vector<AgentId> over;
  for (const auto& [agent, row] : content_.expected) {
    if (row.until < before) over.push_back(agent);
  }
  for (const AgentId& agent : over) Erase(content_.expected, agent);
  return over.size();
}

}  // namespace countersign::testing
