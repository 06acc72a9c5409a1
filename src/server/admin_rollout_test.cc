#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "server/admin.h"
#include "server/server.h"
#include "tests/support/server_bench.h"

// What administrators are told of a rollout.
namespace countersign::server {
namespace {

using testing::ServerBench;

class AdminRolloutTest : public ::testing::Test {
 protected:
  boost::json::object Plan(std::uint64_t limit) {
    AdminMessage request;
    request.json = {{"command", "rollout-plan"}, {"class", "at-once"}, {"limit", limit}};
    return Admin(bench_.server()).Handle(request, User(), bench_.now).json;
  }
  ServerBench bench_;
};

TEST_F(AdminRolloutTest, APageOfThePlanHasAtLeastOneName) {
  for (int i = 0; i < 2; ++i) (void)bench_.KnownAgent();
  const auto none = Plan(0);
  EXPECT_FALSE(none.at("ok").as_bool());
  EXPECT_EQ(none.at("code").as_string(), "usage");
  const auto one = Plan(1);
  ASSERT_TRUE(one.at("ok").as_bool()) << boost::json::serialize(one);
  ASSERT_EQ(one.at("names").as_array().size(), 1U);
  EXPECT_EQ(one.at("next_after"), one.at("names").as_array()[0].at("agent"));
}

}  // namespace
}  // namespace countersign::server
