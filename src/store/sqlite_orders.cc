#include "store/sqlite_orders.h"

#include <limits>

#include "store/row_codec.h"
#include "store/sqlite_query.h"

namespace countersign::store {
namespace {

// What an order is, what changes with each attempt, and whether it is open. Their order here is
// that of ReadRow and of the Bind functions.
constexpr std::string_view kFixedColumns = "jti, agent, expires";
constexpr std::string_view kOtherColumns =
    "act, args, given_by, created, jti_drawn, state, verdict, earlier, result, attempts, "
    "next_attempt, versions, ended";

// The numbers in the column `state` are part of the schema.
static_assert(static_cast<int>(OrderState::kQueued) == 0 &&
              static_cast<int>(OrderState::kSent) == 1 &&
              static_cast<int>(OrderState::kUnknown) == 2 &&
              static_cast<int>(OrderState::kDone) == 3 &&
              static_cast<int>(OrderState::kLapsed) == 4);

std::string Select(std::string_view rest) {
  return "SELECT id, " + std::string(kFixedColumns) + ", " + std::string(kOtherColumns) +
         " FROM orders " + std::string(rest);
}

OrderRow ReadRow(SqliteQuery& query) {
  OrderRow row;
  row.id = query.Int();
  row.jti = query.Token();
  row.agent = query.Id();
  row.expires = query.Time();
  row.act = query.Text();
  row.args = query.Text();
  row.by = query.Text();
  row.created = query.Time();
  row.jti_drawn = query.Time();
  row.state = static_cast<OrderState>(query.Ranged(4));
  row.verdict = query.Text();
  row.earlier = query.Text();
  row.result = query.Text();
  row.attempts = query.Ranged(std::numeric_limits<std::uint32_t>::max());
  row.next_attempt = query.Time();
  row.versions = query.Decoded(DecodeVersions(query.BlobView()));
  row.ended = query.OptionalTime();
  return row;
}

bool IsOpen(const OrderRow& row) {
  return row.state == OrderState::kQueued || row.state == OrderState::kSent;
}

Result<std::vector<OrderRow>> ReadRows(SqliteQuery& query) {
  std::vector<OrderRow> rows;
  while (query.Step()) {
    rows.push_back(ReadRow(query));
    if (query.damaged()) {
      return Fail(Code::kDamaged,
                  "the row of order " + std::to_string(rows.back().id) + " is damaged");
    }
  }
  return rows;
}

void BindFixed(SqliteQuery& query, const OrderRow& row) {
  query.Bind(row.jti).Bind(row.agent).Bind(row.expires);
}

void BindOther(SqliteQuery& query, const OrderRow& row, const Bytes& versions) {
  query.Bind(row.act).Bind(row.args).Bind(row.by).Bind(row.created).Bind(row.jti_drawn);
  query.Bind(static_cast<std::int64_t>(row.state)).Bind(row.verdict).Bind(row.earlier);
  query.Bind(row.result).Bind(row.attempts).Bind(row.next_attempt).Bind(versions);
  query.BindOptional(row.ended);
}

}  // namespace

Result<std::int64_t> SqliteOrders::Add(const OrderRow& row) {
  static const std::string sql =
      InsertSql("orders", std::string(kOtherColumns) + ", is_open, " + std::string(kFixedColumns));
  return connection_.Run("cannot add an order", [&]() -> Result<std::int64_t> {
    const Bytes versions = EncodeVersions(row.versions);
    SqliteQuery query(connection_, sql.c_str());
    BindOther(query, row, versions);
    query.Bind(IsOpen(row));
    BindFixed(query, row);
    query.Write();
    return connection_.last_id();
  });
}

// SQLite writes an index anew for every column in SET, changed or not. So the usual changes are
// tried first: another attempt of an open order, the end of one.
Status SqliteOrders::Put(const OrderRow& row) {
  static const std::string others(kOtherColumns);
  static const std::string fixed(kFixedColumns);
  static const std::string attempt = UpdateSql("orders", others, "is_open, " + fixed + ", id");
  static const std::string end = UpdateSql("orders", others + ", is_open", fixed + ", id");
  static const std::string all = UpdateSql("orders", others + ", is_open, " + fixed, "id");
  return connection_.Run("cannot write an order", [&]() -> Status {
    const Bytes versions = EncodeVersions(row.versions);
    // The three bind the same values in the same order.
    for (const std::string* sql : {IsOpen(row) ? &attempt : &end, &all}) {
      SqliteQuery query(connection_, sql->c_str());
      BindOther(query, row, versions);
      query.Bind(IsOpen(row));
      BindFixed(query, row);
      if (query.Bind(row.id).Write() == 1) return {};
    }
    return Fail(Code::kNotFound, "there is no order " + std::to_string(row.id));
  });
}

Result<std::optional<OrderRow>> SqliteOrders::Find(const Jti& jti) {
  static const std::string sql = Select("WHERE jti = ?");
  return connection_.Run("cannot read an order", [&]() -> Result<std::optional<OrderRow>> {
    SqliteQuery query(connection_, sql.c_str());
    auto rows = ReadRows(query.Bind(jti));
    if (!rows) return std::unexpected(std::move(rows).error());
    if (rows->empty()) return std::nullopt;
    return std::move(rows->front());
  });
}

Result<std::vector<OrderRow>> SqliteOrders::Open(const AgentId& agent, std::size_t limit) {
  static const std::string sql = Select("WHERE agent = ? AND is_open = 1 ORDER BY id LIMIT ?");
  return connection_.Run("cannot list open orders", [&]() -> Result<std::vector<OrderRow>> {
    SqliteQuery query(connection_, sql.c_str());
    return ReadRows(query.Bind(agent).BindCount(limit));
  });
}

Result<std::vector<OrderRow>> SqliteOrders::AllOpen(const AgentId& agent, std::string_view act) {
  static const std::string sql =
      Select("WHERE agent = ?1 AND is_open = 1 AND (?2 = '' OR act = ?2) ORDER BY id");
  return connection_.Run("cannot list open orders", [&]() -> Result<std::vector<OrderRow>> {
    SqliteQuery query(connection_, sql.c_str());
    return ReadRows(query.Bind(agent).BindCopy(act));
  });
}

// The index on next_attempt holds those due at its front, so the cost goes with the limit, not with
// the number of open orders.
Result<std::vector<OrderRow>> SqliteOrders::Due(Instant now, std::size_t limit) {
  static const std::string sql = Select(
      "AS due WHERE is_open = 1 AND next_attempt <= ?1 AND NOT EXISTS ("
      "SELECT 1 FROM orders AS older WHERE older.agent = due.agent AND older.is_open = 1 "
      "AND older.id < due.id AND older.next_attempt <= ?1) "
      "ORDER BY next_attempt, id LIMIT ?2");
  return connection_.Run("cannot list due orders", [&]() -> Result<std::vector<OrderRow>> {
    SqliteQuery query(connection_, sql.c_str());
    return ReadRows(query.Bind(now).BindCount(limit));
  });
}

Result<std::optional<Instant>> SqliteOrders::NextAttempt() {
  return connection_.Run("cannot find the next attempt", [&]() -> Result<std::optional<Instant>> {
    SqliteQuery query(connection_, "SELECT min(next_attempt) FROM orders WHERE is_open = 1");
    if (!query.Step()) return std::nullopt;
    return query.OptionalTime();
  });
}

Result<std::uint64_t> SqliteOrders::Lapse(Instant now) {
  return connection_.Run("cannot lapse orders", [&]() -> Result<std::uint64_t> {
    SqliteQuery query(connection_,
                      "UPDATE orders SET ended = CASE state WHEN 0 THEN ?1 ELSE ended END, "
                      "state = CASE state WHEN 0 THEN 4 ELSE 2 END, is_open = 0 "
                      "WHERE is_open = 1 AND expires <= ?1");
    return query.Bind(now).Write();
  });
}

Status SqliteOrders::AddReceipt(const AgentId& agent, const Jti& order, std::string_view receipt,
                                Instant at) {
  return connection_.Run("cannot add a receipt", [&]() -> Status {
    SqliteQuery query(connection_,
                      "INSERT INTO receipts (agent, jti, receipt, at) VALUES (?, ?, ?, ?)");
    query.Bind(agent).Bind(order).BindCopy(receipt).Bind(at).Write();
    return {};
  });
}

Result<std::vector<std::string>> SqliteOrders::ReceiptsOf(const Jti& order) {
  return connection_.Run("cannot read receipts", [&]() -> Result<std::vector<std::string>> {
    SqliteQuery query(connection_, "SELECT receipt FROM receipts WHERE jti = ? ORDER BY id");
    query.Bind(order);
    std::vector<std::string> receipts;
    while (query.Step()) receipts.push_back(query.Text());
    return receipts;
  });
}

}  // namespace countersign::store
