#include "net/http_client.h"

#include <array>
#include <utility>

#include "net/connect.h"
#include "net/http_parser.h"
#include "net/probe_while_silent.h"

namespace countersign::net {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
constexpr std::chrono::seconds kLong{30};  // from here on an exchange is one that waits

// HostField is what the Host field must hold (RFC 9110 7.2).
std::string HostField(const Endpoint& endpoint) {
  const std::string text = endpoint.Text();
  return endpoint.port == 80 ? text.substr(0, text.size() - 3) : text;
}

}  // namespace

class HttpConnection::Impl {
 public:
  Impl(Endpoint endpoint, HttpClientOptions options, Connected connected)
      : endpoint_(std::move(endpoint)),
        options_(std::move(options)),
        host_(HostField(endpoint_)),
        peer_(connected.peer),
        guard_(connected.guard),
        stream_(std::move(connected.guard)) {
    guard_->NeverExpire();
  }
  ~Impl() { guard_->Close(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // Secure puts TLS on the connection, if that is wanted.
  awaitable<Status> Secure(TcpGuard::Clock::time_point deadline) {
    if (!options_.tls) co_return Status();
    guard_->ExpireAt(deadline);
    auto done = co_await stream_.Handshake(*options_.tls, endpoint_.host);
    guard_->NeverExpire();
    if (done) co_return Status();
    Close();
    Error error = std::move(done).error();
    const bool is_no_tls = error.code == Code::kRefused;
    error.code = is_no_tls ? Code::kMalformed : error.code;
    error.message =
        endpoint_.Text() + ": " +
        (is_no_tls ? "no TLS 1.3 is spoken there (" + error.message + ")" : error.message);
    co_return std::unexpected(std::move(error));
  }

  awaitable<Result<HttpResponse>> Exchange(std::string_view method, std::string_view target,
                                           std::string_view content_type, std::string_view body,
                                           std::chrono::milliseconds timeout) {
    const auto head = FormatRequestHead(method, host_, target, content_type, body.size());
    if (!head) co_return Fail(Code::kUsage, "a request with characters that HTTP does not allow");
    if (!is_open()) co_return Closed("the connection is closed");
    if (timeout >= kLong) ProbeWhileSilent(guard_->socket().native_handle());
    guard_->ExpireAfter(timeout);
    const Stream::Parts parts = {asio::buffer(*head), asio::buffer(body)};
    const auto [error, len] = co_await stream_.Write(parts);
    // A peer that refuses early (413) closes while we still write: what it said is worth reading.
    if (error && !is_open()) co_return Closed("sending failed");
    auto response = co_await ReadResponse(method);
    if (!response || error || keep_alive_ == KeepAlive::kNo) Close();
    guard_->NeverExpire();
    co_return response;
  }

  [[nodiscard]] bool is_open() const { return guard_->socket().is_open(); }
  void Close() { guard_->Close(); }
  [[nodiscard]] const IpAddress& peer() const { return peer_; }
  [[nodiscard]] const std::optional<Digest>& peer_key() const { return stream_.peer_key(); }
  [[nodiscard]] std::chrono::milliseconds exchange_timeout() const {
    return options_.exchange_timeout;
  }

 private:
  awaitable<Result<HttpResponse>> ReadResponse(std::string_view method) {
    HttpResponseReader reader({.header_limit = options_.header_limit,
                               .num_fields = HttpLimits().num_fields,
                               .body_limit = options_.body_limit},
                              method);
    HttpProgress progress = HttpProgress::kNeedMore;
    while (progress == HttpProgress::kNeedMore) {
      const auto [error, len] = co_await stream_.Read(asio::buffer(buffer_));
      if (error == asio::error::eof && reader.has_begun()) {
        progress = reader.FeedEnd();
      } else if (error || !is_open()) {
        co_return Closed(error == asio::error::eof ? "the other side closed without an answer"
                                                   : error.message());
      } else {
        progress = reader.Feed(ByteView(buffer_).first(len));
      }
    }
    if (progress == HttpProgress::kFailed) {
      co_return Fail(Code::kMalformed, endpoint_.Text() + " sent " + reader.failure());
    }
    keep_alive_ = reader.keep_alive();
    co_return reader.Take();
  }

  // Closed says why there is no answer: the time ran out, or `what`.
  [[nodiscard]] std::unexpected<Error> Closed(const std::string& what) {
    Close();
    if (guard_->timed_out()) {
      return Fail(Code::kTimedOut, endpoint_.Text() + " did not answer in time");
    }
    return Fail(Code::kUnavailable, "exchange with " + endpoint_.Text() + ": " + what);
  }

  Endpoint endpoint_;
  HttpClientOptions options_;
  std::string host_;
  IpAddress peer_;
  std::shared_ptr<TcpGuard> guard_;
  Stream stream_;
  KeepAlive keep_alive_ = KeepAlive::kYes;
  std::array<std::uint8_t, 4096> buffer_{};
};

HttpConnection::HttpConnection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpConnection::HttpConnection(HttpConnection&&) noexcept = default;
HttpConnection& HttpConnection::operator=(HttpConnection&&) noexcept = default;
HttpConnection::~HttpConnection() = default;

awaitable<Result<HttpConnection>> HttpConnection::Connect(Endpoint endpoint,
                                                          HttpClientOptions options) {
  const auto deadline = TcpGuard::Clock::now() + options.connect_timeout;
  auto connected = co_await ConnectTcp(endpoint, options);
  if (!connected) co_return std::unexpected(std::move(connected).error());
  auto impl =
      std::make_unique<Impl>(std::move(endpoint), std::move(options), std::move(*connected));
  const auto secured = co_await impl->Secure(deadline);
  if (!secured) co_return std::unexpected(secured.error());
  co_return HttpConnection(std::move(impl));
}

awaitable<Result<HttpResponse>> HttpConnection::Exchange(
    std::string_view method, std::string_view target, std::string_view content_type,
    std::string_view body, std::optional<std::chrono::milliseconds> timeout) {
  return impl_->Exchange(method, target, content_type, body,
                         timeout.value_or(impl_->exchange_timeout()));
}

bool HttpConnection::is_open() const { return impl_->is_open(); }
void HttpConnection::Close() { impl_->Close(); }
const IpAddress& HttpConnection::peer() const { return impl_->peer(); }
const std::optional<Digest>& HttpConnection::peer_key() const { return impl_->peer_key(); }

}  // namespace countersign::net
