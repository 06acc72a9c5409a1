#include "store/policy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/files.h"
#include "store/scratch_folder.h"

namespace countersign::store {
namespace {

namespace fs = std::filesystem;

TEST(PolicyTest, TheDefaultRunsNoCode) {
  const Policy policy;
  for (const char* const act :
       {"ping", "report", "update-now", "restart", "set-interval", "set-unload", "move"}) {
    EXPECT_TRUE(policy.Allows(act)) << act;
  }
  EXPECT_FALSE(policy.Allows("run"));
  EXPECT_FALSE(policy.Allows("scan"));
  EXPECT_TRUE(policy.programs.empty());
  const auto empty = ParsePolicy("# nothing said\n");
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->allowed, policy.allowed);
}

TEST(PolicyTest, NothingLeavesWhatChangesNothing) {
  const Policy policy = Policy::Nothing();
  EXPECT_TRUE(policy.Allows("ping"));
  EXPECT_TRUE(policy.Allows("report"));
  EXPECT_FALSE(policy.Allows("update-now"));
}

TEST(PolicyTest, TheWholeFile) {
  const auto policy = ParsePolicy(R"(
allow = ["update-now", "run", "scan"]
at_once = 4
hook_time_limit = 300

[programs.service]
path = "/usr/bin/systemctl"
args = [["status", "restart"], "[a-z][a-z0-9-]{0,31}"]
time_limit = 20
folder = "/tmp"

[programs.uptime]
path = "/usr/bin/uptime"
)");
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(policy->allowed, (std::set<std::string, std::less<>>{"update-now", "run", "scan"}));
  EXPECT_EQ(policy->at_once, 4U);
  EXPECT_EQ(policy->hook_time_limit, Seconds(300));
  ASSERT_EQ(policy->programs.size(), 2U);
  const Program& service = policy->programs.at("service");
  EXPECT_EQ(service.path, "/usr/bin/systemctl");
  EXPECT_EQ(service.folder, "/tmp");
  EXPECT_EQ(service.time_limit, Seconds(20));
  ASSERT_EQ(service.arguments.size(), 2U);
  ASSERT_EQ(service.arguments[0].size(), 2U);
  EXPECT_TRUE(service.arguments[0][1].Matches("restart"));
  EXPECT_FALSE(service.arguments[0][1].Matches("stop"));
  EXPECT_TRUE(service.arguments[1][0].Matches("nginx"));
  const Program& uptime = policy->programs.at("uptime");
  EXPECT_TRUE(uptime.arguments.empty());
  EXPECT_EQ(uptime.folder, "/");
  EXPECT_EQ(uptime.time_limit, Seconds(60));
}

TEST(PolicyTest, FaultsAreNamedWithTheirPlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"allowed = []", "unknown key \"allowed\""},
      {"allow = \"run\"", "\"allow\""},
      {"allow = [\"Run\"]", "\"allow\""},
      {"allow = [1]", "\"allow\""},
      {"at_once = 0", "\"at_once\": expected an integer from 1 to 16"},
      {"hook_time_limit = 3601", "\"hook_time_limit\""},
      {"programs = 1", "\"programs\": expected a table"},
      {"[programs.\"a b\"]\npath = \"/bin/a\"", "line 1, column 11: \"programs\""},
      {"[programs]\na = 1", "\"programs\""},
      {"[programs.a]", "\"programs.a.path\" is missing"},
      {"[programs.a]\npath = \"bin/a\"", "line 2, column 8: \"programs.a.path\""},
      {"[programs.a]\npath = \"/bin/a\"\nshell = true", "unknown key \"programs.a.shell\""},
      {"[programs.a]\npath = \"/bin/a\"\nargs = \"x\"", "\"programs.a.args\""},
      {"[programs.a]\npath = \"/bin/a\"\nargs = [\"x\", \"[\"]", "number 2 is none: a [ without"},
      {"[programs.a]\npath = \"/bin/a\"\nargs = [[]]", "number 1 is none"},
      {"[programs.a]\npath = \"/bin/a\"\nargs = [[1]]", "a pattern is text"},
      {"[programs.a]\npath = \"/bin/a\"\ntime_limit = 0", "\"programs.a.time_limit\""},
      {"[programs.a]\npath = \"/bin/a\"\nfolder = \"\"", "\"programs.a.folder\""},
  };
  for (const auto& [text, words] : cases) {
    const auto policy = ParsePolicy(text);
    ASSERT_FALSE(policy) << text;
    EXPECT_EQ(policy.error().code, Code::kMalformed);
    EXPECT_NE(policy.error().message.find(words), std::string::npos) << text << "\n"
                                                                     << policy.error().message;
  }
}

class LoadPolicyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can make files of root's";
    fs::create_directories(folder() / "hooks");
    Write("policy.toml", "allow = [\"scan\"]\n", 0644);
  }
  void Write(const std::string& name, const std::string& text, unsigned mode) const {
    ASSERT_TRUE(WriteFileAtomically(folder() / name, AsBytes(text), FileMode::kPublic));
    fs::permissions(folder() / name, static_cast<fs::perms>(mode));
  }
  [[nodiscard]] fs::path folder() const { return scratch_.path() / "policy"; }
  ScratchFolder scratch_;
};

TEST_F(LoadPolicyTest, TheFileAndTheHooks) {
  Write("hooks/scan", "#!/bin/sh\n", 0755);
  Write("hooks/readme.txt", "no hook\n", 0644);
  Write("hooks/draft", "not executable\n", 0644);
  fs::create_directories(folder() / "hooks" / "folder");
  const auto policy = LoadPolicy(folder());
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_TRUE(policy->Allows("scan"));
  EXPECT_FALSE(policy->Allows("update-now"));
  ASSERT_EQ(policy->hooks.size(), 1U);
  EXPECT_EQ(policy->hooks.at("scan"), folder() / "hooks" / "scan");
}

TEST_F(LoadPolicyTest, NothingThereIsTheDefault) {
  const auto policy = LoadPolicy(folder() / "nowhere");
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(policy->allowed, Policy().allowed);
  EXPECT_TRUE(policy->hooks.empty());
}

TEST_F(LoadPolicyTest, WhatOthersCouldChangeIsRefused) {
  fs::permissions(folder() / "policy.toml", fs::perms::group_write, fs::perm_options::add);
  auto policy = LoadPolicy(folder());
  ASSERT_FALSE(policy);
  EXPECT_EQ(policy.error().code, Code::kPermissionDenied);
  EXPECT_EQ(policy.error().next, "chmod go-w " + (folder() / "policy.toml").string());
  Write("policy.toml", "", 0644);
  Write("hooks/scan", "#!/bin/sh\n", 0755);
  ASSERT_EQ(::chown((folder() / "hooks" / "scan").c_str(), 65'534, 65'534), 0);
  policy = LoadPolicy(folder());
  ASSERT_FALSE(policy);
  EXPECT_EQ(policy.error().code, Code::kPermissionDenied);
}

TEST_F(LoadPolicyTest, ALinkThatLeadsNowhereIsNoMissingFile) {
  fs::rename(folder() / "policy.toml", folder() / "real.toml");
  fs::create_symlink("real.toml", folder() / "policy.toml");
  const auto policy = LoadPolicy(folder());
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_FALSE(policy->Allows("move"));
  fs::remove(folder() / "real.toml");
  const auto broken = LoadPolicy(folder());
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Code::kMalformed);
}

TEST_F(LoadPolicyTest, AFaultNamesTheFile) {
  Write("policy.toml", "allow = 1\n", 0644);
  const auto policy = LoadPolicy(folder());
  ASSERT_FALSE(policy);
  EXPECT_EQ(policy.error().code, Code::kMalformed);
  EXPECT_NE(policy.error().message.find("policy.toml: line 1"), std::string::npos)
      << policy.error().message;
}

}  // namespace
}  // namespace countersign::store
