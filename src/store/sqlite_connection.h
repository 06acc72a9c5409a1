#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>

#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "store/sqlite_migrations.h"

namespace countersign::store {

// SqliteConnection is one open registry file with its prepared statements. The only place at which
// SQLiteCpp's exceptions end: everything that may throw runs inside Run. Used from one thread.
class SqliteConnection {
 public:
  // Open opens or makes the file (0600; ":memory:" is no file), with WAL, synchronous=FULL and
  // foreign keys, and brings its schema to the newest of `migrations`. kRefused: the file is a
  // newer registry, or something else's; kDamaged: no SQLite file; kPermissionDenied: unsafe
  // permissions.
  [[nodiscard]] static Result<std::unique_ptr<SqliteConnection>> Open(
      const std::string& path, std::span<const SqliteMigration> migrations);

  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  // Run calls `work`, which returns a Result, and turns what it throws into an Error. `doing` says
  // what was attempted ("cannot read an agent"). A failure inside Transact dooms the transaction.
  template <class Work>
  [[nodiscard]] std::invoke_result_t<Work> Run(std::string_view doing, Work&& work) {
    if (auto sure = BuryUnsure(); !sure) return Failed(doing, std::move(sure).error());
    if (auto usable = CheckTransaction(); !usable) return Failed(doing, std::move(usable).error());
    try {
      std::invoke_result_t<Work> result = std::forward<Work>(work)();
      if (result) return result;
      return Failed(doing, std::move(result).error());
    } catch (const SQLite::Exception& exception) {
      const Error error = ToError(exception);
      NoteUnsure(exception);
      return Failed(doing, error);
    } catch (const std::bad_alloc&) {
      return Failed(doing, {Code::kExhausted, "out of memory"});
    } catch (const std::exception& exception) {
      return Failed(doing, {Code::kInternal, exception.what()});
    }
  }

  // Transact is Registry::Transact.
  [[nodiscard]] Status Transact(const std::function<Status()>& body);

  // Prepared returns the statement of this text, compiled at its first use. `sql` must live as long
  // as the program, at one address: the address is the key. Throws.
  [[nodiscard]] SQLite::Statement& Prepared(const char* sql);

  // The id that the newest INSERT was given.
  [[nodiscard]] std::int64_t last_id() const { return database_.getLastInsertRowid(); }
  [[nodiscard]] const SQLite::Database& database() const { return database_; }

 private:
  explicit SqliteConnection(const std::string& path);
  void Migrate(const SqliteMigration& migration);                                // throws
  [[nodiscard]] Status MigrateAll(std::span<const SqliteMigration> migrations);  // throws
  void Configure();                                                              // throws
  [[nodiscard]] std::int64_t Pragma(const char* sql);                            // throws
  [[nodiscard]] Status RunTransaction(const std::function<Status()>& body);      // throws
  [[nodiscard]] Status CheckTransaction() const;
  void NoteUnsure(const SQLite::Exception& exception);
  // BuryUnsure fails while it is not sure that the commit that failed last will never be seen.
  [[nodiscard]] Status BuryUnsure();
  [[nodiscard]] std::unexpected<Error> Failed(std::string_view doing, Error error);
  [[nodiscard]] Error ToError(const SQLite::Exception& exception) const;

  bool unsure_ = false;  // a commit failed, and may be found at the next start nevertheless
  std::string path_;     // for errors; empty until it is open
  SQLite::Database database_;
  std::unordered_map<const char*, SQLite::Statement>
      statements_;  // after the database: freed first
  bool in_transaction_ = false;
  std::optional<Error> doomed_;  // the first failure inside the transaction under way
};

}  // namespace countersign::store
