#include "net/http_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "net/asio_address.h"
#include "net/http_session.h"
#include "net/or_end_process.h"
#include "net/session_set.h"

namespace countersign::net {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using tcp = asio::ip::tcp;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

constexpr int kBacklog = 4096;                          // the kernel cuts it to net.core.somaxconn
constexpr std::chrono::milliseconds kAcceptPause{100};  // when descriptors or memory are used up

std::unexpected<Error> ListenError(const HttpServerOptions& options,
                                   const boost::system::error_code& error) {
  const std::string port = std::to_string(options.port);
  const std::string what =
      "cannot listen on " + Endpoint{options.address.Text(), options.port}.Text() + ": ";
  if (error == asio::error::address_in_use) {
    return Fail(Code::kUnavailable, what + "another program uses it",
                "ss -ltnp 'sport = :" + port + "'");
  }
  if (error == boost::system::errc::address_not_available) {
    return Fail(Code::kUnavailable, what + "this machine does not have the address", "ip address");
  }
  if (error == asio::error::access_denied) {
    return Fail(Code::kPermissionDenied, what + "ports below 1024 need CAP_NET_BIND_SERVICE");
  }
  return Fail(Code::kIo, what + error.message());
}

}  // namespace

class HttpServer::Impl : public std::enable_shared_from_this<HttpServer::Impl> {
 public:
  Impl(const asio::any_io_executor& executor, HttpServerOptions options, HttpHandler handler)
      : shared_(std::make_shared<HttpShared>()),
        acceptor_(executor),
        sessions_(std::make_shared<SessionSet<HttpSession>>(executor)) {
    shared_->options = std::move(options);
    shared_->handler = std::move(handler);
  }

  [[nodiscard]] Status Open() {
    const tcp::endpoint endpoint(ToAsio(shared_->options.address), shared_->options.port);
    boost::system::error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.set_option(tcp::no_delay(true), error);  // accepted sockets inherit it
    if (!error && endpoint.address().is_v6()) {
      acceptor_.set_option(asio::ip::v6_only(!endpoint.address().is_unspecified()), error);
    }
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(kBacklog, error);
    if (!error) port_ = acceptor_.local_endpoint(error).port();
    if (error) return ListenError(shared_->options, error);
    asio::co_spawn(acceptor_.get_executor(), AcceptLoop(shared_from_this()), OrEndProcess());
    return {};
  }

  // The parameter keeps the object while the coroutine runs.
  awaitable<void> Stop(std::shared_ptr<Impl>) {
    CloseListener();
    co_await sessions_->Drain(shared_->options.stop_timeout);
  }

  void Abort() {
    CloseListener();
    sessions_->Abort();
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::size_t num_connections() const { return sessions_->size(); }
  void set_tls(crypto::TlsContext tls) { shared_->options.tls = std::move(tls); }
  [[nodiscard]] const HttpServerCounts& counts() const { return shared_->counts; }

 private:
  void CloseListener() {
    shared_->stopping = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
  }

  awaitable<void> AcceptLoop(std::shared_ptr<Impl>) {
    while (!shared_->stopping) {
      tcp::socket socket(acceptor_.get_executor());
      tcp::endpoint peer;
      const auto [error] = co_await acceptor_.async_accept(socket, peer, kAwait);
      if (shared_->stopping) break;
      if (!error) {
        Admit(std::move(socket), peer);
      } else if (error != asio::error::connection_aborted) {
        asio::steady_timer pause(acceptor_.get_executor(), kAcceptPause);
        co_await pause.async_wait(kAwait);
      }
    }
  }

  void Admit(tcp::socket socket, const tcp::endpoint& peer) {
    const IpAddress source = FromAsio(peer.address());
    const auto& is_known = shared_->options.is_known;
    const auto kind =
        is_known && is_known(source) ? HttpSession::Source::kKnown : HttpSession::Source::kStranger;
    if (!MakeRoomFor(source, kind)) {
      ++shared_->counts.over_limits;
      boost::system::error_code ignored;
      socket.set_option(tcp::socket::linger(true, 0), ignored);  // a reset leaves nothing behind
      return;
    }
    ++shared_->counts.accepted;
    auto session = std::make_shared<HttpSession>(shared_, std::move(socket), peer, kind);
    sessions_->Start(std::move(session),
                     [self = shared_from_this()](HttpSession& ended) { self->Forget(ended); });
  }

  [[nodiscard]] bool MakeRoomFor(const IpAddress& source, HttpSession::Source kind) {
    const HttpServerOptions& options = shared_->options;
    const auto same = shared_->per_source.find(source.SourceNetwork());
    if (options.max_per_source != 0 && same != shared_->per_source.end() &&
        same->second >= options.max_per_source) {
      return false;
    }
    const std::size_t for_strangers = options.max_connections - options.reserved;
    const bool is_full =
        shared_->counted >= options.max_connections ||
        (kind == HttpSession::Source::kStranger && shared_->strangers >= for_strangers);
    return !is_full || (options.is_known && Displace());
  }

  // Displace ends the stranger's connection that has waited longest. Whoever holds connections
  // open without using them loses them to those who come, and never the other way round.
  [[nodiscard]] bool Displace() {
    if (shared_->waiting.empty()) return false;
    HttpSession& oldest = *shared_->waiting.front();
    ++shared_->counts.displaced;
    oldest.Leave();
    oldest.Close();
    return true;
  }

  void Forget(HttpSession& session) {
    if (session.timed_out()) ++shared_->counts.timed_out;
    session.Leave();
  }

  std::shared_ptr<HttpShared> shared_;
  tcp::acceptor acceptor_;
  std::shared_ptr<SessionSet<HttpSession>> sessions_;
  std::uint16_t port_ = 0;
};

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::HttpServer(HttpServer&&) noexcept = default;
HttpServer& HttpServer::operator=(HttpServer&& other) noexcept {
  if (impl_ && impl_ != other.impl_) impl_->Abort();
  impl_ = std::move(other.impl_);
  return *this;
}
HttpServer::~HttpServer() {
  if (impl_) impl_->Abort();
}

Result<HttpServer> HttpServer::Listen(asio::any_io_executor executor, HttpServerOptions options,
                                      HttpHandler handler) {
  auto impl = std::make_shared<Impl>(executor, std::move(options), std::move(handler));
  COUNTERSIGN_RETURN_IF_ERROR(impl->Open());
  return HttpServer(std::move(impl));
}

std::uint16_t HttpServer::port() const { return impl_->port(); }
std::size_t HttpServer::num_connections() const { return impl_->num_connections(); }
void HttpServer::set_tls(crypto::TlsContext tls) { impl_->set_tls(std::move(tls)); }
const HttpServerCounts& HttpServer::counts() const { return impl_->counts(); }
awaitable<void> HttpServer::Stop() { return impl_->Stop(impl_); }

}  // namespace countersign::net
