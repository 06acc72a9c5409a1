#include "cli/output.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace countersign::cli {
namespace {

// What a function printed.
struct Printed {
  std::string out;
  std::string err;
};
Printed Capture(const std::function<void()>& print) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  print();
  return {testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

const Error kError{Code::kWrongPassword, "it does not open", "try another"};

TEST(OutputTest, ErrorForPeopleGoesToStandardErrorWithWhatToDoNext) {
  Exit exit = Exit::kOk;
  const auto printed = Capture([&] { exit = PrintError(kError, Form::kText); });
  EXPECT_EQ(exit, Exit::kWrongPassword);
  EXPECT_EQ(printed.out, "");
  EXPECT_EQ(printed.err, "error: it does not open\n  next: try another\n");
}

TEST(OutputTest, ErrorForProgramsIsOneObjectOnStandardOutput) {
  const auto printed = Capture([&] { (void)PrintError(kError, Form::kJson); });
  EXPECT_EQ(printed.err, "");
  EXPECT_EQ(boost::json::parse(printed.out), (boost::json::object{{"ok", false},
                                                                  {"code", "wrong-password"},
                                                                  {"message", "it does not open"},
                                                                  {"next", "try another"}}));
}

TEST(OutputTest, JsonIsUtf8WhateverAPathIs) {
  const Error error{Code::kNotFound, "cannot open \xe4/\xf0\x9f\x98/\xc3\xa4/\xf0\x9f\x98\x80/\xc3",
                    ""};
  const auto printed = Capture([&] { (void)PrintError(error, Form::kJson); });
  EXPECT_EQ(boost::json::parse(printed.out).at("message").as_string(),
            "cannot open \uFFFD/\uFFFD\uFFFD\uFFFD/\u00e4/\U0001f600/\uFFFD");
}

TEST(OutputTest, ControlCharactersOfOthersAreShownAndNotObeyed) {
  const auto printed = Capture([] { PrintLine("host\x1b[2J\x07\x7f\ttab ü"); });
  EXPECT_EQ(printed.out, "host\\x1b[2J\\x07\\x7f\\x09tab ü\n");
}

TEST(OutputTest, RawOctetsStayAsTheyAre) {
  const auto printed = Capture([] { EXPECT_TRUE(PrintRaw("\xef\xbb\xbf a\r\n").has_value()); });
  EXPECT_EQ(printed.out, "\xef\xbb\xbf a\r\n");
}

const boost::json::object kCertificate = {{"store", "OfficeScan NT"},
                                          {"role", "server"},
                                          {"name", "N"},
                                          {"subject", "CN=N"},
                                          {"serial", "0A"},
                                          {"sha256", "aa"},
                                          {"sha1", "bb"},
                                          {"generation", 7},
                                          {"self_signed", false},
                                          {"server_ids", boost::json::array{"one", "two"}}};

TEST(OutputTest, CertificateIsShownAsPeopleCompareIt) {
  const auto printed = Capture([] { PrintCertificate(kCertificate, "  "); });
  EXPECT_EQ(printed.out,
            "  store:       OfficeScan NT\n"
            "  name:        N\n"
            "  serial:      0A\n"
            "  thumbprint:  aa (SHA-256)\n"
            "               bb (SHA-1, only for comparison with Windows' viewer)\n"
            "  generation:  7\n");
}

TEST(OutputTest, EveryFieldThatIsKnownIsShown) {
  const auto printed = Capture([] { PrintEveryField(kCertificate, ""); });
  for (const char* const line : {"role:        server\n", "subject:     CN=N\n",
                                 "self-signed: false\n", "server ids:  one, two\n"}) {
    EXPECT_NE(printed.out.find(line), std::string::npos) << line;
  }
  EXPECT_EQ(printed.out.find("state:"), std::string::npos);
}

TEST(OutputTest, TableLinesUpColumnsByCharacters) {
  const auto printed = Capture([] {
    Table table({"A", "B"});
    table.Add({"üü", "x"});
    table.Add({"abc", "y"});
    table.Print();
  });
  EXPECT_EQ(printed.out, "A    B\nüü   x\nabc  y\n");
}

TEST(OutputTest, MembersThatAreAbsentOrOtherwise) {
  const boost::json::object value = {{"n", 3}, {"t", true}, {"null", nullptr}, {"list", 1}};
  EXPECT_EQ(Text(value, "n"), "3");
  EXPECT_EQ(Text(value, "null"), "");
  EXPECT_EQ(Text(value, "none"), "");
  EXPECT_TRUE(Flag(value, "t"));
  EXPECT_FALSE(Flag(value, "n"));
  EXPECT_FALSE(Flag(value, "none"));
  EXPECT_EQ(ListText(value, "list"), "");
  EXPECT_TRUE(List(value, "list").empty());
  EXPECT_TRUE(List(value, "none").empty());
  EXPECT_EQ(Number(value, "n"), 3);
  EXPECT_EQ(Number(value, "t"), 0);
  EXPECT_EQ(Number(value, "none"), 0);
  EXPECT_EQ(Number({{"n", -1}}, "n"), 0);
}

}  // namespace
}  // namespace countersign::cli
