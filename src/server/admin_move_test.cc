#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <set>
#include <string>

#include "server/admin.h"
#include "server/move_fixture.h"

// What `countersign move plan` is answered.
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

TEST_F(AdminMoveTest, PlanOfNamedAgentsHasThemAlone) {
  (void)old_.KnownAgent();
  const auto wanted = old_.KnownAgent();
  const auto page = Plan({{"agents", boost::json::array{wanted.id.Text()}}});
  EXPECT_EQ(page.at("agents").as_uint64(), 1U);
  EXPECT_EQ(NameIn(page, 0), wanted.id.Text());
}

}  // namespace
}  // namespace countersign::server
