#include "cli/switches.h"

#include <gtest/gtest.h>

namespace countersign::cli {
namespace {

const std::vector<SwitchSpec> kSpecs = {{"c", 1}, {"ine", 2}, {"json", 0}};

TEST(SwitchesTest, AnyLetterCaseAndValuesByteForByte) {
  const auto switches = Switches::Parse({"-INE", "–c", " File .PFX"}, kSpecs);
  ASSERT_TRUE(switches.has_value()) << switches.error().message;
  EXPECT_TRUE(switches->Has("ine"));
  EXPECT_EQ(switches->Value("ine", 0), "–c");  // a value, though it looks like a switch
  EXPECT_EQ(switches->Value("ine", 1), " File .PFX");
}

TEST(SwitchesTest, TypographicDashesBeginASwitch) {
  for (const std::string_view dash : {"‐", "‑", "–", "—", "−", "－"}) {
    const auto switches = Switches::Parse({std::string(dash) + "c", "password"}, kSpecs);
    ASSERT_TRUE(switches.has_value()) << dash;
    EXPECT_EQ(switches->Value("c"), "password");
  }
}

TEST(SwitchesTest, UnknownDoubledAndIncompleteAreRefused) {
  for (const auto& args : std::vector<std::vector<std::string>>{
           {"-x"}, {"c"}, {"-c"}, {"-ine", "one"}, {"-json", "-json"}, {"-c", "a", "b"}}) {
    const auto switches = Switches::Parse(args, kSpecs);
    ASSERT_FALSE(switches.has_value()) << args.front();
    EXPECT_EQ(switches.error().code, Code::kUsage);
  }
}

TEST(SwitchesTest, StrayArgumentIsNotEchoed) {
  const auto switches = Switches::Parse({"-c", "a", "s3cret-in-the-wrong-place"}, kSpecs);
  ASSERT_FALSE(switches.has_value());
  EXPECT_EQ(switches.error().message.find("s3cret"), std::string::npos);
}

}  // namespace
}  // namespace countersign::cli
