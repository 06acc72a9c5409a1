#include "server/backup_check.h"

#include "server/issuing_fixture.h"

namespace countersign::server {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BackupCheckTest : public IssuingTest {
 protected:
  BackupCheck Verify(Instant now = kNow + kDay) {
    auto check = CheckAutomaticBackup(server_.world(), Secret(kPassword), now);
    EXPECT_TRUE(check.has_value()) << check.error().message;
    return *std::move(check);
  }
  std::vector<std::string> Warnings(Instant now) {
    std::vector<std::string> texts;
    const auto age = AgeOfBackup(server_.world(), now);
    EXPECT_TRUE(age.has_value());
    for (const auto& warning : age->warnings) texts.push_back(warning.text);
    return texts;
  }
  ServerInMemory server_;
};

TEST_F(BackupCheckTest, AWholeBackupHasNoProblems) {
  const auto certificate = Create(server_).certificate;
  const BackupCheck check = Verify();
  EXPECT_THAT(check.problems, IsEmpty());
  EXPECT_TRUE(check.automatic);
  EXPECT_TRUE(check.owner_key);
  EXPECT_EQ(check.active, certificate);
  EXPECT_EQ(check.reserve, server_.Book().Reserve()->certificate);
  EXPECT_EQ(check.num_keys, 2U);
  EXPECT_EQ(check.written_at, kNow);
  EXPECT_THAT(Warnings(kNow + 2 * kDay), IsEmpty());
}

TEST_F(BackupCheckTest, AgentsAdmittedSinceAreNamed) {
  const auto certificate = Create(server_).certificate;
  const auto before = HoldingAgent(certificate);
  server_.AddAgent(before);
  ASSERT_TRUE(Replace(server_, kNow + kDay).has_value());
  const auto since = HoldingAgent(server_.Book().Active()->certificate);
  server_.AddAgent(since);
  const BackupCheck check = Verify(kNow + 2 * kDay);
  EXPECT_EQ(check.num_agents, 2U);
  EXPECT_EQ(check.num_served, 1U);
  EXPECT_THAT(check.not_served_ids, ElementsAre(since.id));
  EXPECT_THAT(check.problems, ElementsAre(HasSubstr("1 of 2 admitted agents")));
  EXPECT_THAT(Warnings(kNow + 3 * kDay), Contains(HasSubstr("1 agent was admitted since")));
}

TEST_F(BackupCheckTest, AnOlderCopyIsToldAndWhomItWouldServe) {
  const auto certificate = Create(server_).certificate;
  server_.AddAgent(HoldingAgent(certificate));
  ASSERT_TRUE(
      ChangeBackupPassword(server_.world(), config_, Secret(kPassword), Secret(kPassword), kNow)
          .has_value());
  const Bytes older = *server_.storage.content.backup;
  ASSERT_TRUE(Replace(server_, kNow + kDay).has_value());
  server_.AddAgent(HoldingAgent(server_.Book().Active()->certificate));
  const auto check = CheckBackup(server_.world(), older, Secret(kPassword), kNow + 2 * kDay);
  ASSERT_TRUE(check.has_value()) << check.error().message;
  EXPECT_FALSE(check->automatic);
  EXPECT_EQ(check->num_served, 1U) << "the one that is not ahead of the copy";
  EXPECT_THAT(check->problems, Contains(HasSubstr("older than")));
}

TEST_F(BackupCheckTest, WrongPasswordAndDamageAreToldApart) {
  static_cast<void>(Create(server_));
  EXPECT_EQ(FailureOf(CheckAutomaticBackup(server_.world(), Secret("another one"), kNow)).code,
            Code::kWrongPassword);
  EXPECT_THAT(FailureOf(CheckAutomaticBackup(server_.world(), Secret("another one"), kNow)).message,
              HasSubstr("The file is whole"));
  auto& file = *server_.storage.content.backup;
  file[file.size() / 2] ^= 1;  // the MAC fails as it does with another password
  for (const std::string_view password : {kPassword, std::string_view("another one")}) {
    const auto error = FailureOf(CheckAutomaticBackup(server_.world(), Secret(password), kNow));
    EXPECT_EQ(error.code, Code::kWrongPassword);
    EXPECT_THAT(error.message, HasSubstr("Or the file is damaged"));
    EXPECT_THAT(FailureOf(Replace(server_, kNow, password)).message,
                HasSubstr("Or the file is damaged"));
  }
  file.resize(100);
  EXPECT_EQ(FailureOf(CheckAutomaticBackup(server_.world(), Secret(kPassword), kNow)).code,
            Code::kDamaged);
}

TEST_F(BackupCheckTest, WarnsOfWhatIsDueAndMissing) {
  static_cast<void>(Create(server_));
  EXPECT_THAT(Warnings(kNow), ElementsAre(HasSubstr("never verified")));
  static_cast<void>(Verify(kNow));
  EXPECT_THAT(Warnings(kNow + 89 * kDay), IsEmpty());
  EXPECT_THAT(Warnings(kNow + 91 * kDay), ElementsAre(HasSubstr("last tried")));
  server_.storage.content.backup->back() ^= 1;
  EXPECT_THAT(Warnings(kNow), Contains(HasSubstr("not the one that this server wrote")));
  server_.storage.content.backup.reset();
  EXPECT_THAT(Warnings(kNow), ElementsAre(HasSubstr("missing")));
}

TEST_F(BackupCheckTest, DrillIsRecordedOnlyWhenItCameOutWhole) {
  static_cast<void>(Create(server_));
  ASSERT_TRUE(RecordDrill(server_.world(), {"another certificate"}, kNow).has_value());
  EXPECT_FALSE(AgeOfBackup(server_.world(), kNow)->drilled_at.has_value());
  ASSERT_TRUE(RecordDrill(server_.world(), {}, kNow).has_value());
  EXPECT_EQ(AgeOfBackup(server_.world(), kNow)->drilled_at, kNow);
}

}  // namespace
}  // namespace countersign::server
