#include "server/served_time.h"

#include <gtest/gtest.h>

namespace countersign::server {
namespace {

constexpr std::int64_t kBegin = 1'800'000'000;

Instant At(std::int64_t seconds) { return FromUnix(kBegin + seconds); }

TEST(ServedTimeTest, WithoutAStopItIsOurClock) {
  const ServedTime time;
  EXPECT_EQ(time.At(At(5)), At(5));
  EXPECT_EQ(time.ClockOf(At(5)), At(5));
}

TEST(ServedTimeTest, StandsWhileTheServerDoes) {
  ServedTime time;
  time.AddStop(At(100), At(160));
  EXPECT_EQ(time.At(At(160)), At(100));
  EXPECT_EQ(time.At(At(170)), At(110));
  time.AddStop(At(200), At(1'200));
  EXPECT_EQ(time.At(At(1'200)), At(140));
}

TEST(ServedTimeTest, OurClockIsKnownBeforeBetweenAndAfterStops) {
  ServedTime time;
  time.AddStop(At(100), At(160));
  time.AddStop(At(200), At(1'200));
  EXPECT_EQ(time.ClockOf(At(99)), At(99));
  EXPECT_EQ(time.ClockOf(At(100)), At(100)) << "it was over when the server stopped";
  EXPECT_EQ(time.ClockOf(At(101)), At(161));
  EXPECT_EQ(time.ClockOf(At(140)), At(200));
  EXPECT_EQ(time.ClockOf(At(141)), At(1'201));
}

TEST(ServedTimeTest, NoTimeIsNoStop) {
  ServedTime time;
  time.AddStop(At(100), At(100));
  time.AddStop(At(100), At(90));
  EXPECT_EQ(time, ServedTime());
}

TEST(ServedTimeTest, OfManyStopsTheNewestAreKept) {
  ServedTime time;
  const auto count = static_cast<std::int64_t>(ServedTime::kMaxStops) + 3;
  for (std::int64_t i = 0; i < count; ++i) time.AddStop(At(10 * i), At(10 * i + 1));
  EXPECT_EQ(time.At(At(10'000)), At(10'000 - count));
  EXPECT_EQ(time.ClockOf(At(28)), At(32)) << "after the fourth stop, which is the first kept";
  EXPECT_EQ(time.ClockOf(At(5)), At(8)) << "after the first: late by the second and the third";
  EXPECT_EQ(ServedTime::Parse(time.Format()), time);
}

TEST(ServedTimeTest, ClockThatWasSetBackBetweenStops) {
  ServedTime time;
  time.AddStop(At(1'000), At(2'000));
  time.AddStop(At(500), At(600));
  EXPECT_EQ(time.At(At(600)), At(-500));
  EXPECT_EQ(time.ClockOf(At(900)), At(900));
  EXPECT_EQ(ServedTime::Parse(time.Format()), time);
}

TEST(ServedTimeTest, ComesBackAsItWasWritten) {
  ServedTime time;
  EXPECT_EQ(ServedTime::Parse(time.Format()), time);
  time.AddStop(At(100), At(160));
  time.AddStop(At(200), At(1'200));
  EXPECT_EQ(ServedTime::Parse(time.Format()), time);
}

TEST(ServedTimeTest, WhatItDidNotWriteIsNothing) {
  for (const char* const text :
       {"", " ", "x", "-1", "0 ", "0 5", "0  5 6", "0 5 6 ", "0 5 0", "0 5 6 4 7", "0 5 6 7 6",
        "9223372036854775807", "0 -9223372036854775808 5", "0 5 6x", "0\n5 6"}) {
    EXPECT_EQ(ServedTime::Parse(text), std::nullopt) << '"' << text << '"';
  }
  std::string many = "0";
  for (std::size_t i = 0; i <= ServedTime::kMaxStops; ++i) many += " 5 " + std::to_string(i + 1);
  EXPECT_EQ(ServedTime::Parse(many), std::nullopt);
}

}  // namespace
}  // namespace countersign::server
