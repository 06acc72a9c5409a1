#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"

namespace countersign::net {

struct HttpField {
  std::string name;
  std::string value;
  bool operator==(const HttpField&) const = default;
};

// FindField returns the value of the first field with that name (compared without regard to case).
[[nodiscard]] std::optional<std::string_view> FindField(const std::vector<HttpField>& fields,
                                                        std::string_view name);

// PeerMove is what a peer did before its request was answered.
enum class PeerMove : std::uint8_t {
  kClosed,
  kSentMore,  // octets that nobody has read yet
};

// HttpPeer is who waits for the answer while a handler takes its time. One thread: that of the
// server.
class HttpPeer {
 public:
  virtual ~HttpPeer() = default;
  // Park says that the answer may take minutes: until the handler returns, the connection does not
  // count against max_connections and max_per_source (the caller bounds what it parks), and `moved`
  // is called, once at most, when the peer closes the connection or sends more. At most once for
  // each request.
  virtual void Park(std::function<void(PeerMove)> moved) = 0;
};

// HttpRequest is one complete request as a handler gets it. All texts but `method` are untrusted;
// `path` and `query` are as sent (not percent-decoded), without white space or control characters.
struct HttpRequest {
  std::string method;  // a token, upper case by custom: "GET"
  std::string path;    // begins with '/'
  std::string query;   // what follows '?', or empty
  std::vector<HttpField> fields;
  std::string body;
  IpAddress source;
  std::uint16_t source_port = 0;
  IpAddress local;  // the address of ours that was called
  std::uint16_t local_port = 0;
  HttpPeer* peer = nullptr;  // of a server: valid until the handler returns

  // ContentType returns the media type in lower case without parameters, or "".
  [[nodiscard]] std::string ContentType() const;
  // QueryValue returns the percent-decoded value of the first parameter `name`; nothing if it is
  // not there or wrongly encoded.
  [[nodiscard]] std::optional<std::string> QueryValue(std::string_view name) const;
};

// HttpResponse is what a handler answers, and what a client gets (then `fields` holds every field
// received and `content_type` is the lower-case media type without parameters).
// A handler leaves Content-Type, Content-Length and Connection out of `fields`.
struct HttpResponse {
  int status = 500;
  std::string content_type;  // no field if empty
  std::string body;
  std::vector<HttpField> fields;
};

// MakeText is an answer of one line for a person who looks with curl.
[[nodiscard]] HttpResponse MakeText(int status, std::string_view text);
// StatusText returns the reason phrase ("Not Found"), or "" for a code it does not know.
[[nodiscard]] std::string_view StatusText(int status);

enum class KeepAlive : std::uint8_t { kNo, kYes };

// FormatResponseHead makes status line and fields including the empty line; the body follows it on
// the wire unless the status is 204 or 304 or the request was HEAD. Nothing if a field's name or
// value could split the message (control characters): the caller answers 500 instead.
[[nodiscard]] std::optional<std::string> FormatResponseHead(const HttpResponse& response,
                                                            KeepAlive keep_alive);
// FormatRequestHead does the same for a request of a client; nothing if `method` is no token or
// `target` does not begin with '/' or holds something else than printable ASCII.
[[nodiscard]] std::optional<std::string> FormatRequestHead(std::string_view method,
                                                           std::string_view host,
                                                           std::string_view target,
                                                           std::string_view content_type,
                                                           std::size_t body_len);

}  // namespace countersign::net
