#include "store/sqlite_proofs.h"

#include "store/sqlite_query.h"

namespace countersign::store {

// The numbers in the column `kind` are part of the schema.
static_assert(static_cast<int>(ProofKind::kReport) == 0 &&
              static_cast<int>(ProofKind::kReceipt) == 1);

Status SqliteProofs::Put(const ProofRow& row) {
  static const std::string sql =
      UpsertSql("proofs", "agent, generation, thumbprint, kind, at, message");
  return connection_.Run("cannot write a proof", [&]() -> Status {
    SqliteQuery query(connection_, sql.c_str());
    query.Bind(row.agent).BindUnsigned(row.generation).Bind(row.thumbprint);
    query.Bind(static_cast<std::int64_t>(row.kind)).Bind(row.at).Bind(row.message).Write();
    return {};
  });
}

Result<std::optional<ProofRow>> SqliteProofs::Find(const AgentId& agent) {
  return connection_.Run("cannot read a proof", [&]() -> Result<std::optional<ProofRow>> {
    SqliteQuery query(connection_,
                      "SELECT agent, generation, thumbprint, kind, at, message FROM proofs "
                      "WHERE agent = ?");
    if (!query.Bind(agent).Step()) return std::nullopt;
    ProofRow row;
    row.agent = query.Id();
    row.generation = query.Unsigned();
    row.thumbprint = query.Sha256Digest();
    row.kind = static_cast<ProofKind>(query.Ranged(1));
    row.at = query.Time();
    row.message = query.Text();
    if (query.damaged()) {
      return Fail(Code::kDamaged, "the row of the proof of agent " + agent.Text() + " is damaged");
    }
    return row;
  });
}

Status SqliteProofs::Delete(const AgentId& agent) {
  return connection_.Run("cannot delete a proof", [&]() -> Status {
    SqliteQuery(connection_, "DELETE FROM proofs WHERE agent = ?").Bind(agent).Write();
    return {};
  });
}

}  // namespace countersign::store
