#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "crypto/tls.h"
#include "net/address.h"
#include "net/http_message.h"

namespace countersign::net {

struct HttpClientOptions {
  // source is bound before connecting (an agent calls from the address it listens on); addresses of
  // the other family are then left out.
  std::optional<IpAddress> source = {};
  // allow is asked about every address before it is called, after names are resolved.
  std::function<Status(const IpAddress&)> allow = {};
  // tls: over TLS, with a context for clients. Which key the peer has is told by peer_key.
  std::optional<crypto::TlsContext> tls = {};
  std::chrono::milliseconds connect_timeout{5'000};    // resolving, all attempts, and TLS together
  std::chrono::milliseconds exchange_timeout{10'000};  // request sent and answer complete
  std::size_t header_limit = 8 * 1024;                 // bytes
  std::size_t body_limit = 256 * 1024;                 // bytes
};

// HttpConnection is one HTTP/1.1 connection of a client, for one exchange after another. No
// proxies, no redirects, no retries. After any error the connection is closed. One thread: that of
// the executor it was connected on; one exchange at a time, and it must outlive that.
//
// Errors: kUnavailable (the text says whether the name was not resolved, the connection was
// refused, the address was unreachable, or the other side closed), kTimedOut, kMalformed (no HTTP,
// or over a limit), or what `allow` said.
class HttpConnection {
 public:
  // Connect resolves (numeric addresses without asking anybody; at most 4 addresses are tried, one
  // after another) and connects on the caller's executor. Names are looked up on a thread of
  // Asio's, one at a time for each io_context; the caller does not wait for it beyond
  // connect_timeout.
  [[nodiscard]] static boost::asio::awaitable<Result<HttpConnection>> Connect(
      Endpoint endpoint, HttpClientOptions options);
  HttpConnection(HttpConnection&&) noexcept;
  HttpConnection& operator=(HttpConnection&&) noexcept;
  ~HttpConnection();

  // Exchange sends a request and reads its answer, of whatever status. The views must live until it
  // has ended. Without `content_type` no such field is sent. `timeout` replaces exchange_timeout
  // (for a request that waits).
  [[nodiscard]] boost::asio::awaitable<Result<HttpResponse>> Exchange(
      std::string_view method, std::string_view target, std::string_view content_type = {},
      std::string_view body = {}, std::optional<std::chrono::milliseconds> timeout = {});

  // is_open: a further exchange is possible, as far as we know.
  [[nodiscard]] bool is_open() const;
  void Close();
  // peer is the address that answered.
  [[nodiscard]] const IpAddress& peer() const;
  // peer_key is the digest of the key that the peer proved to have; nothing without TLS. Caller
  // must still: compare it with what is known, before anything is sent that only that peer may
  // read.
  [[nodiscard]] const std::optional<Digest>& peer_key() const;

 private:
  class Impl;
  explicit HttpConnection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace countersign::net
