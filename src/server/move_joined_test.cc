#include <map>
#include <optional>

#include "server/move_fixture.h"

// Moves from a server whose certificate stands for two fleets.
namespace countersign::server {
namespace {

using testing::FakeAgent;

// Two fleets were brought together: the certificate names both servers, and each agent still
// belongs to its own.
class JoinedFleetTest : public MoveFixture {
 protected:
  JoinedFleetTest() {
    const auto both = old_.authority.MakeServer(
        old_.owner, {.server_ids = {old_.server_id, joined_id_}, .generation = 11});
    old_.Replace(both);
    own_ = Follower(old_.server_id);
    joined_ = Follower(joined_id_);
  }
  // An agent of one of the two that has taken the certificate of both over.
  [[nodiscard]] FakeAgent Follower(const ServerId& server) {
    FakeAgent agent = old_.KnownAgent();
    trust::TrustState held = old_.AcceptedStateOf(old_.active);
    held.server = server;
    agent.Hold(held);
    wire::Report report = agent.Report(old_.now);
    report.aud = server;
    (void)old_.Tell(agent, report);
    Check(old_.Row(agent).held_server == server, "it says what it holds");
    return agent;
  }
  [[nodiscard]] wire::Warrant For(const ServerId& server, std::vector<AgentId> agents) {
    wire::Warrant warrant = Draft(std::move(agents));
    warrant.server = server;
    return warrant;
  }
  // The servers of the warrants that the agents' orders bring.
  [[nodiscard]] std::map<AgentId, ServerId> Sent() {
    std::map<AgentId, ServerId> sent;
    for (const auto& call : old_.Due()) {
      const auto order = wire::ParseOrder(old_.Sign(call)).value().order;
      const auto args = wire::ParseMoveArgs(order.args).value();
      sent[call.agent] = wire::ParseWarrant(args.warrant).value().warrant.server;
    }
    return sent;
  }
  const ServerId joined_id_ = old_.authority.MakeServerId();
  std::optional<FakeAgent> own_;
  std::optional<FakeAgent> joined_;
};

TEST_F(JoinedFleetTest, AgentsAreSelectedByTheServerThatTheyHold) {
  const auto selected = Select(old_.server(), {.all = true}).value();
  EXPECT_EQ(selected.size(), 2U);
  EXPECT_EQ(selected.agents.at(old_.server_id), std::vector{own_->id});
  EXPECT_EQ(selected.agents.at(joined_id_), std::vector{joined_->id});
}

TEST_F(JoinedFleetTest, WarrantForTheOtherServerIsRefusedAtTheStart) {
  const std::vector both = {own_->id, joined_->id};
  const auto refused = TryStart(both, {Sign(For(old_.server_id, both))}, {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_NE(refused.error().message.find(joined_->id.Text()), std::string::npos);
  EXPECT_NE(refused.error().message.find(joined_id_.Text()), std::string::npos);
  EXPECT_FALSE(TryStart(both, {Sign(For(old_.server_id, {}))}, {}).has_value());
}

TEST_F(JoinedFleetTest, EachIsSentTheWarrantForItsServer) {
  const std::vector both = {own_->id, joined_->id};
  ASSERT_TRUE(TryStart(both, {Sign(For(old_.server_id, both)), Sign(For(joined_id_, both))},
                       {.rate_per_minute = 0})
                  .has_value());
  old_.server().AdvanceMove(old_.now);
  EXPECT_EQ(Sent(),
            (std::map<AgentId, ServerId>{{own_->id, old_.server_id}, {joined_->id, joined_id_}}));
}

TEST_F(JoinedFleetTest, SoIsOneOfTheWarrantsForAll) {
  ASSERT_TRUE(TryStart({own_->id, joined_->id},
                       {Sign(For(old_.server_id, {})), Sign(For(joined_id_, {}))},
                       {.rate_per_minute = 0})
                  .has_value());
  old_.server().AdvanceMove(old_.now);
  EXPECT_EQ(Sent(),
            (std::map<AgentId, ServerId>{{own_->id, old_.server_id}, {joined_->id, joined_id_}}));
}

}  // namespace
}  // namespace countersign::server
