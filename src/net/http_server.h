#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/error.h"
#include "crypto/tls.h"
#include "net/address.h"
#include "net/http_message.h"

namespace countersign::net {

// HttpHandler answers one request. It decides about paths and methods (404, 405) itself and may
// take as long as it needs; exceptions become a 500. It is cancelled (terminal) when Stop runs out
// of time.
using HttpHandler = std::function<boost::asio::awaitable<HttpResponse>(HttpRequest)>;

struct HttpServerOptions {
  IpAddress address;       // "::" accepts IPv4 too
  std::uint16_t port = 0;  // 0: the system chooses; see HttpServer::port
  std::size_t max_connections = 64;
  std::size_t max_per_source = 8;  // IPv4 address or IPv6 /64; 0: only max_connections counts
  // reserved: how many of max_connections only sources get that `is_known` names. When all others
  // are taken, a stranger's new connection takes the place of that stranger's connection which has
  // waited longest without anything of it being under way.
  std::size_t reserved = 0;
  std::function<bool(const IpAddress& source)> is_known = {};
  // tls: every connection is TLS, and its handshake counts into header_timeout. HTTP without TLS
  // gets 400.
  std::optional<crypto::TlsContext> tls = {};
  std::chrono::milliseconds header_timeout{5'000};  // from accept or first octet to the empty line
  std::chrono::milliseconds request_timeout{10'000};  // from first octet to the end of the body
  std::chrono::milliseconds idle_timeout{300'000};    // between two requests of one connection
  std::chrono::milliseconds write_timeout{10'000};    // for one answer
  std::chrono::milliseconds stop_timeout{10'000};     // what Stop gives to requests under way
  std::size_t header_limit = 8 * 1024;                // bytes; over it 431
  std::size_t body_limit = 64 * 1024;                 // bytes; over it 413
  // body_limit_for replaces `body_limit` by one that depends on path, method or source.
  std::function<std::size_t(const HttpRequest& head)> body_limit_for = {};
};

struct HttpServerCounts {
  std::uint64_t accepted = 0;
  std::uint64_t over_limits = 0;  // closed at once: too many connections
  std::uint64_t displaced = 0;    // closed because newer connections needed their place
  std::uint64_t handshakes_failed = 0;
  std::uint64_t requests = 0;   // given to the handler
  std::uint64_t refused = 0;    // 400, 411, 413, 417, 431, 505 by the server itself
  std::uint64_t timed_out = 0;  // connections closed because a time ran out, idle ones too
};

// HttpServer is an HTTP/1.1 listener on one address and port. Connections over a limit are reset at
// once. A request that is not HTTP gets 400 and the connection ends. Runs wholly on `executor`,
// which must be one io_context run by one thread; call every method there. The handler must stay
// valid until Stop has ended, or until the io_context runs no more.
class HttpServer {
 public:
  // Listen binds and begins to accept. Errors name address and port, and the command that shows who
  // has it: kUnavailable (in use, or no such address here), kPermissionDenied, kIo.
  [[nodiscard]] static Result<HttpServer> Listen(boost::asio::any_io_executor executor,
                                                 HttpServerOptions options, HttpHandler handler);
  HttpServer(HttpServer&&) noexcept;
  HttpServer& operator=(HttpServer&&) noexcept;
  // The destructor closes everything without waiting.
  ~HttpServer();

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::size_t num_connections() const;
  // set_tls replaces key and certificate for connections accepted from now on. REQUIRES: it was
  // made with `tls`.
  void set_tls(crypto::TlsContext tls);
  [[nodiscard]] const HttpServerCounts& counts() const;

  // Stop closes the listener and all idle connections, lets requests under way finish (answered
  // with "Connection: close") for `stop_timeout`, cancels the others and returns when all are gone,
  // at most one second later. The object must outlive it.
  [[nodiscard]] boost::asio::awaitable<void> Stop();

 private:
  class Impl;
  explicit HttpServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace countersign::net
