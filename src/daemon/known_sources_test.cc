#include "daemon/known_sources.h"

#include <gtest/gtest.h>

namespace countersign::daemon {
namespace {

net::IpAddress Address(std::uint32_t number) {
  return net::IpAddress::FromV4({10, static_cast<std::uint8_t>(number >> 16),
                                 static_cast<std::uint8_t>(number >> 8),
                                 static_cast<std::uint8_t>(number)});
}

TEST(KnownSources, IsKnownForADay) {
  KnownSources known;
  const KnownSources::Clock::time_point now{};
  known.Add(Address(1), now);
  EXPECT_TRUE(known.Contains(Address(1), now + KnownSources::kFor - std::chrono::seconds(1)));
  EXPECT_FALSE(known.Contains(Address(1), now + KnownSources::kFor));
  EXPECT_FALSE(known.Contains(Address(2), now));
}

TEST(KnownSources, Ipv6CountsByNetwork) {
  KnownSources known;
  known.Add(*net::IpAddress::Parse("2001:db8:1:2::3"), {});
  EXPECT_TRUE(known.Contains(*net::IpAddress::Parse("2001:db8:1:2::4"), {}));
  EXPECT_FALSE(known.Contains(*net::IpAddress::Parse("2001:db8:1:3::3"), {}));
}

TEST(KnownSources, FullListForgetsThoseOfYesterdayOnly) {
  KnownSources known;
  const KnownSources::Clock::time_point begin{};
  for (std::uint32_t i = 0; i < KnownSources::kMost; ++i) known.Add(Address(i), begin);
  const std::uint32_t late = KnownSources::kMost;
  known.Add(Address(late), begin);
  EXPECT_FALSE(known.Contains(Address(late), begin));
  EXPECT_TRUE(known.Contains(Address(0), begin));
  const auto tomorrow = begin + KnownSources::kFor;
  known.Add(Address(late), tomorrow);
  EXPECT_TRUE(known.Contains(Address(late), tomorrow));
}

}  // namespace
}  // namespace countersign::daemon
