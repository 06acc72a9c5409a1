#include "cli/agent_list.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace countersign::cli {
namespace {

constexpr std::string_view kOne = "0188f1a2-7b3c-8d4e-9f50-617283940a1b";
constexpr std::string_view kTwo = "1188f1a2-7b3c-8d4e-9f50-617283940a1b";

TEST(AgentListTest, WhatIsWrittenIsRead) {
  const std::string text = FormatAgentListHead(kOne) + FormatAgentListLine(kTwo, "host", "eu") +
                           FormatAgentListLine(kOne, "", "");
  const auto list = ParseAgentList(text);
  ASSERT_TRUE(list.has_value()) << list.error().message;
  EXPECT_EQ(list->server, ServerId::ParseText(kOne));
  EXPECT_EQ(list->agents, (std::vector{*AgentId::ParseText(kTwo), *AgentId::ParseText(kOne)}));
}

TEST(AgentListTest, HostThatWouldBeAnotherLineStaysOnItsOwn) {
  const std::string text = FormatAgentListLine(kOne, "a\n" + std::string(kTwo), "b\x1b[2J");
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
  for (const std::string text : {"# server nobody", "host-1", "\x01\x02"}) {
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
