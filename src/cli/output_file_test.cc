#include "cli/output_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::path(testing::TempDir()) /
        (std::string("output-") + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static Status Write(const fs::path& path, Existing existing) {
    return WriteOutput(path, AsBytes("new"), FileMode::kPrivate, existing);
  }
  static std::string Content(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static Code CodeOf(const Status& status) {
    return status ? Code::kInternal : status.error().code;
  }
  fs::path folder_;
};

TEST_F(OutputFileTest, PathOfWindowsMakesNoFile) {
  for (const std::string name : {"C:¥OfcNTCer.dat", "￥OfcNTCer.dat"}) {
    EXPECT_EQ(CodeOf(Write(folder_ / name, Existing::kReplace)), Code::kUsage) << name;
  }
  EXPECT_EQ(CodeOf(CheckOutput("C:\\OfcNTCer.dat", Existing::kReplace)), Code::kUsage);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(OutputFileTest, NewFileIsWrittenInAnyCase) {
  for (const auto existing : {Existing::kKeep, Existing::kReplace}) {
    const auto path = folder_ / (existing == Existing::kKeep ? "a b" : "ü");
    ASSERT_TRUE(Write(path, existing).has_value());
    EXPECT_EQ(Content(path), "new");
  }
}

TEST_F(OutputFileTest, ExistingFileIsKeptUnlessItMayBeReplaced) {
  const auto path = folder_ / "file";
  std::ofstream(path) << "old";
  EXPECT_EQ(CodeOf(Write(path, Existing::kKeep)), Code::kAlreadyExists);
  EXPECT_EQ(Content(path), "old");
  ASSERT_TRUE(Write(path, Existing::kReplace).has_value());
  EXPECT_EQ(Content(path), "new");
}

TEST_F(OutputFileTest, TheAdviceNamesTheOptionAsTheProgramSpellsIt) {
  const auto path = folder_ / "file";
  std::ofstream(path) << "old";
  EXPECT_EQ(CheckOutput(path, Existing::kKeep).error().next,
            "give another name, or --replace to overwrite it");
  EXPECT_EQ(CheckOutput(path, Existing::kKeep, "-replace").error().next,
            "give another name, or -replace to overwrite it");
}

TEST_F(OutputFileTest, LinkIsReplacedAndNotFollowed) {
  std::ofstream(folder_ / "target") << "old";
  fs::create_symlink("target", folder_ / "link");
  EXPECT_EQ(CodeOf(Write(folder_ / "link", Existing::kKeep)), Code::kAlreadyExists);
  ASSERT_TRUE(Write(folder_ / "link", Existing::kReplace).has_value());
  EXPECT_EQ(Content(folder_ / "target"), "old");
  EXPECT_EQ(Content(folder_ / "link"), "new");
}

TEST_F(OutputFileTest, WhatIsNoFileIsRefused) {
  EXPECT_EQ(CodeOf(Write(folder_, Existing::kReplace)), Code::kUsage);
  EXPECT_EQ(CodeOf(Write("", Existing::kReplace)), Code::kUsage);
  for (const char* const device : {"/dev/null", "/dev/stdout", "/dev/fd/1"}) {
    EXPECT_EQ(CodeOf(CheckOutput(device, Existing::kReplace)), Code::kUsage) << device;
  }
  fs::create_symlink("/dev/null", folder_ / "link");
  EXPECT_EQ(CodeOf(CheckOutput(folder_ / "link", Existing::kReplace)), Code::kUsage);
  EXPECT_EQ(CodeOf(Write(folder_ / "nowhere" / "file", Existing::kReplace)), Code::kNotFound);
}

}  // namespace
}  // namespace countersign::cli
