#include "doctor/agent_check.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace countersign::doctor {
namespace {

const Instant kNow = FromUnix(1'790'000'000);

CertificateFacts Certificate(char digit, std::uint64_t generation) {
  return {.name = "OfficeScan Server NTSG",
          .serial = "01",
          .sha256 = std::string(64, digit),
          .generation = generation,
          .not_before = kNow - std::chrono::hours(24),
          .not_after = kNow + std::chrono::hours(24)};
}

class AgentCheckTest : public ::testing::Test {
 protected:
  AgentCheckTest() {
    facts_.installed = true;
    facts_.running = true;
    facts_.folder = "/agent";
    facts_.server_host = "server";
    facts_.server_port = 8080;
    facts_.held = Certificate('a', 10);
    facts_.file_sha256 = facts_.held.sha256;
    facts_.now = kNow;
    facts_.name = {Reach::kReached, "server is 192.0.2.1"};
    facts_.port = {Reach::kReached, "connected"};
    facts_.fetch = {Reach::kReached, ""};
    facts_.served = facts_.held;
    facts_.exchange.reach = Reach::kReached;
    facts_.exchange.accepted = true;
    facts_.exchange.server_time = kNow;
  }
  // What is bad: its checkpoint; several are joined by a comma.
  std::string Bad() {
    diagnosis_ = DiagnoseAgent(facts_);
    std::string words;
    for (const auto& finding : diagnosis_.findings) {
      if (finding.verdict != Verdict::kBad) continue;
      words += (words.empty() ? "" : ",") + finding.checkpoint;
      EXPECT_FALSE(finding.cause.empty());
      EXPECT_FALSE(finding.next.empty());
    }
    return words;
  }
  bool Noted(std::string_view checkpoint) {
    return std::ranges::any_of(diagnosis_.findings, [&](const Finding& finding) {
      return finding.checkpoint == checkpoint && finding.verdict == Verdict::kNote;
    });
  }
  AgentFacts facts_;
  Diagnosis diagnosis_;
};

TEST_F(AgentCheckTest, AllWell) {
  EXPECT_EQ(Bad(), "");
  EXPECT_EQ(diagnosis_.outcome, Outcome::kWell);
}

TEST_F(AgentCheckTest, ReportThatThisMachineDoesNotMakeIsNoSilenceOfTheServer) {
  facts_.exchange = ExchangeFacts();
  facts_.exchange.reach = Reach::kFailed;
  facts_.exchange.why = "/agent/counters: no space";
  facts_.exchange.local = true;
  EXPECT_EQ(Bad(), "report");
  EXPECT_EQ(diagnosis_.outcome, Outcome::kOther);
  const Finding& finding = diagnosis_.findings.back();
  EXPECT_EQ(finding.looked_at, "/agent/counters: no space");
  EXPECT_EQ(finding.next.find("on the server"), std::string::npos) << finding.next;
  EXPECT_NE(finding.next.find("/agent"), std::string::npos) << finding.next;
  facts_.exchange.next = "what mends it";
  EXPECT_EQ(Bad(), "report");
  EXPECT_EQ(diagnosis_.findings.back().next, "what mends it");
}

TEST_F(AgentCheckTest, OtherKeyIsTheMismatch) {
  facts_.served = Certificate('b', 1);
  facts_.exchange.refused = "other-owner";
  EXPECT_EQ(Bad(), "exchange");
  EXPECT_EQ(diagnosis_.outcome, Outcome::kMismatch);
  EXPECT_TRUE(Noted("server-certificate"));
}

// The certificate shown is another one, and yet nothing is wrong: the agent is behind.
TEST_F(AgentCheckTest, NewerCertificateWithABundleIsNoMismatch) {
  facts_.served = Certificate('b', 11);
  facts_.exchange.moves = true;
  EXPECT_EQ(Bad(), "");
  EXPECT_EQ(diagnosis_.outcome, Outcome::kWell);
  EXPECT_TRUE(Noted("server-certificate"));
}

TEST_F(AgentCheckTest, LookAlikesAreToldApart) {
  struct Look {
    const char* checkpoint;
    std::function<void(AgentFacts&)> change;
  };
  const std::vector<Look> looks = {
      {"installation", [](AgentFacts& facts) { facts.installed = false; }},
      {"files",
       [](AgentFacts& facts) {
         facts.faults = {"trust: checksum"};
         facts.fault_commands = {"countersign-agentd install"};
         facts.held = {};
       }},
      {"distrust", [](AgentFacts& facts) { facts.held_is_distrusted = true; }},
      {"name",
       [](AgentFacts& facts) {
         facts.name = {Reach::kFailed, "no such name"};
         facts.exchange.reach = Reach::kNotTried;
       }},
      {"port",
       [](AgentFacts& facts) {
         facts.port = {Reach::kFailed, "refused"};
         facts.exchange.reach = Reach::kNotTried;
       }},
      {"tls",
       [](AgentFacts& facts) {
         facts.tls_handshake = {Reach::kFailed, "no protocol version in common"};
         facts.exchange.reach = Reach::kNotTried;
       }},
      {"server-certificate",
       [](AgentFacts& facts) {
         facts.served.reset();
         facts.exchange.reach = Reach::kNotTried;
       }},
      {"exchange", [](AgentFacts& facts) { facts.exchange.refused = "distrusted"; }},
      {"exchange", [](AgentFacts& facts) { facts.exchange.expired = true; }},
      {"exchange",
       [](AgentFacts& facts) {
         facts.exchange.reach = Reach::kFailed;
         facts.exchange.status = 403;
       }},
      {"admission", [](AgentFacts& facts) { facts.exchange.accepted = false; }},
  };
  for (const Look& look : looks) {
    const AgentFacts before = facts_;
    look.change(facts_);
    EXPECT_EQ(Bad(), look.checkpoint);
    EXPECT_EQ(diagnosis_.outcome, Outcome::kOther) << look.checkpoint;
    facts_ = before;
  }
}

TEST_F(AgentCheckTest, WrongClockIsNamedAndIsNotTheServersExpiry) {
  facts_.now = kNow + std::chrono::hours(48);
  facts_.exchange.expired = true;
  EXPECT_EQ(Bad(), "exchange");
  EXPECT_TRUE(Noted("clock"));
  EXPECT_NE(diagnosis_.summary.find("clock"), std::string::npos);
  facts_.exchange.server_time = facts_.now;
  (void)Bad();
  EXPECT_NE(diagnosis_.summary.find("expired"), std::string::npos);
}

// `update-now` ends with the code of what `check` would find.
TEST_F(AgentCheckTest, RefusedReplyIsAMismatchForBothCommands) {
  for (const char* const refused : {"other-owner", "unknown-key", "distrusted", "malformed"}) {
    facts_.exchange.refused = refused;
    EXPECT_EQ(Bad(), "exchange");
    EXPECT_EQ(diagnosis_.outcome == Outcome::kMismatch, IsMismatch(refused)) << refused;
  }
  EXPECT_TRUE(IsMismatch("other-owner"));
  EXPECT_FALSE(IsMismatch("certificate-expired"));
}

TEST_F(AgentCheckTest, CommandsNameTheAgentsFolder) {
  facts_.agentd = "countersign-agentd --agent-folder /agent";
  facts_.running = false;
  facts_.served = Certificate('b', 11);
  facts_.exchange.moves = true;
  EXPECT_EQ(Bad(), "");
  std::size_t named = 0;
  for (const auto& finding : diagnosis_.findings) {
    if (finding.next.find("countersign-agentd") == std::string::npos) continue;
    EXPECT_TRUE(finding.next.starts_with(facts_.agentd + " ")) << finding.next;
    ++named;
  }
  EXPECT_EQ(named, 3U) << "service, server-certificate and exchange";
}

TEST_F(AgentCheckTest, CertificateFileOfSomebodyIsANote) {
  facts_.file_sha256 = std::string(64, 'c');
  EXPECT_EQ(Bad(), "");
  EXPECT_TRUE(Noted("certificate-file"));
  EXPECT_EQ(diagnosis_.outcome, Outcome::kWell);
}

TEST_F(AgentCheckTest, StoppedAgentWhoseServerCannotBeAskedIsNotWell) {
  facts_.running = false;
  facts_.exchange = {};
  EXPECT_EQ(Bad(), "");
  EXPECT_EQ(diagnosis_.outcome, Outcome::kOther);
}

}  // namespace
}  // namespace countersign::doctor
