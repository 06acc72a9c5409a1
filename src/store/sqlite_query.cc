#include "store/sqlite_query.h"

#include <SQLiteCpp/Column.h>
#include <sqlite3.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace countersign::store {
namespace {

int CheckedLen(std::size_t len) {
  if (len > std::size_t{std::numeric_limits<int>::max()}) {
    throw SQLite::Exception("a value is too big", SQLITE_TOOBIG);
  }
  return static_cast<int>(len);
}

std::vector<std::string_view> SplitColumns(std::string_view columns) {
  std::vector<std::string_view> names;
  while (!columns.empty()) {
    const std::size_t comma = columns.find(", ");
    names.push_back(columns.substr(0, comma));
    columns.remove_prefix(comma == std::string_view::npos ? columns.size() : comma + 2);
  }
  return names;
}

}  // namespace

SqliteQuery& SqliteQuery::Bind(std::int64_t value) {
  statement_.bind(++bound_, value);
  return *this;
}

SqliteQuery& SqliteQuery::BindUnsigned(std::uint64_t value) {
  return Bind(static_cast<std::int64_t>(value));
}

SqliteQuery& SqliteQuery::BindCount(std::size_t value) {
  constexpr auto kMost = std::size_t{std::numeric_limits<std::int64_t>::max()};
  return Bind(static_cast<std::int64_t>(std::min(value, kMost)));
}

SqliteQuery& SqliteQuery::Bind(const std::string& text) {
  static_cast<void>(CheckedLen(text.size()));
  statement_.bindNoCopy(++bound_, text);
  return *this;
}

SqliteQuery& SqliteQuery::BindCopy(std::string_view text) {
  static_cast<void>(CheckedLen(text.size()));
  statement_.bind(++bound_, std::string(text));
  return *this;
}

// SQLite takes a null pointer for NULL, whatever the length: an empty blob needs an address.
SqliteQuery& SqliteQuery::Bind(ByteView blob) {
  static constexpr std::uint8_t kNothing = 0;
  statement_.bindNoCopy(++bound_, blob.empty() ? &kNothing : blob.data(), CheckedLen(blob.size()));
  return *this;
}

SqliteQuery& SqliteQuery::BindOptional(const std::optional<Instant>& at) {
  if (at) return Bind(*at);
  statement_.bind(++bound_);
  return *this;
}

SqliteQuery& SqliteQuery::BindOptional(const std::optional<std::uint32_t>& value) {
  if (value) return Bind(std::int64_t{*value});
  statement_.bind(++bound_);
  return *this;
}

bool SqliteQuery::Step() {
  Check(bound_ == statement_.getBindParameterCount(), "every parameter of a statement is bound");
  column_ = 0;
  return statement_.executeStep();
}

std::uint64_t SqliteQuery::Write() {
  Check(bound_ == statement_.getBindParameterCount(), "every parameter of a statement is bound");
  return static_cast<std::uint64_t>(statement_.exec());
}

std::int64_t SqliteQuery::Int() { return statement_.getColumn(column_++).getInt64(); }

std::uint32_t SqliteQuery::Ranged(std::uint32_t max) {
  const std::int64_t value = Int();
  if (value >= 0 && value <= std::int64_t{max}) return static_cast<std::uint32_t>(value);
  damaged_ = true;
  return 0;
}

std::string SqliteQuery::Text() { return statement_.getColumn(column_++).getString(); }

ByteView SqliteQuery::BlobView() {
  const SQLite::Column column = statement_.getColumn(column_++);
  const void* data = column.getBlob();  // first: it settles the form that getBytes counts
  return {static_cast<const std::uint8_t*>(data), static_cast<std::size_t>(column.getBytes())};
}

std::optional<Instant> SqliteQuery::OptionalTime() {
  if (!statement_.isColumnNull(column_)) return Time();
  ++column_;
  return std::nullopt;
}

std::optional<std::uint32_t> SqliteQuery::OptionalRanged(std::uint32_t max) {
  if (!statement_.isColumnNull(column_)) return Ranged(max);
  ++column_;
  return std::nullopt;
}

std::string InsertSql(std::string_view table, std::string_view columns) {
  std::string marks;
  for (std::size_t i = SplitColumns(columns).size(); i > 0; --i) marks += i > 1 ? "?, " : "?";
  return "INSERT INTO " + std::string(table) + " (" + std::string(columns) + ") VALUES (" + marks +
         ")";
}

std::string UpsertSql(std::string_view table, std::string_view columns) {
  const std::vector<std::string_view> names = SplitColumns(columns);
  std::string sql =
      InsertSql(table, columns) + " ON CONFLICT (" + std::string(names[0]) + ") DO UPDATE SET ";
  for (std::size_t i = 1; i < names.size(); ++i) {
    sql += (i > 1 ? ", " : "") + std::string(names[i]) + " = excluded." + std::string(names[i]);
  }
  return sql;
}

std::string UpdateSql(std::string_view table, std::string_view columns, std::string_view keys) {
  const auto equal_each = [](std::string_view names, std::string_view between) {
    std::string text;
    for (const std::string_view name : SplitColumns(names)) {
      text += (text.empty() ? "" : std::string(between)) + std::string(name) + " = ?";
    }
    return text;
  };
  return "UPDATE " + std::string(table) + " SET " + equal_each(columns, ", ") + " WHERE " +
         equal_each(keys, " AND ");
}

}  // namespace countersign::store
