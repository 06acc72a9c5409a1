#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"
#include "store/sqlite_connection.h"

namespace countersign::store {

// SqliteQuery is one use of a prepared statement: parameters bound in order, then rows read column
// by column in order. The statement is reset when it goes. Text and blobs are borrowed: what was
// bound must live as long as the query. Everything but the destructor may throw SQLite::Exception:
// use it inside SqliteConnection::Run.
class SqliteQuery {
 public:
  SqliteQuery(SqliteConnection& connection, const char* sql)
      : statement_(connection.Prepared(sql)) {}
  SqliteQuery(const SqliteQuery&) = delete;
  SqliteQuery& operator=(const SqliteQuery&) = delete;
  ~SqliteQuery() { statement_.tryReset(); }

  SqliteQuery& Bind(std::int64_t value);
  SqliteQuery& BindUnsigned(std::uint64_t value);  // the same 64 bits, as SQLite has no unsigned
  SqliteQuery& BindCount(std::size_t value);       // for LIMIT
  SqliteQuery& Bind(const std::string& text);
  SqliteQuery& Bind(std::string&& text) = delete;
  SqliteQuery& BindCopy(std::string_view text);
  SqliteQuery& Bind(ByteView blob);
  SqliteQuery& Bind(Bytes&& blob) = delete;
  SqliteQuery& Bind(const Uuid& id) { return Bind(ByteView(id.bytes())); }
  SqliteQuery& Bind(const Token128& token) { return Bind(ByteView(token.bytes())); }
  SqliteQuery& Bind(Uuid&& id) = delete;
  SqliteQuery& Bind(Token128&& token) = delete;
  SqliteQuery& Bind(Instant at) { return Bind(ToUnix(at)); }
  SqliteQuery& BindOptional(const std::optional<Instant>& at);
  SqliteQuery& BindOptional(const std::optional<std::uint32_t>& value);

  // Step goes to the next row; false after the last one.
  [[nodiscard]] bool Step();
  // Write runs a statement without rows and returns how many it changed.
  std::uint64_t Write();

  [[nodiscard]] std::int64_t Int();
  [[nodiscard]] std::uint64_t Unsigned() { return static_cast<std::uint64_t>(Int()); }
  [[nodiscard]] bool Bool() { return Ranged(1) != 0; }
  // Ranged reads an integer from 0 to `max`.
  [[nodiscard]] std::uint32_t Ranged(std::uint32_t max);
  [[nodiscard]] std::string Text();
  [[nodiscard]] Bytes Blob() { return ToBytes(BlobView()); }
  [[nodiscard]] ByteView BlobView();  // valid until the next Step
  [[nodiscard]] Uuid Id() { return Uuid(Fixed<16>()); }
  [[nodiscard]] Token128 Token() { return Token128(Fixed<16>()); }
  [[nodiscard]] Digest Sha256Digest() { return Fixed<32>(); }
  [[nodiscard]] Instant Time() { return FromUnix(Int()); }
  [[nodiscard]] std::optional<Instant> OptionalTime();
  [[nodiscard]] std::optional<std::uint32_t> OptionalRanged(std::uint32_t max);
  // Decoded takes what a decoder of store/row_codec.h made of a blob.
  template <class T>
  [[nodiscard]] T Decoded(std::optional<T> value) {
    if (!value) damaged_ = true;
    return std::move(value).value_or(T());
  }

  // damaged: a value read since the start was not what only our own writing puts there.
  [[nodiscard]] bool damaged() const { return damaged_; }

 private:
  template <std::size_t N>
  [[nodiscard]] std::array<std::uint8_t, N> Fixed() {
    Reader reader(BlobView());
    const auto value = reader.ReadArray<N>();
    if (!reader.AtEnd()) damaged_ = true;
    return value;
  }

  SQLite::Statement& statement_;
  int bound_ = 0;
  int column_ = 0;
  bool damaged_ = false;
};

// Texts of statements over lists of columns ("id, key, host").
[[nodiscard]] std::string InsertSql(std::string_view table, std::string_view columns);
// UpsertSql inserts a row, or replaces that of the same first column.
[[nodiscard]] std::string UpsertSql(std::string_view table, std::string_view columns);
// UpdateSql sets `columns` where all `keys`, which are bound after them, are equal.
[[nodiscard]] std::string UpdateSql(std::string_view table, std::string_view columns,
                                    std::string_view keys);

}  // namespace countersign::store
