#include "store/sqlite_moves.h"

#include <limits>

#include "store/row_codec.h"
#include "store/sqlite_query.h"

namespace countersign::store {
namespace {

// The numbers in the columns `state` are part of the schema.
static_assert(static_cast<int>(MoveState::kRunning) == 0 &&
              static_cast<int>(MoveState::kHalted) == 1 &&
              static_cast<int>(MoveState::kFinished) == 2 &&
              static_cast<int>(MoveState::kAborted) == 3);
static_assert(static_cast<int>(MovingState::kWaiting) == 0 &&
              static_cast<int>(MovingState::kOrdered) == 1 &&
              static_cast<int>(MovingState::kMoved) == 2 &&
              static_cast<int>(MovingState::kFailed) == 3);
static_assert(static_cast<int>(ExpectedState::kExpected) == 0 &&
              static_cast<int>(ExpectedState::kArriving) == 1 &&
              static_cast<int>(ExpectedState::kArrived) == 2);

constexpr std::uint32_t kAny = std::numeric_limits<std::uint32_t>::max();
constexpr std::string_view kMoveColumns =
    "server, owner, least_generation, addresses, bundle, state, rate, halt_at, started, since, "
    "expires, rate_since, rate_used, why, given_by";
constexpr std::string_view kMovingColumns =
    "agent, move, state, reason, text, warrant, tries, since";
constexpr std::string_view kExpectedColumns = "agent, origin, state, until, since";

void BindMove(SqliteQuery& query, const MoveRow& row, const Bytes& addresses) {
  query.Bind(row.server).Bind(row.owner).BindUnsigned(row.least_generation).Bind(addresses);
  query.Bind(row.bundle).Bind(static_cast<std::int64_t>(row.state));
  query.BindUnsigned(row.rate_per_minute).Bind(std::int64_t{row.halt_at});
  query.Bind(row.started).Bind(row.since).Bind(row.expires).Bind(row.rate_since);
  query.BindUnsigned(row.rate_used).Bind(row.why).Bind(row.by);
}

MoveRow ReadMove(SqliteQuery& query) {
  MoveRow row;
  row.server = query.Id();
  row.owner = query.Sha256Digest();
  row.least_generation = query.Unsigned();
  row.addresses = query.Decoded(DecodeTexts(query.BlobView()));
  row.bundle = query.Blob();
  row.state = static_cast<MoveState>(query.Ranged(3));
  row.rate_per_minute = query.Unsigned();
  row.halt_at = query.Ranged(10'000);
  row.started = query.Time();
  row.since = query.Time();
  row.expires = query.Time();
  row.rate_since = query.Time();
  row.rate_used = query.Unsigned();
  row.why = query.Text();
  row.by = query.Text();
  row.id = query.Int();
  return row;
}

MovingRow ReadMoving(SqliteQuery& query) {
  MovingRow row;
  row.agent = query.Id();
  row.move = query.Int();
  row.state = static_cast<MovingState>(query.Ranged(3));
  row.reason = query.Text();
  row.text = query.Text();
  row.warrant = query.Ranged(kAny);
  row.tries = query.Ranged(kAny);
  row.since = query.Time();
  return row;
}

ExpectedRow ReadExpected(SqliteQuery& query) {
  ExpectedRow row;
  row.agent = query.Id();
  row.from = query.Id();
  row.state = static_cast<ExpectedState>(query.Ranged(2));
  row.until = query.Time();
  row.since = query.Time();
  return row;
}

template <class Row>
Result<std::vector<Row>> ReadAll(SqliteQuery& query, Row (*read)(SqliteQuery&)) {
  std::vector<Row> rows;
  while (query.Step()) rows.push_back(read(query));
  if (query.damaged()) return Fail(Code::kDamaged, "a row of the moves is damaged");
  return rows;
}

template <class Row>
Result<std::optional<Row>> ReadOne(SqliteQuery& query, Row (*read)(SqliteQuery&)) {
  if (!query.Step()) return std::nullopt;
  Row row = read(query);
  if (query.damaged()) return Fail(Code::kDamaged, "a row of the moves is damaged");
  return row;
}

std::string SelectSql(std::string_view table, std::string_view columns, std::string_view rest) {
  return "SELECT " + std::string(columns) + " FROM " + std::string(table) + " " + std::string(rest);
}

const std::string& MoveSelect() {
  static const std::string columns = std::string(kMoveColumns) + ", id";
  return columns;
}

}  // namespace

Result<std::int64_t> SqliteMoves::AddMove(const MoveRow& row) {
  static const std::string sql = InsertSql("moves", kMoveColumns) + " RETURNING id";
  return connection_.Run("cannot write a move", [&]() -> Result<std::int64_t> {
    const Bytes addresses = EncodeTexts(row.addresses);
    SqliteQuery query(connection_, sql.c_str());
    BindMove(query, row, addresses);
    if (!query.Step()) return Fail(Code::kInternal, "an insertion gave no number");
    const std::int64_t id = query.Int();
    while (query.Step()) {
    }
    return id;
  });
}

Status SqliteMoves::PutMove(const MoveRow& row) {
  static const std::string sql = UpdateSql("moves", kMoveColumns, "id");
  return connection_.Run("cannot write a move", [&]() -> Status {
    const Bytes addresses = EncodeTexts(row.addresses);
    SqliteQuery query(connection_, sql.c_str());
    BindMove(query, row, addresses);
    if (query.Bind(row.id).Write() == 1) return {};
    return Fail(Code::kNotFound, "there is no move " + std::to_string(row.id));
  });
}

Result<std::optional<MoveRow>> SqliteMoves::FindMove(std::int64_t id) {
  static const std::string sql = SelectSql("moves", MoveSelect(), "WHERE id = ?");
  return connection_.Run("cannot read a move", [&]() -> Result<std::optional<MoveRow>> {
    SqliteQuery query(connection_, sql.c_str());
    query.Bind(id);
    return ReadOne(query, &ReadMove);
  });
}

Result<std::vector<MoveRow>> SqliteMoves::ListMoves(std::size_t limit) {
  static const std::string sql =
      SelectSql("moves", MoveSelect(), "ORDER BY state IN (2, 3), id DESC LIMIT ?");
  return connection_.Run("cannot list moves", [&]() -> Result<std::vector<MoveRow>> {
    SqliteQuery query(connection_, sql.c_str());
    query.BindCount(limit);
    return ReadAll(query, &ReadMove);
  });
}

Status SqliteMoves::PutWarrant(std::int64_t move, std::uint32_t number, std::string_view warrant) {
  return connection_.Run("cannot write a warrant", [&]() -> Status {
    SqliteQuery query(
        connection_,
        "INSERT OR REPLACE INTO move_warrants (move, number, warrant) VALUES (?, ?, ?)");
    query.Bind(move).Bind(std::int64_t{number}).BindCopy(warrant).Write();
    return {};
  });
}

Result<std::optional<std::string>> SqliteMoves::FindWarrant(std::int64_t move,
                                                            std::uint32_t number) {
  return connection_.Run("cannot read a warrant", [&]() -> Result<std::optional<std::string>> {
    SqliteQuery query(connection_,
                      "SELECT warrant FROM move_warrants WHERE move = ? AND number = ?");
    if (!query.Bind(move).Bind(std::int64_t{number}).Step()) return std::nullopt;
    return query.Text();
  });
}

// Its triggers keep the counts: REPLACE would pass them by.
Status SqliteMoves::PutMoving(const MovingRow& row) {
  static const std::string sql =
      InsertSql("moving", kMovingColumns) +
      " ON CONFLICT (agent, move) DO UPDATE SET state = excluded.state, reason = excluded.reason, "
      "text = excluded.text, warrant = excluded.warrant, tries = excluded.tries, "
      "since = excluded.since";
  return connection_.Run("cannot write an agent of a move", [&]() -> Status {
    SqliteQuery query(connection_, sql.c_str());
    query.Bind(row.agent).Bind(row.move).Bind(static_cast<std::int64_t>(row.state));
    query.Bind(row.reason).Bind(row.text).Bind(std::int64_t{row.warrant});
    query.Bind(std::int64_t{row.tries}).Bind(row.since).Write();
    return {};
  });
}

Result<std::optional<MovingRow>> SqliteMoves::FindMoving(const AgentId& agent) {
  static const std::string sql =
      SelectSql("moving", kMovingColumns, "WHERE agent = ? ORDER BY move DESC LIMIT 1");
  return connection_.Run("cannot read an agent of a move",
                         [&]() -> Result<std::optional<MovingRow>> {
                           SqliteQuery query(connection_, sql.c_str());
                           query.Bind(agent);
                           return ReadOne(query, &ReadMoving);
                         });
}

Result<std::vector<MovingRow>> SqliteMoves::ListMoving(std::int64_t move,
                                                       std::optional<MovingState> state,
                                                       const std::optional<AgentId>& after,
                                                       std::size_t limit) {
  static const std::string of_state =
      SelectSql("moving", kMovingColumns,
                "WHERE move = ? AND state = ? AND agent > ? ORDER BY agent LIMIT ?");
  static const std::string all =
      SelectSql("moving", kMovingColumns, "WHERE +move = ? AND agent > ? ORDER BY agent LIMIT ?");
  return connection_.Run("cannot list agents of a move", [&]() -> Result<std::vector<MovingRow>> {
    const Bytes begin = after ? ToBytes(after->bytes()) : Bytes();
    SqliteQuery query(connection_, state ? of_state.c_str() : all.c_str());
    query.Bind(move);
    if (state) query.Bind(static_cast<std::int64_t>(*state));
    query.Bind(begin).BindCount(limit);
    return ReadAll(query, &ReadMoving);
  });
}

Result<MovingCounts> SqliteMoves::CountMoving(std::int64_t move) {
  return connection_.Run("cannot count agents of a move", [&]() -> Result<MovingCounts> {
    SqliteQuery query(connection_, "SELECT state, agents FROM moving_counts WHERE move = ?");
    query.Bind(move);
    MovingCounts counts;
    while (query.Step()) {
      const auto state = static_cast<MovingState>(query.Ranged(3));
      const std::uint64_t count = query.Unsigned();
      if (state == MovingState::kWaiting) counts.waiting = count;
      if (state == MovingState::kOrdered) counts.ordered = count;
      if (state == MovingState::kMoved) counts.moved = count;
      if (state == MovingState::kFailed) counts.failed = count;
    }
    return counts;
  });
}

Result<std::vector<ReasonCount>> SqliteMoves::CountReasons(std::int64_t move) {
  return connection_.Run(
      "cannot count agents of a move", [&]() -> Result<std::vector<ReasonCount>> {
        SqliteQuery query(connection_,
                          "SELECT reason, COUNT(*) FROM moving WHERE move = ? AND state = 3 "
                          "GROUP BY reason ORDER BY reason");
        query.Bind(move);
        std::vector<ReasonCount> counts;
        while (query.Step()) {
          ReasonCount one;
          one.reason = query.Text();
          one.count = query.Unsigned();
          counts.push_back(std::move(one));
        }
        return counts;
      });
}

Status SqliteMoves::RetryFailed(std::int64_t move, std::string_view but, Instant now) {
  return connection_.Run("cannot change agents of a move", [&]() -> Status {
    SqliteQuery query(connection_,
                      "UPDATE moving SET state = 0, reason = '', text = '', tries = 0, since = ? "
                      "WHERE move = ? AND state = 3 AND reason <> ?");
    query.Bind(now).Bind(move).BindCopy(but).Write();
    return {};
  });
}

Status SqliteMoves::PutExpected(const ExpectedRow& row) {
  static const std::string sql = UpsertSql("expected", kExpectedColumns);
  return connection_.Run("cannot write an expected agent", [&]() -> Status {
    SqliteQuery query(connection_, sql.c_str());
    query.Bind(row.agent).Bind(row.from).Bind(static_cast<std::int64_t>(row.state));
    query.Bind(row.until).Bind(row.since).Write();
    return {};
  });
}

Result<std::optional<ExpectedRow>> SqliteMoves::FindExpected(const AgentId& agent) {
  static const std::string sql = SelectSql("expected", kExpectedColumns, "WHERE agent = ?");
  return connection_.Run("cannot read an expected agent",
                         [&]() -> Result<std::optional<ExpectedRow>> {
                           SqliteQuery query(connection_, sql.c_str());
                           query.Bind(agent);
                           return ReadOne(query, &ReadExpected);
                         });
}

Result<std::vector<ExpectedRow>> SqliteMoves::ListExpected(const std::optional<AgentId>& after,
                                                           std::size_t limit) {
  static const std::string sql =
      SelectSql("expected", kExpectedColumns, "WHERE agent > ? ORDER BY agent LIMIT ?");
  return connection_.Run("cannot list expected agents", [&]() -> Result<std::vector<ExpectedRow>> {
    const Bytes begin = after ? ToBytes(after->bytes()) : Bytes();
    SqliteQuery query(connection_, sql.c_str());
    query.Bind(begin).BindCount(limit);
    return ReadAll(query, &ReadExpected);
  });
}

Result<ExpectedCounts> SqliteMoves::CountExpected(Instant now) {
  return connection_.Run("cannot count expected agents", [&]() -> Result<ExpectedCounts> {
    SqliteQuery query(connection_,
                      "SELECT state, COUNT(*) FROM expected WHERE until > ? OR state = 2 "
                      "GROUP BY state");
    query.Bind(now);
    ExpectedCounts counts;
    while (query.Step()) {
      const auto state = static_cast<ExpectedState>(query.Ranged(2));
      const std::uint64_t count = query.Unsigned();
      if (state == ExpectedState::kExpected) counts.expected = count;
      if (state == ExpectedState::kArriving) counts.arriving = count;
      if (state == ExpectedState::kArrived) counts.arrived = count;
    }
    return counts;
  });
}

Result<std::uint64_t> SqliteMoves::DropExpected(Instant before) {
  return connection_.Run("cannot drop expected agents", [&]() -> Result<std::uint64_t> {
    SqliteQuery query(connection_, "DELETE FROM expected WHERE until < ?");
    return query.Bind(before).Write();
  });
}

}  // namespace countersign::store
