#include "server/warrant.h"

#include "server/issuing_fixture.h"
#include "tests/support/must.h"
#include "trust/trust_state.h"

namespace countersign::server {
namespace {

using ::testing::HasSubstr;
using testing::Must;

class MakeWarrantTest : public IssuingTest {
 protected:
  void SetUp() override {
    held_ = Must(trust::FirstTrust(Create(server_).certificate, nullptr));
    backup_ = *server_.storage.content.backup;
  }
  // Make is on any machine: all it has is the copy of the backup and the password.
  Result<MadeWarrant> Make(const WarrantRequest& request, std::string_view password = kPassword) {
    return MakeWarrant(backup_, Secret(password), request, random_, kNow);
  }
  Result<wire::Warrant> Judge(const std::string& text, Instant now = kNow) {
    return wire::JudgeWarrant(text, {.held = *held_, .self = agent_, .now = now});
  }

  ServerInMemory server_;
  testing::SeededRandom random_{99};
  std::optional<trust::TrustState> held_;
  Bytes backup_;
  const AgentId agent_ = Uuid::FromRandom(random_.Array<16>());
};

TEST_F(MakeWarrantTest, AgentOfTheServerTakesIt) {
  const auto made = Make({.agents = {agent_}});
  ASSERT_TRUE(made.has_value()) << made.error().message;
  const auto judged = Judge(made->text);
  ASSERT_TRUE(judged.has_value()) << judged.error().message;
  EXPECT_EQ(*judged, made->warrant);
  EXPECT_EQ(judged->server, held_->server);
  EXPECT_TRUE(Judge(made->text, kNow + 7 * kDay - Seconds(1)).has_value());
  EXPECT_FALSE(Judge(made->text, kNow + 7 * kDay).has_value());
}

TEST_F(MakeWarrantTest, EachHasAnIdOfItsOwn) {
  const auto one = Must(Make({.agents = {agent_}}));
  const auto two = Must(Make({.agents = {agent_}}));
  EXPECT_NE(one.warrant.jti, two.warrant.jti);
}

TEST_F(MakeWarrantTest, WithoutThePasswordThereIsNone) {
  EXPECT_EQ(FailureOf(Make({.agents = {agent_}}, "another password")).code, Code::kWrongPassword);
}

// It is some file that a person named, and not the server's own.
TEST_F(MakeWarrantTest, AnyOtherFileIsMalformedAndNoDamage) {
  backup_ = ToBytes("no backup");
  const auto error = FailureOf(Make({.agents = {agent_}}));
  EXPECT_EQ(error.code, Code::kMalformed);
  EXPECT_THAT(error.message, HasSubstr("this is no automatic backup"));
  EXPECT_THAT(error.next, HasSubstr("with a copy of"));
}

TEST_F(MakeWarrantTest, OnlyForServersThatTheBackupHolds) {
  const ServerId other = Uuid::FromRandom(random_.Array<16>());
  const auto error = FailureOf(Make({.agents = {agent_}, .server = other}));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr(other.Text()));
  EXPECT_TRUE(Make({.agents = {agent_}, .server = held_->server}).has_value());
}

// Which of them the agent belongs to is in no backup.
TEST_F(MakeWarrantTest, BackupOfJoinedFleetsAsksWhichServerItIs) {
  auto contents = Must(server_.OpenBackup(kPassword));
  const ServerId joined = Uuid::FromRandom(random_.Array<16>());
  contents.manifest->server_ids.push_back(joined);
  backup_ = Must(keys::SealBackup(contents, Secret(kPassword), kFewIterations));
  const auto error = FailureOf(Make({.agents = {agent_}}));
  EXPECT_EQ(error.code, Code::kUsage);
  EXPECT_THAT(error.message, HasSubstr(joined.Text()));
  EXPECT_THAT(error.next, HasSubstr("--server"));
  EXPECT_EQ(Must(Make({.agents = {agent_}, .server = joined})).warrant.server, joined);
}

TEST_F(MakeWarrantTest, LimitsOfTheProtocolHold) {
  EXPECT_EQ(FailureOf(Make({.agents = {agent_}, .life = 30 * kDay + Seconds(1)})).code,
            Code::kUsage);
  EXPECT_EQ(FailureOf(Make({.agents = {agent_}, .life = Seconds(0)})).code, Code::kUsage);
  EXPECT_EQ(FailureOf(Make({})).code, Code::kUsage) << "an unlock for everybody";
  EXPECT_EQ(FailureOf(Make({.act = wire::WarrantAct::kMove})).code, Code::kUsage)
      << "a move without a target";
}

// A file of another program with the server's own key in it: no owner, no warrant.
TEST_F(MakeWarrantTest, FileThatIsNoAutomaticBackupMakesNone) {
  auto contents = Must(server_.OpenBackup(kPassword));
  contents.owner_key.reset();
  contents.manifest.reset();
  backup_ = Must(keys::SealBackup(contents, Secret(kPassword), kFewIterations));
  const auto error = FailureOf(Make({.agents = {agent_}}));
  EXPECT_EQ(error.code, Code::kRefused);
}

}  // namespace
}  // namespace countersign::server
