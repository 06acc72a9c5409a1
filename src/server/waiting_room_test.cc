#include "server/waiting_room.h"

#include <gtest/gtest.h>

namespace countersign::server {
namespace {

class WaitingRoomTest : public ::testing::Test {
 protected:
  void SetUp() override { room_.SetLimits(3, 2); }
  [[nodiscard]] static AgentId Agent(std::uint8_t number) {
    std::array<std::uint8_t, 16> bytes{};
    bytes.back() = number;
    return AgentId(bytes);
  }
  // Enter gives the agent a place from an address that ends in `source`.
  std::optional<WaitingRoom::Ticket> Enter(std::uint8_t agent, std::uint8_t source = 1) {
    return room_.Enter(Agent(agent), net::IpAddress::FromV4({192, 0, 2, source}),
                       [this, agent] { ++told_[agent]; });
  }

  WaitingRoom room_;
  std::map<std::uint8_t, int> told_;
};

TEST_F(WaitingRoomTest, IsBoundedForEachSourceAndInAll) {
  EXPECT_TRUE(Enter(1));
  EXPECT_TRUE(Enter(2));
  EXPECT_FALSE(Enter(3));
  EXPECT_TRUE(Enter(4, 2));
  EXPECT_FALSE(room_.HasRoom(net::IpAddress::FromV4({192, 0, 2, 3})));
  EXPECT_FALSE(Enter(5, 3));
  EXPECT_EQ(room_.size(), 3U);
}

TEST_F(WaitingRoomTest, PlaceThatWasLeftIsFree) {
  const auto ticket = Enter(1);
  ASSERT_TRUE(ticket);
  ASSERT_TRUE(Enter(2));
  EXPECT_TRUE(room_.Leave(*ticket));
  EXPECT_FALSE(room_.Leave(*ticket));
  EXPECT_FALSE(room_.Contains(Agent(1)));
  EXPECT_TRUE(Enter(3));
}

TEST_F(WaitingRoomTest, ZeroPlacesForASourceAreNone) {
  room_.SetLimits(3, 0);
  EXPECT_FALSE(Enter(1));
}

TEST_F(WaitingRoomTest, OnlyWhoIsMeantIsToldAndOnce) {
  ASSERT_TRUE(Enter(1));
  ASSERT_TRUE(Enter(2));
  room_.Tell(Agent(2));
  room_.Tell(Agent(2));
  room_.Tell(Agent(9));
  EXPECT_EQ(told_, (std::map<std::uint8_t, int>{{2, 1}}));
}

TEST_F(WaitingRoomTest, LaterReportOfAnAgentTakesThePlaceOfTheEarlier) {
  ASSERT_TRUE(Enter(1, 2));
  const auto first = Enter(2);
  const auto second = Enter(2);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(told_[2], 1);
  EXPECT_EQ(room_.size(), 2U);
  EXPECT_FALSE(room_.Leave(*first));
  EXPECT_TRUE(room_.Contains(Agent(2)));
  EXPECT_TRUE(room_.Leave(*second));
}

TEST_F(WaitingRoomTest, AllAreToldSomeAtATime) {
  ASSERT_TRUE(Enter(1));
  const auto left = Enter(2);
  ASSERT_TRUE(Enter(3, 2));
  room_.TellAll();
  EXPECT_TRUE(told_.empty());
  ASSERT_TRUE(room_.Leave(*left));
  ASSERT_TRUE(Enter(4));  // came later: it has heard
  room_.TellSome(1);
  EXPECT_EQ(told_, (std::map<std::uint8_t, int>{{1, 1}}));
  room_.TellSome(9);
  EXPECT_EQ(told_, (std::map<std::uint8_t, int>{{1, 1}, {3, 1}}));
}

TEST_F(WaitingRoomTest, EverybodyIsToldWhenTheServerStops) {
  ASSERT_TRUE(Enter(1));
  ASSERT_TRUE(Enter(2));
  room_.TellEverybody();
  EXPECT_EQ(told_, (std::map<std::uint8_t, int>{{1, 1}, {2, 1}}));
}

}  // namespace
}  // namespace countersign::server
