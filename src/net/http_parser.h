#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.h"
#include "net/http_message.h"

namespace countersign::net {

// Both readers take an HTTP/1.1 byte stream apart without doing I/O. They buffer at most
// `header_limit` octets beyond the one chunk fed to them, and the body up to its limit. Stricter
// than RFC 9112 where leniency has been used to smuggle requests: CRLF only, one Host, bodies of
// requests by Content-Length only (411 otherwise), of responses also "chunked" or up to the end of
// the connection. Garbage is noticed at the latest with the empty line. One thread.

struct HttpLimits {
  std::size_t header_limit = 8 * 1024;  // start line and fields; also trailers of a chunked body
  std::size_t num_fields = 64;
  std::size_t body_limit = 64 * 1024;
};

enum class HttpProgress : std::uint8_t {
  kNeedMore,  // feed further octets
  kHead,      // (requests only) the fields are there: look at head(), SetBodyLimit, Feed({})
  kComplete,  // Take() the message
  kFailed,    // answer failure_status() and close; nothing more can be read
};

// HttpRequestReader reads the requests of one connection, one after another. Octets beyond the
// current request are kept for the next.
class HttpRequestReader {
 public:
  explicit HttpRequestReader(const HttpLimits& limits);
  ~HttpRequestReader();
  HttpRequestReader(const HttpRequestReader&) = delete;
  HttpRequestReader& operator=(const HttpRequestReader&) = delete;

  // Feed appends `octets` and goes on as far as it can.
  [[nodiscard]] HttpProgress Feed(ByteView octets);
  // head is the request without its body, from kHead on until Take.
  [[nodiscard]] const HttpRequest& head() const;
  // SetBodyLimit replaces the limit for this request; over it the next Feed fails with 413.
  void SetBodyLimit(std::size_t limit);
  // expects_continue: the client waits for "100 Continue" before it sends the body.
  [[nodiscard]] bool expects_continue() const;
  [[nodiscard]] KeepAlive keep_alive() const;
  // has_begun tells whether octets of the current request are there.
  [[nodiscard]] bool has_begun() const;
  // failure_status is 400, 411, 413, 417, 431 or 505 after kFailed.
  [[nodiscard]] int failure_status() const;
  // Take moves the complete request out and makes the reader ready for the next one. REQUIRES:
  // kComplete.
  [[nodiscard]] HttpRequest Take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// HttpResponseReader reads one response; make a new one for each. Interim (1xx) responses are
// skipped, at most 8 of them.
class HttpResponseReader {
 public:
  HttpResponseReader(const HttpLimits& limits, std::string_view request_method);
  ~HttpResponseReader();
  HttpResponseReader(const HttpResponseReader&) = delete;
  HttpResponseReader& operator=(const HttpResponseReader&) = delete;

  // Feed never gives kHead. Octets beyond the response are a failure: nothing was asked for.
  [[nodiscard]] HttpProgress Feed(ByteView octets);
  // FeedEnd tells that the peer closed: kComplete if the body was delimited by that.
  [[nodiscard]] HttpProgress FeedEnd();
  [[nodiscard]] bool has_begun() const;
  [[nodiscard]] KeepAlive keep_alive() const;
  // failure says what was wrong, for people.
  [[nodiscard]] const std::string& failure() const;
  // Take moves the response out. REQUIRES: kComplete.
  [[nodiscard]] HttpResponse Take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace countersign::net
