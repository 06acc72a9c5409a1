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
  void TearDown() override { std::filesystem::remove_all(place_); }
  std::filesystem::path place_;
};

TEST_F(NewFolderTest, AppearsOnlyWhenPutInPlace) {
  auto folder = NewFolder::Begin(place_);
  ASSERT_TRUE(folder.has_value()) << folder.error().message;
  ASSERT_TRUE(WriteFileAtomically(folder->path() / "a", AsBytes("x"), FileMode::kPrivate));
  EXPECT_FALSE(std::filesystem::exists(place_));
  ASSERT_TRUE(folder->PutInPlace().has_value());
  EXPECT_TRUE(std::filesystem::exists(place_ / "a"));
  EXPECT_FALSE(std::filesystem::exists(place_.string() + ".new"));
}

TEST_F(NewFolderTest, LeavesNothingWhenGivenUp) {
  {
    const auto folder = NewFolder::Begin(place_);
    ASSERT_TRUE(folder.has_value());
    EXPECT_TRUE(std::filesystem::exists(folder->path()));
  }
  EXPECT_FALSE(std::filesystem::exists(place_));
  EXPECT_FALSE(std::filesystem::exists(place_.string() + ".new"));
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
  const std::filesystem::path left = place_.string() + ".new";
  ASSERT_TRUE(MakePrivateFolder(left / "folder").has_value());
  ASSERT_TRUE(WriteFileAtomically(left / "folder" / "a", AsBytes("x"), FileMode::kPrivate));
  const auto folder = NewFolder::Begin(place_);
  ASSERT_TRUE(folder.has_value()) << folder.error().message;
  EXPECT_TRUE(std::filesystem::is_empty(folder->path()));
}

}  // namespace
}  // namespace countersign
