#include "trust/verdict.h"

#include <gtest/gtest.h>

#include <set>

namespace countersign::trust {
namespace {

TEST(VerdictTest, EveryVerdictHasANameOfItsOwnAndReadsBack) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Verdict::kFailed); ++i) {
    const auto verdict = static_cast<Verdict>(i);
    const std::string_view name = VerdictName(verdict);
    EXPECT_TRUE(names.insert(name).second) << name;
    ASSERT_TRUE(ParseVerdict(name).has_value()) << name;
    EXPECT_EQ(*ParseVerdict(name), verdict) << name;
  }
}

TEST(VerdictTest, UnknownNamesAreNone) {
  EXPECT_FALSE(ParseVerdict("").has_value());
  EXPECT_FALSE(ParseVerdict("Done").has_value());
  EXPECT_FALSE(ParseVerdict("done ").has_value());
}

TEST(VerdictTest, OnlyTheSevenOfSectionSixAreFinal) {
  int final_count = 0;
  for (int i = 0; i <= static_cast<int>(Verdict::kFailed); ++i) {
    final_count += IsFinal(static_cast<Verdict>(i)) ? 1 : 0;
  }
  EXPECT_EQ(final_count, 7);
  EXPECT_TRUE(IsFinal(Verdict::kDone));
  EXPECT_TRUE(IsFinal(Verdict::kInterrupted));
  EXPECT_FALSE(IsFinal(Verdict::kRunning));
  EXPECT_FALSE(IsFinal(Verdict::kBusy));
  EXPECT_FALSE(IsFinal(Verdict::kStale));
}

}  // namespace
}  // namespace countersign::trust
