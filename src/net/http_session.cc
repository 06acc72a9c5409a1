#include "net/http_session.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/asio_address.h"
#include "net/probe_while_silent.h"

namespace countersign::net {
namespace {

namespace asio = boost::asio;
using asio::awaitable;

// After a refusal we read on for a while, lest a reset overtakes the answer (RFC 9112 9.6).
constexpr std::size_t kMaxDrainLen = 256 * 1024;
constexpr std::chrono::seconds kDrainTime{1};

}  // namespace

HttpSession::HttpSession(std::shared_ptr<HttpShared> shared, asio::ip::tcp::socket socket,
                         const asio::ip::tcp::endpoint& peer, Source kind)
    : shared_(std::move(shared)),
      guard_(std::make_shared<Guard>(std::move(socket))),
      stream_(guard_),
      source_(FromAsio(peer.address())),
      source_port_(peer.port()),
      reader_({.header_limit = shared_->options.header_limit,
               .num_fields = HttpLimits().num_fields,
               .body_limit = shared_->options.body_limit}),
      is_stranger_(kind == Source::kStranger) {
  shared_->Count(source_, is_stranger_);
}

void HttpSession::Leave() {
  EndToWait();
  if (counted_ && !watch_) shared_->Uncount(source_, is_stranger_);
  counted_ = false;
}

void HttpSession::BeginToWait() {
  if (is_stranger_ && !waiting_) {
    waiting_ = shared_->waiting.insert(shared_->waiting.end(), this);
  }
}

void HttpSession::EndToWait() {
  if (waiting_) shared_->waiting.erase(*waiting_);
  waiting_.reset();
}

awaitable<void> HttpSession::Run() {
  BeginToWait();
  const bool secured = co_await Secure();
  if (secured) co_await Serve();
  guard_->Close();
}

awaitable<bool> HttpSession::Secure() {
  if (!shared_->options.tls) co_return true;
  guard_->ExpireAfter(shared_->options.header_timeout);
  // TLS needs much memory: nobody gets it for being there.
  const auto [error] = co_await guard_->socket().async_wait(asio::ip::tcp::socket::wait_read,
                                                            asio::as_tuple(asio::use_awaitable));
  if (error) co_return false;
  const crypto::TlsContext context = *shared_->options.tls;
  const auto done = co_await stream_.Handshake(context, {});
  if (!done) ++shared_->counts.handshakes_failed;
  co_return done.has_value();
}

awaitable<void> HttpSession::Serve() {
  while (!shared_->stopping) {
    BeginToWait();
    const Outcome outcome = co_await ReadRequest();
    EndToWait();
    if (outcome == Outcome::kClosed) break;
    if (outcome == Outcome::kRefused) {
      ++shared_->counts.refused;
      HttpResponse refusal =
          MakeText(reader_.failure_status(), StatusText(reader_.failure_status()));
      const bool sent = co_await Write(std::move(refusal), KeepAlive::kNo, false);
      if (sent) co_await DrainAndClose();
      break;
    }
    ++shared_->counts.requests;
    const KeepAlive wanted = reader_.keep_alive();
    HttpRequest request = reader_.Take();
    FillAddresses(request);
    const bool head_only = request.method == "HEAD";
    guard_->NeverExpire();
    request.peer = this;
    HttpResponse response = co_await Handle(std::move(request));
    Unpark();
    const KeepAlive keep_alive = shared_->stopping ? KeepAlive::kNo : wanted;
    const bool sent = co_await Write(std::move(response), keep_alive, head_only);
    if (!sent || keep_alive == KeepAlive::kNo) break;
    idle_ = !reader_.has_begun();
    first_ = false;
  }
  if (stream_.is_tls() && stream_.is_open()) {
    guard_->ExpireAfter(shared_->options.write_timeout);
    co_await stream_.Finish();
  }
}

// ReadRequest reads until a whole request is there, with the time limit of each phase.
awaitable<HttpSession::Outcome> HttpSession::ReadRequest() {
  const HttpServerOptions& options = shared_->options;
  Guard::Clock::time_point begin = Guard::Clock::now();
  HttpProgress progress = HttpProgress::kNeedMore;
  if (reader_.has_begun()) {  // it came together with the request before
    guard_->ExpireAt(begin + options.header_timeout);
    progress = reader_.Feed({});
  } else {
    guard_->ExpireAfter(first_ ? options.header_timeout : options.idle_timeout);
  }
  while (progress != HttpProgress::kComplete) {
    if (progress == HttpProgress::kFailed) co_return Outcome::kRefused;
    if (progress == HttpProgress::kHead) {
      guard_->ExpireAt(begin + options.request_timeout);
      if (options.body_limit_for) reader_.SetBodyLimit(options.body_limit_for(reader_.head()));
      progress = reader_.Feed({});
      if (progress != HttpProgress::kNeedMore || !reader_.expects_continue()) continue;
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      const Stream::Parts parts = {asio::buffer(kContinue), asio::const_buffer()};
      const auto [error, len] = co_await stream_.Write(parts);
      if (error) co_return Outcome::kClosed;
    }
    progress = co_await ReadSome(begin);
    if (!guard_->socket().is_open()) co_return Outcome::kClosed;
  }
  co_return Outcome::kRequest;
}

// ReadSome reads once; when the first octet of a request comes, its time begins to run. Closes the
// socket if there is nothing more to read.
awaitable<HttpProgress> HttpSession::ReadSome(Guard::Clock::time_point& begin) {
  const auto [error, len] = co_await stream_.Read(asio::buffer(buffer_));
  if (error) {
    guard_->Close();
    co_return HttpProgress::kNeedMore;
  }
  if (!reader_.has_begun()) {
    idle_ = false;
    begin = Guard::Clock::now();
    guard_->ExpireAt(begin + shared_->options.header_timeout);
  }
  co_return reader_.Feed(ByteView(buffer_).first(len));
}

awaitable<HttpResponse> HttpSession::Handle(HttpRequest request) {
  try {
    co_return co_await shared_->handler(std::move(request));
  } catch (...) {  // a bug, no memory, or cancelled: the next operation notices the last one
  }
  co_return MakeText(500, StatusText(500));
}

void HttpSession::Park(std::function<void(PeerMove)> moved) {
  if (watch_ || !counted_) return;
  shared_->Uncount(source_, is_stranger_);
  ProbeWhileSilent(guard_->socket().native_handle());
  watch_ = std::make_shared<Watch>();
  watch_->moved = std::move(moved);
  auto on_move = [guard = guard_, watch = watch_](const boost::system::error_code& failed) {
    if (!watch->moved) return;  // answered meanwhile
    boost::system::error_code error = failed;
    const std::size_t more = error ? 0 : guard->socket().available(error);
    watch->moved(error || more == 0 ? PeerMove::kClosed : PeerMove::kSentMore);
  };
  guard_->socket().async_wait(
      asio::ip::tcp::socket::wait_read,
      asio::bind_cancellation_slot(watch_->cancel.slot(), std::move(on_move)));
}

void HttpSession::Unpark() {
  if (!watch_) return;
  shared_->Count(source_, is_stranger_);
  watch_->moved = nullptr;
  watch_->cancel.emit(asio::cancellation_type::terminal);
  watch_.reset();
}

awaitable<bool> HttpSession::Write(HttpResponse response, KeepAlive keep_alive, bool head_only) {
  auto head = FormatResponseHead(response, keep_alive);
  if (!head) {  // the handler's answer would have split
    response = MakeText(500, StatusText(500));
    head = FormatResponseHead(response, keep_alive);
  }
  if (head_only || response.status == 204 || response.status == 304) response.body.clear();
  const Stream::Parts parts = {asio::buffer(*head), asio::buffer(response.body)};
  guard_->ExpireAfter(shared_->options.write_timeout);
  const auto [error, len] = co_await stream_.Write(parts);
  co_return !error;
}

awaitable<void> HttpSession::DrainAndClose() {
  idle_ = true;  // Stop need not wait for this
  guard_->ExpireAfter(kDrainTime);
  co_await stream_.Finish();
  boost::system::error_code failed;
  std::size_t total = 0;
  while (!failed && total < kMaxDrainLen) {
    const auto [error, len] = co_await stream_.Read(asio::buffer(buffer_));
    failed = error;
    total += len;
  }
  guard_->Close();
}

void HttpSession::FillAddresses(HttpRequest& request) {
  request.source = source_;
  request.source_port = source_port_;
  boost::system::error_code error;
  const auto local = guard_->socket().local_endpoint(error);
  if (error) return;
  request.local = FromAsio(local.address());
  request.local_port = local.port();
}

}  // namespace countersign::net
