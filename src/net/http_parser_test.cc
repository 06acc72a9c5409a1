#include "net/http_parser.h"

#include <gtest/gtest.h>

namespace countersign::net {
namespace {

// Outcome is what a reader makes of a text: the final progress, with the status if it failed.
struct Outcome {
  HttpProgress progress = HttpProgress::kNeedMore;
  int status = 0;
  HttpRequest request;
  KeepAlive keep_alive = KeepAlive::kNo;
};

Outcome ReadRequest(std::string_view text, std::size_t piece_len, const HttpLimits& limits = {}) {
  HttpRequestReader reader(limits);
  Outcome outcome;
  while (!text.empty()) {
    outcome.progress = reader.Feed(AsBytes(text.substr(0, piece_len)));
    text.remove_prefix(std::min(piece_len, text.size()));
    if (outcome.progress == HttpProgress::kHead) outcome.progress = reader.Feed({});
    if (outcome.progress != HttpProgress::kNeedMore) break;
  }
  outcome.status = reader.failure_status();
  outcome.keep_alive = reader.keep_alive();
  if (outcome.progress == HttpProgress::kComplete) outcome.request = reader.Take();
  return outcome;
}

int StatusOf(std::string_view text, const HttpLimits& limits = {}) {
  const int whole = ReadRequest(text, text.size(), limits).status;
  const int bytewise = ReadRequest(text, 1, limits).status;
  const bool has_whole_head = text.find("\r\n\r\n") != text.npos;
  if (has_whole_head) {
    EXPECT_EQ(whole, bytewise) << text;
  }
  return whole;
}

TEST(HttpRequestReader, ReadsTheSameWholeOrByteByByte) {
  constexpr std::string_view kText =
      "POST /a/b?x=1&y=%2f HTTP/1.1\r\nHost: h\r\nContent-Type: Application/JOSE; charset=x\r\n"
      "Content-Length: 5\r\n\r\nhello";
  for (const std::size_t piece_len : {kText.size(), std::size_t{1}, std::size_t{7}}) {
    const Outcome outcome = ReadRequest(kText, piece_len);
    ASSERT_EQ(outcome.progress, HttpProgress::kComplete) << piece_len;
    EXPECT_EQ(outcome.request.method, "POST");
    EXPECT_EQ(outcome.request.path, "/a/b");
    EXPECT_EQ(outcome.request.QueryValue("y"), "/");
    EXPECT_EQ(outcome.request.QueryValue("z"), std::nullopt);
    EXPECT_EQ(outcome.request.ContentType(), "application/jose");
    EXPECT_EQ(outcome.request.body, "hello");
    EXPECT_EQ(outcome.keep_alive, KeepAlive::kYes);
  }
}

TEST(HttpRequestReader, KeepsTheNextRequest) {
  HttpRequestReader reader({});
  const std::string two = "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n";
  ASSERT_EQ(reader.Feed(AsBytes(two)), HttpProgress::kHead);
  ASSERT_EQ(reader.Feed({}), HttpProgress::kComplete);
  EXPECT_EQ(reader.Take().path, "/1");
  EXPECT_TRUE(reader.has_begun());
  ASSERT_EQ(reader.Feed({}), HttpProgress::kHead);
  ASSERT_EQ(reader.Feed({}), HttpProgress::kComplete);
  EXPECT_EQ(reader.Take().path, "/2");
  EXPECT_FALSE(reader.has_begun());
}

TEST(HttpRequestReader, RefusesWhatIsNotStrictHttp) {
  const std::string_view malformed[] = {
      "\x16\x03\x01\x02 hello\r\n\r\n",
      "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"};
  for (const std::string_view text : malformed) EXPECT_EQ(StatusOf(text), 400) << text;
  for (const char* coding : {"chunked", "gzip", "gzip, chunked", "chunked, identity"}) {
    const std::string start = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: ";
    EXPECT_EQ(StatusOf(start + coding + "\r\n\r\n0\r\n\r\n"), 411) << coding;
  }
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\n\n"), 505);
  EXPECT_EQ(StatusOf("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 505);
  EXPECT_EQ(StatusOf("POST / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n"), 417);
}

TEST(HttpRequestReader, HeaderLimitCountsEverythingBeforeTheBody) {
  const HttpLimits limits = {.header_limit = 100, .num_fields = 3, .body_limit = 10};
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\n";
  const std::size_t room = 100 - start.size() - std::string("A: \r\n\r\n").size();
  EXPECT_EQ(StatusOf(start + "A: " + std::string(room, 'x') + "\r\n\r\n", limits), 0);
  EXPECT_EQ(StatusOf(start + "A: " + std::string(room + 1, 'x') + "\r\n\r\n", limits), 431);
  EXPECT_EQ(StatusOf("GET /" + std::string(200, 'x'), limits), 431);
  EXPECT_EQ(StatusOf(start + "A: 1\r\nB: 1\r\nC: 1\r\n\r\n", limits), 431);
}

TEST(HttpRequestReader, BodyOverItsLimitIsRefusedBeforeItIsRead) {
  const HttpLimits limits = {.header_limit = 200, .num_fields = 9, .body_limit = 10};
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ";
  EXPECT_EQ(StatusOf(start + "10\r\n\r\n0123456789", limits), 0);
  EXPECT_EQ(StatusOf(start + "11\r\n\r\n", limits), 413);
  EXPECT_EQ(StatusOf(start + "18446744073709551615\r\n\r\n", limits), 413);
  EXPECT_EQ(StatusOf(start + "18446744073709551616\r\n\r\n", limits), 400);
}

TEST(HttpRequestReader, OldVersionsAndCloseEndTheConnection) {
  EXPECT_EQ(ReadRequest("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 99).keep_alive,
            KeepAlive::kNo);
  EXPECT_EQ(ReadRequest("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 99).keep_alive,
            KeepAlive::kNo);
}

std::string ResponseText(std::string_view text, std::size_t piece_len, bool ended) {
  HttpResponseReader reader({.header_limit = 100, .num_fields = 4, .body_limit = 10}, "GET");
  HttpProgress progress = HttpProgress::kNeedMore;
  while (!text.empty() && progress == HttpProgress::kNeedMore) {
    progress = reader.Feed(AsBytes(text.substr(0, piece_len)));
    text.remove_prefix(std::min(piece_len, text.size()));
  }
  if (ended && progress == HttpProgress::kNeedMore) progress = reader.FeedEnd();
  if (progress == HttpProgress::kNeedMore) return "more";
  if (progress == HttpProgress::kFailed) return "failed";
  const HttpResponse response = reader.Take();
  return std::to_string(response.status) + " " + response.content_type + " " + response.body;
}

TEST(HttpResponseReader, ReadsEveryFraming) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: a/B;c\r\n\r\nhi", "200 a/b hi"},
      {"HTTP/1.1 204 No Content\r\n\r\n", "204  "},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "200  hi"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n", "200  "},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\nh\r\n1\r\ni\r\n0\r\n\r\n",
       "200  hi"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200  "}};
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(ResponseText(text, text.size(), false), expected);
    EXPECT_EQ(ResponseText(text, 1, false), expected);
  }
  EXPECT_EQ(ResponseText("HTTP/1.0 200 OK\r\n\r\nhi", 3, true), "200  hi");
}

TEST(HttpResponseReader, RefusesGarbageAndWhatIsOverLimits) {
  EXPECT_EQ(ResponseText("SSH-2.0-OpenSSH_9.2\r\n", 99, false), "failed");
  EXPECT_EQ(ResponseText("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", 99, false), "failed");
  EXPECT_EQ(ResponseText("HTTP/1.1 200 OK\r\n\r\n0123456789x", 99, false), "failed");
  EXPECT_EQ(ResponseText("HTTP/1.1 200 OK\r\nA: " + std::string(100, 'x'), 999, false), "failed");
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::size_t piece_len : {std::size_t{999}, std::size_t{1}}) {
    EXPECT_EQ(ResponseText(chunked + "5\r\n01234\r\n6\r\n56789x", piece_len, false), "failed");
    EXPECT_EQ(ResponseText(chunked + "1;" + std::string(300, 'x'), piece_len, false), "failed");
    EXPECT_EQ(ResponseText(chunked + "0\r\nA: " + std::string(300, 'x'), piece_len, false),
              "failed");
    EXPECT_EQ(ResponseText(chunked + "xyz\r\n\r\n", piece_len, false), "failed");
  }
  EXPECT_EQ(ResponseText("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 99, false),
            "failed");
  EXPECT_EQ(ResponseText("HTTP/1.1 101 Go\r\n\r\n", 99, false), "failed");
  EXPECT_EQ(ResponseText("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nhi", 99, false), "failed");
  EXPECT_EQ(ResponseText("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", 99, true), "failed");
  EXPECT_EQ(ResponseText("HTTP/1.1 200 OK\r\n", 99, true), "failed");
  EXPECT_EQ(ResponseText("", 99, true), "failed");
  std::string many;
  for (int i = 0; i < 9; ++i) many += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(ResponseText(many, 999, false), "failed");
}

TEST(FormatResponseHead, RefusesWhatWouldSplitTheMessage) {
  HttpResponse response = MakeText(200, "x");
  EXPECT_TRUE(FormatResponseHead(response, KeepAlive::kYes).has_value());
  response.fields = {{"Retry-After", "5\r\nX: y"}};
  EXPECT_FALSE(FormatResponseHead(response, KeepAlive::kYes).has_value());
  response.fields = {{"Bad Name", "5"}};
  EXPECT_FALSE(FormatResponseHead(response, KeepAlive::kYes).has_value());
}

TEST(FormatRequestHead, RefusesTargetsWithSpacesOrBreaks) {
  EXPECT_TRUE(FormatRequestHead("GET", "h", "/a?b=c", "", 0).has_value());
  for (const char* target : {"", "a", "/a b", "/a\r\nX: y", "/\x80"}) {
    EXPECT_FALSE(FormatRequestHead("GET", "h", target, "", 0).has_value()) << target;
  }
  EXPECT_FALSE(FormatRequestHead("G T", "h", "/", "", 0).has_value());
  EXPECT_FALSE(FormatRequestHead("GET", "h\r\n", "/", "", 0).has_value());
}

}  // namespace
}  // namespace countersign::net
