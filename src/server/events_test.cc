#include "server/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/server_bench.h"

namespace countersign::server {
namespace {

using countersign::testing::FakeAgent;
using countersign::testing::ServerBench;

const User kAlice{1'000, "alice"};

class EventsTest : public ::testing::Test {
 protected:
  bool Ask(boost::json::object json, const char* secret = nullptr) {
    AdminMessage request;
    request.json = std::move(json);
    request.json["from"] = {{"terminal", "pts/3"}, {"login", ""}};
    if (secret != nullptr) request.secrets.push_back(SecretBytes::OwnText(secret));
    Admin admin(bench_.server());
    return admin.Handle(request, kAlice, bench_.now).json.at("ok").as_bool();
  }
  [[nodiscard]] std::vector<store::EventRow> Events() {
    return bench_.server().world().registry.ListEvents(0, 100).value();
  }
  // The newest event, which `ask` made.
  store::EventRow EventOf(const boost::json::object& ask, bool ok, const char* secret = nullptr) {
    const std::size_t before = Events().size();
    EXPECT_EQ(Ask(ask, secret), ok);
    const auto events = Events();
    EXPECT_GT(events.size(), before);
    return events.empty() ? store::EventRow() : events.back();
  }

  ServerBench bench_;
};

TEST_F(EventsTest, RefusedOperationTellsWhoAndTheCodeAlone) {
  const auto event = EventOf({{"command", "replace"}}, false, "correct-horse-secret");
  EXPECT_EQ(event.kind, "replace-refused");
  EXPECT_EQ(event.text.find(' '), std::string::npos) << event.text;
  EXPECT_EQ(event.by, (store::Actor{1'000, "alice", "pts/3", ""}));
}

TEST_F(EventsTest, WhatWasTypedIsNotRepeated) {
  const auto event = EventOf({{"command", "approve"}, {"agents", {"correct-horse-secret"}}}, false);
  EXPECT_EQ(event.kind, "approve-refused");
  EXPECT_EQ(event.text, "usage");
}

TEST_F(EventsTest, OperationsOnAgentsNameTheAgent) {
  FakeAgent agent = bench_.NewAgent();
  (void)bench_.Tell(agent);
  const boost::json::array agents = {agent.id.Text()};
  const auto approved = EventOf({{"command", "approve"}, {"agents", agents}}, true);
  EXPECT_EQ(approved.kind, "agent-approved");
  EXPECT_EQ(approved.agent, agent.id.Text());
  const auto order = EventOf({{"command", "order"}, {"agents", agents}, {"act", "ping"}}, true);
  EXPECT_EQ(order.kind, "orders-given");
  EXPECT_EQ(order.agent, agent.id.Text());
  EXPECT_EQ(bench_.server().world().registry.OpenOrders(agent.id, 9)->at(0).by, "alice (uid 1000)");
  const auto forgotten = EventOf({{"command", "forget"}, {"agents", agents}}, true);
  EXPECT_EQ(forgotten.kind, "agent-forgotten");
  EXPECT_EQ(forgotten.by->name, "alice");
}

TEST_F(EventsTest, PackageNamesItsTokenButNotTheSecret) {
  const auto event = EventOf({{"command", "package"}, {"uses", 7}}, true);
  EXPECT_EQ(event.kind, "package-made");
  EXPECT_THAT(event.text, ::testing::MatchesRegex("token [^ ]{22}, valid until .*, for agents: 7"));
}

TEST_F(EventsTest, WhatOnlyShowsIsNoEvent) {
  const std::size_t before = Events().size();
  for (const char* const command : {"status", "certificates", "agents", "events", "orders"}) {
    EXPECT_TRUE(Ask({{"command", command}})) << command;
  }
  EXPECT_FALSE(Ask({{"command", "agent"}, {"agents", {"nonsense"}}}));
  EXPECT_EQ(Events().size(), before);
}

TEST_F(EventsTest, NobodyIsNamedForWhatTheServerDoesLater) {
  EXPECT_TRUE(Ask({{"command", "export"}}));
  const auto recorded = RecordEvent(bench_.server().world(),
                                    {.id = 0, .at = {}, .kind = "k", .agent = {}, .text = {}});
  ASSERT_TRUE(recorded.has_value());
  EXPECT_EQ(Events().back().by, std::nullopt);
}

TEST(ActorTest, ClaimsAreBoundedAndHaveNoControlCharacters) {
  AdminMessage request;
  request.json["from"] = {{"terminal", "\x1b]0;\n" + std::string(100, 'x')}, {"login", 7}};
  const auto actor = ActorOf(kAlice, request);
  EXPECT_EQ(actor.terminal, "?]0;?" + std::string(59, 'x'));
  EXPECT_EQ(actor.login, "");
  request.json["from"] = "nonsense";
  EXPECT_EQ(ActorOf(kAlice, request), (store::Actor{1'000, "alice", "", ""}));
}

TEST(ActorTest, TextIsNameAndUid) {
  EXPECT_EQ(ActorText({1'000, "alice", "pts/3", ""}), "alice (uid 1000)");
  EXPECT_EQ(ThisActor().uid, RealUser().uid);
}

}  // namespace
}  // namespace countersign::server
