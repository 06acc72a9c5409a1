#include "net/connect.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <vector>

#include "net/asio_address.h"

namespace countersign::net {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using tcp = asio::ip::tcp;
using Clock = TcpGuard::Clock;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

constexpr std::size_t kMaxAddresses = 4;

// Lookup lives until both the waiting coroutine and the resolver have let it go: getaddrinfo cannot
// be interrupted.
struct Lookup {
  explicit Lookup(const asio::any_io_executor& executor) : resolver(executor), timer(executor) {}
  tcp::resolver resolver;
  asio::steady_timer timer;
  boost::system::error_code error = asio::error::timed_out;
  std::vector<IpAddress> addresses;
};

awaitable<Result<std::vector<IpAddress>>> Resolve(const Endpoint& endpoint,
                                                  Clock::time_point deadline) {
  auto lookup = std::make_shared<Lookup>(co_await asio::this_coro::executor);
  lookup->timer.expires_at(deadline);
  lookup->resolver.async_resolve(
      endpoint.host, "", [lookup](const auto& error, const tcp::resolver::results_type& results) {
        lookup->error = error;
        for (const auto& entry : results) {
          lookup->addresses.push_back(FromAsio(entry.endpoint().address()));
        }
        lookup->timer.cancel();
      });
  co_await lookup->timer.async_wait(kAwait);
  const auto& error = lookup->error;
  if (error == asio::error::timed_out) {
    lookup->resolver.cancel();
    co_return Fail(Code::kTimedOut, "looking up the name \"" + endpoint.host + "\" took too long");
  }
  if (error || lookup->addresses.empty()) {
    co_return Fail(Code::kUnavailable,
                   "the name \"" + endpoint.host + "\" has no address (" + error.message() + ")",
                   "getent ahosts " + endpoint.host);
  }
  co_return std::move(lookup->addresses);
}

std::string Reason(const boost::system::error_code& error) {
  if (error == asio::error::connection_refused) return "connection refused (nobody listens there)";
  if (error == asio::error::host_unreachable) return "the host is unreachable";
  if (error == asio::error::network_unreachable) return "there is no route to its network";
  return error.message();
}

// Bind fixes the address we call from. The port is chosen on connecting, so that one address can
// have more connections than there are ephemeral ports.
void Bind(tcp::socket& socket, const IpAddress& source, boost::system::error_code& error) {
  const int on = 1;  // best effort: old kernels choose the port now
  setsockopt(socket.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  socket.bind(tcp::endpoint(ToAsio(source), 0), error);
}

awaitable<Result<Connected>> Attempt(const IpAddress& address, std::uint16_t port,
                                     const HttpClientOptions& options, Clock::time_point deadline) {
  const std::string text = Endpoint{address.Text(), port}.Text();
  if (options.allow) {
    const Status allowed = options.allow(address);
    if (!allowed) co_return std::unexpected(allowed.error());
  }
  const tcp::endpoint target(ToAsio(address), port);
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  auto guard = std::make_shared<TcpGuard>(tcp::socket(executor));
  boost::system::error_code error;
  guard->socket().open(target.protocol(), error);
  if (!error) guard->socket().set_option(tcp::no_delay(true), error);
  if (!error && options.source) Bind(guard->socket(), *options.source, error);
  if (error) {
    co_return Fail(Code::kUnavailable, "cannot call " + text + ": " + Reason(error));
  }
  guard->ExpireAt(deadline);
  const auto [failed] = co_await guard->socket().async_connect(target, kAwait);
  if (!failed && guard->socket().is_open()) co_return Connected{std::move(guard), address};
  const bool timed_out = guard->timed_out() || failed == asio::error::timed_out;
  guard->Close();
  if (timed_out) co_return Fail(Code::kTimedOut, text + " did not answer in time");
  co_return Fail(Code::kUnavailable, "cannot connect to " + text + ": " + Reason(failed));
}

// KeepUsable leaves out what the source address cannot reach, doubles, and more than enough.
void KeepUsable(std::vector<IpAddress>& addresses, const std::optional<IpAddress>& source) {
  std::vector<IpAddress> kept;
  for (const IpAddress& address : addresses) {
    if (source && source->is_v4() != address.is_v4()) continue;
    if (kept.size() < kMaxAddresses && std::ranges::find(kept, address) == kept.end()) {
      kept.push_back(address);
    }
  }
  addresses = std::move(kept);
}

}  // namespace

awaitable<Result<Connected>> ConnectTcp(const Endpoint& endpoint,
                                        const HttpClientOptions& options) {
  const Clock::time_point deadline = Clock::now() + options.connect_timeout;
  std::vector<IpAddress> addresses;
  if (const auto numeric = IpAddress::Parse(endpoint.host)) {
    addresses.push_back(*numeric);
  } else {
    auto resolved = co_await Resolve(endpoint, deadline);
    if (!resolved) co_return std::unexpected(std::move(resolved).error());
    addresses = std::move(*resolved);
  }
  KeepUsable(addresses, options.source);
  Error last{Code::kUnavailable,
             "no address of " + endpoint.Text() + " can be called from " +
                 (options.source ? options.source->Text() : std::string("here"))};
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // Each gets an equal share of what is left, so that a dead first address does not use up all.
    const auto now = Clock::now();
    const auto share = (deadline - now) / static_cast<std::int64_t>(addresses.size() - i);
    auto connected = co_await Attempt(addresses[i], endpoint.port, options, now + share);
    if (connected) co_return std::move(*connected);
    last = std::move(connected).error();
  }
  co_return std::unexpected(std::move(last));
}

}  // namespace countersign::net
