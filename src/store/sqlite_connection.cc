#include "store/sqlite_connection.h"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <tuple>

#include "base/files.h"

namespace countersign::store {
namespace {

constexpr char kMemory[] = ":memory:";
constexpr std::int64_t kApplicationId = 1'129'531'214;  // as 0001_initial.sql sets it
constexpr int kBusyTimeoutMs = 5'000;

// What the operating system said counts more than what SQLite makes of it.
Code CodeOf(int sqlite_code, int system_error) {
  switch (system_error) {
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
      return Code::kExhausted;
    default:
      break;
  }
  switch (sqlite_code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return Code::kExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::kDamaged;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Code::kTimedOut;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
      return Code::kPermissionDenied;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
      return Code::kIo;
    default:
      return Code::kInternal;
  }
}

// SystemErrorOf is what the operating system said at the newest failure: of the write-ahead log,
// since a COMMIT that fails leaves nothing in sqlite3_system_errno, or else of opening a file.
int SystemErrorOf(sqlite3* database, int sqlite_code) {
  sqlite3_file* log = nullptr;
  int error_number = 0;
  const bool of_log =
      (sqlite_code & 0xff) == SQLITE_IOERR &&
      sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
      log != nullptr && log->pMethods != nullptr &&
      log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error_number) == SQLITE_OK;
  return of_log && error_number != 0 ? error_number : sqlite3_system_errno(database);
}

// A failure of the disk or the file, rather than of what was asked.
bool IsOfFile(int sqlite_code) {
  constexpr std::array kCodes = {SQLITE_IOERR,   SQLITE_CANTOPEN, SQLITE_FULL,    SQLITE_READONLY,
                                 SQLITE_CORRUPT, SQLITE_NOTADB,   SQLITE_PROTOCOL};
  return std::ranges::find(kCodes, sqlite_code & 0xff) != kCodes.end();
}

// The file is made here, not by SQLite, so that it is 0600 whatever the umask; SQLite gives the
// files beside it (-wal, -shm) the same permissions.
Status MakeFile(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos) {
    return Fail(Code::kUsage, "the registry needs the path of a file");
  }
  COUNTERSIGN_RETURN_IF_ERROR(AppendDurably(path, {}));
  return CheckPrivate(path);
}

// WhyNoFile finds out why SQLite cannot make a file beside the registry, by making one: SQLite
// tries again to read only, and then tells that there is no such file. Nothing if one can be made.
std::optional<Error> WhyNoFile(const std::string& path, std::string_view what) {
  const std::string probe = path + "-probe";
  if (auto made = AppendDurably(probe, {}); !made) {
    return Error{made.error().code, std::string(what) + ": " + made.error().message};
  }
  static_cast<void>(RemoveDurably(probe));
  return std::nullopt;
}

class FlagGuard {
 public:
  explicit FlagGuard(bool& flag) : flag_(flag) { flag_ = true; }
  FlagGuard(const FlagGuard&) = delete;
  FlagGuard& operator=(const FlagGuard&) = delete;
  ~FlagGuard() { flag_ = false; }

 private:
  bool& flag_;
};

}  // namespace

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(
    const std::string& path, std::span<const SqliteMigration> migrations) {
  if (path != kMemory) COUNTERSIGN_RETURN_IF_ERROR(MakeFile(path));
  const std::string doing = "cannot open the registry " + path;
  try {
    std::unique_ptr<SqliteConnection> connection(new SqliteConnection(path));
    COUNTERSIGN_RETURN_IF_ERROR(
        connection->Run(doing, [&] { return connection->MigrateAll(migrations); }));
    connection->path_ = path;
    return connection;
  } catch (const SQLite::Exception& exception) {
    return Fail(CodeOf(exception.getErrorCode(), 0), doing + ": " + exception.what());
  }
}

SqliteConnection::SqliteConnection(const std::string& path)
    : database_(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX,
                kBusyTimeoutMs) {}

// Nothing is written before it is sure whose file it is.
Status SqliteConnection::MigrateAll(std::span<const SqliteMigration> migrations) {
  const std::int64_t newest = migrations.empty() ? 0 : migrations.back().number;
  const std::int64_t version = Pragma("PRAGMA user_version");
  const std::int64_t application = Pragma("PRAGMA application_id");
  const bool empty = Pragma("SELECT count(*) FROM sqlite_schema") == 0;
  if (!empty && application != kApplicationId) {
    return Fail(Code::kRefused, "it is the SQLite file of another program");
  }
  if (version < 0 || version > newest) {
    return Fail(Code::kRefused, "its schema is " + std::to_string(version) +
                                    ", and this program knows them up to " +
                                    std::to_string(newest) +
                                    ": a newer Countersign wrote it; install that one");
  }
  Configure();
  for (const SqliteMigration& migration : migrations) Migrate(migration);
  return {};
}

// synchronous=FULL makes every commit durable before it returns; NORMAL would not in WAL. 32 MiB of
// cache and 16 MiB of log between checkpoints, because a large fleet's rows are visited at random.
void SqliteConnection::Configure() {
  const std::string mode = database_.execAndGet("PRAGMA journal_mode = WAL").getString();
  if (mode != "wal" && mode != "memory") {
    throw SQLite::Exception("its file system cannot hold a write-ahead log", SQLITE_IOERR);
  }
  database_.exec(
      "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
      "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 4096;");
}

// Another process may be migrating at the same time: the number is read again under the lock.
void SqliteConnection::Migrate(const SqliteMigration& migration) {
  if (Pragma("PRAGMA user_version") >= migration.number) return;
  SQLite::Transaction transaction(database_, SQLite::TransactionBehavior::IMMEDIATE);
  if (Pragma("PRAGMA user_version") >= migration.number) return;
  database_.exec(migration.sql);
  database_.exec("PRAGMA user_version = " + std::to_string(migration.number));
  transaction.commit();
}

std::int64_t SqliteConnection::Pragma(const char* sql) {
  return database_.execAndGet(sql).getInt64();
}

SQLite::Statement& SqliteConnection::Prepared(const char* sql) {
  const auto at = statements_.find(sql);
  if (at != statements_.end()) return at->second;
  return statements_
      .emplace(std::piecewise_construct, std::forward_as_tuple(sql),
               std::forward_as_tuple(database_, sql))
      .first->second;
}

Status SqliteConnection::Transact(const std::function<Status()>& body) {
  Check(!in_transaction_, "Registry::Transact does not nest");
  COUNTERSIGN_RETURN_IF_ERROR(BuryUnsure());
  try {
    return RunTransaction(body);
  } catch (const SQLite::Exception& exception) {
    const Error error = ToError(exception);
    NoteUnsure(exception);
    return WithContext("cannot commit to the registry", error);
  } catch (const std::bad_alloc&) {
    return Fail(Code::kExhausted, "cannot commit to the registry: out of memory");
  }
}

// IMMEDIATE takes the write lock at once: a transaction that reads first never fails half-way
// because another process wrote in between.
Status SqliteConnection::RunTransaction(const std::function<Status()>& body) {
  SQLite::Transaction transaction(database_, SQLite::TransactionBehavior::IMMEDIATE);
  const FlagGuard inside(in_transaction_);
  doomed_.reset();
  COUNTERSIGN_RETURN_IF_ERROR(body());
  if (doomed_) return std::unexpected(*std::exchange(doomed_, std::nullopt));
  COUNTERSIGN_RETURN_IF_ERROR(CheckTransaction());
  transaction.commit();
  return {};
}

// A commit that failed when it was written or synced may be in the log nevertheless: a process that
// dies now finds it there at its next start, done. As soon as anything else is committed it is
// overwritten. Until then nobody may act as if it had not happened.
void SqliteConnection::NoteUnsure(const SQLite::Exception& exception) {
  if (in_transaction_ || !IsOfFile(exception.getErrorCode())) return;
  unsure_ = true;
  static_cast<void>(BuryUnsure());
}

Status SqliteConnection::BuryUnsure() {
  if (!unsure_ || in_transaction_) return {};
  try {
    // The same value as before; it is written all the same.
    database_.exec("PRAGMA user_version = " + std::to_string(Pragma("PRAGMA user_version")));
  } catch (const SQLite::Exception& exception) {
    return WithContext(
        "whether the newest change of the registry was made is known at the next "
        "start only",
        ToError(exception));
  }
  unsure_ = false;
  return {};
}

// After some failures (disk full) SQLite rolls back by itself; what is written afterwards would be
// committed alone.
Status SqliteConnection::CheckTransaction() const {
  if (!in_transaction_) return {};
  if (doomed_) return std::unexpected(*doomed_);
  if (sqlite3_get_autocommit(database_.getHandle()) != 0) {
    return Fail(Code::kIo, "the transaction under way was given up");
  }
  return {};
}

std::unexpected<Error> SqliteConnection::Failed(std::string_view doing, Error error) {
  if (in_transaction_ && doomed_) return std::unexpected(std::move(error));
  std::unexpected<Error> failure = WithContext(doing, std::move(error));
  if (in_transaction_) doomed_ = failure.error();
  return failure;
}

Error SqliteConnection::ToError(const SQLite::Exception& exception) const {
  const int extended = exception.getExtendedErrorCode();
  if (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY) {
    return {Code::kAlreadyExists, "it is there already"};
  }
  const int code = exception.getErrorCode();
  if (!IsOfFile(code)) return {CodeOf(code, 0), exception.what()};
  if (code == SQLITE_CANTOPEN) {
    if (auto reason = WhyNoFile(database_.getFilename(), exception.what())) return *reason;
  }
  const int system_error = SystemErrorOf(database_.getHandle(), code);
  std::string message = path_.empty() ? exception.what() : path_ + ": " + exception.what();
  if (system_error != 0) message += " (" + std::generic_category().message(system_error) + ")";
  return {CodeOf(code, system_error), message};
}

}  // namespace countersign::store
