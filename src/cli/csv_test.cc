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

TEST(CsvTest, EmptyAndNonAsciiStayAsTheyAre) {
  EXPECT_EQ(CsvField(""), "");
  EXPECT_EQ(CsvField("Zürich 一覧"), "Zürich 一覧");
}

TEST(CsvTest, EveryColumnComesFromItsMember) {
  const std::vector<std::pair<std::string, std::string>> members = {
      {"agent", "a"},           {"host", "b"},
      {"address", "c"},         {"port", "d"},
      {"domain", "e"},          {"platform", "f"},
      {"version", "g"},         {"standing", "h"},
      {"reason", "i"},          {"reason_text", "j"},
      {"since", "k"},           {"next_step", "l"},
      {"thumbprint_held", "m"}, {"thumbprint_expected", "n"},
      {"generation_held", "o"}, {"last_contact", "p"},
      {"last_verified", "q"},   {"failures", "r"},
      {"reachability", "s"},    {"reachability_since", "t"}};
  boost::json::object agent = {{"unknown", "z"}};
  for (const auto& [name, value] : members) agent[name] = value;
  EXPECT_EQ(MismatchedCsvRow(agent), "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t\r\n");
}

TEST(CsvTest, FormulasAreDefused) {
  EXPECT_EQ(CsvField("=1+1"), "'=1+1");
  EXPECT_EQ(CsvField("@SUM(A1,A2)"), "\"'@SUM(A1,A2)\"");
  EXPECT_EQ(CsvField("-2"), "'-2");
  EXPECT_EQ(CsvField("+1"), "'+1");
  EXPECT_EQ(CsvField("\t=1"), "'\t=1");
  EXPECT_EQ(CsvField("\r=1"), "\"'\r=1\"");
  EXPECT_EQ(CsvField("\n=1"), "\"'\n=1\"");
  EXPECT_EQ(CsvField("＝1+1"), "'＝1+1");
  EXPECT_EQ(CsvField("a=1"), "a=1");
}

TEST(CsvTest, HeaderAndRowHaveTheSameColumns) {
  const std::string header = MismatchedCsvHeader(Bom::kNo);
  const std::string row = MismatchedCsvRow({{"agent", "x"}, {"port", 8080}});
  EXPECT_EQ(std::ranges::count(header, ','), 19);
  EXPECT_EQ(std::ranges::count(row, ','), 19);
  EXPECT_TRUE(header.starts_with("agent_id,host,address,port,"));
  EXPECT_TRUE(row.starts_with("x,,,8080,"));
  EXPECT_TRUE(header.ends_with(",failures,reachability,reachability_since\r\n"));
}

TEST(CsvTest, BomComesFirst) {
  EXPECT_EQ(MismatchedCsvHeader(Bom::kYes), "\xef\xbb\xbf" + MismatchedCsvHeader(Bom::kNo));
}

}  // namespace
}  // namespace countersign::cli
