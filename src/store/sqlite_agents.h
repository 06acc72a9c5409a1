#pragma once

#include "store/registry.h"
#include "store/sqlite_connection.h"

namespace countersign::store {

// SqliteAgents is the table of agents; its methods are those of Registry. `connection` must outlive
// it.
class SqliteAgents {
 public:
  explicit SqliteAgents(SqliteConnection& connection) : connection_(connection) {}

  [[nodiscard]] Result<std::optional<AgentRow>> Find(const AgentId& id);
  [[nodiscard]] Status Put(const AgentRow& row);
  [[nodiscard]] Status Delete(const AgentId& id);
  [[nodiscard]] Result<std::vector<AgentRow>> List(const AgentQuery& query);
  [[nodiscard]] Result<std::vector<AgentRow>> From(std::string_view source, std::size_t limit);
  [[nodiscard]] Result<std::vector<StandingCount>> Count();
  [[nodiscard]] Result<ReachCounts> CountReach(Instant served);
  [[nodiscard]] Result<std::uint64_t> CountUnadmitted(std::string_view source, Instant since);
  [[nodiscard]] Result<std::uint64_t> DropSilentUnadmitted(Instant before);

 private:
  [[nodiscard]] Status ListAll(const AgentQuery& query, std::vector<AgentRow>& rows);
  [[nodiscard]] Status ListStanding(const std::string& standing, const AgentQuery& query,
                                    std::vector<AgentRow>& rows);

  SqliteConnection& connection_;
};

}  // namespace countersign::store
