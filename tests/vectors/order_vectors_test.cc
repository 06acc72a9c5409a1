// Runs the vectors of orders through the real code: steps 1 to 8.
#include <gtest/gtest.h>

#include <set>

#include "tests/vectors/agent_model.h"

namespace countersign::vectors {
namespace {

namespace json = boost::json;

TEST(OrderVectorsTest, EveryOrderIsAnsweredAsExpected) {
  const VectorFile file("orders");
  std::set<std::string, std::less<>> verdicts;
  for (const auto& one : file.Cases()) {
    SCOPED_TRACE(TextOf(one.at("name")));
    AgentModel agent(file, one.as_object());
    EXPECT_EQ(agent.TakeOrder(TextOf(one.at("order"))), one.at("expect").as_object());
    EXPECT_EQ(wire::HashOfOrder(TextOf(one.at("order"))), DigestOf(one.at("oh")));
    verdicts.emplace(TextOf(one.at("expect").at("verdict")));
  }
  EXPECT_EQ(file.Cases().size(), 157U);
  // "begins", and one for each verdict of steps 1 to 8.
  const std::set<std::string, std::less<>> expected = {"begins",
                                                       "malformed",
                                                       "stale",
                                                       "unknown-key",
                                                       "other-owner",
                                                       "chain",
                                                       "wrong-server",
                                                       "distrusted",
                                                       "fork",
                                                       "older-generation",
                                                       "bad-signature",
                                                       "wrong-agent",
                                                       "certificate-expired",
                                                       "done-before",
                                                       "running",
                                                       "interrupted",
                                                       "busy",
                                                       "cannot-record"};
  EXPECT_EQ(verdicts, expected);
}

}  // namespace
}  // namespace countersign::vectors
