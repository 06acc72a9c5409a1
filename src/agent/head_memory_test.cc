#include "agent/head_memory.h"

#include <gtest/gtest.h>

#include "tests/support/agent_bench.h"

// What an agent notices of its server's history.
namespace countersign::agent {
namespace {

using Kind = HeadMemory::Step::Kind;

const Instant kNow = FromUnix(1'800'000'000);

ServerId Server(std::uint8_t fill) {
  std::array<std::uint8_t, 16> octets{};
  octets.fill(fill);
  return ServerId(octets);
}

std::string Head(std::uint64_t number, std::uint8_t fill) {
  wire::HistoryHead head{number, {}};
  head.digest.fill(fill);
  return wire::FormatHistoryHead(head);
}

TEST(HeadMemoryTest, GoingOnIsNoStep) {
  HeadMemory memory;
  for (const std::string& head : {std::string(), Head(1, 1), Head(1, 1), Head(2, 2), Head(9, 9)}) {
    EXPECT_FALSE(memory.Take(Server(1), head, kNow)) << head;
  }
  EXPECT_EQ(memory.head.number, 9U);
  EXPECT_FALSE(memory.step.has_value());
}

TEST(HeadMemoryTest, LowerNumberIsARewindNoticedOnce) {
  HeadMemory memory;
  EXPECT_FALSE(memory.Take(Server(1), Head(9, 9), kNow));
  EXPECT_TRUE(memory.Take(Server(1), Head(7, 7), kNow));
  EXPECT_EQ(memory.step, (HeadMemory::Step{Kind::kRewind, 9, 7, kNow, 1}));
  EXPECT_FALSE(memory.Take(Server(1), Head(7, 7), kNow));
  EXPECT_FALSE(memory.Take(Server(1), Head(8, 8), kNow));
  EXPECT_TRUE(memory.step.has_value()) << "it stays to be seen";
  EXPECT_TRUE(memory.Take(Server(1), "", kNow + Seconds(5)));
  EXPECT_EQ(memory.step, (HeadMemory::Step{Kind::kRewind, 8, 0, kNow + Seconds(5), 2}));
}

TEST(HeadMemoryTest, SameNumberWithAnotherLineIsAFork) {
  HeadMemory memory;
  EXPECT_FALSE(memory.Take(Server(1), Head(9, 9), kNow));
  EXPECT_TRUE(memory.Take(Server(1), Head(9, 8), kNow));
  EXPECT_EQ(memory.step, (HeadMemory::Step{Kind::kFork, 9, 9, kNow, 1}));
  EXPECT_FALSE(memory.Take(Server(1), Head(9, 8), kNow));
}

TEST(HeadMemoryTest, AnotherServerHasAnotherHistory) {
  HeadMemory memory;
  EXPECT_FALSE(memory.Take(Server(1), Head(9, 9), kNow));
  EXPECT_TRUE(memory.Take(Server(1), Head(8, 8), kNow));
  EXPECT_FALSE(memory.Take(Server(2), Head(3, 3), kNow));
  EXPECT_FALSE(memory.step.has_value());
  EXPECT_TRUE(memory.Take(Server(2), Head(2, 2), kNow));
}

TEST(HeadMemoryTest, UnknownFormIsPassedOver) {
  HeadMemory memory;
  EXPECT_FALSE(memory.Take(Server(1), Head(9, 9), kNow));
  EXPECT_FALSE(memory.Take(Server(1), "tree:12", kNow));
  EXPECT_EQ(memory.head.number, 9U);
}

TEST(HeadMemoryTest, ComesBackFromItsText) {
  HeadMemory memory;
  EXPECT_EQ(HeadMemory::Parse(memory.Format()), memory);
  const std::string longest = Head((std::uint64_t{1} << 53) - 1, 1);
  for (const std::string& head : {std::string(), longest, Head(3, 3), Head(3, 4)}) {
    (void)memory.Take(Server(1), head, FromUnix(253'402'300'799));
    EXPECT_EQ(HeadMemory::Parse(memory.Format()), memory) << memory.Format();
    EXPECT_LE(memory.Format().size(), 255U);
  }
  EXPECT_EQ(memory.step->count, 2U);
}

TEST(HeadMemoryTest, OtherTextIsAMemoryOfNothing) {
  HeadMemory memory;
  (void)memory.Take(Server(1), Head(9, 9), kNow);
  (void)memory.Take(Server(1), Head(7, 7), kNow);
  const std::string text = memory.Format();
  for (const std::string& other : {std::string("head"), std::string(" "), text + " ", text + "x",
                                   " " + text, text.substr(0, text.rfind(' ')), text.substr(1)}) {
    EXPECT_EQ(HeadMemory::Parse(other), HeadMemory()) << other;
  }
}

// The agent as a whole.

class AgentHistoryTest : public ::testing::Test {
 protected:
  void Show(const std::string& head) {
    auto reply = bench_.Reply(bench_.Report());
    reply.head = head;
    EXPECT_FALSE(bench_.Take(reply, bench_.server.key).refused.has_value());
  }
  [[nodiscard]] HeadMemory Memory() { return HeadMemory::Parse(bench_.agent().counters().head()); }
  testing::AgentBench bench_;
};

TEST_F(AgentHistoryTest, VerifiedReplyIsRemembered) {
  Show(Head(4, 4));
  EXPECT_EQ(Memory().server, bench_.agent().trust().server);
  EXPECT_EQ(Memory().head.number, 4U);
  Show(Head(3, 3));
  EXPECT_EQ(Memory().step.value().kind, Kind::kRewind);
}

TEST_F(AgentHistoryTest, RefusedReplyIsNot) {
  Show(Head(4, 4));
  auto reply = bench_.Reply(bench_.Report());
  reply.head = Head(3, 3);
  EXPECT_TRUE(bench_.Take(reply, bench_.authority.MakeKey()).refused.has_value());
  EXPECT_EQ(Memory().head.number, 4U);
}

TEST_F(AgentHistoryTest, SameHeadCostsNoWrite) {
  Show(Head(4, 4));
  ASSERT_TRUE(bench_.agent().Save().has_value());
  const auto before = bench_.disk.writes().size();
  Show(Head(4, 4));
  ASSERT_TRUE(bench_.agent().Save().has_value());
  EXPECT_EQ(bench_.disk.writes().size(), before);
}

}  // namespace
}  // namespace countersign::agent
