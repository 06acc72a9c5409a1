#include "store/web_keys.h"

#include <gtest/gtest.h>

#include "store/scratch_folder.h"

namespace countersign::store {
namespace {

WebKeys Sample(std::size_t count) {
  WebKeys keys{Uuid::FromDigest(Digest{7}), {}};
  for (std::size_t i = 0; i < count; ++i) keys.keys.push_back(Digest{static_cast<std::uint8_t>(i)});
  return keys;
}

TEST(WebKeys, WhatIsWrittenIsReadBack) {
  for (const std::size_t count : {0U, 1U, 4U}) {
    EXPECT_EQ(ParseWebKeys(FormatWebKeys(Sample(count))).value(), Sample(count));
  }
}

TEST(WebKeys, AnythingElseIsRefused) {
  const std::string good = FormatWebKeys(Sample(1));
  for (const std::string& text :
       {std::string(), std::string("\n"), good + "x", good + "\n", good.substr(1),
        good.substr(0, good.size() - 1), FormatWebKeys(Sample(5)), std::string("urn:uuid:1\n")}) {
    EXPECT_FALSE(ParseWebKeys(text).has_value()) << text;
  }
}

TEST(WebKeys, FileIsReplaced) {
  const ScratchFolder folder;
  EXPECT_EQ(LoadWebKeys(folder.path()).error().code, Code::kNotFound);
  ASSERT_TRUE(StoreWebKeys(folder.path(), Sample(2)));
  ASSERT_TRUE(StoreWebKeys(folder.path(), Sample(3)));
  EXPECT_EQ(LoadWebKeys(folder.path()).value(), Sample(3));
}

}  // namespace
}  // namespace countersign::store
