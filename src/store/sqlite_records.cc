#include "store/sqlite_records.h"

#include <limits>

#include "store/sqlite_query.h"

namespace countersign::store {
namespace {

// The numbers in the columns `role` and `state` are part of the schema.
static_assert(static_cast<int>(CertificateRole::kServer) == 0 &&
              static_cast<int>(CertificateRole::kOwner) == 1 &&
              static_cast<int>(CertificateRole::kSuccession) == 2);
static_assert(static_cast<int>(CertificateState::kReserve) == 0 &&
              static_cast<int>(CertificateState::kPending) == 1 &&
              static_cast<int>(CertificateState::kActive) == 2 &&
              static_cast<int>(CertificateState::kReplaced) == 3 &&
              static_cast<int>(CertificateState::kRevoked) == 4 &&
              static_cast<int>(CertificateState::kAborted) == 5);

CertificateRow ReadCertificate(SqliteQuery& query) {
  CertificateRow row;
  row.thumbprint = query.Sha256Digest();
  row.der = query.Blob();
  row.role = static_cast<CertificateRole>(query.Ranged(2));
  row.state = static_cast<CertificateState>(query.Ranged(5));
  row.generation = query.Unsigned();
  row.since = query.Time();
  return row;
}

TokenRow ReadToken(SqliteQuery& query) {
  TokenRow row;
  row.id = query.Text();
  row.secret = query.Blob();
  row.expires = query.OptionalTime();
  row.uses_left = query.OptionalRanged(std::numeric_limits<std::uint32_t>::max());
  row.note = query.Text();
  return row;
}

EventRow ReadEvent(SqliteQuery& query) {
  EventRow row;
  row.id = query.Int();
  row.at = query.Time();
  row.kind = query.Text();
  row.agent = query.Text();
  row.text = query.Text();
  const auto uid = query.OptionalRanged(~std::uint32_t{0});
  Actor by;
  by.name = query.Text();
  by.terminal = query.Text();
  by.login = query.Text();
  if (uid) {
    by.uid = *uid;
    row.by = std::move(by);
  }
  return row;
}

}  // namespace

Status SqliteRecords::PutCertificate(const CertificateRow& row) {
  static const std::string sql =
      UpsertSql("certificates", "thumbprint, der, role, state, generation, since");
  return connection_.Run("cannot write a certificate", [&]() -> Status {
    SqliteQuery query(connection_, sql.c_str());
    query.Bind(row.thumbprint).Bind(row.der).Bind(static_cast<std::int64_t>(row.role));
    query.Bind(static_cast<std::int64_t>(row.state)).BindUnsigned(row.generation);
    query.Bind(row.since).Write();
    return {};
  });
}

Result<std::vector<CertificateRow>> SqliteRecords::ListCertificates() {
  return connection_.Run("cannot list certificates", [&]() -> Result<std::vector<CertificateRow>> {
    SqliteQuery query(connection_,
                      "SELECT thumbprint, der, role, state, generation, since FROM certificates "
                      "ORDER BY since, thumbprint");
    std::vector<CertificateRow> rows;
    while (query.Step()) rows.push_back(ReadCertificate(query));
    if (query.damaged()) return Fail(Code::kDamaged, "the row of a certificate is damaged");
    return rows;
  });
}

Status SqliteRecords::PutToken(const TokenRow& row) {
  static const std::string sql = UpsertSql("tokens", "id, secret, expires, uses_left, note");
  return connection_.Run("cannot write a token", [&]() -> Status {
    SqliteQuery query(connection_, sql.c_str());
    query.Bind(row.id).Bind(row.secret).BindOptional(row.expires).BindOptional(row.uses_left);
    query.Bind(row.note).Write();
    return {};
  });
}

Result<std::optional<TokenRow>> SqliteRecords::FindToken(std::string_view id) {
  return connection_.Run("cannot read a token", [&]() -> Result<std::optional<TokenRow>> {
    SqliteQuery query(connection_,
                      "SELECT id, secret, expires, uses_left, note FROM tokens WHERE id = ?");
    if (!query.BindCopy(id).Step()) return std::nullopt;
    TokenRow row = ReadToken(query);
    if (query.damaged()) return Fail(Code::kDamaged, "the row of a token is damaged");
    return row;
  });
}

Result<std::vector<TokenRow>> SqliteRecords::ListTokens(std::string_view after, std::size_t limit) {
  return connection_.Run("cannot list tokens", [&]() -> Result<std::vector<TokenRow>> {
    SqliteQuery query(connection_,
                      "SELECT id, secret, expires, uses_left, note FROM tokens WHERE id > ? "
                      "ORDER BY id LIMIT ?");
    query.BindCopy(after).BindCount(limit);
    std::vector<TokenRow> rows;
    while (query.Step()) rows.push_back(ReadToken(query));
    if (query.damaged()) return Fail(Code::kDamaged, "the row of a token is damaged");
    return rows;
  });
}

Status SqliteRecords::DeleteToken(std::string_view id) {
  return connection_.Run("cannot delete a token", [&]() -> Status {
    SqliteQuery query(connection_, "DELETE FROM tokens WHERE id = ?");
    query.BindCopy(id).Write();
    return {};
  });
}

Status SqliteRecords::AddEvent(const EventRow& row) {
  return connection_.Run("cannot add an event", [&]() -> Status {
    SqliteQuery query(
        connection_,
        "INSERT INTO events (at, kind, agent, text, by_uid, by_name, by_terminal, by_login) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    const Actor by = row.by.value_or(Actor());
    std::optional<std::uint32_t> uid;
    if (row.by) uid = by.uid;
    query.Bind(row.at).Bind(row.kind).Bind(row.agent).Bind(row.text);
    query.BindOptional(uid).Bind(by.name).Bind(by.terminal).Bind(by.login).Write();
    return {};
  });
}

Result<std::vector<EventRow>> SqliteRecords::ListEvents(std::int64_t after, std::size_t limit) {
  return connection_.Run("cannot list events", [&]() -> Result<std::vector<EventRow>> {
    SqliteQuery query(connection_,
                      "SELECT id, at, kind, agent, text, by_uid, by_name, by_terminal, by_login "
                      "FROM events WHERE id > ? ORDER BY id LIMIT ?");
    query.Bind(after).BindCount(limit);
    std::vector<EventRow> rows;
    while (query.Step()) rows.push_back(ReadEvent(query));
    return rows;
  });
}

Status SqliteRecords::AddHistory(const HistoryRow& row) {
  return connection_.Run("cannot add a line of the history", [&]() -> Status {
    SqliteQuery query(connection_, "INSERT OR IGNORE INTO history (number, line) VALUES (?, ?)");
    if (query.Bind(row.number).Bind(row.line).Write() == 1) return {};
    return Fail(Code::kAlreadyExists,
                "the history has a line " + std::to_string(row.number) + " already");
  });
}

Result<std::vector<HistoryRow>> SqliteRecords::ListHistory(std::int64_t after, std::size_t limit) {
  return connection_.Run("cannot list the history", [&]() -> Result<std::vector<HistoryRow>> {
    SqliteQuery query(connection_,
                      "SELECT number, line FROM history WHERE number > ? ORDER BY number LIMIT ?");
    query.Bind(after).BindCount(limit);
    std::vector<HistoryRow> rows;
    while (query.Step()) {
      HistoryRow row;
      row.number = query.Int();
      row.line = query.Text();
      rows.push_back(std::move(row));
    }
    return rows;
  });
}

Result<std::optional<HistoryRow>> SqliteRecords::LastHistory() {
  return connection_.Run("cannot read the history", [&]() -> Result<std::optional<HistoryRow>> {
    SqliteQuery query(connection_, "SELECT number, line FROM history ORDER BY number DESC LIMIT 1");
    if (!query.Step()) return std::nullopt;
    HistoryRow row;
    row.number = query.Int();
    row.line = query.Text();
    return row;
  });
}

Result<std::optional<std::string>> SqliteRecords::GetMeta(std::string_view key) {
  return connection_.Run("cannot read a setting", [&]() -> Result<std::optional<std::string>> {
    SqliteQuery query(connection_, "SELECT value FROM meta WHERE name = ?");
    if (!query.BindCopy(key).Step()) return std::nullopt;
    return query.Text();
  });
}

Status SqliteRecords::PutMeta(std::string_view key, std::string_view value) {
  static const std::string sql = UpsertSql("meta", "name, value");
  return connection_.Run("cannot write a setting", [&]() -> Status {
    SqliteQuery query(connection_, sql.c_str());
    query.BindCopy(key).BindCopy(value).Write();
    return {};
  });
}

}  // namespace countersign::store
