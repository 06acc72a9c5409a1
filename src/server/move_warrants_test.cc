#include "server/move_warrants.h"

#include "server/issuing_fixture.h"
#include "server/move.h"
#include "tests/support/must.h"

namespace countersign::server {
namespace {

using testing::Must;

class MoveWarrantsTest : public IssuingTest {
 protected:
  void SetUp() override {
    own_ = Create(server_).certificate.server_ids().front();
    auto contents = Must(server_.OpenBackup(kPassword));
    contents.manifest->server_ids.push_back(joined_);
    backup_ = Must(keys::SealBackup(contents, Secret(kPassword), kFewIterations));
  }
  Result<std::vector<wire::Warrant>> Make(std::map<ServerId, std::vector<AgentId>> agents) {
    const auto texts =
        MakeMoveWarrants(backup_, Secret(kPassword),
                         {.agents = std::move(agents), .target = target_}, random_, kNow);
    if (!texts) return std::unexpected(texts.error());
    std::vector<wire::Warrant> warrants;
    for (const auto& text : *texts) warrants.push_back(Must(wire::ParseWarrant(text)).warrant);
    return warrants;
  }
  [[nodiscard]] AgentId AnAgent() { return Uuid::FromRandom(random_.Array<16>()); }

  ServerInMemory server_;
  testing::SeededRandom random_{98};
  ServerId own_;
  const ServerId joined_ = Uuid::FromRandom(random_.Array<16>());
  const wire::MoveTarget target_ = {.server = Uuid::FromRandom(random_.Array<16>()),
                                    .owner = {},
                                    .generation = 1,
                                    .addresses = {"new.example:8080:4343"}};
  Bytes backup_;
};

// An agent takes a warrant for the server that it belongs to, and for no other one.
TEST_F(MoveWarrantsTest, EachFleetHasItsOwn) {
  const AgentId one = AnAgent();
  const AgentId two = AnAgent();
  const auto warrants = Must(Make({{own_, {one}}, {joined_, {two}}}));
  ASSERT_EQ(warrants.size(), 2U);
  for (const auto& warrant : warrants) {
    EXPECT_EQ(warrant.agents, std::vector{warrant.server == own_ ? one : two});
    EXPECT_EQ(warrant.target, target_);
  }
  EXPECT_NE(warrants.front().server, warrants.back().server);
}

TEST_F(MoveWarrantsTest, ForAllOfABackupAreOnesForEachOfItsServers) {
  const auto warrants = Must(Make({}));
  ASSERT_EQ(warrants.size(), 2U);
  EXPECT_TRUE(warrants.front().agents.empty());
  EXPECT_EQ((std::set{warrants.front().server, warrants.back().server}), (std::set{own_, joined_}));
}

TEST_F(MoveWarrantsTest, OneNamesNoMoreThanFitIntoAnOrder) {
  std::vector<AgentId> many;
  for (std::size_t i = 0; i <= kAgentsInWarrant; ++i) many.push_back(AnAgent());
  const auto warrants = Must(Make({{own_, many}}));
  ASSERT_EQ(warrants.size(), 2U);
  EXPECT_EQ(warrants.front().agents.size(), kAgentsInWarrant);
  EXPECT_EQ(warrants.back().agents, std::vector{many.back()});
}

TEST_F(MoveWarrantsTest, ServerOfAnotherBackupGetsNone) {
  EXPECT_EQ(FailureOf(Make({{AnAgent(), {AnAgent()}}})).code, Code::kRefused);
}

// A file of another program with the server's own key in it.
TEST_F(MoveWarrantsTest, FileThatIsNoAutomaticBackupMakesNone) {
  auto contents = Must(server_.OpenBackup(kPassword));
  contents.owner_key.reset();
  contents.manifest.reset();
  backup_ = Must(keys::SealBackup(contents, Secret(kPassword), kFewIterations));
  EXPECT_EQ(FailureOf(Make({{own_, {AnAgent()}}})).code, Code::kRefused);
  EXPECT_EQ(FailureOf(Make({})).code, Code::kRefused);
}

TEST_F(MoveWarrantsTest, AnyOtherFileIsMalformedAndNoDamage) {
  backup_ = ToBytes("{}");
  EXPECT_EQ(FailureOf(Make({})).code, Code::kMalformed);
}

}  // namespace
}  // namespace countersign::server
