#include "cli/progress.h"

#include <gtest/gtest.h>

namespace countersign::cli {
namespace {

using std::chrono::milliseconds;

class ProgressTest : public testing::Test {
 protected:
  [[nodiscard]] Screen MakeScreen(bool is_terminal) {
    return {.is_terminal = is_terminal,
            .write = [this](std::string_view text) { said_ += text; },
            .now = [this] { return now_; }};
  }
  milliseconds now_{1'000};
  std::string said_;
};

TEST_F(ProgressTest, NothingBeforeTwoSecondsAreOver) {
  {
    ProgressLine line("making a certificate", MakeScreen(true));
    now_ += ProgressLine::kQuiet - milliseconds(1);
    line.Tick();
  }
  EXPECT_EQ(said_, "");
}

TEST_F(ProgressTest, SaysWhatAndHowLongAndCleansUp) {
  {
    ProgressLine line("making a certificate", MakeScreen(true));
    now_ += milliseconds(3'400);
    line.Tick();
    EXPECT_EQ(said_, "\rmaking a certificate ... 3 s");
    said_.clear();
  }
  EXPECT_EQ(said_, "\r" + std::string(28, ' ') + "\r");
}

TEST_F(ProgressTest, BarWhereTheTotalIsKnown) {
  ProgressLine line("listing", MakeScreen(true));
  line.Advance(500, 1'000);
  now_ += milliseconds(5'000);
  line.Tick();
  EXPECT_EQ(said_, "\rlisting ... [############............] 500/1000 5 s");
  said_.clear();
  line.Advance(2'000, 1'000);  // more came in meanwhile
  line.Tick();
  EXPECT_EQ(said_, "\rlisting ... [########################] 1000/1000 5 s");
}

TEST_F(ProgressTest, ShorterTextLeavesNothingOfTheLonger) {
  ProgressLine line("listing", MakeScreen(true));
  line.Advance(1, 2);
  now_ += milliseconds(59'000);
  line.Tick();
  line.Advance(0, 0);
  said_.clear();
  line.Tick();
  EXPECT_EQ(said_, "\rlisting ... 59 s" + std::string(31, ' '));
}

TEST_F(ProgressTest, NeverMoreThanALine) {
  ProgressLine line(std::string(200, 'x'), MakeScreen(true));
  now_ += milliseconds(5'000);
  line.Tick();
  EXPECT_EQ(said_, "\r" + std::string(ProgressLine::kWidth, 'x'));
}

TEST_F(ProgressTest, TextOfAnotherIsShownAtOnceAndNoLongerThanALine) {
  ProgressLine line("", MakeScreen(true));
  line.Show(ProgressBar(1, 2) + " long");
  EXPECT_EQ(said_, "\r[############............] 1/2 long");
  said_.clear();
  line.Show(ProgressBar(2, 2));
  EXPECT_EQ(said_, "\r[########################] 2/2     ");
  said_.clear();
  line.Show(std::string(200, 'x'));
  EXPECT_EQ(said_, "\r" + std::string(ProgressLine::kWidth, 'x'));
}

TEST_F(ProgressTest, NothingOnWhatIsNoTerminal) {
  {
    ProgressLine line("listing", MakeScreen(false));
    now_ += milliseconds(60'000);
    line.Tick();
    line.Show("text");
  }
  EXPECT_EQ(said_, "");
}

TEST_F(ProgressTest, ThreadEndsWithItsOwnerAndLeavesNoLine) {
  now_ = milliseconds(0);
  std::string said;
  std::mutex mutex;
  std::condition_variable shown;
  milliseconds now{0};
  {
    Progress progress("waiting", {.is_terminal = true,
                                  .write =
                                      [&](std::string_view text) {
                                        const std::scoped_lock lock(mutex);
                                        said += text;
                                        shown.notify_all();
                                      },
                                  .now = [&now] { return now += ProgressLine::kQuiet; }});
    std::unique_lock lock(mutex);
    shown.wait(lock, [&] { return !said.empty(); });
  }
  EXPECT_TRUE(said.starts_with("\rwaiting ... ")) << said;
  EXPECT_TRUE(said.ends_with(" \r")) << said;
}

}  // namespace
}  // namespace countersign::cli
