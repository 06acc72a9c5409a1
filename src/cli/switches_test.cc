#include "cli/switches.h"

#include <gtest/gtest.h>

#include "cli/switches_fixture.h"

namespace countersign::cli {
namespace {

using enum ValueKind;

Result<Switches> Parse(const std::vector<std::string>& texts) {
  return Switches::Parse(MakeWords(texts), kSpecs);
}

TEST(SwitchesTest, AnyLetterCaseAndValuesByteForByte) {
  const auto switches = Parse({"-INE", "–c", " File .PFX"});
  ASSERT_TRUE(switches.has_value()) << switches.error().message;
  EXPECT_TRUE(switches->Has("ine"));
  EXPECT_EQ(switches->Secret("ine", 0)->text(), "–c");  // a value, though it looks like a switch
  EXPECT_EQ(switches->Value("ine", 1), " File .PFX");
  EXPECT_EQ(switches->Secret("ine", 2), nullptr);
}

TEST(SwitchesTest, TypographicDashesBeginASwitch) {
  for (const std::string_view dash : {"‐", "‑", "–", "—", "−", "－"}) {
    const auto switches = Parse({std::string(dash) + "c", "password"});
    ASSERT_TRUE(switches.has_value()) << dash;
    EXPECT_EQ(switches->Value("c"), "password");
  }
}

TEST(SwitchesTest, UnknownDoubledAndIncompleteAreRefused) {
  for (const auto& args : std::vector<std::vector<std::string>>{
           {"-x"}, {"c"}, {"-c"}, {"-ine", "one"}, {"-json", "-json"}, {"-c", "a", "b"}}) {
    const auto switches = Parse(args);
    ASSERT_FALSE(switches.has_value()) << args.front();
    EXPECT_EQ(switches.error().code, Code::kUsage);
  }
}

TEST(SwitchesTest, StrayArgumentIsNotEchoed) {
  for (const std::string_view stray : {"s3cret-in-the-wrong-place", "-s3cret-with-a-dash"}) {
    const auto switches = Parse({"-c", "a", std::string(stray)});
    ASSERT_FALSE(switches.has_value());
    EXPECT_EQ(switches.error().message.find("s3cret"), std::string::npos);
    EXPECT_NE(switches.error().message.find("argument 3"), std::string::npos);
  }
}

TEST(SwitchesTest, UnknownSwitchIsNamedWhereNoPasswordCanBe) {
  const auto switches = Parse({"-e", "file", "-frobnicate"});
  ASSERT_FALSE(switches.has_value());
  EXPECT_NE(switches.error().message.find("-frobnicate"), std::string::npos);
}

TEST(SwitchesTest, SwitchIsNoPathButMayBeAPassword) {
  EXPECT_FALSE(Parse({"-e", "-json"}).has_value());
  EXPECT_FALSE(Parse({"-ine", "password", "-json"}).has_value());
  EXPECT_TRUE(Parse({"-e", "./-json"}).has_value());
  EXPECT_TRUE(Parse({"-c", "-json"}).has_value());
}

TEST(SwitchesTest, FullWidthSpaceBetweenValuesIsExplained) {
  const auto switches = Parse({"-ine", "s3cret　a.pfx"});
  ASSERT_FALSE(switches.has_value());
  EXPECT_NE(switches.error().next.find("U+3000"), std::string::npos);
  EXPECT_EQ(switches.error().message.find("s3cret"), std::string::npos);
}

TEST(SwitchesTest, PathTornApartByTypographicQuotesIsExplained) {
  const auto switches = Parse({"-e", "“My", "File.dat”"});
  ASSERT_FALSE(switches.has_value());
  EXPECT_NE(switches.error().next.find("typographic"), std::string::npos);
}

// The arguments of main: writable, and kept alive here.
class MainArguments {
 public:
  explicit MainArguments(std::vector<std::string> texts) : texts_(std::move(texts)) {
    for (auto& text : texts_) pointers_.push_back(text.data());
  }
  [[nodiscard]] int argc() const { return static_cast<int>(pointers_.size()); }
  [[nodiscard]] char** argv() { return pointers_.data(); }
  [[nodiscard]] std::string Shown(std::size_t index) const { return texts_[index].c_str(); }

 private:
  std::vector<std::string> texts_;
  std::vector<char*> pointers_;
};

TEST(TakeArgumentsTest, OnlySwitchesStayInTheProcessList) {
  MainArguments main({"CertificateManager", "-ine", "-json", "file", "–json", "-c　secret"});
  const auto words = TakeArguments(main.argc(), main.argv(), kSpecs);
  ASSERT_TRUE(words.has_value());
  EXPECT_EQ(main.Shown(0), "CertificateManager");
  EXPECT_EQ(main.Shown(1), "-ine");
  EXPECT_EQ(main.Shown(2), "");  // the password, though it looks like a switch
  EXPECT_EQ(main.Shown(3), "");
  EXPECT_EQ(main.Shown(4), "–json");
  EXPECT_EQ(main.Shown(5), "");
  ASSERT_EQ(words->size(), 5U);
  EXPECT_EQ((*words)[1].text(), "-json");
  EXPECT_EQ((*words)[4].text(), "-c　secret");
}

// The older mover's second -p is the unload password.
const std::vector<SwitchSpec> kMover = {
    {"p", {kText}, "pwd"}, {"c", {kText}}, {"pwd", {kSecret}}, {"json"}};

TEST(SwitchesTest, SwitchThatStandsThereAgainIsAnother) {
  const auto switches =
      Switches::Parse(MakeWords({"-P", "8080", "-c", "12345", "–p", "-c"}), kMover);
  ASSERT_TRUE(switches.has_value()) << switches.error().message;
  EXPECT_EQ(switches->Value("p"), "8080");
  EXPECT_EQ(switches->Value("c"), "12345");
  EXPECT_EQ(switches->Secret("pwd")->text(), "-c");
}

TEST(SwitchesTest, ThirdTimeIsTwiceTheSame) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"-p", "1", "-p", "s3cret", "-p", "x"}, {"-pwd", "s3cret", "-p", "1", "-p", "s3cret"}}) {
    const auto switches = Switches::Parse(MakeWords(words), kMover);
    ASSERT_FALSE(switches.has_value());
    EXPECT_EQ(switches.error().message, "-pwd is given twice");
  }
}

TEST(TakeArgumentsTest, SecondOneIsNotShownThoughItLooksLikeASwitch) {
  MainArguments main({"IpXfer", "-p", "8080", "-p", "-json", "-json"});
  ASSERT_TRUE(TakeArguments(main.argc(), main.argv(), kMover).has_value());
  EXPECT_EQ(main.Shown(1), "-p");
  EXPECT_EQ(main.Shown(2), "");
  EXPECT_EQ(main.Shown(4), "");
  EXPECT_EQ(main.Shown(5), "-json");
}

TEST(TakeArgumentsTest, TooManyAreRefusedAndWiped) {
  std::vector<std::string> texts(kMaxArguments + 2, "secret");
  MainArguments main(texts);
  const auto words = TakeArguments(main.argc(), main.argv(), kSpecs);
  ASSERT_FALSE(words.has_value());
  EXPECT_EQ(words.error().code, Code::kUsage);
  EXPECT_EQ(main.Shown(kMaxArguments + 1), "");
}

}  // namespace
}  // namespace countersign::cli
