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
  [[nodiscard]] Status DropWishes(std::string_view scope);
  [[nodiscard]] Status DropWishesFrom(std::string_view beginning);
  [[nodiscard]] Result<std::optional<UnloadWishRow>> FindWish(std::int64_t id);
  [[nodiscard]] Result<std::optional<UnloadWishRow>> NewestWish(
      const std::vector<std::string>& scopes);
  [[nodiscard]] Result<std::vector<UnloadWishRow>> ListWishes(std::int64_t after,
                                                              std::size_t limit);
  [[nodiscard]] Status PutState(const UnloadStateRow& row);
  [[nodiscard]] Result<std::optional<UnloadStateRow>> FindState(const AgentId& agent);

 private:
  SqliteConnection& connection_;
};

}  // namespace countersign::store
