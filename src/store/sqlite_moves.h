#pragma once

#include "store/move_table.h"
#include "store/sqlite_connection.h"

namespace countersign::store {

// SqliteMoves is the tables of moves and of expected agents. `connection` must outlive it.
class SqliteMoves final : public MoveTable {
 public:
  explicit SqliteMoves(SqliteConnection& connection) : connection_(connection) {}

  [[nodiscard]] Result<std::int64_t> AddMove(const MoveRow& row) override;
  [[nodiscard]] Status PutMove(const MoveRow& row) override;
  [[nodiscard]] Result<std::optional<MoveRow>> FindMove(std::int64_t id) override;
  [[nodiscard]] Result<std::vector<MoveRow>> ListMoves(std::size_t limit) override;
  [[nodiscard]] Status PutWarrant(std::int64_t move, std::uint32_t number,
                                  std::string_view warrant) override;
  [[nodiscard]] Result<std::optional<std::string>> FindWarrant(std::int64_t move,
                                                               std::uint32_t number) override;

  [[nodiscard]] Status PutMoving(const MovingRow& row) override;
  [[nodiscard]] Result<std::optional<MovingRow>> FindMoving(const AgentId& agent) override;
  [[nodiscard]] Result<std::vector<MovingRow>> ListMoving(std::int64_t move,
                                                          std::optional<MovingState> state,
                                                          const std::optional<AgentId>& after,
                                                          std::size_t limit) override;
  [[nodiscard]] Result<MovingCounts> CountMoving(std::int64_t move) override;
  [[nodiscard]] Result<std::vector<ReasonCount>> CountReasons(std::int64_t move) override;
  [[nodiscard]] Status RetryFailed(std::int64_t move, std::string_view but, Instant now) override;

  [[nodiscard]] Status PutExpected(const ExpectedRow& row) override;
  [[nodiscard]] Result<std::optional<ExpectedRow>> FindExpected(const AgentId& agent) override;
  [[nodiscard]] Result<std::vector<ExpectedRow>> ListExpected(const std::optional<AgentId>& after,
                                                              std::size_t limit) override;
  [[nodiscard]] Result<ExpectedCounts> CountExpected(Instant now) override;
  [[nodiscard]] Result<std::uint64_t> DropExpected(Instant before) override;

 private:
  SqliteConnection& connection_;
};

}  // namespace countersign::store
