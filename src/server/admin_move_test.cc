#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/admin.h"
#include "server/move_fixture.h"

// What `countersign move plan`, `move expect` and `order send move` are answered.
namespace countersign::server {
namespace {

class AdminMoveTest : public MoveFixture {
 protected:
  boost::json::object Plan(boost::json::object request) {
    request["command"] = "move-plan";
    AdminMessage message;
    message.json = std::move(request);
    return Admin(old_.server()).Handle(message, User(), old_.now).json;
  }
  void ConfigureTarget(const std::function<void(store::ServerConfig&)>& change) {
    store::ServerConfig config;
    config.public_host = "new.example";
    change(config);
    target_.Configure(config);
  }
  boost::json::object Expect(const std::vector<std::string>& addresses) {
    AdminMessage message;
    message.json = {{"command", "move-expect"},
                    {"agents", boost::json::array{old_.KnownAgent().id.Text()}},
                    {"from_server", old_.server_id.Text()},
                    {"addresses", boost::json::array(addresses.begin(), addresses.end())}};
    return Admin(target_.server()).Handle(message, User(), target_.now).json;
  }
  boost::json::object Announce(const std::vector<AgentId>& agents) {
    boost::json::array names;
    for (const AgentId& agent : agents) names.emplace_back(agent.Text());
    AdminMessage message;
    message.json = {{"command", "move-expect"},
                    {"agents", std::move(names)},
                    {"from_server", old_.server_id.Text()}};
    return Admin(target_.server()).Handle(message, User(), target_.now).json;
  }
  static std::string NameIn(const boost::json::object& page, std::size_t i) {
    return std::string(page.at("names").at(i).at("agent").as_string());
  }
};

TEST_F(AdminMoveTest, PagesOfAPlanNameEachAgentOnceAndTheFirstCounts) {
  for (int i = 0; i < 5; ++i) (void)old_.KnownAgent();
  std::set<std::string> names;
  std::string after;
  int pages = 0;
  do {
    const auto page = Plan({{"all", true}, {"limit", 2}, {"after", after}});
    ASSERT_TRUE(page.at("ok").as_bool());
    EXPECT_EQ(page.contains("agents"), pages == 0);
    if (pages == 0) {
      EXPECT_EQ(page.at("agents").as_uint64(), 5U);
    }
    const std::size_t count = page.at("names").as_array().size();
    for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(names.insert(NameIn(page, i)).second);
    after = std::string(page.at("next_after").as_string());
    ASSERT_LE(++pages, 3);
  } while (!after.empty());
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(names.size(), 5U);
}

TEST_F(AdminMoveTest, TheTargetsOwnPortsAreAnnouncedWhereNoneAreNamed) {
  ConfigureTarget([](auto& config) {
    config.http_port = 7001;
    config.https_port = 7002;
  });
  EXPECT_EQ(Expect({})["addresses"], (boost::json::array{"new.example:7001:7002"}));
  const auto answer = Expect({"a.example", "b.example:81", "[::1]:81:82"});
  EXPECT_EQ(answer.at("addresses"),
            (boost::json::array{"a.example:7001:7002", "b.example:81:7002", "[::1]:81:82"}));
  EXPECT_TRUE(answer.at("warnings").as_array().empty());
}

TEST_F(AdminMoveTest, AnAddressThatIsNoneIsAWrongCall) {
  EXPECT_EQ(Expect({"a b"})["code"], "usage");
  EXPECT_EQ(Expect({"m\xc3\xbcnchen.example"})["code"], "usage");
}

TEST_F(AdminMoveTest, WhereOneOfTheTwoListenersIsOffTheAnnouncementWarns) {
  ConfigureTarget([](auto& config) { config.https = false; });
  EXPECT_EQ(Expect({}).at("warnings").as_array().size(), 1U);
  ConfigureTarget([](auto& config) { config.http = false; });
  EXPECT_EQ(Expect({}).at("warnings").as_array().size(), 1U);
}

TEST_F(AdminMoveTest, PlanOfNamedAgentsHasThemAlone) {
  (void)old_.KnownAgent();
  const auto wanted = old_.KnownAgent();
  const auto page = Plan({{"agents", boost::json::array{wanted.id.Text()}}});
  EXPECT_EQ(page.at("agents").as_uint64(), 1U);
  EXPECT_EQ(NameIn(page, 0), wanted.id.Text());
  EXPECT_EQ(page.at("names").at(0).at("server").as_string(), old_.server_id.Text());
}

// Nobody is promised what a report would be refused.
TEST_F(AdminMoveTest, AgentsThatWouldNotBeAdmittedAreNotAnnounced) {
  const auto forgotten = target_.KnownAgent();
  auto row = target_.Row(forgotten);
  row.forgotten = true;
  row.admitted = false;
  target_.Put(row);
  const auto cloned = target_.KnownAgent();
  row = target_.Row(cloned);
  row.cloned = true;
  target_.Put(row);
  const auto stranger = old_.KnownAgent();
  const auto answer = Announce({forgotten.id, cloned.id, stranger.id});
  ASSERT_TRUE(answer.at("ok").as_bool()) << boost::json::serialize(answer);
  EXPECT_EQ(answer.at("agents").as_uint64(), 1U);
  std::set<std::pair<std::string, std::string>> left_out;
  for (const auto& value : answer.at("left_out").as_array()) {
    left_out.emplace(value.at("agent").as_string(), value.at("reason").as_string());
  }
  EXPECT_EQ(left_out, (std::set<std::pair<std::string, std::string>>{
                          {forgotten.id.Text(), "forgotten"}, {cloned.id.Text(), "cloned"}}));
  store::MoveTable& table = target_.registry->moves();
  EXPECT_TRUE(table.FindExpected(stranger.id).value().has_value());
  EXPECT_FALSE(table.FindExpected(forgotten.id).value().has_value());
  EXPECT_FALSE(table.FindExpected(cloned.id).value().has_value());
}

TEST_F(AdminMoveTest, NobodyIsLeftToBeAnnounced) {
  const auto cloned = target_.KnownAgent();
  auto row = target_.Row(cloned);
  row.cloned = true;
  target_.Put(row);
  const auto answer = Announce({cloned.id});
  EXPECT_FALSE(answer.at("ok").as_bool());
  EXPECT_EQ(answer.at("code").as_string(), "refused");
}

TEST_F(AdminMoveTest, PlanForAgentsThatAreNotThereIsRefused) {
  const auto agent = old_.KnownAgent();
  const auto stranger = old_.NewAgent();
  const auto answer = Plan({{"agents", boost::json::array{agent.id.Text(), stranger.id.Text()}}});
  EXPECT_EQ(answer.at("code").as_string(), "not-found") << boost::json::serialize(answer);
  EXPECT_TRUE(Plan({{"agents", boost::json::array{agent.id.Text()}}}).at("ok").as_bool());
}

TEST_F(AdminMoveTest, PlanForADomainWithASlashAtItsEndIsRefused) {
  EXPECT_EQ(Plan({{"domain", "eu/paris/"}}).at("code").as_string(), "usage");
}

// The campaign's warrant is sent at its rate, and not after its end.
TEST_F(AdminMoveTest, OrderToMoveWithoutAWarrantIsRefused) {
  const auto agent = old_.KnownAgent();
  AdminMessage message;
  message.json = {
      {"command", "order"}, {"agents", boost::json::array{agent.id.Text()}}, {"act", "move"}};
  const auto answer = Admin(old_.server()).Handle(message, User(), old_.now).json;
  EXPECT_FALSE(answer.at("ok").as_bool());
  EXPECT_EQ(answer.at("code").as_string(), "usage");
}

TEST_F(AdminMoveTest, AddressThatNoWarrantCanHaveIsRefusedBeforeAnythingIsAnnounced) {
  for (const std::vector<std::string>& addresses :
       {std::vector<std::string>{"new.example", std::string(65, 'a')}, {}}) {
    // Without any, it is the server's own name.
    target_.config.public_host = std::string(65, 'a');
    target_.Configure(target_.config);
    const auto answer = Expect(addresses);
    EXPECT_FALSE(answer.at("ok").as_bool());
    EXPECT_NE(std::string(answer.at("message").as_string()).find("at most 64 octets"),
              std::string::npos);
    EXPECT_NE(std::string(answer.at("next").as_string()).find("--address"), std::string::npos);
  }
  EXPECT_EQ(target_.registry->moves().CountExpected(target_.now).value(), store::ExpectedCounts());
}

TEST_F(AdminMoveTest, NameThatFitsWithoutTheUsualPortsIsAnnouncedWithoutThem) {
  target_.config.public_host = std::string(64, 'a');
  target_.Configure(target_.config);
  const auto answer = Expect({});
  ASSERT_TRUE(answer.at("ok").as_bool());
  EXPECT_EQ(answer.at("addresses").as_array(), boost::json::array{target_.config.public_host});
}

}  // namespace
}  // namespace countersign::server
