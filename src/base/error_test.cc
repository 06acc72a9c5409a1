#include "base/error.h"

#include <gtest/gtest.h>

#include <set>

namespace countersign {
namespace {

Status FailsWith(Code code) { return Fail(code, "it broke", "mend it"); }

Status Passes(Status status) {
  COUNTERSIGN_RETURN_IF_ERROR(std::move(status));
  return {};
}

TEST(ErrorTest, CodeNamesAreDistinct) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(Code::kInternal); ++code) {
    names.insert(CodeName(static_cast<Code>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Code::kInternal) + 1);
  EXPECT_EQ(CodeName(Code::kWrongPassword), "wrong-password");
}

TEST(ErrorTest, ContextGoesBeforeTheMessageAndKeepsTheRest) {
  const Status status = WithContext("reading the file", FailsWith(Code::kIo).error());
  EXPECT_EQ(status.error(), (Error{Code::kIo, "reading the file: it broke", "mend it"}));
}

TEST(ErrorTest, ReturnIfErrorPassesTheErrorOn) {
  EXPECT_EQ(Passes(FailsWith(Code::kRefused)).error().code, Code::kRefused);
  EXPECT_TRUE(Passes({}));
}

TEST(CheckDeathTest, FalseAbortsWithPlaceAndText) {
  Check(true, "fine");
  EXPECT_DEATH(Check(false, "the impossible"),
               "error_test.cc:[0-9]+: check failed: the impossible");
}

}  // namespace
}  // namespace countersign
