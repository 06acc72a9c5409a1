#include "store/sqlite_agents.h"

#include <algorithm>
#include <set>

#include "store/row_codec.h"
#include "store/sqlite_query.h"

namespace countersign::store {
namespace {

// The columns that stand in no index, and those that do. Their order here is that of ReadRow and of
// the Bind functions.
constexpr std::string_view kPlainColumns =
    "key, admitted_by, host, addresses, port, domain, version, platform, batch, held_known, "
    "held_thumbprint, held_generation, held_owner, held_server, aud, held_bundle, want_bundle, "
    "reason, standing_since, last_contact, last_verified, clock_offset, proved_seq, instance, "
    "instance_epoch, replaced, returns, jump, cloned, nonces, failures, "
    "last_refusal, successor, tls, moved_to, failed_calls, call_failed_at, call_answered_at, "
    "arriving, unreachable, reach_since, silent_at";
constexpr std::string_view kIndexedColumns =
    "id, standing, admitted, forgotten, source, first_seen";

std::string AllColumns() {
  return std::string(kIndexedColumns) + ", " + std::string(kPlainColumns);
}

std::string Select(std::string_view rest) {
  return "SELECT " + AllColumns() + " FROM agents " + std::string(rest);
}

// ReadSaid reads what the agent is and says, up to the column want_bundle; ReadKnown reads what the
// server made of it, the rest.
void ReadSaid(SqliteQuery& query, AgentRow& row) {
  row.id = query.Id();
  row.standing = query.Text();
  row.admitted = query.Bool();
  row.forgotten = query.Bool();
  row.source = query.Text();
  row.first_seen = query.Time();
  row.key = query.Blob();
  row.admitted_by = query.Text();
  row.host = query.Text();
  row.addresses = query.Decoded(DecodeTexts(query.BlobView()));
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
}

void ReadKnown(SqliteQuery& query, AgentRow& row) {
  row.reason = query.Text();
  row.standing_since = query.Time();
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
  row.last_refusal = query.Text();
  row.successor = query.Id();
  row.tls = query.Bool();
  row.moved_to = query.Text();
  row.failed_calls = static_cast<std::uint32_t>(query.Ranged(0xffff'ffff));
  row.call_failed_at = query.OptionalTime();
  row.call_answered_at = query.OptionalTime();
  row.arriving = query.Bool();
  row.unreachable = query.Bool();
  row.reach_since = query.Time();
  row.silent_at = query.Time();
}

AgentRow ReadRow(SqliteQuery& query) {
  AgentRow row;
  ReadSaid(query, row);
  ReadKnown(query, row);
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

void BindIndexed(SqliteQuery& query, const AgentRow& row) {
  query.Bind(row.id).Bind(row.standing).Bind(row.admitted).Bind(row.forgotten);
  query.Bind(row.source).Bind(row.first_seen);
}

void BindPlain(SqliteQuery& query, const AgentRow& row, const Lists& lists) {
  query.Bind(row.key).Bind(row.admitted_by).Bind(row.host).Bind(lists.addresses).Bind(row.port);
  query.Bind(row.domain).Bind(row.version).Bind(row.platform).Bind(row.batch);
  query.Bind(row.held_known).Bind(row.held_thumbprint).BindUnsigned(row.held_generation);
  query.Bind(row.held_owner).Bind(row.held_server).Bind(row.aud).Bind(row.held_bundle);
  query.Bind(row.want_bundle).Bind(row.reason).Bind(row.standing_since);
  query.BindOptional(row.last_contact).BindOptional(row.last_verified).Bind(row.clock_offset);
  query.BindUnsigned(row.proved_seq).Bind(row.instance).BindUnsigned(row.instance_epoch);
  query.Bind(lists.replaced).Bind(lists.returns).BindUnsigned(row.jump).Bind(row.cloned);
  query.Bind(lists.nonces).BindUnsigned(row.failures);
  query.Bind(row.last_refusal).Bind(row.successor).Bind(row.tls).Bind(row.moved_to);
  query.BindUnsigned(row.failed_calls).BindOptional(row.call_failed_at);
  query.BindOptional(row.call_answered_at).Bind(row.arriving);
  query.Bind(row.unreachable).Bind(row.reach_since).Bind(row.silent_at);
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

// SQLite writes an index anew for every column in SET, changed or not. Most writes change none that
// is indexed: they are tried first without them.
Status SqliteAgents::Put(const AgentRow& row) {
  static const std::string update = UpdateSql("agents", kPlainColumns, kIndexedColumns);
  static const std::string upsert = UpsertSql("agents", AllColumns());
  return connection_.Run("cannot write an agent", [&]() -> Status {
    const Lists lists(row);
    SqliteQuery changed(connection_, update.c_str());
    BindPlain(changed, row, lists);
    BindIndexed(changed, row);
    if (changed.Write() == 1) return {};
    SqliteQuery query(connection_, upsert.c_str());
    BindIndexed(query, row);
    BindPlain(query, row, lists);
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

Result<std::vector<AgentRow>> SqliteAgents::From(std::string_view source, std::size_t limit) {
  static const std::string sql = Select("WHERE source = ? AND forgotten = 0 LIMIT ?");
  return connection_.Run("cannot list agents", [&]() -> Result<std::vector<AgentRow>> {
    SqliteQuery query(connection_, sql.c_str());
    query.BindCopy(source).BindCount(limit);
    std::vector<AgentRow> rows;
    COUNTERSIGN_RETURN_IF_ERROR(ReadRows(query, rows));
    return rows;
  });
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

Result<ReachCounts> SqliteAgents::CountReach(Instant served) {
  return connection_.Run("cannot count agents", [&]() -> Result<ReachCounts> {
    SqliteQuery query(connection_,
                      "SELECT CASE WHEN silent_at <= ? THEN 2 ELSE unreachable END AS reach, "
                      "count(*) FROM agents WHERE forgotten = 0 GROUP BY reach");
    query.Bind(served);
    ReachCounts counts;
    while (query.Step()) {
      const std::int64_t reach = query.Int();
      (reach == 0   ? counts.online
       : reach == 1 ? counts.unreachable
                    : counts.offline) = query.Unsigned();
    }
    return counts;
  });
}

// The index of those who wait is named: by itself SQLite takes agents_by_source, and passes through
// the whole fleet, here and below.
Result<std::uint64_t> SqliteAgents::CountUnadmitted(std::string_view source, Instant since) {
  static constexpr char kOfAll[] =
      "SELECT count(*) FROM agents INDEXED BY agents_unadmitted "
      "WHERE admitted = 0 AND forgotten = 0 AND first_seen >= ?";
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
                      "DELETE FROM agents INDEXED BY agents_unadmitted "
                      "WHERE admitted = 0 AND forgotten = 0 "
                      "AND coalesce(last_contact, first_seen) < ?");
    return query.Bind(before).Write();
  });
}

}  // namespace countersign::store
