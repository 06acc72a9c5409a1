#include "cli/init_dialogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

namespace countersign::cli {
namespace {

using testing::HasSubstr;

// A person who has thought of all answers before.
class Script final : public Console {
 public:
  explicit Script(std::deque<std::string> answers) : answers_(std::move(answers)) {}
  void Say(std::string_view line) override { said_ += std::string(line) + "\n"; }
  Result<std::string> Ask(std::string_view question) override { return Next(question); }
  Result<SecretBytes> AskSecret(std::string_view question) override {
    const auto answer = Next(question);
    if (!answer) return std::unexpected(answer.error());
    return SecretBytes::OwnText(*answer);
  }
  [[nodiscard]] const std::string& said() const { return said_; }
  [[nodiscard]] bool AllAsked() const { return answers_.empty(); }

 private:
  Result<std::string> Next(std::string_view question) {
    said_ += std::string(question) + "\n";
    if (answers_.empty()) return Fail(Code::kUsage, "nobody there");
    std::string answer = answers_.front();
    answers_.pop_front();
    return answer;
  }
  std::deque<std::string> answers_;
  std::string said_;
};

constexpr const char* kPassword = "correct horse battery";

Result<InitAnswers> Play(Script& script) {
  return AskForIdentity(script, "/srv", [](const auto& path) { return path == "/a b.dat"; });
}

TEST(InitDialogueTest, NewWarnsAboutAgentsOfAnEarlierServer) {
  Script script({"1", "no", kPassword, kPassword});
  const auto answers = Play(script);
  ASSERT_TRUE(answers.has_value()) << answers.error().message;
  EXPECT_EQ(answers->import_file, "");
  EXPECT_EQ(answers->backup_password.text(), kPassword);
  EXPECT_THAT(script.said(), HasSubstr("cuts off the agents of an earlier server"));
  EXPECT_TRUE(script.AllAsked());
}

TEST(InitDialogueTest, WhoHasABackupIsLedToIt) {
  Script script({"1", "Yes", "/a b.dat", "its password", ""});
  const auto answers = Play(script);
  ASSERT_TRUE(answers.has_value()) << answers.error().message;
  EXPECT_EQ(answers->import_file, "/a b.dat");
  EXPECT_EQ(answers->import_password.text(), "its password");
  EXPECT_TRUE(answers->backup_password.empty());
}

TEST(InitDialogueTest, ImportAsksForFileAndPasswordAndMayTakeAnother) {
  Script script({"2", "“/a b.dat”", "its password", kPassword, kPassword});
  const auto answers = Play(script);
  ASSERT_TRUE(answers.has_value()) << answers.error().message;
  EXPECT_EQ(answers->import_file, "/a b.dat");
  EXPECT_EQ(answers->backup_password.text(), kPassword);
  EXPECT_EQ(script.said().find("WARNING"), std::string::npos);
}

TEST(InitDialogueTest, FileWithoutPasswordNeedsOneForTheAutomaticBackup) {
  Script script({"2", "/a b.dat", "", "", kPassword, kPassword});
  const auto answers = Play(script);
  ASSERT_TRUE(answers.has_value()) << answers.error().message;
  EXPECT_TRUE(answers->import_password.empty());
  EXPECT_EQ(answers->backup_password.text(), kPassword);
}

TEST(InitDialogueTest, ShortAndDifferingPasswordsAreAskedForAgain) {
  Script script({"1", "n", "short", kPassword, "something else", kPassword, kPassword});
  const auto answers = Play(script);
  ASSERT_TRUE(answers.has_value()) << answers.error().message;
  EXPECT_EQ(answers->backup_password.text(), kPassword);
  EXPECT_THAT(script.said(), HasSubstr("differ"));
  EXPECT_EQ(script.said().find("short\n"), std::string::npos);
}

TEST(InitDialogueTest, GivesUpInTheEnd) {
  const std::vector<std::deque<std::string>> cases = {
      {"", "", ""},
      {"3", "x", "both"},
      {"1", "", "", ""},
      {"1", "no", "short", "short", "short"},
      {"2", "/nowhere", "C:\\a.pfx", ""},
      {"2", "/a b.dat"},  // and then nobody is there
  };
  for (const auto& typed : cases) {
    Script script(typed);
    const auto answers = Play(script);
    ASSERT_FALSE(answers.has_value());
    EXPECT_EQ(answers.error().code, Code::kUsage);
    EXPECT_TRUE(script.AllAsked());
  }
}

}  // namespace
}  // namespace countersign::cli
