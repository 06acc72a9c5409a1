#include "server/issuing_fixture.h"
#include "server/standing.h"

namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;
using ::testing::HasSubstr;

class IssuingOwnerTest : public IssuingTest {
 protected:
  Result<Issued> CreateOwner(Instant now, std::string_view password = kPassword,
                             const SecretBytes* new_password = nullptr) {
    return Replace(server_, now, password, {.new_owner = true, .new_password = new_password});
  }
  Digest OwnerNow() { return server_.Book().Active()->identity.owner; }

  ServerInMemory server_;
};

TEST_F(IssuingOwnerTest, NewOwnerFollowsFromThePresentOne) {
  const Issued first = Create(server_);
  const Digest earlier = OwnerNow();
  const auto issued = CreateOwner(kNow + kDay);
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  EXPECT_TRUE(issued->owner_made);
  EXPECT_EQ(issued->replaced, first.certificate);
  EXPECT_NE(OwnerNow(), earlier);
  ExpectWhole(server_, kPassword);  // the backup holds the new owner key, and no old key

  const IdentityBook book = server_.Book();
  EXPECT_EQ(book.entries().size(), 7U) << "two pairs, two owners, one succession";
  EXPECT_EQ(book.EarlierOwners(), std::set<Digest>{earlier});
  EXPECT_TRUE(TakesOver(first.certificate, book));
  ASSERT_NE(book.Reserve(), nullptr);
  EXPECT_EQ(book.Reserve()->identity.owner, OwnerNow());
  for (const auto& entry : book.entries()) {
    if (entry.row.role != CertificateRole::kOwner) continue;
    const bool is_present = entry.certificate.key().digest() == OwnerNow();
    EXPECT_EQ(entry.row.state,
              is_present ? CertificateState::kActive : CertificateState::kReplaced);
  }
}

TEST_F(IssuingOwnerTest, AgentOfTheFirstOwnerTakesOverAfterTwoChangesInOneBundle) {
  const Issued first = Create(server_);
  ASSERT_TRUE(CreateOwner(kNow + kDay).has_value());
  ASSERT_TRUE(CreateOwner(kNow + 2 * kDay).has_value());
  ASSERT_TRUE(Replace(server_, kNow + 3 * kDay).has_value());
  EXPECT_TRUE(TakesOver(first.certificate, server_.Book()));
}

TEST_F(IssuingOwnerTest, ImportedIdentityGetsItsFirstOwnerThisWayToo) {
  const auto imported = MakeImported();
  ASSERT_TRUE(Import(server_, FileOf({imported})).has_value());
  ASSERT_TRUE(CreateOwner(kNow + kDay, kFilePassword).has_value());
  ASSERT_TRUE(CreateOwner(kNow + 2 * kDay, kFilePassword).has_value());
  EXPECT_TRUE(TakesOver(imported.certificate, server_.Book()));
  ExpectWhole(server_, kFilePassword);
}

TEST_F(IssuingOwnerTest, NewPasswordSealsTheBackup) {
  static_cast<void>(Create(server_));
  const auto fresh = Secret(kFilePassword);
  ASSERT_TRUE(CreateOwner(kNow + kDay, kPassword, &fresh).has_value());
  ExpectWhole(server_, kFilePassword);
  EXPECT_EQ(FailureOf(server_.OpenBackup(kPassword)).code, Code::kWrongPassword);
}

TEST_F(IssuingOwnerTest, ShortPasswordsAreRefusedTheNewAndTheImportedOne) {
  ASSERT_TRUE(Import(server_, FileOf({MakeImported()}, "short"), {}, "short").has_value());
  EXPECT_EQ(FailureOf(CreateOwner(kNow + kDay, "short")).code, Code::kRefused);
  const auto tiny = Secret("tiny");
  const auto error = FailureOf(CreateOwner(kNow + kDay, "short", &tiny));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.next, HasSubstr("--new-password-file"));
  const auto fresh = Secret(kPassword);
  EXPECT_TRUE(CreateOwner(kNow + kDay, "short", &fresh).has_value()) << "one step does both";
  ExpectWhole(server_, kPassword);
}

TEST_F(IssuingOwnerTest, WrongPasswordChangesNothing) {
  static_cast<void>(Create(server_));
  const auto rows = server_.registry->ListCertificates().value();
  const auto backup = server_.storage.content.backup;
  EXPECT_EQ(FailureOf(CreateOwner(kNow + kDay, "not the password")).code, Code::kWrongPassword);
  EXPECT_EQ(server_.registry->ListCertificates().value(), rows);
  EXPECT_EQ(server_.storage.content.backup, backup);
}

TEST_F(IssuingOwnerTest, FollowerRefuses) {
  static_cast<void>(Create(server_));
  config_.follower_of = "the-issuer";
  const auto error = FailureOf(CreateOwner(kNow + kDay));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr("the-issuer"));
}

TEST_F(IssuingOwnerTest, BackupOfTheEarlierOwnerIsNotTakenAnyMore) {
  static_cast<void>(Create(server_));
  const auto older = server_.storage.content.backup;
  ASSERT_TRUE(CreateOwner(kNow + kDay).has_value());
  server_.storage.content.backup = older;
  const auto error = FailureOf(Replace(server_, kNow + 2 * kDay));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr("not that of this server's identity"));
}

TEST_F(IssuingOwnerTest, EmptyRegistryIsMendedFromTheBackupAfterTwoOwners) {
  const Issued first = Create(server_);
  ASSERT_TRUE(CreateOwner(kNow + kDay).has_value());
  const auto second = server_.Book().Active()->certificate;
  ASSERT_TRUE(CreateOwner(kNow + 2 * kDay).has_value());
  const auto owners = server_.Book().EarlierOwners();
  server_.registry = store::OpenSqlite(":memory:").value();
  ASSERT_TRUE(Replace(server_, kNow + 3 * kDay).has_value());
  EXPECT_EQ(server_.Book().EarlierOwners(), owners);
  EXPECT_TRUE(TakesOver(first.certificate, server_.Book()));
  EXPECT_TRUE(TakesOver(second, server_.Book()));
  ExpectWhole(server_, kPassword);
}

TEST_F(IssuingOwnerTest, NotesNameTheCopiesThatHoldTheEarlierKey) {
  static_cast<void>(Create(server_));
  ASSERT_TRUE(server_.storage.KeepBackup().has_value());
  const Digest earlier = OwnerNow();
  const auto issued = CreateOwner(kNow + kDay);
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  ASSERT_EQ(issued->notes.size(), 2U);
  EXPECT_THAT(issued->notes[0], HasSubstr(HexLower(earlier)));
  EXPECT_THAT(issued->notes[0], HasSubstr("kept-1.dat"));
  EXPECT_THAT(issued->notes[1], HasSubstr("until an agent has"));
}

TEST_F(IssuingOwnerTest, AgentsThatHaveNotHeardAreThoseOfAnEarlierOwner) {
  const Issued first = Create(server_);
  auto held = HoldingAgent(first.certificate);
  held.admitted = true;
  EXPECT_FALSE(HoldsEarlierOwner(held, server_.Book())) << "there was one owner only";
  ASSERT_TRUE(CreateOwner(kNow + kDay).has_value());
  const IdentityBook book = server_.Book();
  EXPECT_TRUE(HoldsEarlierOwner(held, book));
  auto current = HoldingAgent(book.Active()->certificate);
  current.held_owner = book.Active()->identity.owner;
  current.admitted = true;
  EXPECT_FALSE(HoldsEarlierOwner(current, book));
  auto silent = held;
  silent.held_known = false;
  EXPECT_TRUE(HoldsEarlierOwner(silent, book)) << "it has not said what it holds";
  auto stranger = held;
  stranger.held_owner = Digest{};
  EXPECT_FALSE(HoldsEarlierOwner(stranger, book));
  held.admitted = false;
  EXPECT_FALSE(HoldsEarlierOwner(held, book));
}

// A bundle has room for 30 successions.
TEST_F(IssuingOwnerTest, OwnerThatWouldLeaveAgentsBehindIsRefused) {
  server_.iterations = 1;
  const Issued first = Create(server_);
  auto agent = HoldingAgent(first.certificate);
  server_.AddAgent(agent);
  int day = 1;
  for (; day <= 30; ++day) ASSERT_TRUE(CreateOwner(kNow + day * kDay).has_value()) << day;
  EXPECT_TRUE(TakesOver(first.certificate, server_.Book()));
  const auto error = FailureOf(CreateOwner(kNow + day * kDay));
  EXPECT_EQ(error.code, Code::kExhausted);
  EXPECT_THAT(error.message, HasSubstr("1 agent trusts"));
  ASSERT_TRUE(Replace(server_, kNow + day * kDay).has_value()) << "a certificate is still made";
  const auto row = server_.registry->FindAgent(agent.id).value();
  ASSERT_TRUE(row.has_value());
  agent = *row;
  agent.held_owner = OwnerNow();
  ASSERT_TRUE(server_.registry->PutAgent(agent).has_value());
  EXPECT_TRUE(CreateOwner(kNow + (day + 1) * kDay).has_value()) << "nobody is left behind";
}

}  // namespace
}  // namespace countersign::server
