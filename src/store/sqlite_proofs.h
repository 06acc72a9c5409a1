#pragma once

#include "store/registry.h"
#include "store/sqlite_connection.h"

namespace countersign::store {

// SqliteProofs is the table of proofs; its methods are those of Registry (the deletion of an
// agent's row takes its proof along by itself). `connection` must outlive it.
class SqliteProofs {
 public:
  explicit SqliteProofs(SqliteConnection& connection) : connection_(connection) {}

  [[nodiscard]] Status Put(const ProofRow& row);
  [[nodiscard]] Result<std::optional<ProofRow>> Find(const AgentId& agent);
  [[nodiscard]] Status Delete(const AgentId& agent);

 private:
  SqliteConnection& connection_;
};

}  // namespace countersign::store
