#include "cli/amounts.h"

#include <gtest/gtest.h>

#include <map>

namespace countersign::cli {
namespace {

TEST(ShareTest, PercentAreBasisPoints) {
  const std::map<std::string, std::uint32_t> shares = {
      {"5%", 500},      {"0.5%", 50},        {"0.05%", 5},      {"0.01%", 1}, {"2.25%", 225},
      {"100%", 10'000}, {"100.00%", 10'000}, {"33.33%", 3'333}, {"05%", 500}, {"99.99%", 9'999}};
  for (const auto& [text, expected] : shares) {
    const auto share = ParseShare(text);
    ASSERT_TRUE(share.has_value()) << text;
    EXPECT_EQ(*share, expected) << text;
  }
}

TEST(ShareTest, WrongOnesAreRefusedAndSayWhy) {
  const std::map<std::string, std::string> wrong = {{"5", "the % is missing"},
                                                    {"", "the % is missing"},
                                                    {"5 percent", "the % is missing"},
                                                    {"0%", "is nobody"},
                                                    {"0.00%", "is nobody"},
                                                    {"101%", "more than everybody"},
                                                    {"100.01%", "more than everybody"},
                                                    {"99999999999%", "is no share"},
                                                    {"0.001%", "more than two digits"},
                                                    {"%", "is no share"},
                                                    {".5%", "is no share"},
                                                    {"5.%", "is no share"},
                                                    {"-5%", "is no share"},
                                                    {"+5%", "is no share"},
                                                    {" 5%", "is no share"},
                                                    {"5 %", "is no share"},
                                                    {"0,5%", "is no share"},
                                                    {"1.-1%", "is no share"},
                                                    {"1e1%", "is no share"},
                                                    {"5%%", "is no share"}};
  for (const auto& [text, why] : wrong) {
    const auto share = ParseShare(text);
    ASSERT_FALSE(share.has_value()) << text;
    EXPECT_EQ(share.error().code, Code::kUsage);
    EXPECT_TRUE(share.error().message.contains(why)) << share.error().message;
    EXPECT_TRUE(share.error().next.contains("0.5%"));
  }
}

TEST(ShareTest, IsPrintedAsItIsTyped) {
  for (const std::string text : {"5%", "0.5%", "0.05%", "2.25%", "100%", "10.2%"}) {
    EXPECT_EQ(FormatShare(ParseShare(text).value()), text);
  }
  EXPECT_EQ(FormatShare(0), "0%");
}

TEST(DurationTest, UnitsAndBareSeconds) {
  const std::map<std::string, std::int64_t> durations = {
      {"90s", 90},   {"30min", 1'800}, {"30m", 1'800},
      {"1h", 3'600}, {"2d", 172'800},  {"45", 45},
      {"0", 0},      {"0s", 0},        {"10000d", std::int64_t{10'000} * 86'400}};
  for (const auto& [text, expected] : durations) {
    const auto duration = ParseDuration(text);
    ASSERT_TRUE(duration.has_value()) << text;
    EXPECT_EQ(duration->count(), expected) << text;
  }
}

TEST(DurationTest, WrongOnesAreRefused) {
  for (const std::string text : {"", "h", "1w", "1 h", "-1h", "1.5h", "1h30min", "10001d", "1H",
                                 "99999999999s", "4294967295d", " 1h", "1h "}) {
    const auto duration = ParseDuration(text);
    ASSERT_FALSE(duration.has_value()) << text;
    EXPECT_EQ(duration.error().code, Code::kUsage);
    EXPECT_TRUE(duration.error().next.contains("30min"));
  }
}

}  // namespace
}  // namespace countersign::cli
