#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"
#include "store/registry_conformance.h"
#include "store/scratch_folder.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_migrations.h"
#include "store/sqlite_query.h"
#include "tests/support/file_permissions.h"

namespace countersign::store {
namespace {

namespace fs = std::filesystem;

class FileEngine final : public TestEngine {
 public:
  Result<std::unique_ptr<Registry>> Open() override { return OpenSqlite(folder_.File("r.db")); }

 private:
  ScratchFolder folder_;
};

class MemoryEngine final : public TestEngine {
 public:
  Result<std::unique_ptr<Registry>> Open() override { return OpenSqlite(":memory:"); }
};

template <class Engine>
std::unique_ptr<TestEngine> Make() {
  return std::make_unique<Engine>();
}

class SqliteRegistryTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return folder_.File("registry.db"); }
  ScratchFolder folder_;
};

TEST_F(SqliteRegistryTest, FilesAreReadableByTheirOwnerOnly) {
  const auto registry = OpenSqlite(path());
  ASSERT_TRUE(registry.has_value()) << registry.error().message;
  ASSERT_TRUE((*registry)->PutMeta("key", "value").has_value());
  for (const char* name : {"registry.db", "registry.db-wal", "registry.db-shm"}) {
    EXPECT_EQ(fs::status(folder_.File(name)).permissions(), testing::kPrivateFile) << name;
  }
}

TEST_F(SqliteRegistryTest, FileThatOthersMayReadIsRefusedWithTheRemedy) {
  ASSERT_TRUE(OpenSqlite(path()).has_value());
  fs::permissions(path(), testing::kPrivateFile | fs::perms::group_read);
  const auto registry = OpenSqlite(path());
  ASSERT_FALSE(registry.has_value());
  EXPECT_EQ(registry.error().code, Code::kPermissionDenied);
  EXPECT_FALSE(registry.error().next.empty());
}

TEST_F(SqliteRegistryTest, FileThatIsNoDatabaseIsDamaged) {
  const Bytes junk(8'192, 'x');
  ASSERT_TRUE(WriteFileAtomically(path(), junk, FileMode::kPrivate).has_value());
  EXPECT_EQ(OpenSqlite(path()).error().code, Code::kDamaged);
  EXPECT_EQ(ReadFile(path(), 100'000).value(), junk);
}

TEST_F(SqliteRegistryTest, FolderThatIsNotThereIsNotFound) {
  EXPECT_EQ(OpenSqlite(folder_.File("none/registry.db")).error().code, Code::kNotFound);
}

TEST_F(SqliteRegistryTest, EmptyPathIsRefused) {
  EXPECT_EQ(OpenSqlite("").error().code, Code::kUsage);
}

TEST_F(SqliteRegistryTest, TwoConnectionsSeeEachOthersCommits) {
  const auto one = OpenSqlite(path());
  const auto two = OpenSqlite(path());
  ASSERT_TRUE(one.has_value() && two.has_value());
  ASSERT_TRUE((*one)->PutMeta("key", "one").has_value());
  EXPECT_EQ((*two)->GetMeta("key").value(), "one");
  ASSERT_TRUE((*two)->PutMeta("key", "two").has_value());
  EXPECT_EQ((*one)->GetMeta("key").value(), "two");
}

TEST_F(SqliteRegistryTest, EventsFromBeforeTheyToldWhoAreKept) {
  {
    const auto first = SqliteConnection::Open(path(), SqliteMigrations().first(1));
    ASSERT_TRUE(first.has_value()) << first.error().message;
    const auto added = (*first)->Run("cannot add", [&]() -> Status {
      SqliteQuery(**first, "INSERT INTO events (at, kind, agent, text) VALUES (7, 'k', '', 't')")
          .Write();
      return {};
    });
    ASSERT_TRUE(added.has_value()) << added.error().message;
  }
  const auto registry = OpenSqlite(path());
  ASSERT_TRUE(registry.has_value()) << registry.error().message;
  EventRow row{.id = 0, .at = FromUnix(8), .kind = "k", .agent = {}, .text = {}};
  row.by = Actor{1'000, "alice", "pts/3", ""};
  ASSERT_TRUE((*registry)->AddEvent(row).has_value());
  const auto events = (*registry)->ListEvents(0, 10).value();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].text, "t");
  EXPECT_EQ(events[0].by, std::nullopt);
  EXPECT_EQ(events[1].by, row.by);
}

TEST_F(SqliteRegistryTest, CampaignsFromBeforeTheyWereCountedAreCounted) {
  {
    const auto before = SqliteConnection::Open(path(), SqliteMigrations().first(10));
    ASSERT_TRUE(before.has_value()) << before.error().message;
    const auto added = (*before)->Run("cannot add", [&]() -> Status {
      SqliteQuery(
          **before,
          "INSERT INTO moving VALUES (zeroblob(16), 1, 0, '', '', 0, 0, 0), "
          "(randomblob(16), 1, 2, '', '', 0, 0, 0), (randomblob(16), 1, 2, '', '', 0, 0, 0)")
          .Write();
      return {};
    });
    ASSERT_TRUE(added.has_value()) << added.error().message;
  }
  const auto registry = OpenSqlite(path());
  ASSERT_TRUE(registry.has_value()) << registry.error().message;
  ASSERT_TRUE((*registry)
                  ->moves()
                  .PutMoving({.move = 1, .agent = AgentId(), .state = MovingState::kFailed})
                  .has_value());
  EXPECT_EQ((*registry)->moves().CountMoving(1).value(), (MovingCounts{.moved = 2, .failed = 1}));
}

TEST_F(SqliteRegistryTest, NestedTransactionAborts) {
  const auto registry = OpenSqlite(":memory:");
  ASSERT_TRUE(registry.has_value());
  EXPECT_DEATH(static_cast<void>((*registry)->Transact(
                   [&] { return (*registry)->Transact([] { return Status(); }); })),
               "does not nest");
}

TEST(OrderStateTest, EveryStateHasItsName) {
  EXPECT_EQ(OrderStateName(OrderState::kQueued), "queued");
  EXPECT_EQ(OrderStateName(OrderState::kSent), "sent");
  EXPECT_EQ(OrderStateName(OrderState::kUnknown), "unknown");
  EXPECT_EQ(OrderStateName(OrderState::kDone), "done");
  EXPECT_EQ(OrderStateName(OrderState::kLapsed), "lapsed");
}

}  // namespace

std::vector<EngineCase> EnginesUnderTest() {
  return {{"SqliteFile", &Make<FileEngine>, true}, {"SqliteMemory", &Make<MemoryEngine>, false}};
}

}  // namespace countersign::store
