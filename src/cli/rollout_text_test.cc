#include "cli/rollout_text.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <functional>

#include "cli/output.h"

namespace countersign::cli {
namespace {

boost::json::object ObjectOf(std::string_view text) { return boost::json::parse(text).as_object(); }

std::string OutputOf(const std::function<void()>& print) {
  testing::internal::CaptureStdout();
  print();
  return testing::internal::GetCapturedStdout();
}

boost::json::object MakeRollout(std::string_view state) {
  boost::json::object rollout = ObjectOf(R"J({"generation": 7, "serial": "0A",
      "since": "2026-11-22T08:00:00Z", "started": "2026-11-22T07:00:00Z",
      "by": "root (uid 0)", "canary_share": 50, "domains": ["eu/paris", "us"],
      "rate": 100, "halt_at": 200, "soak_seconds": 5400, "agents": 40, "taken": 10, "sent": 2,
      "refused": 1, "waiting": 27, "why": "", "must_end_by": "2027-01-01T00:00:00Z"})J");
  rollout["state"] = state;
  return rollout;
}

TEST(RolloutTextTest, SaysWhereItStandsOnWhichTermsAndWhatToRun) {
  EXPECT_EQ(
      RolloutText(MakeRollout("canary")),
      "Rollout of certificate 0A (generation 7): canary, offered to the first wave.\n"
      "  since:          2026-11-22T08:00:00Z\n"
      "  started:        2026-11-22T07:00:00Z by root (uid 0)\n"
      "  first wave:     0.5% of the agents, drawn by chance, and domain eu/paris, us; at "
      "least 1 h 30 min\n"
      "  rate:           at most 100 agents an hour\n"
      "  halts:          when more than 2% of the answers refuse\n"
      "  have it:        10 of 40 agents\n"
      "  asked:          2, who have not answered yet\n"
      "  refused it:     1; who: rollout plan --names hands\n"
      "  not asked yet:  27\n"
      "  must end by:    2027-01-01T00:00:00Z\n"
      "  next:           nothing: it goes on to everybody by itself; at once with countersign "
      "rollout resume\n");
}

TEST(RolloutTextTest, ServerKnowsBetterWhatIsNext) {
  boost::json::object rollout = MakeRollout("halted");
  rollout["why"] = "3 of 10 refuse it";
  EXPECT_TRUE(RolloutText(rollout).contains("  why:            3 of 10 refuse it\n"));
  EXPECT_TRUE(RolloutText(rollout).contains("  next:           countersign rollout plan"));
  rollout["next"] = "something";
  EXPECT_TRUE(RolloutText(rollout).ends_with("  next:           something\n"));
}

TEST(RolloutTextTest, WhatDoesNotApplyIsNotSaid) {
  const std::string text = RolloutText(ObjectOf(
      R"({"state": "finished", "generation": 7, "serial": "0A", "halt_at": 200, "agents": 1,
          "taken": 1, "must_end_by": "2027-01-01T00:00:00Z", "by": ""})"));
  EXPECT_EQ(text,
            "Rollout of certificate 0A (generation 7): finished, it is the certificate in use.\n"
            "  halts:          when more than 2% of the answers refuse\n"
            "  have it:        1 of 1 agent\n");
}

TEST(RolloutTextTest, OnlyThreeStatesMove) {
  for (const char* const state : {"planned", "canary", "rolling"}) {
    EXPECT_FALSE(Rests(MakeRollout(state))) << state;
  }
  for (const char* const state : {"gate", "paused", "halted"}) {
    EXPECT_TRUE(Rests(MakeRollout(state))) << state;
    EXPECT_FALSE(HasEnded(MakeRollout(state))) << state;
  }
  for (const char* const state : {"finished", "aborted"}) {
    EXPECT_TRUE(Rests(MakeRollout(state))) << state;
    EXPECT_TRUE(HasEnded(MakeRollout(state))) << state;
  }
}

TEST(RolloutTextTest, StartSaysWhatHappensNow) {
  const std::string waves = WhatHappensNow(MakeRollout("canary"));
  EXPECT_TRUE(
      waves.contains("first wave now: 0.5% of the agents, drawn by chance, and domain "
                     "eu/paris, us.\n"));
  EXPECT_TRUE(waves.contains("after 1 h 30 min at the earliest"));
  EXPECT_TRUE(waves.contains("to at most 100 agents an hour, by itself.\n"));
  EXPECT_TRUE(waves.contains("more than 2% of the agents that answer"));
  EXPECT_TRUE(waves.contains("countersign rollout resume"));
  boost::json::object rollout = MakeRollout("rolling");
  rollout["canary_share"] = 0;
  rollout["domains"] = boost::json::array();
  rollout["rate"] = 0;
  const std::string at_once = WhatHappensNow(rollout);
  EXPECT_TRUE(at_once.starts_with("It is offered to everybody now.\n"));
  EXPECT_FALSE(at_once.contains("countersign rollout resume"));
}

TEST(RolloutBarTest, IsOneLineThatFits) {
  EXPECT_EQ(RolloutBar(MakeRollout("rolling")),
            "rolling [######..................] 10/40 have it, 1 refused it, 2 asked");
  boost::json::object rollout = MakeRollout("finished");
  for (const char* const member : {"agents", "taken", "refused", "sent"}) {
    rollout[member] = 9'000'000'000'000'000;
  }
  EXPECT_EQ(RolloutBar(rollout).size(), ProgressLine::kWidth);
  EXPECT_EQ(RolloutBar(ObjectOf(R"({"state": "planned"})")), "planned ");
}

TEST(WatchingTest, DrawsAnewAndTellsEachChangeOfStateOnce) {
  std::string bar;
  const std::string lines = OutputOf([&] {
    Watching watching({.is_terminal = true,
                       .write = [&](std::string_view text) { bar += text; },
                       .now = [] { return std::chrono::milliseconds(0); }});
    watching.Show(MakeRollout("canary"));
    watching.Show(MakeRollout("canary"));
    watching.Show(MakeRollout("rolling"));
  });
  EXPECT_EQ(lines, "It is rolling now: offered to everybody.\n");
  EXPECT_TRUE(bar.starts_with("\rcanary [####"));
  EXPECT_TRUE(bar.contains("\rrolling [####"));
  EXPECT_TRUE(bar.ends_with(" \r"));
}

const char* const kFleet = R"({"agents": 50, "taken": 10, "at_once": 20, "next_contact": 12,
    "unseen": 5, "hands": 3, "never_seen": 1,
    "unseen_since": [{"days": 1, "agents": 3}, {"days": 7, "agents": 0}, {"days": 90, "agents": 1}],
    "reasons": [{"reason": "other-owner", "text": "it trusts another", "agents": 3}],
    "domains": [{"domain": "eu", "agents": 40, "taken": 8, "at_once": 16, "next_contact": 10,
                 "unseen": 4, "hands": 2},
                {"domain": "", "agents": 6, "taken": 2, "at_once": 4, "next_contact": 0,
                 "unseen": 0, "hands": 0},
                {"domain": null, "agents": 4, "taken": 0, "at_once": 0, "next_contact": 2,
                 "unseen": 1, "hands": 1}]})";

TEST(RolloutPlanTest, TotalsUnseenReasonsAndDomains) {
  EXPECT_EQ(OutputOf([] { PrintFleet(ObjectOf(kFleet)); }),
            "A NEW CERTIFICATE               AGENTS\n"
            "have it                         10\n"
            "at once: the server calls them  20\n"
            "at their next contact           12\n"
            "when they are seen again        5\n"
            "need hands                      3\n"
            "all                             50\n"
            "\n"
            "NOT SEEN FOR MORE THAN  AGENTS\n"
            "1 day                   3\n"
            "90 days                 1\n"
            "(never seen)            1\n"
            "\n"
            "NEED HANDS   AGENTS  WHY\n"
            "other-owner  3       it trusts another\n"
            "\n"
            "DOMAIN        AGENTS  HAVE IT  AT ONCE  NEXT CONTACT  UNSEEN  HANDS\n"
            "eu            40      8        16       10            4       2\n"
            "(none)        6       2        4        0             0       0\n"
            "(all others)  4       0        0        2             1       1\n");
}

TEST(RolloutPlanTest, FleetInWhichNothingIsWrongHasNoSuchTables) {
  const std::string text = OutputOf([] {
    PrintFleet(ObjectOf(R"({"agents": 2, "at_once": 2, "unseen_since": [{"days": 1, "agents": 0}],
                         "never_seen": 0, "reasons": [], "domains": []})"));
  });
  EXPECT_FALSE(text.contains("NOT SEEN"));
  EXPECT_FALSE(text.contains("WHY"));
  EXPECT_FALSE(text.contains("DOMAIN"));
  EXPECT_TRUE(text.ends_with("all                             2\n"));
}

const char* const kNames = R"([
    {"agent": "a1", "host": "h1", "domain": "eu", "class": "hands", "reason": "other-owner",
     "text": "it trusts another", "next": "IpXfer", "last_contact": "2026"},
    {"agent": "a2", "host": "h2", "domain": "", "class": "next-contact", "reason": "slow",
     "text": "", "next": "nothing", "last_contact": null}])";

TEST(RolloutNamesTest, EachWithWhatItWaitsForAndTheCommand) {
  EXPECT_EQ(
      OutputOf([] { PrintNames(boost::json::parse(kNames).as_array()); }),
      "AGENT  HOST  DOMAIN  LAST CONTACT  TAKES IT OVER          WHY                NEXT\n"
      "a1     h1    eu      2026          need hands             it trusts another  IpXfer\n"
      "a2     h2                          at their next contact  slow               nothing\n");
}

boost::json::object MakeGate() {
  boost::json::object gate = {{"done", false}};
  gate["fleet"] = ObjectOf(kFleet);
  gate["names"] = boost::json::parse(kNames);
  return gate;
}

TEST(GateTest, FinishNamesWhoDoesNotHaveItAndWhoWill) {
  const std::string text = OutputOf([] { PrintGate(MakeGate()); });
  EXPECT_TRUE(
      text.starts_with("40 of 50 agents have not taken the certificate over:\n"
                       "  20 will by themselves, at once: the server calls them\n"
                       "  12 will by themselves, at their next contact\n"
                       "  5 will by themselves, when they are seen again\n"
                       "  3 need hands\n"
                       "\n"
                       "AGENT "))
      << text;
  EXPECT_TRUE(text.contains("\na1     h1 "));
  EXPECT_TRUE(
      text.contains("These are the first 2; all of them: countersign rollout plan --names"));
  EXPECT_TRUE(text.contains("countersign rollout finish --accept\n"));
  EXPECT_TRUE(text.contains("need hands stay behind"));
}

TEST(AbortedTest, HoldersAreNamedWithWhatBecomesOfThem) {
  const std::string text = OutputOf([] { PrintAborted(MakeGate(), false); });
  EXPECT_TRUE(
      text.starts_with("The certificate is offered to nobody any more.\n"
                       "2 agents were sent it and may hold it. Its key is kept"))
      << text;
  EXPECT_TRUE(text.contains("\na1     h1 "));
  EXPECT_TRUE(text.contains("countersign backup password\n")) << "its key is in that file, too";
  EXPECT_TRUE(text.contains("countersign rollout abort --accept"));
  EXPECT_FALSE(text.contains("is destroyed"));
  EXPECT_FALSE(text.contains("need hands")) << "they need none as long as the key is there";
}

TEST(AbortedTest, GivenUpMeansThatTheyObeyNobody) {
  boost::json::object answer = MakeGate();
  answer["done"] = true;
  const std::string text = OutputOf([&] { PrintAborted(answer, true); });
  EXPECT_TRUE(text.contains("The key of the aborted certificate is destroyed. 2 agents"));
  EXPECT_TRUE(text.contains("\na1     h1 "));
  EXPECT_TRUE(text.contains("CertificateManager -c"));
  EXPECT_FALSE(text.contains("--accept"));
}

TEST(AbortedTest, NobodyHoldsIt) {
  const std::string text =
      OutputOf([] { PrintAborted(ObjectOf(R"({"done": true, "names": []})"), false); });
  EXPECT_TRUE(
      text.starts_with("The certificate is offered to nobody any more. Nobody was sent it.\n"));
  EXPECT_TRUE(text.ends_with("use: countersign backup password\n")) << text;
}

}  // namespace
}  // namespace countersign::cli
