#include "store/config_edit.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace countersign::store {
namespace {

const std::string kSecret = Base64UrlEncode(Bytes(32, 7));
const std::string kPin = Base64UrlEncode(Digest{1});
const std::string kOtherPin = Base64UrlEncode(Digest{2});

AgentConfig Parsed(std::string_view text) {
  auto config = ParseAgentConfig(text);
  EXPECT_TRUE(config.has_value()) << (config ? "" : config.error().message) << "\n" << text;
  return config.value_or(AgentConfig());
}

// Moved is what a move makes of the settings: another place, and nothing that the old server gave.
AgentConfig Moved(AgentConfig config) {
  config.server_host = "new.example";
  config.http_port = 8081;
  config.https_port = 4344;
  config.web_keys.clear();
  config.enrol.reset();
  return config;
}

// What is edited reads as wanted, and is known as edited.
std::string Edited(std::string_view text, const AgentConfig& wanted) {
  const auto edited = EditAgentConfig(text, wanted);
  EXPECT_TRUE(edited.has_value()) << text;
  if (!edited) return "";
  EXPECT_EQ(Parsed(*edited), wanted) << *edited;
  EXPECT_TRUE(IsEdited(text, *edited));
  return *edited;
}
std::string Moved(std::string_view text) { return Edited(text, Moved(Parsed(text))); }

TEST(ConfigEditTest, OurOwnFileBecomesWhatWeWouldWrite) {
  AgentConfig config;
  config.server_host = "old.example";
  config.web_keys = {Digest{1}};
  config.listen_port = 12'345;
  config.enrol = wire::EnrolToken{"token", Bytes(32, 7)};
  EXPECT_EQ(Edited(FormatAgentConfig(config), Moved(config)), FormatAgentConfig(Moved(config)));
  // And back.
  EXPECT_EQ(Edited(FormatAgentConfig(Moved(config)), config), FormatAgentConfig(config));
}

TEST(ConfigEditTest, WhatSaysItAlreadyStaysOctetByOctet) {
  const std::string text = "listen_port=1#x\r\n  server_host = 'a'";
  EXPECT_EQ(Edited(text, Parsed(text)), text);
}

TEST(ConfigEditTest, OnlyValuesChangeAmongCommentsAndInTheirOrder) {
  EXPECT_EQ(Moved("# Ask Mia before you touch this.\n"
                  "listen_port = 12345   # agreed with the firewall people\n"
                  "\n"
                  "\tserver_host   =   \"old.example\"\t# until \"spring\"\n"
                  "https_port=4343# secure\n"
                  "http_port = 8_080\n"
                  "# the end"),
            "# Ask Mia before you touch this.\n"
            "listen_port = 12345   # agreed with the firewall people\n"
            "\n"
            "\tserver_host   =   \"new.example\"\t# until \"spring\"\n"
            "https_port=4344# secure\n"
            "http_port = 8081\n"
            "# the end");
}

TEST(ConfigEditTest, NumberSignAndQuotesWithinStringsAreNoComments) {
  EXPECT_EQ(Moved("domain = \"eu # not \\\" a = comment\" # one\n"
                  "server_host = 'old#1\"' # two = \"three\"\n"
                  "listen_port = 1\nhttp_port = 0x1f90\nhttps_port = 1\n"),
            "domain = \"eu # not \\\" a = comment\" # one\n"
            "server_host = \"new.example\" # two = \"three\"\n"
            "listen_port = 1\nhttp_port = 8081\nhttps_port = 4344\n");
}

TEST(ConfigEditTest, LineEndsStayAsTheyAre) {
  EXPECT_EQ(Moved("# a\r\nserver_host = \"old\" # b\r\n\r\nlisten_port = 1\r\n"),
            "# a\r\nserver_host = \"new.example\" # b\r\n\r\nlisten_port = 1\r\n"
            "http_port = 8081\r\nhttps_port = 4344\r\n");
}

TEST(ConfigEditTest, MissingKeysStandBehindTheLastOutsideOfTables) {
  EXPECT_EQ(Moved("server_host = \"old\"\nlisten_port = 1"),
            "server_host = \"new.example\"\nlisten_port = 1\n"
            "http_port = 8081\nhttps_port = 4344\n");
  AgentConfig wanted = Parsed("server_host = \"a\"\nlisten_port = 1\n");
  wanted.enrol = wire::EnrolToken{"token", Bytes(32, 7)};
  wanted.domain = "eu";
  const std::string text =
      "server_host = \"a\" # x\nlisten_port = 1 # y\n\n# mine\n[enrol]\ntoken = \"token\"\nsecret "
      "= \"" +
      kSecret + "\"\n";
  EXPECT_EQ(Edited(text, wanted),
            "server_host = \"a\" # x\nlisten_port = 1 # y\ndomain = \"eu\"\n\n# mine\n[enrol]\n"
            "token = \"token\"\nsecret = \"" +
                kSecret + "\"\n");
}

TEST(ConfigEditTest, TableThatIsNewStandsAtTheEnd) {
  AgentConfig wanted = Parsed("server_host = \"a\"\nlisten_port = 1\n");
  wanted.enrol = wire::EnrolToken{"token", Bytes(32, 7)};
  wanted.domain = "eu";
  const std::string edited = Edited("server_host = \"a\" # x\r\nlisten_port = 1 # y", wanted);
  EXPECT_TRUE(
      edited.starts_with("server_host = \"a\" # x\r\nlisten_port = 1 # y\r\ndomain = \"eu\"\r\n"));
  EXPECT_NE(edited.find("\r\n[enrol]\r\n"), std::string::npos);
}

TEST(ConfigEditTest, TableThatGoesLeavesTheCommentsOfPeople) {
  EXPECT_EQ(Moved("server_host = \"old\"\nlisten_port = 1\nhttp_port = 1\nhttps_port = 1\n"
                  "# From Mia's package.\n  [enrol] # head\ntoken = \"t\" # first\n"
                  "# between\nsecret = \"" +
                  kSecret + "\"\n# last"),
            "server_host = \"new.example\"\nlisten_port = 1\nhttp_port = 8081\nhttps_port = 4344\n"
            "# From Mia's package.\n# head\n# first\n# between\n# last");
}

TEST(ConfigEditTest, TableInBracesIsChangedAndTakenAway) {
  const std::string text =
      "server_host = \"old\"\nlisten_port = 1\nhttp_port = 1\nhttps_port = 1\n"
      "enrol = { token = \"t\", secret = \"" +
      kSecret + "\" } # from Mia\n";
  EXPECT_EQ(Moved(text),
            "server_host = \"new.example\"\nlisten_port = 1\nhttp_port = 8081\nhttps_port = 4344\n"
            "# from Mia\n");
  AgentConfig wanted = Parsed(text);
  wanted.enrol->id = "fresh";
  EXPECT_NE(Edited(text, wanted)
                .find("enrol = { token = \"fresh\", secret = \"" + kSecret + "\" } # from Mia\n"),
            std::string::npos);
}

TEST(ConfigEditTest, ArrayOfSeveralLinesKeepsItsComments) {
  const std::string ports =
      "http_port = 1\nhttps_port = 1\nlisten_port = 1\nserver_host = \"old\"\n";
  const std::string now =
      "http_port = 8081\nhttps_port = 4344\nlisten_port = 1\n"
      "server_host = \"new.example\"\n";
  EXPECT_EQ(
      Moved("web_keys = [\n  \"" + kPin + "\",\n  \"" + kOtherPin + "\",\n] # pins\n" + ports),
      "web_keys = [] # pins\n" + now);
  const std::string commented = "web_keys = [ # web01, old\n  \"" + kPin +
                                "\", # the ] first, \"kept\"\n  # spare\n  \"" + kOtherPin +
                                "\"\n] # pins\n";
  EXPECT_EQ(
      Moved(commented + ports),
      "web_keys = [ # web01, old\n   # the ] first, \"kept\"\n  # spare\n  \n] # pins\n" + now);
  AgentConfig wanted = Moved(Parsed(commented + ports));
  wanted.web_keys = {Digest{3}};
  const std::string edited = Edited(commented + ports, wanted);
  EXPECT_NE(edited.find("# the ] first, \"kept\"\n  # spare\n"), std::string::npos) << edited;
}

TEST(ConfigEditTest, TextBeyondAsciiAndAByteOrderMarkMoveNoPlace) {
  EXPECT_EQ(Moved("\xef\xbb\xbfserver_host = \"zürich–α\" # Zürich, 一覧, 🙂 \"x\"\n"
                  "# ä\nlisten_port = 1\ndomain = \"Ä/ö 一\"\nhttp_port = 1 # ü\nhttps_port = 1#é"),
            "\xef\xbb\xbfserver_host = \"new.example\" # Zürich, 一覧, 🙂 \"x\"\n"
            "# ä\nlisten_port = 1\ndomain = \"Ä/ö 一\"\nhttp_port = 8081 # ü\nhttps_port = 4344#é");
}

TEST(ConfigEditTest, QuotedKeysAndStringsOfSeveralLines) {
  EXPECT_EQ(Moved("\"server_host\" = \"\"\"\\\n   old\"\"\" # a\n'listen_port' = 1\n"
                  "http_port = 1\nhttps_port = 1\ndomain = '''x # y'''\n"),
            "\"server_host\" = \"new.example\" # a\n'listen_port' = 1\n"
            "http_port = 8081\nhttps_port = 4344\ndomain = '''x # y'''\n");
}

TEST(ConfigEditTest, WhatCannotBeChangedForSureIsWrittenAnew) {
  const AgentConfig wanted = Moved(Parsed("server_host = \"old\"\nlisten_port = 1\n"));
  // No agent.toml; and a table whose keys have its name in front of them, which is to go.
  const std::string dotted =
      "server_host = \"old\"\nlisten_port = 1\nenrol.token = \"t\"\nenrol.secret = \"" + kSecret +
      "\"\n";
  ASSERT_TRUE(ParseAgentConfig(dotted).has_value());
  for (const std::string& text : {std::string(), std::string("server_host = "),
                                  std::string("x = 1\n"), std::string(70'000, '#'), dotted}) {
    EXPECT_FALSE(EditAgentConfig(text, wanted).has_value()) << text.substr(0, 100);
    EXPECT_EQ(RewriteAgentConfig(text, wanted), FormatAgentConfig(wanted));
    EXPECT_FALSE(IsEdited(text, FormatAgentConfig(wanted)));
  }
}

TEST(ConfigEditTest, FileThatWouldGrowTooLongIsWrittenAnew) {
  std::string text = "server_host = \"o\"\nlisten_port = 1\n#";
  text.append(kMaxConfigLen - text.size(), '-');
  ASSERT_TRUE(ParseAgentConfig(text).has_value());
  EXPECT_FALSE(EditAgentConfig(text, Moved(Parsed(text))).has_value());
}

}  // namespace
}  // namespace countersign::store
