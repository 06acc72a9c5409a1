#pragma once

#include "store/registry.h"
#include "store/sqlite_connection.h"

namespace countersign::store {

// SqliteOrders is the tables of orders and receipts; its methods are those of Registry.
// `connection` must outlive it.
class SqliteOrders {
 public:
  explicit SqliteOrders(SqliteConnection& connection) : connection_(connection) {}

  [[nodiscard]] Result<std::int64_t> Add(const OrderRow& row);
  [[nodiscard]] Status Put(const OrderRow& row);
  [[nodiscard]] Result<std::optional<OrderRow>> Find(const Jti& jti);
  [[nodiscard]] Result<std::vector<OrderRow>> Open(const AgentId& agent, std::size_t limit);
  [[nodiscard]] Result<std::vector<OrderRow>> AllOpen(const AgentId& agent, std::string_view act);
  [[nodiscard]] Result<std::vector<OrderRow>> Due(Instant now, std::size_t limit);
  [[nodiscard]] Result<std::optional<Instant>> NextAttempt();
  [[nodiscard]] Result<std::uint64_t> Lapse(Instant now);

  [[nodiscard]] Status AddReceipt(const AgentId& agent, const Jti& order, std::string_view receipt,
                                  Instant at);
  [[nodiscard]] Result<std::vector<std::string>> ReceiptsOf(const Jti& order);

 private:
  SqliteConnection& connection_;
};

}  // namespace countersign::store
