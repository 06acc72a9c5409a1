#include "store/sqlite_connection.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "store/scratch_folder.h"
#include "store/sqlite_query.h"

namespace countersign::store {
namespace {

// The steps that tests put after the real ones.
constexpr SqliteMigration kAddTable{.number = 2, .name = "0002", .sql = "CREATE TABLE more (n);"};
constexpr SqliteMigration kAddRow{
    .number = 3, .name = "0003", .sql = "INSERT INTO more VALUES (7);"};
constexpr SqliteMigration kBroken{
    .number = 3,
    .name = "0003",
    .sql = "INSERT INTO more VALUES (8); INSERT INTO nowhere VALUES (1);"};

class SqliteConnectionTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return folder_.File("registry.db"); }
  [[nodiscard]] static std::vector<SqliteMigration> First(
      std::initializer_list<SqliteMigration> more) {
    std::vector<SqliteMigration> all{SqliteMigrations().front()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] Result<std::unique_ptr<SqliteConnection>> Open(
      std::initializer_list<SqliteMigration> more = {}) const {
    return SqliteConnection::Open(path(), First(more));
  }
  [[nodiscard]] static Result<std::int64_t> Number(SqliteConnection& connection, const char* sql) {
    return connection.Run("cannot read", [&]() -> Result<std::int64_t> {
      SqliteQuery query(connection, sql);
      if (!query.Step()) return Fail(Code::kNotFound, "no row");
      return query.Int();
    });
  }
  ScratchFolder folder_;
};

TEST_F(SqliteConnectionTest, SettingsAreDurableOnes) {
  const auto connection = Open();
  ASSERT_TRUE(connection.has_value()) << connection.error().message;
  EXPECT_EQ(Number(**connection, "PRAGMA synchronous").value(), 2);  // FULL
  EXPECT_EQ(Number(**connection, "PRAGMA foreign_keys").value(), 1);
  EXPECT_EQ(Number(**connection, "PRAGMA busy_timeout").value(), 5'000);
  EXPECT_EQ(Number(**connection, "SELECT journal_mode = 'wal' FROM pragma_journal_mode").value(),
            1);
}

TEST_F(SqliteConnectionTest, BuiltInMigrationsAreNumberedWithoutGap) {
  std::int64_t expected = 0;
  for (const SqliteMigration& migration : SqliteMigrations()) {
    EXPECT_EQ(migration.number, ++expected);
  }
  EXPECT_GE(expected, 1);
}

TEST_F(SqliteConnectionTest, OlderSchemaIsBroughtForwardOnce) {
  ASSERT_TRUE(Open().has_value());
  ASSERT_TRUE(Open({kAddTable}).has_value());
  for (int i = 0; i < 2; ++i) {
    const auto connection = Open({kAddTable, kAddRow});
    ASSERT_TRUE(connection.has_value()) << connection.error().message;
    EXPECT_EQ(Number(**connection, "SELECT count(*) FROM more").value(), 1);
    EXPECT_EQ(Number(**connection, "PRAGMA user_version").value(), 3);
  }
}

TEST_F(SqliteConnectionTest, MigrationThatFailsChangesNothing) {
  ASSERT_TRUE(Open({kAddTable}).has_value());
  EXPECT_FALSE(Open({kAddTable, kBroken}).has_value());
  const auto connection = Open({kAddTable});
  ASSERT_TRUE(connection.has_value()) << connection.error().message;
  EXPECT_EQ(Number(**connection, "SELECT count(*) FROM more").value(), 0);
}

TEST_F(SqliteConnectionTest, NewerSchemaIsRefused) {
  ASSERT_TRUE(Open({kAddTable}).has_value());
  const auto connection = Open();
  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().code, Code::kRefused);
  EXPECT_NE(connection.error().message.find("its schema is 2"), std::string::npos);
}

TEST_F(SqliteConnectionTest, FileOfAnotherProgramIsRefused) {
  {
    SQLite::Database other(path(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    other.exec("CREATE TABLE theirs (n)");
  }
  std::filesystem::permissions(path(), std::filesystem::perms::owner_all);
  const auto connection = Open();
  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().code, Code::kRefused);
  EXPECT_NE(connection.error().message.find("another program"), std::string::npos);
}

TEST_F(SqliteConnectionTest, ErrorsKeepTheirKind) {
  const auto opened = Open();
  ASSERT_TRUE(opened.has_value());
  SqliteConnection& connection = **opened;
  const auto failing = [&](int code) {
    return connection.Run("x", [&]() -> Status { throw SQLite::Exception("text", code); })
        .error()
        .code;
  };
  EXPECT_EQ(failing(13), Code::kExhausted);        // SQLITE_FULL
  EXPECT_EQ(failing(11), Code::kDamaged);          // SQLITE_CORRUPT
  EXPECT_EQ(failing(26), Code::kDamaged);          // SQLITE_NOTADB
  EXPECT_EQ(failing(10), Code::kIo);               // SQLITE_IOERR
  EXPECT_EQ(failing(5), Code::kTimedOut);          // SQLITE_BUSY
  EXPECT_EQ(failing(8), Code::kPermissionDenied);  // SQLITE_READONLY
  EXPECT_EQ(failing(1), Code::kInternal);          // SQLITE_ERROR
  EXPECT_EQ(connection.Run("x", []() -> Status { throw std::bad_alloc(); }).error().code,
            Code::kExhausted);
}

TEST_F(SqliteConnectionTest, FullDiskInsideATransactionRollsAllOfItBack) {
  const auto opened = Open({kAddTable});
  ASSERT_TRUE(opened.has_value());
  SqliteConnection& connection = **opened;
  ASSERT_TRUE(Number(connection, "PRAGMA max_page_count = 40").has_value());
  const Status failed = connection.Transact([&] {
    for (int i = 0; i < 2; ++i) {
      // The second is the one that does not fit; what it returns is passed over.
      static_cast<void>(connection.Run("cannot write", [&]() -> Status {
        const Bytes blob(100'000, 1);
        SqliteQuery query(connection, "INSERT INTO more VALUES (?)");
        query.Bind(ByteView(blob)).Write();
        return {};
      }));
    }
    static_cast<void>(connection.Run("cannot write", [&]() -> Status {
      SqliteQuery(connection, "INSERT INTO more VALUES (1)").Write();
      return {};
    }));
    return Status();
  });
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, Code::kExhausted);
  EXPECT_EQ(Number(connection, "SELECT count(*) FROM more").value(), 0);
}

TEST_F(SqliteConnectionTest, OverwrittenPagesAreDamaged) {
  {
    const auto connection = Open({kAddTable, kAddRow});
    ASSERT_TRUE(connection.has_value());
  }
  const auto len = std::filesystem::file_size(path());
  ASSERT_GT(len, 8'192U);
  std::filesystem::resize_file(path(), 4'096);
  std::filesystem::resize_file(path(), len);  // all pages but the first are zeroes
  const auto connection = Open({kAddTable, kAddRow});
  if (!connection) {
    EXPECT_EQ(connection.error().code, Code::kDamaged);
    return;
  }
  EXPECT_EQ(Number(**connection, "SELECT count(*) FROM more").error().code, Code::kDamaged);
}

// The queries of the hot path use their indexes: no scan of a table, no sorting.
TEST_F(SqliteConnectionTest, HotQueriesUseTheirIndexes) {
  const auto opened = Open();
  ASSERT_TRUE(opened.has_value());
  SqliteConnection& connection = **opened;
  const auto plan = [&](const char* sql) {
    std::string text;
    EXPECT_TRUE(connection
                    .Run("cannot plan",
                         [&]() -> Status {
                           SQLite::Statement statement(connection.database(), sql);
                           while (statement.executeStep()) {
                             text += statement.getColumn(3).getString() + "\n";
                           }
                           return {};
                         })
                    .has_value());
    return text;
  };
  EXPECT_EQ(plan("EXPLAIN QUERY PLAN SELECT * FROM agents WHERE standing = ? AND id > ? AND "
                 "forgotten <= ? ORDER BY id LIMIT ?"),
            "SEARCH agents USING INDEX agents_by_standing (standing=? AND id>?)\n");
  EXPECT_EQ(plan("EXPLAIN QUERY PLAN SELECT min(next_attempt) FROM orders WHERE is_open = 1"),
            "SEARCH orders USING INDEX orders_open_by_attempt\n");
}

}  // namespace
}  // namespace countersign::store
