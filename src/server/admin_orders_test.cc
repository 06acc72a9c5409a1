#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <string>
#include <utility>

#include "server/admin.h"
#include "tests/support/server_bench.h"

// What `countersign order send` is answered, and what agents are shown as afterwards.
namespace countersign::server {
namespace {

using testing::FakeAgent;
using testing::ServerBench;

class AdminOrdersTest : public ::testing::Test {
 protected:
  boost::json::object Ask(boost::json::object request) {
    AdminMessage message;
    message.json = std::move(request);
    return Admin(bench_.server()).Handle(message, User(), bench_.now).json;
  }
  boost::json::object Send(const boost::json::array& agents, std::string_view args) {
    return Ask({{"command", "order"}, {"agents", agents}, {"act", "scan"}, {"args", args}});
  }
  std::size_t Open() { return bench_.registry->AllOpenOrders(agent_.id, "").value().size(); }
  ServerBench bench_;
  FakeAgent agent_ = bench_.KnownAgent();
  boost::json::array named_ = {agent_.id.Text()};
};

TEST_F(AdminOrdersTest, ArgumentsThatCannotBeSignedAreRefused) {
  const std::string too_long = R"({"a":")" + std::string(wire::kMaxOrderLen, 'x') + R"("})";
  for (const std::string& args :
       {std::string(R"({"limit":-1})"), std::string(R"({"limit":0.5})"),
        std::string(R"({"a":1,"a":2})"), std::string("[]"), std::string("{"), too_long}) {
    const auto answer = Send(named_, args);
    EXPECT_FALSE(answer.at("ok").as_bool()) << args;
    EXPECT_EQ(answer.at("code").as_string(), "usage") << args;
  }
  EXPECT_EQ(Open(), 0U);
}

TEST_F(AdminOrdersTest, SpaceAroundTheArgumentsIsNoPartOfThem) {
  EXPECT_TRUE(Send(named_, " {\"limit\":1}\r\n").at("ok").as_bool());
  EXPECT_TRUE(Send(named_, "\n").at("ok").as_bool());
  const auto open = bench_.registry->AllOpenOrders(agent_.id, "").value();
  ASSERT_EQ(open.size(), 2U);
  EXPECT_EQ(open[0].args, R"({"limit":1})");
  EXPECT_EQ(open[1].args, "");
}

TEST_F(AdminOrdersTest, AgentThatIsNamedTwiceGetsOneOrder) {
  const FakeAgent other = bench_.KnownAgent();
  const auto answer = Send({agent_.id.Text(), other.id.Text(), agent_.id.Text()}, "");
  EXPECT_EQ(answer.at("orders").as_array().size(), 2U) << boost::json::serialize(answer);
  EXPECT_EQ(Open(), 1U);
}

TEST_F(AdminOrdersTest, ForgottenAgentIsShownAsSuch) {
  ASSERT_TRUE(Ask({{"command", "forget"}, {"agents", named_}}).at("ok").as_bool());
  const auto shown = Ask({{"command", "agent"}, {"agents", named_}});
  ASSERT_TRUE(shown.at("ok").as_bool()) << boost::json::serialize(shown);
  const auto& agent = shown.at("agent").as_object();
  EXPECT_EQ(agent.at("reason").as_string(), "forgotten");
  EXPECT_EQ(agent.at("next_step").as_string(),
            "countersign-agentd install (anew, in an empty folder) makes a new agent");
  const FakeAgent other = bench_.KnownAgent();
  const auto merged = Ask(
      {{"command", "merge"}, {"agents", boost::json::array{agent_.id.Text(), other.id.Text()}}});
  EXPECT_FALSE(merged.at("ok").as_bool());
  EXPECT_EQ(boost::json::serialize(merged).find("approve"), std::string::npos);
}

}  // namespace
}  // namespace countersign::server
