#include "server/history.h"

#include "server/issuing_fixture.h"
#include "wire/messages.h"

namespace countersign::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class HistoryTest : public IssuingTest {
 protected:
  static std::vector<store::HistoryRow> Rows(ServerInMemory& server) {
    return server.registry->ListHistory(0, 1'000).value();
  }
  static std::vector<wire::HistoryLine> Lines(ServerInMemory& server) {
    std::vector<wire::HistoryLine> lines;
    for (const auto& row : Rows(server)) {
      lines.push_back(wire::ParseHistoryLine(row.line).value().line);
    }
    return lines;
  }
  static std::vector<std::string> Kinds(ServerInMemory& server) {
    std::vector<std::string> kinds;
    for (const auto& line : Lines(server)) kinds.push_back(line.kind);
    return kinds;
  }
  static HistoryCheck Check(ServerInMemory& server) {
    const auto check = CheckHistory(server.world());
    EXPECT_TRUE(check.has_value()) << check.error().message;
    return check.value_or(HistoryCheck{});
  }
  static void ExpectWholeHistory(ServerInMemory& server) {
    const auto check = Check(server);
    EXPECT_FALSE(check.problem.has_value()) << check.problem->line << ": " << check.problem->what;
    EXPECT_EQ(check.num_lines, Rows(server).size());
    EXPECT_EQ(check.head, HeadOf(*server.registry).value());
  }
  // Four lines.
  void MakeHistory(ServerInMemory& server) {
    Create(server);
    for (int day = 1; day <= 3; ++day) {
      EXPECT_TRUE(Replace(server, kNow + day * kDay).has_value());
    }
    ExpectWholeHistory(server);
  }
  // Put writes other lines and events in the place of those of a server.
  static void Put(ServerInMemory& server, const std::vector<store::HistoryRow>& lines,
                  const std::vector<store::EventRow>& events) {
    auto registry = store::OpenSqlite(":memory:").value();
    const auto certificates = server.registry->ListCertificates().value();
    for (const auto& row : certificates) {
      EXPECT_TRUE(registry->PutCertificate(row).has_value());
    }
    for (const auto& row : events) EXPECT_TRUE(registry->AddEvent(row).has_value());
    for (const auto& row : lines) EXPECT_TRUE(registry->AddHistory(row).has_value());
    server.registry = std::move(registry);
  }
  static std::vector<store::EventRow> Events(ServerInMemory& server) {
    return server.registry->ListEvents(0, 1'000).value();
  }
  // ProblemWith: what the check says of these lines; the number 0 if nothing.
  static HistoryCheck::Problem ProblemWith(ServerInMemory& server,
                                           const std::vector<store::HistoryRow>& lines) {
    Put(server, lines, Events(server));
    return Check(server).problem.value_or(HistoryCheck::Problem{});
  }
  ServerInMemory server_;
};

TEST_F(HistoryTest, EveryOperationWithKeysIsOneSignedLine) {
  Create(server_);
  ASSERT_TRUE(Replace(server_, kNow + kDay).has_value());
  ASSERT_TRUE(PromoteReserve(server_.world(), kNow + 2 * kDay).has_value());
  ASSERT_TRUE(ChangeBackupPassword(server_.world(), config_, Secret(kPassword),
                                   Secret("another long password"), kNow + 3 * kDay)
                  .has_value());
  config_.export_allowed = true;
  ASSERT_TRUE(MakeArchive(server_.world(), config_, Secret(kFilePassword), nullptr, kNow + 4 * kDay)
                  .has_value());
  ASSERT_TRUE(Replace(server_, kNow + 5 * kDay, "another long password", {.compromised = true})
                  .has_value());
  EXPECT_THAT(Kinds(server_),
              ElementsAre("identity-created", "certificate-replaced", "reserve-promoted",
                          "backup-password-changed", "keys-exported", "certificate-revoked"));
  ExpectWholeHistory(server_);
  EXPECT_EQ(Check(server_).num_unsigned, 0U);
  const auto lines = Lines(server_);
  EXPECT_EQ(lines.back().x5t, server_.Book().Active()->certificate.thumbprint());
  EXPECT_EQ(lines.back().certificate, lines.back().x5t);
  EXPECT_EQ(lines.back().iss, server_.Book().server_ids().front());
}

TEST_F(HistoryTest, LineNamesTheAdministrator) {
  World& world = server_.world();
  world.by = store::Actor{1'000, "alice", "pts/3", ""};
  ASSERT_TRUE(CreateIdentity(world, config_, Secret(kPassword), kNow).has_value());
  EXPECT_EQ(Lines(server_).at(0).by, (wire::HistoryLine::Actor{1'000, "alice"}));
  ExpectWholeHistory(server_);
}

TEST_F(HistoryTest, WhatDidNotHappenHasNoLine) {
  MakeHistory(server_);
  EXPECT_FALSE(Replace(server_, kNow + 9 * kDay, "a wrong password").has_value());
  EXPECT_EQ(Rows(server_).size(), 4U);
}

TEST_F(HistoryTest, ImportedIdentitySignsItsOwnImport) {
  const auto identity = MakeImported();
  ASSERT_TRUE(Import(server_, FileOf({identity})).has_value());
  ASSERT_TRUE(Replace(server_, kNow + kDay, kFilePassword).has_value());
  EXPECT_THAT(Kinds(server_), ElementsAre("identity-imported", "certificate-replaced"));
  EXPECT_EQ(Lines(server_).at(0).x5t, identity.certificate.thumbprint());
  ExpectWholeHistory(server_);
}

TEST_F(HistoryTest, WithoutAUsableKeyTheLineIsUnsignedAndHeldByTheNext) {
  Create(server_);
  ASSERT_TRUE(server_.ring->Destroy(server_.Book().Active()->certificate.key().digest()));
  config_.export_allowed = true;
  ASSERT_TRUE(MakeArchive(server_.world(), config_, Secret(kFilePassword), nullptr, kNow + kDay));
  ASSERT_TRUE(Replace(server_, kNow + 2 * kDay).has_value());
  ExpectWholeHistory(server_);
  EXPECT_EQ(Check(server_).num_unsigned, 1U);

  auto rows = Rows(server_);
  auto line = wire::ParseHistoryLine(rows.at(1).line).value().line;
  line.text = "nothing was exported";
  rows.at(1).line = wire::FormatUnsignedHistoryLine(line).value();
  EXPECT_EQ(ProblemWith(server_, rows).line, 3);
}

TEST_F(HistoryTest, RemovedLineIsFound) {
  MakeHistory(server_);
  const auto rows = Rows(server_);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto fewer = rows;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    const auto problem = ProblemWith(server_, fewer);
    EXPECT_FALSE(problem.what.empty()) << i;
    const std::int64_t named[] = {2, 3, 4, 0};  // the next line; of the last the event is left
    EXPECT_EQ(problem.line, named[i]) << problem.what;
  }
}

TEST_F(HistoryTest, AlteredLineIsFound) {
  MakeHistory(server_);
  const auto rows = Rows(server_);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const std::size_t at :
         {std::size_t{20}, rows[i].line.find('.') + 20, rows[i].line.rfind('.') + 20}) {
      auto other = rows;
      char& c = other[i].line[at];
      c = c == 'A' ? 'B' : 'A';
      EXPECT_EQ(ProblemWith(server_, other).line, rows[i].number) << at;
    }
  }
  EXPECT_EQ(ProblemWith(server_, rows).what, "");
}

TEST_F(HistoryTest, ReorderedAndRenumberedLinesAreFound) {
  MakeHistory(server_);
  auto rows = Rows(server_);
  std::swap(rows[1].line, rows[2].line);
  EXPECT_EQ(ProblemWith(server_, rows).line, 2);
  std::swap(rows[1].line, rows[2].line);
  auto later = rows;
  for (auto& row : later) row.number += 5;
  EXPECT_EQ(ProblemWith(server_, later).line, 6);
  auto twice = rows;
  twice.push_back({5, rows.back().line});
  EXPECT_EQ(ProblemWith(server_, twice).line, 5);
}

TEST_F(HistoryTest, LineOfAnotherKeyIsFound) {
  MakeHistory(server_);
  auto rows = Rows(server_);
  auto line = wire::ParseHistoryLine(rows.back().line).value().line;
  const auto stranger = crypto::PrivateKey::Generate(crypto::KeyKind::kP256).value();
  rows.back().line = wire::SignHistoryLine(line, stranger).value();
  auto problem = ProblemWith(server_, rows);
  EXPECT_EQ(problem.line, 4);
  EXPECT_THAT(problem.what, HasSubstr("its signature is not that of certificate"));
  line.x5t = Digest{1};
  rows.back().line = wire::SignHistoryLine(line, stranger).value();
  problem = ProblemWith(server_, rows);
  EXPECT_EQ(problem.line, 4);
  EXPECT_THAT(problem.what, HasSubstr("which is none of this server"));
}

TEST_F(HistoryTest, LineOfAnotherServerIsFound) {
  MakeHistory(server_);
  auto rows = Rows(server_);
  auto line = wire::ParseHistoryLine(rows.back().line).value().line;
  line.iss = authority_.MakeServerId();
  const auto signer = server_.ring->Find(server_.Book().Active()->certificate.key().digest());
  rows.back().line = wire::SignHistoryLine(line, **signer).value();
  EXPECT_THAT(ProblemWith(server_, rows).what, HasSubstr("does not name"));
}

TEST_F(HistoryTest, AlteredAndRemovedEventsAreFound) {
  MakeHistory(server_);
  const auto rows = Rows(server_);
  const auto events = Events(server_);
  auto altered = events;
  altered.at(1).text += ".";
  Put(server_, rows, altered);
  EXPECT_EQ(Check(server_).problem.value().line, 2);
  altered = events;
  altered.at(2).by = store::Actor{1, "mallory", "", ""};
  Put(server_, rows, altered);
  EXPECT_EQ(Check(server_).problem.value().line, 3);
  altered = events;
  altered.pop_back();
  Put(server_, rows, altered);
  EXPECT_EQ(Check(server_).problem.value().line, 4);
}

TEST_F(HistoryTest, EventsOfBeforeTheHistoryNeedNoLine) {
  MakeHistory(server_);
  auto events = Events(server_);
  events.insert(events.begin(),
                {.id = 0, .at = kNow, .kind = "identity-created", .agent = {}, .text = ""});
  Put(server_, Rows(server_), events);
  EXPECT_TRUE(Check(server_).problem.has_value());
  ASSERT_TRUE(server_.registry->PutMeta("history_since", "1").has_value());
  ExpectWholeHistory(server_);
}

TEST_F(HistoryTest, EmptyServerContinuesTheHistoryOfTheBackup) {
  MakeHistory(server_);
  const auto before = Rows(server_);
  ServerInMemory other(8);
  other.storage.content.backup = server_.storage.content.backup;
  ASSERT_TRUE(Replace(other, kNow + 9 * kDay).has_value());
  // The line of the -c that wrote the backup came after it.
  const auto lines = Lines(other);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines.back().from, 1U);
  EXPECT_EQ(Rows(other).at(2), before.at(2));
  EXPECT_NE(Rows(other).at(3), before.at(3));
  ExpectWholeHistory(other);

  ServerInMemory third(9);
  ASSERT_TRUE(Import(third, *other.storage.content.backup, {}, kPassword).has_value());
  EXPECT_EQ(Lines(third).back().kind, "identity-imported");
  ExpectWholeHistory(third);
}

TEST_F(HistoryTest, BackupHasTheNewestLinesAndTheHistoryBeginsThere) {
  Create(server_);
  store::EventRow event{
      .id = 0, .at = kNow, .kind = "certificate-exported", .agent = {}, .text = ""};
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(server_.registry->AddEvent(event).has_value());
    ASSERT_TRUE(AppendHistory(server_.world(), event, {}).has_value());
  }
  const Bytes newest = NewestLines(*server_.registry).value();
  const auto num_newest = std::ranges::count(newest, '\n');
  EXPECT_LE(num_newest, 64);
  EXPECT_GT(num_newest, 40);
  EXPECT_LE(newest.size(), 48U * 1024);
  ASSERT_TRUE(Replace(server_, kNow + kDay).has_value());
  ExpectWholeHistory(server_);

  ServerInMemory other(8);
  other.storage.content.backup = server_.storage.content.backup;
  ASSERT_TRUE(Replace(other, kNow + 2 * kDay).has_value());
  ExpectWholeHistory(other);
  EXPECT_EQ(Check(other).first, 202 - num_newest);
  auto rows = Rows(other);
  rows.erase(rows.begin());
  const auto problem = ProblemWith(other, rows);
  EXPECT_EQ(problem.line, 203 - num_newest);
  EXPECT_THAT(problem.what, HasSubstr("the lines before it are missing"));
}

TEST_F(HistoryTest, BeginThatNothingCouldSignIsToldAgain) {
  MakeHistory(server_);
  const auto key = server_.Book().Active()->certificate.key().digest();
  ServerInMemory other(8);
  other.CopyFrom(server_);
  const auto signer = other.ring->Export(key, KeyExportToken()).value();
  ASSERT_TRUE(other.ring->Destroy(key).has_value());
  std::string earlier(AsText(NewestLines(*server_.registry).value()));
  earlier.erase(0, earlier.find('\n') + 1);
  const auto add = [&](std::string_view lines) {
    const store::EventRow event{
        .id = 0, .at = kNow, .kind = "identity-restored", .agent = {}, .text = ""};
    EXPECT_TRUE(other.registry->AddEvent(event).has_value());
    EXPECT_TRUE(AppendHistory(other.world(), event, AsBytes(lines)).has_value());
  };
  add(earlier);
  EXPECT_EQ(Check(other).problem.value().line, 2);
  ASSERT_TRUE(other.ring->Add(signer, keys::Exportable::kYes).has_value());
  add("");
  ExpectWholeHistory(other);
  EXPECT_EQ(Check(other).num_unsigned, 1U);
  EXPECT_EQ(Lines(other).back().from, 2U);
  add("");
  EXPECT_FALSE(Lines(other).back().from.has_value());
  ExpectWholeHistory(other);
}

TEST_F(HistoryTest, BrokenHistoryInABackupIsPassedOver) {
  Create(server_);
  const store::EventRow event{
      .id = 0, .at = kNow, .kind = "certificate-exported", .agent = {}, .text = ""};
  ServerInMemory other(8);
  for (const std::string_view broken : {"no line\n", "no end", "\n"}) {
    ASSERT_TRUE(AppendHistory(other.world(), event, AsBytes(broken)).has_value());
    EXPECT_EQ(Rows(other).size(), 1U);
    EXPECT_TRUE(other.log.Says("agents will notice"));
    other.registry = store::OpenSqlite(":memory:").value();
  }
}

TEST_F(HistoryTest, ManyPagesAreChecked) {
  Create(server_);
  const store::EventRow event{
      .id = 0, .at = kNow, .kind = "certificate-exported", .agent = {}, .text = ""};
  for (int i = 0; i < 1'100; ++i) {
    ASSERT_TRUE(server_.registry->AddEvent(event).has_value());
    ASSERT_TRUE(AppendHistory(server_.world(), event, {}).has_value());
  }
  const auto check = Check(server_);
  EXPECT_FALSE(check.problem.has_value());
  EXPECT_EQ(check.num_lines, 1'101U);
}

}  // namespace
}  // namespace countersign::server
