#include "store/sqlite_agents.h"

#include <algorithm>
#include <set>

#include "store/row_codec.h"
#include "store/sqlite_query.h"

namespace countersign::store {
namespace {

constexpr std::string_view kColumns =
    "id, key, admitted, admitted_by, forgotten, host, addresses, source, port, domain, version, "
    "platform, batch, held_known, held_thumbprint, held_generation, held_owner, held_server, aud, "
    "held_bundle, want_bundle, standing, reason, standing_since, first_seen, last_contact, "
    "last_verified, clock_offset, proved_seq, instance, instance_epoch, replaced, returns, jump, "
    "cloned, nonces, failures, failures_json, last_refusal";

std::string Select(std::string_view rest) {
  return "SELECT " + std::string(kColumns) + " FROM agents " + std::string(rest);
}

// ReadRow reads the columns of kColumns, in that order.
AgentRow ReadRow(SqliteQuery& query) {
  AgentRow row;
  row.id = query.Id();
  row.key = query.Blob();
  row.admitted = query.Bool();
  row.admitted_by = query.Text();
  row.forgotten = query.Bool();
  row.host = query.Text();
  row.addresses = query.Decoded(DecodeTexts(query.BlobView()));
  row.source = query.Text();
  row.port = static_cast<std::uint16_t>(query.Ranged(65'535));
  row.domain = query.Text();
  row.version = query.Text();
  row.platform = query.Text();
  row.batch = query.Bool();
  row.held_known = query.Bool();
  row.held_thumbprint = query.Sha256Digest();
  row.held_generation = query.Unsigned();
  row.held_owner = query.Sha256Digest();
  row.held_server = query.Id();
  row.aud = query.Id();
  row.held_bundle = query.Blob();
  row.want_bundle = query.Bool();
  row.standing = query.Text();
  row.reason = query.Text();
  row.standing_since = query.Time();
  row.first_seen = query.Time();
  row.last_contact = query.OptionalTime();
  row.last_verified = query.OptionalTime();
  row.clock_offset = query.Int();
  row.proved_seq = query.Unsigned();
  row.instance = query.Token();
  row.instance_epoch = query.Unsigned();
  row.replaced = query.Decoded(DecodeReplaced(query.BlobView()));
  row.returns = query.Decoded(DecodeTimes(query.BlobView()));
  row.jump = query.Unsigned();
  row.cloned = query.Bool();
  row.nonces = query.Decoded(DecodeNonces(query.BlobView()));
  row.failures = query.Unsigned();
  row.failures_json = query.Text();
  row.last_refusal = query.Text();
  return row;
}

// The lists of a row as blobs; they live as long as the query that binds them.
struct Lists {
  explicit Lists(const AgentRow& row)
      : addresses(EncodeTexts(row.addresses)),
        replaced(EncodeReplaced(row.replaced)),
        returns(EncodeTimes(row.returns)),
        nonces(EncodeNonces(row.nonces)) {}
  Bytes addresses;
  Bytes replaced;
  Bytes returns;
  Bytes nonces;
};

// BindRow binds the columns of kColumns, in that order.
void BindRow(SqliteQuery& query, const AgentRow& row, const Lists& lists) {
  query.Bind(row.id).Bind(row.key).Bind(row.admitted).Bind(row.admitted_by).Bind(row.forgotten);
  query.Bind(row.host).Bind(lists.addresses).Bind(row.source).Bind(row.port).Bind(row.domain);
  query.Bind(row.version).Bind(row.platform).Bind(row.batch);
  query.Bind(row.held_known).Bind(row.held_thumbprint).BindUnsigned(row.held_generation);
  query.Bind(row.held_owner).Bind(row.held_server).Bind(row.aud).Bind(row.held_bundle);
  query.Bind(row.want_bundle).Bind(row.standing).Bind(row.reason).Bind(row.standing_since);
  query.Bind(row.first_seen).BindOptional(row.last_contact).BindOptional(row.last_verified);
  query.Bind(row.clock_offset).BindUnsigned(row.proved_seq).Bind(row.instance);
  query.BindUnsigned(row.instance_epoch).Bind(lists.replaced).Bind(lists.returns);
  query.BindUnsigned(row.jump).Bind(row.cloned).Bind(lists.nonces);
  query.BindUnsigned(row.failures).Bind(row.failures_json).Bind(row.last_refusal);
}

// ReadRows appends what the query yields.
Status ReadRows(SqliteQuery& query, std::vector<AgentRow>& rows) {
  while (query.Step()) {
    rows.push_back(ReadRow(query));
    if (query.damaged()) {
      return Fail(Code::kDamaged, "the row of agent " + rows.back().id.Text() + " is damaged");
    }
  }
  return {};
}

}  // namespace

Result<std::optional<AgentRow>> SqliteAgents::Find(const AgentId& id) {
  static const std::string sql = Select("WHERE id = ?");
  return connection_.Run("cannot read an agent", [&]() -> Result<std::optional<AgentRow>> {
    SqliteQuery query(connection_, sql.c_str());
    query.Bind(id);
    std::vector<AgentRow> rows;
    COUNTERSIGN_RETURN_IF_ERROR(ReadRows(query, rows));
    if (rows.empty()) return std::nullopt;
    return std::move(rows.front());
  });
}

Status SqliteAgents::Put(const AgentRow& row) {
  static const std::string sql = UpsertSql("agents", kColumns);
  return connection_.Run("cannot write an agent", [&]() -> Status {
    const Lists lists(row);
    SqliteQuery query(connection_, sql.c_str());
    BindRow(query, row, lists);
    query.Write();
    return {};
  });
}

Status SqliteAgents::Delete(const AgentId& id) {
  return connection_.Run("cannot delete an agent", [&]() -> Status {
    SqliteQuery(connection_, "DELETE FROM agents WHERE id = ?").Bind(id).Write();
    return {};
  });
}

// One pass through the index for each standing, each already in order of id, then the first of all.
Result<std::vector<AgentRow>> SqliteAgents::List(const AgentQuery& query) {
  return connection_.Run("cannot list agents", [&]() -> Result<std::vector<AgentRow>> {
    std::vector<AgentRow> rows;
    if (query.standings.empty()) {
      COUNTERSIGN_RETURN_IF_ERROR(ListAll(query, rows));
      return rows;
    }
    const std::set<std::string> standings(query.standings.begin(), query.standings.end());
    for (const std::string& standing : standings) {
      COUNTERSIGN_RETURN_IF_ERROR(ListStanding(standing, query, rows));
    }
    if (standings.size() > 1) std::ranges::sort(rows, {}, &AgentRow::id);
    if (rows.size() > query.limit) rows.resize(query.limit);
    return rows;
  });
}

// An id that is not there yet sorts after the nil id, which names nobody.
Status SqliteAgents::ListAll(const AgentQuery& query, std::vector<AgentRow>& rows) {
  static const std::string sql = Select("WHERE id > ? AND forgotten <= ? ORDER BY id LIMIT ?");
  const AgentId after = query.after.value_or(AgentId());
  SqliteQuery select(connection_, sql.c_str());
  select.Bind(after).Bind(query.with_forgotten).BindCount(query.limit);
  return ReadRows(select, rows);
}

Status SqliteAgents::ListStanding(const std::string& standing, const AgentQuery& query,
                                  std::vector<AgentRow>& rows) {
  static const std::string sql =
      Select("WHERE standing = ? AND id > ? AND forgotten <= ? ORDER BY id LIMIT ?");
  const AgentId after = query.after.value_or(AgentId());
  SqliteQuery select(connection_, sql.c_str());
  select.Bind(standing).Bind(after).Bind(query.with_forgotten).BindCount(query.limit);
  return ReadRows(select, rows);
}

Result<std::vector<StandingCount>> SqliteAgents::Count() {
  return connection_.Run("cannot count agents", [&]() -> Result<std::vector<StandingCount>> {
    SqliteQuery query(connection_,
                      "SELECT standing, count(*) FROM agents "
                      "WHERE forgotten = 0 GROUP BY standing ORDER BY standing");
    std::vector<StandingCount> counts;
    while (query.Step()) {
      StandingCount count;
      count.standing = query.Text();
      count.count = query.Unsigned();
      counts.push_back(std::move(count));
    }
    return counts;
  });
}

Result<std::uint64_t> SqliteAgents::CountUnadmitted(std::string_view source, Instant since) {
  static constexpr char kOfAll[] =
      "SELECT count(*) FROM agents WHERE admitted = 0 AND forgotten = 0 AND first_seen >= ?";
  static constexpr char kOfOne[] =
      "SELECT count(*) FROM agents WHERE admitted = 0 AND forgotten = 0 AND first_seen >= ? "
      "AND source = ?";
  return connection_.Run("cannot count new agents", [&]() -> Result<std::uint64_t> {
    SqliteQuery query(connection_, source.empty() ? kOfAll : kOfOne);
    query.Bind(since);
    if (!source.empty()) query.BindCopy(source);
    return query.Step() ? query.Unsigned() : 0;
  });
}

Result<std::uint64_t> SqliteAgents::DropSilentUnadmitted(Instant before) {
  return connection_.Run("cannot drop silent agents", [&]() -> Result<std::uint64_t> {
    SqliteQuery query(connection_,
                      "DELETE FROM agents WHERE admitted = 0 AND forgotten = 0 "
                      "AND coalesce(last_contact, first_seen) < ?");
    return query.Bind(before).Write();
  });
}

}  // namespace countersign::store
