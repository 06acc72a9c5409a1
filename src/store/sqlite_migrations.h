#pragma once

#include <cstdint>
#include <span>

namespace countersign::store {

// SqliteMigration is one numbered step of the registry's schema, from store/sqlite/NNNN_name.sql.
struct SqliteMigration {
  std::int64_t number = 0;  // 1, 2, 3, ...: the schema that it leads to
  const char* name = "";
  const char* sql = "";
};

// SqliteMigrations are all steps in order, built into the program.
[[nodiscard]] std::span<const SqliteMigration> SqliteMigrations();

}  // namespace countersign::store
