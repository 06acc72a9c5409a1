#include "store/sqlite_unload.h"

#include <utility>

#include "store/sqlite_query.h"

namespace countersign::store {
namespace {

std::string SelectWish(std::string_view rest) {
  return "SELECT id, scope, verifier, given_by, since FROM unload_wishes " + std::string(rest);
}

UnloadWishRow ReadWish(SqliteQuery& query) {
  UnloadWishRow row;
  row.id = query.Int();
  row.scope = query.Text();
  row.verifier = query.Text();
  row.by = query.Text();
  row.since = query.Time();
  return row;
}

}  // namespace

Result<std::int64_t> SqliteUnload::AddWish(const UnloadWishRow& row) {
  static const std::string sql = InsertSql("unload_wishes", "scope, verifier, given_by, since");
  return connection_.Run("cannot write an unload password", [&]() -> Result<std::int64_t> {
    SqliteQuery query(connection_, sql.c_str());
    query.Bind(row.scope).Bind(row.verifier).Bind(row.by).Bind(row.since).Write();
    return connection_.last_id();
  });
}

Status SqliteUnload::DropWishes(std::string_view scope) {
  return connection_.Run("cannot delete an unload password", [&]() -> Status {
    SqliteQuery(connection_, "DELETE FROM unload_wishes WHERE scope = ?").BindCopy(scope).Write();
    return {};
  });
}

// Texts are compared octet by octet: what begins with it lies before its successor.
Status SqliteUnload::DropWishesFrom(std::string_view beginning) {
  std::string end(beginning);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) ++end.back();
  return connection_.Run("cannot delete unload passwords", [&]() -> Status {
    if (end.empty()) {
      SqliteQuery(connection_, "DELETE FROM unload_wishes WHERE scope >= ?")
          .BindCopy(beginning)
          .Write();
    } else {
      SqliteQuery(connection_, "DELETE FROM unload_wishes WHERE scope >= ? AND scope < ?")
          .BindCopy(beginning)
          .BindCopy(end)
          .Write();
    }
    return {};
  });
}

Result<std::optional<UnloadWishRow>> SqliteUnload::FindWish(std::int64_t id) {
  static const std::string sql = SelectWish("WHERE id = ?");
  return connection_.Run("cannot read an unload password",
                         [&]() -> Result<std::optional<UnloadWishRow>> {
                           SqliteQuery query(connection_, sql.c_str());
                           if (!query.Bind(id).Step()) return std::nullopt;
                           return ReadWish(query);
                         });
}

Result<std::optional<UnloadWishRow>> SqliteUnload::NewestWish(
    const std::vector<std::string>& scopes) {
  static const std::string sql = SelectWish("WHERE scope = ? ORDER BY id DESC LIMIT 1");
  return connection_.Run("cannot read an unload password",
                         [&]() -> Result<std::optional<UnloadWishRow>> {
                           std::optional<UnloadWishRow> newest;
                           for (const std::string& scope : scopes) {
                             SqliteQuery query(connection_, sql.c_str());
                             if (!query.Bind(scope).Step()) continue;
                             UnloadWishRow row = ReadWish(query);
                             if (!newest || newest->id < row.id) newest = std::move(row);
                           }
                           return newest;
                         });
}

Result<std::vector<UnloadWishRow>> SqliteUnload::ListWishes(std::int64_t after, std::size_t limit) {
  static const std::string sql = SelectWish("WHERE id > ? ORDER BY id LIMIT ?");
  return connection_.Run("cannot list unload passwords",
                         [&]() -> Result<std::vector<UnloadWishRow>> {
                           SqliteQuery query(connection_, sql.c_str());
                           query.Bind(after).BindCount(limit);
                           std::vector<UnloadWishRow> rows;
                           while (query.Step()) rows.push_back(ReadWish(query));
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
