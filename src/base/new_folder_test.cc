#include <gtest/gtest.h>

#include "base/files.h"

namespace countersign {
namespace {

class NewFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    place_ = testing::TempDir() + "new-folder-" +
             testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(place_);
  }
  void TearDown() override {
    std::filesystem::remove_all(place_);
    std::filesystem::remove_all(Holder());
    std::filesystem::remove_all(place_.string() + ".new");
    std::filesystem::remove_all(place_.string() + ".removed");
  }
  // Where it is filled.
  [[nodiscard]] std::filesystem::path Holder() const {
    return place_.parent_path() / ("." + place_.filename().string() + ".new");
  }
  [[nodiscard]] static Status WriteBelow(const std::filesystem::path& folder) {
    COUNTERSIGN_RETURN_IF_ERROR(MakePrivateFolder(folder / "sub"));
    return WriteFileAtomically(folder / "sub" / "a", AsBytes("x"), FileMode::kPrivate);
  }
  std::filesystem::path place_;
};

TEST_F(NewFolderTest, AppearsOnlyWhenPutInPlace) {
  auto folder = NewFolder::Begin(place_);
  ASSERT_TRUE(folder.has_value()) << folder.error().message;
  ASSERT_TRUE(WriteFileAtomically(folder->path() / "a", AsBytes("x"), FileMode::kPrivate));
  EXPECT_FALSE(std::filesystem::exists(place_));
  ASSERT_TRUE(folder->PutInPlace().has_value());
  EXPECT_TRUE(std::filesystem::exists(place_ / "a"));
  EXPECT_FALSE(std::filesystem::exists(Holder()));
}

TEST_F(NewFolderTest, LeavesNothingWhenGivenUp) {
  {
    const auto folder = NewFolder::Begin(place_);
    ASSERT_TRUE(folder.has_value());
    EXPECT_TRUE(std::filesystem::exists(folder->path()));
  }
  EXPECT_FALSE(std::filesystem::exists(place_));
  EXPECT_FALSE(std::filesystem::exists(Holder()));
}

TEST_F(NewFolderTest, TakesThePlaceOfAnEmptyFolderOnly) {
  ASSERT_TRUE(MakePrivateFolder(place_).has_value());
  auto folder = NewFolder::Begin(place_);
  ASSERT_TRUE(folder.has_value());
  EXPECT_TRUE(folder->PutInPlace().has_value());
  ASSERT_TRUE(WriteFileAtomically(place_ / "a", AsBytes("x"), FileMode::kPrivate));
  const auto second = NewFolder::Begin(place_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Code::kAlreadyExists);
}

TEST_F(NewFolderTest, SecondAtTheSameTimeIsRefused) {
  auto first = NewFolder::Begin(place_);
  ASSERT_TRUE(first.has_value());
  ASSERT_TRUE(WriteFileAtomically(first->path() / "a", AsBytes("x"), FileMode::kPrivate));
  const auto second = NewFolder::Begin(place_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Code::kUnavailable);
  ASSERT_TRUE(first->PutInPlace().has_value());
  EXPECT_TRUE(std::filesystem::exists(place_ / "a")) << "the second touched nothing";
}

TEST_F(NewFolderTest, WhatAnInterruptedOneLeftIsRemoved) {
  ASSERT_TRUE(WriteBelow(Holder() / "countersign-unfinished").has_value());
  const auto folder = NewFolder::Begin(place_);
  ASSERT_TRUE(folder.has_value()) << folder.error().message;
  EXPECT_TRUE(std::filesystem::is_empty(folder->path()));
}

TEST_F(NewFolderTest, WhatLiesBesideIsNotTouched) {
  ASSERT_TRUE(WriteBelow(place_.string() + ".new").has_value());
  {
    const auto folder = NewFolder::Begin(place_);
    ASSERT_TRUE(folder.has_value()) << folder.error().message;
  }
  EXPECT_TRUE(std::filesystem::exists(place_.string() + ".new/sub/a"));
}

TEST_F(NewFolderTest, SomebodyElsesFolderOfThatNameIsRefused) {
  ASSERT_TRUE(WriteBelow(Holder()).has_value());
  const auto folder = NewFolder::Begin(place_);
  ASSERT_FALSE(folder.has_value());
  EXPECT_EQ(folder.error().code, Code::kRefused);
  EXPECT_TRUE(std::filesystem::exists(Holder() / "sub" / "a"));
}

TEST_F(NewFolderTest, RemovedWithWhatIsInItAndNothingElse) {
  ASSERT_TRUE(WriteBelow(place_).has_value());
  ASSERT_TRUE(WriteBelow(place_.string() + ".removed").has_value());
  const Status removed = RemoveFolder(place_);
  ASSERT_TRUE(removed.has_value()) << removed.error().message;
  EXPECT_FALSE(std::filesystem::exists(place_));
  EXPECT_TRUE(std::filesystem::exists(place_.string() + ".removed/sub/a"));
  for (const auto& entry : std::filesystem::directory_iterator(place_.parent_path())) {
    EXPECT_FALSE(entry.path().filename().string().starts_with("." + place_.filename().string()));
  }
  EXPECT_EQ(RemoveFolder(place_).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace countersign
