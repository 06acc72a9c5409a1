#include "store/sqlite_unload.h"

#include "store/sqlite_query.h"

namespace countersign::store {

Result<std::int64_t> SqliteUnload::AddWish(const UnloadWishRow& row) {
  static const std::string sql = InsertSql("unload_wishes", "scope, verifier, given_by, since");
  return connection_.Run("cannot write an unload password", [&]() -> Result<std::int64_t> {
    SqliteQuery query(connection_, sql.c_str());
    query.Bind(row.scope).Bind(row.verifier).Bind(row.by).Bind(row.since).Write();
    return connection_.last_id();
  });
}

Status SqliteUnload::DeleteWish(std::int64_t id) {
  return connection_.Run("cannot delete an unload password", [&]() -> Status {
    SqliteQuery(connection_, "DELETE FROM unload_wishes WHERE id = ?").Bind(id).Write();
    return {};
  });
}

Result<std::vector<UnloadWishRow>> SqliteUnload::ListWishes() {
  return connection_.Run(
      "cannot list unload passwords", [&]() -> Result<std::vector<UnloadWishRow>> {
        SqliteQuery query(connection_,
                          "SELECT id, scope, verifier, given_by, since FROM unload_wishes "
                          "ORDER BY id");
        std::vector<UnloadWishRow> rows;
        while (query.Step()) {
          UnloadWishRow row;
          row.id = query.Int();
          row.scope = query.Text();
          row.verifier = query.Text();
          row.by = query.Text();
          row.since = query.Time();
          rows.push_back(std::move(row));
        }
        return rows;
      });
}

Status SqliteUnload::PutState(const UnloadStateRow& row) {
  static const std::string sql =
      UpsertSql("unload_states", "agent, wish, order_jti, verdict, since");
  return connection_.Run("cannot write the state of an unload password", [&]() -> Status {
    SqliteQuery query(connection_, sql.c_str());
    query.Bind(row.agent).Bind(row.wish).Bind(row.order).Bind(row.verdict).Bind(row.since).Write();
    return {};
  });
}

Result<std::optional<UnloadStateRow>> SqliteUnload::FindState(const AgentId& agent) {
  return connection_.Run(
      "cannot read the state of an unload password",
      [&]() -> Result<std::optional<UnloadStateRow>> {
        SqliteQuery query(connection_,
                          "SELECT agent, wish, order_jti, verdict, since FROM unload_states "
                          "WHERE agent = ?");
        if (!query.Bind(agent).Step()) return std::nullopt;
        UnloadStateRow row;
        row.agent = query.Id();
        row.wish = query.Int();
        row.order = query.Token();
        row.verdict = query.Text();
        row.since = query.Time();
        if (query.damaged()) {
          return Fail(Code::kDamaged,
                      "the row of the unload password of agent " + agent.Text() + " is damaged");
        }
        return row;
      });
}

}  // namespace countersign::store
