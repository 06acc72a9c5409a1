#pragma once

#include "store/registry.h"
#include "store/sqlite_connection.h"

namespace countersign::store {

// SqliteUnload is the tables of unload passwords; its methods are those of Registry (the deletion
// of an agent's row takes its state along by itself). `connection` must outlive it.
class SqliteUnload {
 public:
  explicit SqliteUnload(SqliteConnection& connection) : connection_(connection) {}

  [[nodiscard]] Result<std::int64_t> AddWish(const UnloadWishRow& row);
  [[nodiscard]] Status DeleteWish(std::int64_t id);
  [[nodiscard]] Result<std::vector<UnloadWishRow>> ListWishes();
  [[nodiscard]] Status PutState(const UnloadStateRow& row);
  [[nodiscard]] Result<std::optional<UnloadStateRow>> FindState(const AgentId& agent);

 private:
  SqliteConnection& connection_;
};

}  // namespace countersign::store
