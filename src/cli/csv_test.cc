#include "cli/csv.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace countersign::cli {
namespace {

TEST(CsvTest, PlainTextStaysAsItIs) { EXPECT_EQ(CsvField("host-1.example"), "host-1.example"); }

TEST(CsvTest, SeparatorsAndQuotesAreQuoted) {
  EXPECT_EQ(CsvField("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvField("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(CsvField("a\nb"), "\"a\nb\"");
}

TEST(CsvTest, FormulasAreDefused) {
  EXPECT_EQ(CsvField("=1+1"), "'=1+1");
  EXPECT_EQ(CsvField("@SUM(A1,A2)"), "\"'@SUM(A1,A2)\"");
  EXPECT_EQ(CsvField("-2"), "'-2");
}

TEST(CsvTest, HeaderAndRowHaveTheSameColumns) {
  const std::string header = MismatchedCsvHeader(Bom::kNo);
  const std::string row = MismatchedCsvRow({{"agent", "x"}, {"port", 8080}});
  EXPECT_EQ(std::ranges::count(header, ','), 17);
  EXPECT_EQ(std::ranges::count(row, ','), 17);
  EXPECT_TRUE(header.starts_with("agent_id,host,address,port,"));
  EXPECT_TRUE(row.starts_with("x,,,8080,"));
  EXPECT_TRUE(header.ends_with("failures\r\n"));
}

TEST(CsvTest, BomComesFirst) {
  EXPECT_EQ(MismatchedCsvHeader(Bom::kYes), "\xef\xbb\xbf" + MismatchedCsvHeader(Bom::kNo));
}

}  // namespace
}  // namespace countersign::cli
