#include "cli/move_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>

#include "cli/move_commands.h"
#include "cli/progress.h"

namespace countersign::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

boost::json::object Sample(std::string_view state, std::uint64_t failed) {
  boost::json::array reasons;
  if (failed > 0) {
    reasons.push_back(boost::json::object{
        {"reason", "not-accepted"}, {"text", "the target does not expect it"}, {"agents", failed}});
  }
  return {{"state", state},
          {"server", "0188f1a2-7b3c-8d4e-9f50-617283940a1b"},
          {"owner", "00c0ffee"},
          {"addresses", boost::json::array{"new.example:8080:4343"}},
          {"rate_per_minute", 60},
          {"halt_at", 500},
          {"started", "2026-11-22T10:00:00Z"},
          {"since", "2026-11-22T10:00:00Z"},
          {"warrant_until", "2026-12-22T10:00:00Z"},
          {"by", "root (uid 0)"},
          {"why", ""},
          {"agents", 200},
          {"waiting", 100},
          {"ordered", 17},
          {"moved", 80},
          {"failed", failed},
          {"reasons", std::move(reasons)}};
}

TEST(MoveTextTest, BarSaysHowFarItIs) {
  const std::string bar = MoveBar(Sample("running", 3));
  EXPECT_THAT(bar, HasSubstr("80/200 moved"));
  EXPECT_THAT(bar, HasSubstr("3 failed"));
  EXPECT_LE(bar.size(), ProgressLine::kWidth);
}

TEST(MoveTextTest, HaltSaysWhyAndWhatToDo) {
  const std::string text = MoveText(Sample("halted", 3));
  EXPECT_THAT(text, HasSubstr("3  not-accepted: the target does not expect it"));
  EXPECT_THAT(text, HasSubstr("countersign move status --names failed"));
  EXPECT_THAT(text, HasSubstr("5%"));
}

// They are compared with `countersign owner show` on the target.
TEST(MoveTextTest, TargetIsNamedByServerAndOwner) {
  const std::string text = MoveText(Sample("running", 0));
  EXPECT_THAT(text, HasSubstr("0188f1a2-7b3c-8d4e-9f50-617283940a1b"));
  EXPECT_THAT(text, HasSubstr("00c0ffee"));
}

TEST(MoveTextTest, RunningGoesOnByItself) {
  const std::string text = MoveText(Sample("running", 0));
  EXPECT_THAT(text, HasSubstr("80 of 200 agents"));
  EXPECT_THAT(text, HasSubstr("countersign move abort"));
  EXPECT_THAT(text, Not(HasSubstr("failed:")));
}

TEST(MoveTextTest, OnlyARunningOneGoesOnByItself) {
  EXPECT_FALSE(MoveRests(Sample("running", 0)));
  for (const char* const state : {"halted", "finished", "aborted"}) {
    EXPECT_TRUE(MoveRests(Sample(state, 0))) << state;
  }
}

TEST(MoveTextTest, NobodyExpectedIsNoLine) {
  EXPECT_EQ(ExpectedText({{"expected", 0}, {"arriving", 0}, {"arrived", 0}}), "");
  EXPECT_THAT(ExpectedText({{"expected", 5}, {"arriving", 2}, {"arrived", 1}}),
              HasSubstr("1 have come, 2 are arriving, 5 have not been heard of"));
}

TEST(MoveRateTest, ComesFromMinutesAndSeconds) {
  EXPECT_EQ(ParseRate("60/min").value(), 60U);
  EXPECT_EQ(ParseRate("60").value(), 60U);
  EXPECT_EQ(ParseRate("5/s").value(), 300U);
  EXPECT_EQ(ParseRate("0").value(), 0U);
}

TEST(MoveRateTest, AnythingElseIsRefused) {
  for (const std::string_view text : {"", "/min", "-1", "5/h", "5 /s", "1000001", "99999999/s"}) {
    EXPECT_FALSE(ParseRate(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace countersign::cli
