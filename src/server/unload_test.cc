#include "server/unload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "server/admin.h"
#include "tests/support/server_bench.h"
#include "trust/rollout.h"

// Unload passwords, as the server has them and hands them out (docs/unload-password.md).
namespace countersign::server {
namespace {

using testing::FakeAgent;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::ServerBench;
using ::testing::UnorderedElementsAre;
using trust::Verdict;

constexpr std::string_view kOne =
    "$argon2id$v=19$m=65536,t=3,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA";
constexpr std::string_view kTwo =
    "$argon2id$v=19$m=65536,t=3,p=1$b3RoZXJzYWx0$AAAAAAAAAAAAAAAAAAAAAA";

class UnloadTest : public ::testing::Test {
 protected:
  enum class Way { kPlain, kListener, kPinned };  // how the agent can be reached in private

  AdminMessage Ask(boost::json::object json, std::string_view verifier = {}) {
    AdminMessage request;
    request.json = std::move(json);
    if (!verifier.empty()) request.secrets.push_back(SecretBytes::OwnText(verifier));
    return Admin(bench_.server()).Handle(request, User(), bench_.now);
  }
  boost::json::object Set(boost::json::object scope, std::string_view verifier) {
    scope["command"] = "unload-set";
    const auto answer = Ask(std::move(scope), verifier).json;
    EXPECT_TRUE(answer.at("ok").as_bool());
    return answer;
  }
  boost::json::object SetAll(std::string_view verifier = kOne) {
    return Set({{"all", true}}, verifier);
  }
  std::string StateOf(const FakeAgent& agent) {
    const auto answer = Ask({{"command", "unload-show"}}).json;
    for (const auto& one : answer.at("agents").as_array()) {
      if (one.at("agent").as_string() == std::string_view(agent.id.Text())) {
        return std::string(one.at("state").as_string());
      }
    }
    return "not listed";
  }
  // Report is the agent's next one; the orders in its reply.
  std::vector<wire::Order> Report(FakeAgent& agent, Way way) {
    auto report = agent.Report(bench_.now);
    report.tls = way != Way::kPlain;
    report.pinned = way == Way::kPinned;
    if (bench_.Knows(agent)) {
      auto row = bench_.Row(agent);
      row.tls = report.tls;
      bench_.Put(row);
    }
    std::vector<wire::Order> orders;
    texts_.clear();
    for (const std::string& text : bench_.Tell(agent, report).orders) {
      texts_.push_back(text);
      orders.push_back(wire::ParseOrder(text).value().order);
    }
    return orders;
  }
  int Answer(FakeAgent& agent, std::string_view order, Verdict verdict) {
    return bench_.server().TakePostedReceipt(agent.Sign(agent.Receipt(order, verdict, bench_.now)),
                                             bench_.now);
  }
  // Nothing that could carry it: no order in the reply, none by a call.
  void ExpectNothingSent(FakeAgent& agent, Way way) {
    EXPECT_THAT(Report(agent, way), IsEmpty());
    for (auto& call : bench_.Due()) {
      call.is_private = false;
      EXPECT_FALSE(
          bench_.server().SignCall(call, bench_.random.Token().Text(), bench_.now).has_value());
    }
  }

  ServerBench bench_;
  FakeAgent agent_ = bench_.KnownAgent();
  std::vector<std::string> texts_;
};

// --- the secret's way ---

TEST_F(UnloadTest, AgentWithoutTlsGetsNone) {
  const auto answer = SetAll();
  EXPECT_EQ(answer.at("covered").as_uint64(), 1U);
  EXPECT_EQ(answer.at("asked").as_uint64(), 0U);
  EXPECT_EQ(answer.at("no_private_way").as_uint64(), 1U);
  ExpectNothingSent(agent_, Way::kPlain);
  EXPECT_EQ(StateOf(agent_), "no-private-way");
}

TEST_F(UnloadTest, ReplyOverTlsToAnAgentThatKnewTheKeyCarriesIt) {
  SetAll();
  const auto orders = Report(agent_, Way::kPinned);
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].act, "set-unload");
  EXPECT_EQ(orders[0].args, UnloadArgs(std::string(kOne)));
  EXPECT_EQ(StateOf(agent_), "under-way");
  EXPECT_EQ(Answer(agent_, texts_[0], Verdict::kDone), 204);
  EXPECT_EQ(StateOf(agent_), "done");
  bench_.now += std::chrono::hours(1);
  EXPECT_THAT(Report(agent_, Way::kPinned), IsEmpty()) << "once";
}

// Its report came over TLS, but it did not know whom it spoke to: the network may have read it.
TEST_F(UnloadTest, ReplyToAnAgentThatDidNotKnowTheKeyDoesNot) {
  SetAll();
  EXPECT_THAT(Report(agent_, Way::kListener), IsEmpty());
}

TEST_F(UnloadTest, CallCarriesItOnlyOnceTheAgentsKeyWasShown) {
  EXPECT_THAT(Report(agent_, Way::kListener), IsEmpty());
  SetAll();
  auto calls = bench_.Due();
  ASSERT_EQ(calls.size(), 1U);
  const auto challenge = bench_.random.Token().Text();
  const auto open = bench_.server().SignCall(calls[0], challenge, bench_.now);
  ASSERT_FALSE(open.has_value());
  EXPECT_EQ(open.error().code, Code::kRefused);
  EXPECT_THAT(open.error().message, Not(HasSubstr("argon2")));
  calls[0].is_private = true;
  const auto order = bench_.server().SignCall(calls[0], challenge, bench_.now);
  ASSERT_TRUE(order.has_value()) << order.error().message;
  EXPECT_EQ(wire::ParseOrder(*order)->order.args, UnloadArgs(std::string(kOne)));
}

// An order that was queued while it spoke TLS, and then it does not any more.
TEST_F(UnloadTest, AgentThatGaveUpTlsGetsNoneAnyMore) {
  EXPECT_THAT(Report(agent_, Way::kListener), IsEmpty());
  SetAll();
  ExpectNothingSent(agent_, Way::kPlain);
  EXPECT_EQ(StateOf(agent_), "no-private-way");
}

TEST_F(UnloadTest, OrdersOfOtherActsGoOnTheirWay) {
  SetAll();
  bench_.AddOrder(agent_);
  const auto orders = Report(agent_, Way::kPlain);
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].act, "ping");
}

// --- whom it is for ---

TEST_F(UnloadTest, AgentThatJoinsLaterGetsIt) {
  SetAll();
  FakeAgent later = bench_.KnownAgent();
  ASSERT_EQ(Report(later, Way::kPinned).size(), 1U);
}

TEST_F(UnloadTest, AgentThatIsNotAdmittedGetsNone) {
  SetAll();
  FakeAgent unknown = bench_.NewAgent();
  (void)bench_.Tell(unknown);
  EXPECT_THAT(Report(unknown, Way::kPinned), IsEmpty());
}

TEST_F(UnloadTest, DomainHasWhatLiesBeneathIt) {
  Set({{"domain", "eu"}}, kOne);
  agent_.profile.domain = "eu/paris";
  EXPECT_EQ(Report(agent_, Way::kPinned).size(), 1U);
  FakeAgent other = bench_.KnownAgent();
  other.profile.domain = "europe";
  EXPECT_THAT(Report(other, Way::kPinned), IsEmpty());
  EXPECT_EQ(StateOf(other), "nothing-said");
}

TEST_F(UnloadTest, DomainWithASlashAtItsEndIsRefused) {
  const auto answer = Ask({{"command", "unload-set"}, {"domain", "eu/paris/"}}, kOne).json;
  EXPECT_FALSE(answer.at("ok").as_bool());
  EXPECT_EQ(answer.at("code").as_string(), "usage");
}

TEST_F(UnloadTest, TheNewestWordCounts) {
  const std::string id = agent_.id.Text();
  Set({{"agents", boost::json::array{id}}}, kOne);
  SetAll(kTwo);
  auto orders = Report(agent_, Way::kPinned);
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].args, UnloadArgs(std::string(kTwo)));
  EXPECT_EQ(Ask({{"command", "unload-show"}}).json.at("wishes").as_array().size(), 1U);
  Set({{"agents", boost::json::array{id}}}, kOne);
  bench_.now += std::chrono::hours(1);
  orders = Report(agent_, Way::kPinned);
  ASSERT_EQ(orders.size(), 1U) << "the earlier one is not brought after it";
  EXPECT_EQ(orders[0].args, UnloadArgs(std::string(kOne)));
}

TEST_F(UnloadTest, ScopesOfAnAgentAreThoseThatItsDomainLiesIn) {
  const AgentId id = agent_.id;
  EXPECT_THAT(ScopesOf(id, "eu/paris"),
              UnorderedElementsAre("all", ScopeOfAgent(id), "domain:eu", "domain:eu/paris"));
  const std::vector<std::string> domains = {"",      "eu",   "eu/",     "eu/paris", "eu/paris/7",
                                            "eu//7", "/eu",  "europe",  "eu/pari",  "/",
                                            "//",    "eu//", "Eu/paris"};
  for (const auto& domain : domains) {
    const auto scopes = ScopesOf(id, domain);
    for (const auto& of : domains) {
      EXPECT_EQ(std::ranges::count(scopes, ScopeOfDomain(of)) > 0, trust::IsInDomain(domain, of))
          << domain << " in " << of;
    }
  }
}

TEST_F(UnloadTest, WordForADomainEndsThoseBeneathIt) {
  for (const char* const domain : {"eu/paris", "eu", "europe", "eu/paris/7"}) {
    Set({{"domain", domain}}, kOne);
  }
  Set({{"agents", boost::json::array{agent_.id.Text()}}}, kOne);
  Set({{"domain", "eu"}}, kTwo);
  std::vector<std::string> scopes;
  const auto wishes = bench_.registry->ListUnloadWishes(0, 9).value();
  for (const auto& wish : wishes) scopes.push_back(wish.scope);
  EXPECT_EQ(scopes,
            (std::vector<std::string>{"domain:europe", ScopeOfAgent(agent_.id), "domain:eu"}));
}

TEST_F(UnloadTest, NamedTwiceIsNamedOnce) {
  const std::string id = agent_.id.Text();
  const auto answer = Set({{"agents", boost::json::array{id, id}}}, kOne);
  EXPECT_EQ(answer.at("covered").as_uint64(), 1U);
  EXPECT_EQ(bench_.registry->ListUnloadWishes(0, 9).value().size(), 1U);
}

TEST_F(UnloadTest, WhoHasMovedIsNotCounted) {
  auto row = bench_.Row(agent_);
  row.standing = "moved";
  row.moved_to = bench_.server_id.Urn();
  bench_.Put(row);
  (void)bench_.KnownAgent();
  const auto answer = SetAll();
  EXPECT_EQ(answer.at("covered").as_uint64(), 1U);
  EXPECT_EQ(answer.at("left_out").as_uint64(), 1U);
  EXPECT_EQ(StateOf(agent_), "moved");
}

TEST_F(UnloadTest, AnAgentThatIsNotThereIsNotFound) {
  const auto stranger = AgentId(bench_.random.Array<16>()).Text();
  const auto answer =
      Ask({{"command", "unload-set"}, {"agents", boost::json::array{agent_.id.Text(), stranger}}},
          kOne)
          .json;
  EXPECT_EQ(answer.at("code").as_string(), "not-found");
  EXPECT_THAT(std::string(answer.at("message").as_string()), HasSubstr(stranger));
  EXPECT_TRUE(bench_.registry->ListUnloadWishes(0, 9).value().empty());
}

TEST_F(UnloadTest, WhatAnAgentBroughtFromItsEarlierServerIsUnknown) {
  auto row = bench_.Row(agent_);
  row.admitted_by = "move";
  bench_.Put(row);
  EXPECT_EQ(StateOf(agent_), "unknown");
  SetAll("");
  EXPECT_NE(StateOf(agent_), "unknown");
}

// Who is called is asked without a report of its own; many, some each second.
TEST_F(UnloadTest, BigFleetIsAskedByAndByAlsoOverARestart) {
  auto row = bench_.Row(agent_);
  row.tls = true;
  std::vector<AgentId> ids;
  for (std::size_t i = 0; i <= kAskUnloadAtOnce; ++i) {
    row.id = AgentId(bench_.random.Array<16>());
    ids.push_back(row.id);
    bench_.Put(row);
  }
  const auto asked = [&] {
    return std::ranges::count_if(ids, [&](const AgentId& id) {
      return !bench_.registry->OpenOrders(id, 9).value().empty();
    });
  };
  const auto answer = SetAll();
  EXPECT_TRUE(answer.at("goes_on").as_bool());
  EXPECT_LT(asked(), std::ssize(ids));
  bench_.Restart();
  bench_.server().AdvanceUnload(bench_.now);
  EXPECT_EQ(asked(), std::ssize(ids));
  for (const AgentId& id : ids) {
    EXPECT_EQ(bench_.registry->OpenOrders(id, 9).value().size(), 1U);
  }
  EXPECT_FALSE(Set({{"agents", boost::json::array{ids[0].Text()}}}, kTwo).at("goes_on").as_bool());
}

// In a big fleet its turn to be asked comes later than the word.
TEST_F(UnloadTest, CallWithAnEarlierOneIsNotMadeAnyMore) {
  EXPECT_THAT(Report(agent_, Way::kListener), IsEmpty());
  SetAll(kOne);
  auto calls = bench_.Due();
  ASSERT_EQ(calls.size(), 1U);
  calls[0].is_private = true;
  const auto said = bench_.registry->Transact([&]() -> Status {
    COUNTERSIGN_RETURN_IF_ERROR(WishUnload(*bench_.registry, {std::string(kAllAgents)},
                                           {.scope = {}, .verifier = std::string(kTwo)}));
    return BeginAskingUnload(*bench_.registry);
  });
  ASSERT_TRUE(said.has_value());
  const auto sign = [&] {
    return bench_.server().SignCall(calls.at(0), bench_.random.Token().Text(), bench_.now);
  };
  EXPECT_EQ(sign().error().code, Code::kRefused);
  bench_.server().AdvanceUnload(bench_.now);
  calls = bench_.Due();
  ASSERT_EQ(calls.size(), 1U);
  calls[0].is_private = true;
  const auto order = sign();
  ASSERT_TRUE(order.has_value()) << order.error().message;
  EXPECT_EQ(wire::ParseOrder(*order)->order.args, UnloadArgs(std::string(kTwo)));
}

// Its answer to an earlier one must not count for the one that is wished now.
TEST_F(UnloadTest, LateAnswerToAnEarlierOneIsNotTakenForTheNewest) {
  SetAll(kOne);
  Report(agent_, Way::kPinned);
  const std::string earlier = texts_.at(0);
  SetAll(kTwo);
  EXPECT_EQ(Answer(agent_, earlier, Verdict::kDone), 204);
  EXPECT_NE(StateOf(agent_), "done");
  EXPECT_EQ(Report(agent_, Way::kPinned).size(), 1U);
}

TEST_F(UnloadTest, ClearedIsSentToo) {
  SetAll();
  Report(agent_, Way::kPinned);
  Answer(agent_, texts_.at(0), Verdict::kDone);
  Set({{"all", true}}, {});
  const auto orders = Report(agent_, Way::kPinned);
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].args, UnloadArgs(""));
}

// --- answers ---

TEST_F(UnloadTest, RefusalIsShownAndNotAskedAgain) {
  SetAll();
  Report(agent_, Way::kPinned);
  Answer(agent_, texts_.at(0), Verdict::kNotAllowed);
  EXPECT_EQ(StateOf(agent_), "refused: not-allowed");
  bench_.now += std::chrono::hours(1);
  EXPECT_THAT(Report(agent_, Way::kPinned), IsEmpty());
}

TEST_F(UnloadTest, OrderOfUnknownFateAndAnInterruptedOneAreGivenAnew) {
  SetAll();
  Report(agent_, Way::kPinned);
  Answer(agent_, texts_.at(0), Verdict::kInterrupted);
  EXPECT_EQ(Report(agent_, Way::kPinned).size(), 1U);
  bench_.now += std::chrono::hours(24 * 8);
  bench_.server().Tick(bench_.now);
  EXPECT_EQ(Report(agent_, Way::kPinned).size(), 1U);
}

TEST_F(UnloadTest, WishesSurviveARestartOfTheServer) {
  SetAll();
  bench_.Restart();
  EXPECT_EQ(Report(agent_, Way::kPinned).size(), 1U);
}

// --- the administrator's side ---

TEST_F(UnloadTest, OneScopeAndOneVerifierOrARefusal) {
  const std::string id = agent_.id.Text();
  for (auto& scope : std::vector<boost::json::object>{
           {}, {{"all", true}, {"domain", "eu"}}, {{"agents", boost::json::array{"no id"}}}}) {
    scope["command"] = "unload-set";
    EXPECT_FALSE(Ask(scope, kOne).json.at("ok").as_bool());
  }
  const auto password = Ask({{"command", "unload-set"}, {"all", true}}, "the password itself");
  EXPECT_FALSE(password.json.at("ok").as_bool());
  EXPECT_THAT(std::string(password.json.at("message").as_string()), Not(HasSubstr("itself")));
  EXPECT_EQ(Ask({{"command", "unload-show"}}).json.at("wishes").as_array().size(), 0U);
  EXPECT_EQ(bench_.Events("unload-set-refused"), 4U);
}

TEST_F(UnloadTest, WhatIsSaidIsAnEventWithoutTheVerifier) {
  SetAll();
  Set({{"domain", "eu"}}, {});
  EXPECT_EQ(bench_.Events("unload-password-set"), 1U);
  EXPECT_EQ(bench_.Events("unload-password-cleared"), 1U);
  const auto events = bench_.registry->ListEvents(0, 1'000).value();
  for (const auto& event : events) {
    EXPECT_THAT(event.text, Not(HasSubstr("argon2")));
  }
  const auto shown = boost::json::serialize(Ask({{"command", "unload-show"}}).json);
  EXPECT_THAT(shown, Not(HasSubstr("argon2")));
  for (const auto& line : bench_.log.lines) EXPECT_THAT(line.text, Not(HasSubstr("argon2")));
}

TEST_F(UnloadTest, PackageOfACoveredDomainBringsIt) {
  Set({{"domain", "eu"}}, kOne);
  const auto package = [&](const char* domain) {
    const auto answer = Ask({{"command", "package"}, {"domain", domain}});
    EXPECT_EQ(answer.blobs.size(), 2U);
    const auto verifier =
        store::ParsePackageConfig(AsText(answer.blobs.at(1))).value().unload_verifier;
    // Who writes the package has to know that it holds a secret.
    EXPECT_EQ(answer.json.contains("secret"), !verifier.empty());
    return verifier;
  };
  EXPECT_EQ(package("eu/paris"), kOne);
  EXPECT_EQ(package("us"), "");
}

}  // namespace
}  // namespace countersign::server
