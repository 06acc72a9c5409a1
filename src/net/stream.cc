#include "net/stream.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace countersign::net {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using boost::system::error_code;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

constexpr std::string_view kTellPlain =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 36\r\n"
    "Connection: close\r\n\r\nThis port speaks HTTPS (TLS 1.3).\r\n\n";

}  // namespace

struct Stream::Tls {
  std::unique_ptr<crypto::TlsSession> session;
  error_code failed;  // of the connection, during the handshake
  std::array<std::uint8_t, 4096> in;
};

Stream::Stream(std::shared_ptr<TcpGuard> guard) : guard_(std::move(guard)) {}
Stream::~Stream() = default;

awaitable<Status> Stream::Handshake(const crypto::TlsContext& context, std::string host) {
  auto session = context.Begin(host);
  if (!session) co_return std::unexpected(std::move(session).error());
  tls_ = std::make_unique<Tls>();
  tls_->session = *std::move(session);
  for (;;) {
    const auto step = tls_->session->Handshake();
    tls_->failed = co_await Send();
    if (step == crypto::TlsStep::kDone && !tls_->failed) co_return Status();
    if (step == crypto::TlsStep::kFailed && tls_->session->peer_speaks_plainly()) {
      const auto [error, len] =
          co_await asio::async_write(guard_->socket(), asio::buffer(kTellPlain), kAwait);
      tls_->failed = error;
    }
    if (step != crypto::TlsStep::kNeedInput || tls_->failed) break;
    tls_->failed = co_await Receive();
    if (tls_->failed) break;
  }
  co_return std::unexpected(WhyNot());
}

Error Stream::WhyNot() const {
  if (guard_->timed_out()) return {Code::kTimedOut, "the TLS handshake did not end in time", {}};
  if (!tls_->session->failure().empty()) return {Code::kRefused, tls_->session->failure(), {}};
  return {Code::kUnavailable, "the connection ended within the TLS handshake", {}};
}

awaitable<error_code> Stream::Send() {
  const Bytes output = tls_->session->TakeOutput();
  if (output.empty()) co_return error_code();
  const auto [error, len] =
      co_await asio::async_write(guard_->socket(), asio::buffer(output), kAwait);
  co_return error;
}

awaitable<error_code> Stream::Receive() {
  const auto [error, len] =
      co_await guard_->socket().async_read_some(asio::buffer(tls_->in), kAwait);
  if (!error) tls_->session->Feed(ByteView(tls_->in).first(len));
  co_return error;
}

awaitable<IoResult> Stream::Read(asio::mutable_buffer out) {
  if (tls_) return ReadTls(out);
  return guard_->socket().async_read_some(out, kAwait);
}

awaitable<IoResult> Stream::Write(const Parts& parts) {
  if (tls_) return WriteTls(parts);
  return asio::async_write(guard_->socket(), parts, kAwait);
}

awaitable<IoResult> Stream::ReadTls(asio::mutable_buffer out) {
  for (;;) {
    const auto taken = tls_->session->Read({static_cast<std::uint8_t*>(out.data()), out.size()});
    // Answers that the session gives by itself: alerts, new keys.
    if (const error_code error = co_await Send()) co_return IoResult(error, 0);
    if (taken.step == crypto::TlsStep::kDone) co_return IoResult(error_code(), taken.len);
    if (taken.step == crypto::TlsStep::kClosed) co_return IoResult(asio::error::eof, 0);
    if (taken.step == crypto::TlsStep::kFailed) {
      co_return IoResult(asio::error::connection_aborted, 0);
    }
    const error_code error = co_await Receive();
    // Without close_notify anybody may have cut it off.
    if (error == asio::error::eof) co_return IoResult(asio::error::connection_reset, 0);
    if (error) co_return IoResult(error, 0);
  }
}

awaitable<IoResult> Stream::WriteTls(Parts parts) {
  std::size_t total = 0;
  for (const asio::const_buffer& part : parts) {
    ByteView rest(static_cast<const std::uint8_t*>(part.data()), part.size());
    while (!rest.empty()) {
      const ByteView piece = rest.first(std::min(rest.size(), crypto::TlsSession::kMaxWriteLen));
      if (!tls_->session->Write(piece)) co_return IoResult(asio::error::connection_aborted, total);
      rest = rest.subspan(piece.size());
      total += piece.size();
      // Head and body of a small message go together.
      const bool more = rest.empty() && &part != &parts.back() && parts.back().size() > 0 &&
                        parts.back().size() <= crypto::TlsSession::kMaxWriteLen;
      if (more) continue;
      if (const error_code error = co_await Send()) co_return IoResult(error, total);
    }
  }
  co_return IoResult(error_code(), total);
}

awaitable<void> Stream::Finish() {
  if (tls_) {
    tls_->session->Close();
    if (co_await Send()) co_return;
  }
  error_code ignored;
  guard_->socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

const std::optional<Digest>& Stream::peer_key() const {
  static const std::optional<Digest> kNone;
  return tls_ ? tls_->session->peer_key() : kNone;
}

std::string Stream::tls_failure() const { return tls_ ? tls_->session->failure() : std::string(); }

}  // namespace countersign::net
