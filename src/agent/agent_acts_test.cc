#include <gtest/gtest.h>

#include <algorithm>

#include "agent/agent.h"
#include "agent/present.h"
#include "agent/program_order.h"
#include "store/policy.h"
#include "tests/support/agent_bench.h"

// Steps 9 and 10: what is allowed, what an order makes an agent do, and how its end is told.
namespace countersign::agent {
namespace {

using testing::AgentBench;
using trust::Verdict;

constexpr std::string_view kPolicy = R"(
allow = ["update-now", "run", "set-interval", "restart", "scan"]
at_once = 1
[programs.echo]
path = "/bin/echo"
args = ["-n", "[a-z]{1,8}"]
time_limit = 7
)";

class AgentActsTest : public ::testing::Test {
 protected:
  AgentActsTest() { SetPolicy(kPolicy); }
  void SetPolicy(std::string_view text, std::string trouble = {}) {
    auto policy = store::ParsePolicy(text);
    ASSERT_TRUE(policy) << policy.error().message;
    policy->hooks["scan"] = "/hooks/scan";
    policy->hooks["forbidden"] = "/hooks/forbidden";
    policy->hooks["ping"] = "/hooks/ping";
    bench_.agent().SetPolicy(std::make_shared<store::Policy>(*std::move(policy)),
                             std::move(trouble));
  }
  [[nodiscard]] wire::Order Order(std::string act, std::string args = {}) {
    auto order = bench_.Order(std::move(act));
    order.args = std::move(args);
    return order;
  }
  [[nodiscard]] wire::Receipt Send(std::string act, std::string args = {}) {
    return bench_.Send(Order(std::move(act), std::move(args)));
  }
  // Begins an order that must leave one program to run.
  [[nodiscard]] RunProgram Begin(const wire::Order& order) {
    const auto answer = bench_.Give(AgentBench::Sign(order, bench_.server.key));
    EXPECT_EQ(answer.pending, order.jti);
    auto tasks = bench_.agent().TakeTasks();
    EXPECT_EQ(tasks.size(), 1U);
    if (tasks.size() != 1) return {};
    EXPECT_EQ(tasks.front().jti, order.jti);
    EXPECT_TRUE(bench_.agent().TakeTasks().empty());
    return std::get<RunProgram>(tasks.front().deed);
  }
  AgentBench bench_;
};

TEST_F(AgentActsTest, HookWithTheNameOfAnActIsListedOnceAmongTheAllowed) {
  const auto acts = ActsJson(bench_.agent());
  const auto& allowed = acts.at("allowed").as_array();
  EXPECT_EQ(std::count(allowed.begin(), allowed.end(), boost::json::value("ping")), 1);
  EXPECT_EQ(std::count(allowed.begin(), allowed.end(), boost::json::value("scan")), 1);
}

TEST_F(AgentActsTest, UnknownBeforeNotAllowed) {
  EXPECT_EQ(Send("install").verdict, Verdict::kUnknownAction);
  EXPECT_EQ(Send("forbidden").verdict, Verdict::kNotAllowed);
  SetPolicy("allow = []");
  EXPECT_EQ(Send("update-now").verdict, Verdict::kNotAllowed);
  EXPECT_EQ(Send("run").verdict, Verdict::kNotAllowed);
  EXPECT_EQ(Send("ping").verdict, Verdict::kDone);
  EXPECT_EQ(Send("report").verdict, Verdict::kDone);
  EXPECT_TRUE(bench_.agent().TakeTasks().empty());
}

TEST_F(AgentActsTest, ARefusalIsStoredAndGivenAgainThoughThePolicyChanged) {
  const auto order = Order("restart");
  SetPolicy("allow = []", "line 1: nonsense");
  auto receipt = bench_.Send(order);
  EXPECT_EQ(receipt.verdict, Verdict::kNotAllowed);
  EXPECT_NE(receipt.result.find("policy file"), std::string::npos);
  SetPolicy(kPolicy);
  auto again = Order("restart");
  again.jti = order.jti;
  receipt = bench_.Send(again);
  EXPECT_EQ(receipt.verdict, Verdict::kDoneBefore);
  ASSERT_TRUE(receipt.earlier);
  EXPECT_EQ(receipt.earlier->verdict, Verdict::kNotAllowed);
  EXPECT_FALSE(bench_.agent().restart_wanted());
}

TEST_F(AgentActsTest, AnActOfOnesOwn) {
  bench_.agent().acts().Add("set-interval", [](const ActOrder& order) -> ActOutcome {
    return ActEnded{Verdict::kBadWarrant, order.args.empty() ? "" : R"({"had":"args"})"};
  });
  const auto receipt = Send("set-interval", R"({"a":1})");
  EXPECT_EQ(receipt.verdict, Verdict::kBadWarrant);
  EXPECT_EQ(receipt.result, R"({"had":"args"})");
}

// restart

TEST_F(AgentActsTest, RestartIsDoneBeforeItHappens) {
  EXPECT_EQ(Send("restart").verdict, Verdict::kFailed);  // it has only just started
  EXPECT_FALSE(bench_.agent().restart_wanted());
  bench_.Pass(std::chrono::seconds(11));
  const auto order = Order("restart");
  EXPECT_EQ(bench_.Send(order).verdict, Verdict::kDone);
  EXPECT_TRUE(bench_.agent().restart_wanted());
  bench_.Start();
  EXPECT_FALSE(bench_.agent().restart_wanted());
  bench_.Pass(std::chrono::seconds(11));
  auto again = Order("restart");
  again.jti = order.jti;
  const auto receipt = bench_.Send(again);
  EXPECT_EQ(receipt.verdict, Verdict::kDoneBefore);
  EXPECT_FALSE(bench_.agent().restart_wanted());
}

// set-interval

TEST_F(AgentActsTest, IntervalIsTheSmallerOneAndLasts) {
  bench_.Exchange();
  const Seconds servers = bench_.agent().interval();
  ASSERT_GT(servers, Seconds(61));
  EXPECT_EQ(Send("set-interval", R"({"seconds":61})").verdict, Verdict::kDone);
  EXPECT_EQ(bench_.agent().interval(), Seconds(61));
  EXPECT_LE(bench_.agent().NextReportAt(), bench_.now.boot + Seconds(61));
  bench_.Start();
  EXPECT_EQ(bench_.agent().interval(), Seconds(61));
  bench_.Exchange();
  EXPECT_EQ(bench_.agent().interval(), Seconds(61));
  EXPECT_LE(bench_.agent().NextReportAt(), bench_.now.boot + Seconds(61));
  // Never later than the server expects it.
  const auto receipt = Send("set-interval", R"({"seconds":86400})");
  EXPECT_EQ(receipt.verdict, Verdict::kDone);
  EXPECT_EQ(bench_.agent().interval(), servers);
  EXPECT_NE(receipt.result.find("\"interval\":" + std::to_string(servers.count())),
            std::string::npos);
  EXPECT_EQ(Send("set-interval").verdict, Verdict::kDone);
  EXPECT_EQ(bench_.agent().own_interval(), Seconds(0));
}

TEST_F(AgentActsTest, IntervalIsBounded) {
  for (const char* const args :
       {R"({"seconds":59})", R"({"seconds":86401})", R"({"seconds":"90"})",
        R"({"seconds":90,"more":1})", R"({"second":90})", R"({"seconds":9007199254740991})"}) {
    EXPECT_EQ(Send("set-interval", args).verdict, Verdict::kFailed) << args;
  }
  EXPECT_EQ(bench_.agent().own_interval(), Seconds(0));
}

TEST_F(AgentActsTest, AnIntervalThatCannotBeKeptIsNotSet) {
  EXPECT_EQ(Send("ping").verdict, Verdict::kDone);  // its receipt reserves a block of seq
  bench_.disk.set_plan([](testing::AgentFile file, std::size_t) {
    return file == testing::AgentFile::kCounters ? testing::Fate::kFailsOld
                                                 : testing::Fate::kSucceeds;
  });
  EXPECT_EQ(Send("set-interval", R"({"seconds":61})").verdict, Verdict::kFailed);
  EXPECT_EQ(bench_.agent().own_interval(), Seconds(0));
}

// run

TEST_F(AgentActsTest, RunIsLeftToTheDaemonAndItsEndIsTold) {
  const auto order = Order("run", R"({"program":"echo","args":["-n","abc"]})");
  const auto program = Begin(order);
  EXPECT_EQ(program.program, "/bin/echo");
  EXPECT_EQ(program.arguments, (std::vector<std::string>{"-n", "abc"}));
  EXPECT_EQ(program.folder, "/");
  EXPECT_EQ(program.time_limit, Seconds(7));
  EXPECT_TRUE(program.input.empty());
  EXPECT_FALSE(bench_.agent().PendingReceipt(order.jti, bench_.now));
  bench_.agent().EndAct(order.jti, Verdict::kDone, R"({"exit":0})", bench_.now);
  const auto receipt = bench_.agent().PendingReceipt(order.jti, bench_.now);
  ASSERT_TRUE(receipt);
  EXPECT_EQ(bench_.Read(*receipt).verdict, Verdict::kDone);
  EXPECT_EQ(bench_.Read(*receipt).result, R"({"exit":0})");
  bench_.agent().EndAct(order.jti, Verdict::kFailed, "", bench_.now);  // only once
  auto again = Order("run");
  again.jti = order.jti;
  EXPECT_EQ(bench_.Send(again).earlier->result, R"({"exit":0})");
}

TEST_F(AgentActsTest, OnlyWhatThePolicyNames) {
  for (const char* const args :
       {R"({"program":"sh","args":[]})", R"({"program":"/bin/echo","args":["-n","a"]})",
        R"({"program":"echo"})", R"({"program":"echo","args":["-n"]})",
        R"({"program":"echo","args":["-n","abc","d"]})",
        R"({"program":"echo","args":["-e","abc"]})", R"({"program":"echo","args":["-n","ABC"]})",
        R"({"program":"echo","args":["-n","-x"]})",
        R"({"program":"echo","args":["-n","a\u0000b"]})"}) {
    const auto receipt = Send("run", args);
    EXPECT_EQ(receipt.verdict, Verdict::kNotAllowed) << args;
    EXPECT_NE(receipt.result.find("error"), std::string::npos);
  }
  for (const char* const args :
       {"", "{}", R"({"program":1})", R"({"program":"echo","args":"-n"})",
        R"({"program":"echo","args":["-n",1]})", R"({"program":"echo","args":["-n","a"],"x":1})"}) {
    EXPECT_EQ(Send("run", args).verdict, Verdict::kFailed) << args;
  }
  EXPECT_TRUE(bench_.agent().TakeTasks().empty());
}

TEST_F(AgentActsTest, BusyIsNotRecordedAndMayComeAgain) {
  const auto first = Order("run", R"({"program":"echo","args":["-n","one"]})");
  (void)Begin(first);
  const auto second = Order("run", R"({"program":"echo","args":["-n","two"]})");
  EXPECT_EQ(bench_.Send(second).verdict, Verdict::kBusy);
  EXPECT_EQ(Send("scan").verdict, Verdict::kBusy);
  EXPECT_EQ(Send("ping").verdict, Verdict::kDone);
  EXPECT_EQ(Send("forbidden").verdict, Verdict::kNotAllowed);
  bench_.agent().EndAct(first.jti, Verdict::kDone, "", bench_.now);
  auto again = Order("run", second.args);
  again.jti = second.jti;
  EXPECT_EQ(Begin(again).arguments.back(), "two");
}

TEST_F(AgentActsTest, AKilledAgentLeavesItInterrupted) {
  const auto order = Order("run", R"({"program":"echo","args":["-n","abc"]})");
  (void)Begin(order);
  auto again = Order("run", order.args);
  again.jti = order.jti;
  EXPECT_EQ(bench_.Send(again).verdict, Verdict::kRunning);
  bench_.Start();
  SetPolicy(kPolicy);
  auto later = Order("run", order.args);
  later.jti = order.jti;
  EXPECT_EQ(bench_.Send(later).verdict, Verdict::kInterrupted);
  EXPECT_TRUE(bench_.agent().TakeTasks().empty());
}

TEST_F(AgentActsTest, RunningAfterTwentySecondsAndThenDoneBefore) {
  const auto order = Order("run", R"({"program":"echo","args":["-n","abc"]})");
  (void)Begin(order);
  const auto running = bench_.agent().RunningReceipt(order.jti, bench_.now);
  ASSERT_TRUE(running);
  EXPECT_EQ(bench_.Read(*running).verdict, Verdict::kRunning);
  bench_.agent().EndAct(order.jti, Verdict::kFailed, R"({"exit":1})", bench_.now);
  EXPECT_FALSE(bench_.agent().PendingReceipt(order.jti, bench_.now));
  auto again = Order("run", order.args);
  again.jti = order.jti;
  const auto receipt = bench_.Send(again);
  EXPECT_EQ(receipt.verdict, Verdict::kDoneBefore);
  EXPECT_EQ(receipt.earlier->verdict, Verdict::kFailed);
  EXPECT_EQ(receipt.earlier->result, R"({"exit":1})");
}

TEST_F(AgentActsTest, AProgramOrderedInAReplyHasItsReceiptPosted) {
  bench_.Exchange();
  auto reply = bench_.Reply(bench_.Report());
  auto order = Order("run", R"({"program":"echo","args":["-n","abc"]})");
  order.challenge = reply.challenge;
  reply.orders = {AgentBench::Sign(order, bench_.server.key)};
  const auto outcome = bench_.Take(reply, bench_.server.key);
  EXPECT_FALSE(outcome.refused);
  EXPECT_TRUE(outcome.receipts.empty());
  EXPECT_EQ(bench_.agent().TakeTasks().size(), 1U);
  bench_.Exchange();  // another report ends no program
  EXPECT_TRUE(bench_.agent().TakeReceipts().empty());
  bench_.agent().EndAct(order.jti, Verdict::kDone, R"({"exit":0})", bench_.now);
  const auto receipts = bench_.agent().TakeReceipts();
  ASSERT_EQ(receipts.size(), 1U);
  EXPECT_EQ(bench_.Read(receipts.front()).order, order.jti);
}

// Hooks

TEST_F(AgentActsTest, AHookGetsTheVerifiedOrder) {
  const auto order = Order("scan", R"({"path":"/srv","deep":true})");
  const auto program = Begin(order);
  EXPECT_EQ(program.program, "/hooks/scan");
  EXPECT_TRUE(program.arguments.empty());
  EXPECT_EQ(program.input,
            R"({"format":"countersign hook 1","act":"scan","args":{"path":"/srv","deep":true},)"
            R"("order":")" +
                order.jti.Text() + R"(","agent":")" + bench_.id.Text() + R"(","server":")" +
                bench_.server_id.Text() + R"(","generation":10})" + "\n");
}

TEST_F(AgentActsTest, NoHookTakesThePlaceOfAnAct) {
  EXPECT_EQ(Send("ping").verdict, Verdict::kDone);
  EXPECT_TRUE(bench_.agent().TakeTasks().empty());
}

// What becomes of a program

TEST(ProgramResultTest, ExitSignalAndTime) {
  ProgramEnd end{.exit = 0, .signal = 0, .timed_out = false, .output = "hi\n", .output_len = 3};
  EXPECT_EQ(ProgramResult(end).verdict, Verdict::kDone);
  EXPECT_EQ(ProgramResult(end).result, R"({"exit":0,"output":"hi\n"})");
  end = {.exit = 2, .signal = 0, .timed_out = false, .output = "", .output_len = 0};
  EXPECT_EQ(ProgramResult(end).verdict, Verdict::kFailed);
  EXPECT_EQ(ProgramResult(end).result, R"({"exit":2})");
  end = {.exit = -1, .signal = 9, .timed_out = true, .output = "", .output_len = 0};
  EXPECT_EQ(ProgramResult(end).verdict, Verdict::kFailed);
  EXPECT_EQ(ProgramResult(end).result, R"({"signal":9,"timed_out":true})");
}

TEST(ProgramResultTest, WhateverItWroteFitsAndIsText) {
  std::vector<std::string> outputs;
  using namespace std::string_view_literals;
  for (const auto piece : {"x"sv, "\x1b"sv, "\xff"sv, "\""sv, "ä"sv, "\xf0\x9f\x98\x80"sv,
                           "\xed\xa0\x80"sv, "\n"sv, "\0"sv}) {
    std::string text;
    while (!piece.empty() && text.size() < 4'096) text += piece;
    text.resize(std::min<std::size_t>(text.size(), 4'096));
    outputs.push_back(text);
  }
  outputs.emplace_back(4'096, '\0');
  for (const std::string& output : outputs) {
    for (const std::uint64_t more : {0U, 1U, 100'000U}) {
      const ProgramEnd end{.exit = 0,
                           .signal = 0,
                           .timed_out = false,
                           .output = output,
                           .output_len = output.size() + more};
      const auto result = ProgramResult(end).result;
      EXPECT_LE(result.size(), wire::kMaxResultLen);
      const bool says_cut = result.find("\"cut\"") != std::string::npos;
      EXPECT_TRUE(more == 0 || says_cut) << result.substr(0, 80);
      // The agent's own server takes it: a receipt with it can be read.
      AgentBench bench;
      const wire::Receipt receipt{.iss = bench.id,
                                  .aud = bench.server_id,
                                  .order = std::nullopt,
                                  .oh = {},
                                  .verdict = Verdict::kDone,
                                  .earlier = std::nullopt,
                                  .result = result,
                                  .held = wire::HeldOf(bench.agent().trust()),
                                  .time = 1,
                                  .seq = 1,
                                  .instance = {}};
      const auto message = wire::SignReceipt(receipt, bench.key);
      ASSERT_TRUE(message);
      EXPECT_EQ(wire::ParseReceipt(*message)->receipt.result, result);
    }
  }
}

TEST(ProgramResultTest, TheEndIsKept) {
  std::string output;
  for (int i = 0; output.size() < 20'000; ++i) output += std::to_string(i) + "\n";
  const std::string tail = output.substr(output.size() - 4'096);
  const ProgramEnd end{
      .exit = 1, .signal = 0, .timed_out = false, .output = tail, .output_len = output.size()};
  const auto result = ProgramResult(end).result;
  EXPECT_TRUE(result.ends_with(output.substr(output.size() - 4, 3) + R"(\n"})")) << result;
  EXPECT_GT(result.size(), wire::kMaxResultLen * 3 / 4);
}

}  // namespace
}  // namespace countersign::agent
