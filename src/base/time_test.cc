#include "base/time.h"

#include <gtest/gtest.h>

namespace countersign {
namespace {

TEST(UtcTest, FormatsKnownInstants) {
  EXPECT_EQ(FormatUtc(FromUnix(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatUtc(FromUnix(-1)), "1969-12-31T23:59:59Z");
  EXPECT_EQ(FormatUtc(FromUnix(1795304280)), "2026-11-21T23:38:00Z");
  EXPECT_EQ(FormatUtc(FromUnix(951782400)), "2000-02-29T00:00:00Z");
  EXPECT_EQ(FormatUtc(FromUnix(253402300799)), "9999-12-31T23:59:59Z");
}

TEST(UtcTest, FormatsTheLargestTimeOfTheProtocol) {
  EXPECT_EQ(FormatUtc(FromUnix(9007199254740991)), "285428751-11-12T07:36:31Z");
}

TEST(UtcTest, RoundTripsAcrossLeapYears) {
  for (std::int64_t seconds = -62'135'596'800; seconds < 253'402'300'800;
       seconds += 86'400 * 17 + 3671) {
    EXPECT_EQ(ParseUtc(FormatUtc(FromUnix(seconds))), FromUnix(seconds));
  }
}

TEST(UtcTest, OtherFormsAreRefused) {
  for (const char* text :
       {"", "2026-11-21T23:38:00", "2026-11-21T23:38:00z", "2026-11-21t23:38:00Z",
        "2026-11-21 23:38:00Z", "2026-11-21T23:38:00.0Z", "2026-11-21T23:38:00+00:00",
        "2026-11-21T24:00:00Z", "2026-11-21T23:60:00Z", "2026-11-21T23:38:60Z",
        "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
        "2026-11-00T00:00:00Z", "2026-11-31T00:00:00Z", "2026-1 -21T23:38:00Z",
        "+026-11-21T23:38:00Z", "2026-11-21T23:38:0-Z"}) {
    EXPECT_FALSE(ParseUtc(text)) << text;
  }
}

TEST(DurationTest, TwoLargestUnitsForPeople) {
  EXPECT_EQ(FormatDuration(Seconds(0)), "0 s");
  EXPECT_EQ(FormatDuration(Seconds(45)), "45 s");
  EXPECT_EQ(FormatDuration(Seconds(120)), "2 min");
  EXPECT_EQ(FormatDuration(Seconds(150)), "2 min 30 s");
  EXPECT_EQ(FormatDuration(Seconds(3 * 86'400 + 4 * 3'600 + 59)), "3 d 4 h");
  EXPECT_EQ(FormatDuration(Seconds(86'400 + 59)), "1 d");
  EXPECT_EQ(FormatDuration(Seconds(-3'600)), "-1 h");
  EXPECT_FALSE(FormatDuration(Seconds::min()).empty());
}

TEST(ClocksTest, BootClockDoesNotRunBackwards) {
  const Times first = ReadClocks();
  const Times second = ReadClocks();
  EXPECT_GE(second.boot, first.boot);
  EXPECT_GT(ToUnix(first.wall), 0);
}

}  // namespace
}  // namespace countersign
