#include "cli/agent_list.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace countersign::cli {
namespace {

constexpr std::string_view kOne = "0188f1a2-7b3c-8d4e-9f50-617283940a1b";
constexpr std::string_view kTwo = "1188f1a2-7b3c-8d4e-9f50-617283940a1b";

TEST(AgentListTest, WhatIsWrittenIsRead) {
  const std::string text = FormatAgentListHead(kOne) +
                           FormatAgentListLine(kTwo, kOne, "host", "eu") +
                           FormatAgentListLine(kOne, "", "", "");
  const auto list = ParseAgentList(text);
  ASSERT_TRUE(list.has_value()) << list.error().message;
  EXPECT_EQ(list->server, ServerId::ParseText(kOne));
  EXPECT_EQ(list->agents, (std::vector{*AgentId::ParseText(kTwo), *AgentId::ParseText(kOne)}));
  EXPECT_EQ(list->belong,
            (std::map{std::pair(*AgentId::ParseText(kTwo), *ServerId::ParseText(kOne))}));
}

// As lists were written before servers of two fleets: the head alone says whose agents they are.
TEST(AgentListTest, HeadSpeaksForLinesThatNameNoServer) {
  const auto list =
      ParseAgentList("# server " + std::string(kOne) + "\n" + std::string(kOne) + " host eu\n" +
                     std::string(kTwo) + " server=" + std::string(kTwo) + " host\n");
  ASSERT_TRUE(list.has_value()) << list.error().message;
  const auto sorted = ByServer(*list);
  ASSERT_TRUE(sorted.has_value());
  EXPECT_EQ(*sorted, (std::map<ServerId, std::vector<AgentId>>{
                         {*ServerId::ParseText(kOne), {*AgentId::ParseText(kOne)}},
                         {*ServerId::ParseText(kTwo), {*AgentId::ParseText(kTwo)}}}));
  EXPECT_EQ(ByServer(*ParseAgentList(kOne)).error().code, Code::kUsage);
}

TEST(AgentListTest, HostIsNotTakenForAServer) {
  const std::string line = FormatAgentListLine(kOne, "", "server=" + std::string(kTwo), "");
  const auto list = ParseAgentList(line);
  ASSERT_TRUE(list.has_value()) << line;
  EXPECT_TRUE(list->belong.empty()) << line;
}

TEST(AgentListTest, HostThatWouldBeAnotherLineStaysOnItsOwn) {
  const std::string text = FormatAgentListLine(kOne, "", "a\n" + std::string(kTwo), "b\x1b[2J");
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  EXPECT_EQ(ParseAgentList(text)->agents.size(), 1U);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(AgentListTest, RemarksEmptyLinesAndRepetitionsAreNothing) {
  const std::string one(kOne);
  const auto list = ParseAgentList("# hello\r\n\n  \t\n" + one + "\r\n  " + one + " again");
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->agents.size(), 1U);
  EXPECT_EQ(list->server, std::nullopt);
}

TEST(AgentListTest, AnythingElseIsNamedByItsLine) {
  for (const std::string text : {"# server nobody", "host-1", "\x01\x02",
                                 "0188f1a2-7b3c-8d4e-9f50-617283940a1b server=eu"}) {
    const auto list = ParseAgentList("# fine\n" + text);
    ASSERT_FALSE(list.has_value()) << text;
    EXPECT_EQ(list.error().code, Code::kMalformed);
    EXPECT_NE(list.error().message.find("line 2"), std::string::npos);
  }
}

TEST(AgentListTest, MoreThanOneRequestHoldsIsRefused) {
  std::string text;
  for (std::size_t i = 0; i <= kMaxListedAgents; ++i) {
    std::string id(kOne);
    for (std::size_t digit = 0, n = i; digit < 8; ++digit, n /= 16) {
      id[7 - digit] = "0123456789abcdef"[n % 16];
    }
    text += id + "\n";
  }
  EXPECT_FALSE(ParseAgentList(text).has_value());
}

}  // namespace
}  // namespace countersign::cli
