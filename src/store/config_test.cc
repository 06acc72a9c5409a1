#include "store/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"

namespace countersign::store {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kZeroSecret(43, 'A');  // 32 zero octets

ServerConfig FullServerConfig() {
  return {.listen = "::1",
          .http = false,
          .http_port = 18'080,
          .https = true,
          .https_port = 14'343,
          .public_host = "server.example",
          .common_name = "Schlüssel \"eins\" \\ zwei",
          .certificate_days = 36'500,
          .export_allowed = true,
          .follower_of = "issuer.example",
          .call_networks = {"10.0.0.0/8", "fd00::/8"},
          .report_interval = Seconds(60),
          .unreachable_networks = {"192.168.0.0/16", "2001:db8:5::/48"},
          .unreachable_interval = Seconds(61),
          .offline_after = 100,
          .long_poll = LongPoll::kAll,
          .long_poll_seconds = Seconds(10),
          .max_waiting = 0,
          .max_waiting_per_source = 100'000,
          .max_unadmitted = 0,
          .max_unadmitted_per_minute = 1'000'000};
}

AgentConfig FullAgentConfig() {
  return {.server_host = "fd00::1",
          .http_port = 1,
          .https_port = 65'535,
          .tls = false,
          .web_keys = {Digest{}, Digest{0xff, 1}, Digest{2}, Digest{3}},
          .listen = "127.1.2.3",
          .listen_port = 21'112,
          .domain = "Büro \"Süd\" \\ 2",
          .enrol = wire::EnrolToken{.id = "token_1-A", .secret = Bytes(32, 0xfe)}};
}

std::string RefusedServer(std::string_view text) {
  const auto config = ParseServerConfig(text);
  if (config) return "(taken)";
  EXPECT_EQ(config.error().code, Code::kMalformed);
  return config.error().message;
}

std::string RefusedAgent(std::string_view text) {
  const auto config = ParseAgentConfig(text);
  if (config) return "(taken)";
  EXPECT_EQ(config.error().code, Code::kMalformed);
  return config.error().message;
}

TEST(Config, EmptyServerFileMeansTheDefaults) {
  EXPECT_EQ(ParseServerConfig("").value(), ServerConfig());
}

TEST(Config, WhatIsWrittenIsReadBack) {
  for (const ServerConfig& config : {ServerConfig(), FullServerConfig()}) {
    EXPECT_EQ(ParseServerConfig(FormatServerConfig(config)).value(), config);
  }
  AgentConfig least;
  least.server_host = "a";
  least.listen_port = 1;
  for (const AgentConfig& config : {least, FullAgentConfig()}) {
    EXPECT_EQ(ParseAgentConfig(FormatAgentConfig(config)).value(), config);
  }
  PackageConfig package;
  package.server_host = "server.example";
  EXPECT_EQ(ParsePackageConfig(FormatPackageConfig(package)).value(), package);
  package.tls = false;
  package.web_keys = FullAgentConfig().web_keys;
  package.domain = "d";
  package.enrol = FullAgentConfig().enrol;
  package.unload_verifier = "$argon2id$v=19$m=65536,t=3,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA";
  EXPECT_EQ(ParsePackageConfig(FormatPackageConfig(package)).value(), package);
  package.unload_verifier = "secret";
  const auto refused = ParsePackageConfig(FormatPackageConfig(package));
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("unload_verifier"), std::string::npos);
}

TEST(Config, EveryKeyIsWrittenWithUnitAndDefault) {
  for (const std::string& text :
       {FormatServerConfig(FullServerConfig()), FormatAgentConfig(FullAgentConfig())}) {
    std::size_t num_keys = 0;
    std::string_view before;
    for (std::string_view rest = text; !rest.empty();) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      if (line.find(" = ") != std::string_view::npos && line.front() != '#') {
        ++num_keys;
        EXPECT_THAT(std::string(before), StartsWith("# Unit: ")) << line;
        EXPECT_THAT(std::string(before), HasSubstr("Default: ")) << line;
      }
      before = line;
    }
    EXPECT_GE(num_keys, 8U);
  }
}

struct Refusal {
  std::string text;
  std::string place;    // how the message begins
  std::string mention;  // what it also says
};

TEST(Config, ServerFileIsRefusedWithPlaceAndKey) {
  const std::vector<Refusal> cases = {
      {"# c\nhttp_prot = 80", "line 2, column 1: unknown key \"http_prot\"", "http_port"},
      {"[extra]\na = 1", "line 1, column ", "unknown key \"extra\""},
      {"http_port = \"80\"", "line 1, column 13: \"http_port\"", "integer from 1 to 65535"},
      {"http_port = 0", "line 1", "integer from 1 to 65535"},
      {"http_port = 65536", "line 1", "integer from 1 to 65535"},
      {"http_port = -1", "line 1", "integer from 1 to 65535"},
      {"http_port = 80.0", "line 1", "integer"},
      {"https_port = true", "line 1", "integer"},
      {"https = 1", "line 1", "true or false"},
      {"http = \"true\"", "line 1", "true or false"},
      {"http = false\nhttps = false", "line 2", "agents could not reach the server"},
      {"listen = \"\"", "line 1", "\"listen\": expected an address"},
      {"listen = \"a b\"", "line 1", "\"listen\""},
      {"listen = 1", "line 1", "\"listen\""},
      {"public_host = \"a\\u0007b\"", "line 1", "\"public_host\""},
      {"public_host = \"m\u00fcnchen.example\"", "line 1", "xn--"},
      {"public_host = \"a.example:8080\"", "line 1", "\"public_host\""},
      {"common_name = \"\"", "line 1", "1 to 64 octets"},
      {"common_name = \"" + std::string(65, 'x') + "\"", "line 1", "1 to 64 octets"},
      {"certificate_days = 0", "line 1", "integer from 1 to 36500"},
      {"certificate_days = 36501", "line 1", "integer from 1 to 36500"},
      {"export = \"yes\"", "line 1", "\"allowed\" or \"forbidden\""},
      {"export = true", "line 1", "\"allowed\" or \"forbidden\""},
      {"call_networks = \"10.0.0.0/8\"", "line 1", "array"},
      {"call_networks = [\"10.0.0.0/8\", 5]", "line 1", "array"},
      {"call_networks = [\"\"]", "line 1", "array"},
      {"report_interval = 59", "line 1", "integer from 60 to 86400"},
      {"report_interval = 86401", "line 1", "integer from 60 to 86400"},
      {"report_interval = 9223372036854775808", "line 1", ""},
      {"unreachable_networks = \"10.0.0.0/8\"", "line 1", "array"},
      {"unreachable_interval = 59", "line 1", "integer from 60 to 86400"},
      {"offline_after = 1", "line 1", "integer from 2 to 100"},
      {"long_poll = \"some\"", "line 1", "\"off\", \"unreachable\" or \"all\""},
      {"long_poll_seconds = 241", "line 1", "integer from 10 to 240"},
      {"max_waiting = 100001", "line 1", "integer from 0 to 100000"},
      {"max_waiting_per_source = -1", "line 1", "integer from 0 to 100000"},
      {"max_unadmitted = 1000001", "line 1", "integer from 0 to 1000000"},
      {"max_unadmitted_per_minute = -1", "line 1", "integer from 0 to 1000000"},
      {"listen = \"a\"\nlisten = \"b\"", "line 2", "listen"},
      {"listen = ", "line 1", ""},
      {"listen", "line 1", ""},
      {std::string("listen = \"a\0b\"", 14), "line 1", ""},
      {"listen = \"\xff\"", "line 1", ""},
      {"# ü\nhttp_port ü = 1", "line 2, column 11: ", "comments"},
  };
  for (const auto& [text, place, mention] : cases) {
    EXPECT_THAT(RefusedServer(text), StartsWith(place)) << text;
    EXPECT_THAT(RefusedServer(text), HasSubstr(mention)) << text;
  }
}

// What it says becomes the agent's, which then finds its server nowhere.
TEST(Config, PackageForNoHostIsRefused) {
  for (const char* const host : {"sérveur.example", "http://x", "[::1]", "a:8080", "a/b"}) {
    const auto refused = ParsePackageConfig("server_host = \"" + std::string(host) + "\"\n");
    ASSERT_FALSE(refused.has_value()) << host;
    EXPECT_THAT(refused.error().message, StartsWith("line 1")) << host;
    EXPECT_THAT(refused.error().message, HasSubstr("\"server_host\"")) << host;
  }
  for (const char* const host : {"a", "xn--srveur-bva.example", "192.0.2.7", "fd00::1"}) {
    EXPECT_TRUE(ParsePackageConfig("server_host = \"" + std::string(host) + "\"\n").has_value());
  }
}

TEST(Config, AgentFileIsRefusedWithPlaceAndKey) {
  const std::string good = "server_host = \"s\"\nlisten_port = 12345\n";
  ASSERT_TRUE(ParseAgentConfig(good).has_value());
  const std::vector<Refusal> cases = {
      {"listen_port = 12345", "", "\"server_host\" is missing"},
      {"server_host = \"s\"", "", "\"listen_port\" is missing"},
      {"server_host = \"\"\nlisten_port = 12345", "line 1", "\"server_host\""},
      {"server_host = \"s\"\nlisten_port = 0", "line 2", "\"listen_port\""},
      {good + "domain = 5", "line 3", "\"domain\""},
      {good + "domain = \"" + std::string(256, 'x') + "\"", "line 3", "\"domain\""},
      {good + "tls = \"no\"", "line 3", "true or false"},
      {good + "web_keys = [\"AAAA\"]", "line 3", "SHA-256 values"},
      {good + "web_keys = [5]", "line 3", "SHA-256 values"},
      {good + "web_keys = [\"" + kZeroSecret + "\",\"" + kZeroSecret + "\",\"" + kZeroSecret +
           "\",\"" + kZeroSecret + "\",\"" + kZeroSecret + "\"]",
       "line 3", "at most 4"},
      {good + "enrol = 5", "line 3", "\"enrol\": expected a table"},
      {good + "[enrol]", "", "\"enrol.token\" is missing"},
      {good + "[enrol]\ntoken = \"t\"", "", "\"enrol.secret\" is missing"},
      {good + "[enrol]\ntoken = \"t t\"\nsecret = \"" + kZeroSecret + "\"", "line 4",
       "enrol.token"},
      {good + "[enrol]\ntoken = \"t\"\nsecret = \"" + kZeroSecret + "=\"", "line 5",
       "enrol.secret"},
      {good + "[enrol]\ntoken = \"t\"\nsecret = \"AAAA\"", "line 5", "enrol.secret"},
      {good + "[enrol]\ntoken = \"t\"\nsecret = 5", "line 5", "enrol.secret"},
      {good + "[enrol]\ntoken = \"t\"\nsecret = \"" + kZeroSecret + "\"\nx = 1", "line 6",
       "unknown key \"enrol.x\""},
      {good + "public_host = \"x\"", "line 3", "unknown key \"public_host\""},
  };
  for (const auto& [text, place, mention] : cases) {
    EXPECT_THAT(RefusedAgent(text), StartsWith(place)) << text;
    EXPECT_THAT(RefusedAgent(text), HasSubstr(mention)) << text;
  }
}

TEST(Config, FirstOfSeveralFaultsIsTold) {
  EXPECT_THAT(RefusedServer("what = 1\nhttp_port = 0\nlisten = 5"), StartsWith("line 1"));
  EXPECT_THAT(RefusedServer("listen = \"a\"\nhttp_port = 0\nwhat = 1"), StartsWith("line 2"));
}

TEST(Config, SecretIsNotRepeatedInTheMessage) {
  const std::string text = "server_host = \"s\"\nlisten_port = 12345\n[enrol]\ntoken = \"t\"\n";
  for (const std::string_view line :
       {"secret = \"SesameSesameSesame\"", "secret = SesameSesameSesame",
        "secret = \"SesameSesameSesame", "SesameSesameSesame"}) {
    EXPECT_THAT(RefusedAgent(text + std::string(line)), ::testing::Not(HasSubstr("Sesame")))
        << line;
  }
}

TEST(Config, TooLongFileIsRefusedUnread) {
  const std::string text(kMaxConfigLen, '\n');
  EXPECT_TRUE(ParseServerConfig(text).has_value());
  EXPECT_THAT(RefusedServer(text + "\n"), HasSubstr("65536 are the most"));
}

TEST(Config, DeepNestingIsRefused) {
  EXPECT_NE(RefusedServer("call_networks = " + std::string(30'000, '[')), "(taken)");
}

}  // namespace
}  // namespace countersign::store
