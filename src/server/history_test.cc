#include "server/history.h"

#include "server/history_fixture.h"

namespace countersign::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

}  // namespace
}  // namespace countersign::server
