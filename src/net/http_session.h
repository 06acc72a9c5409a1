#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>

#include "net/guarded_socket.h"
#include "net/http_parser.h"
#include "net/http_server.h"

// Private to net/.

namespace countersign::net {

// HttpShared is what all sessions of one server have in common.
struct HttpShared {
  HttpServerOptions options;
  HttpHandler handler;
  HttpServerCounts counts;
  bool stopping = false;
  // Connections that count against the limits: not the parked ones. No entry of the map is zero.
  std::size_t counted = 0;
  std::map<IpAddress, std::size_t> per_source;

  void Count(const IpAddress& source) {
    ++counted;
    ++per_source[source.SourceNetwork()];
  }
  void Uncount(const IpAddress& source) {
    --counted;
    const auto at = per_source.find(source.SourceNetwork());
    if (at != per_source.end() && --at->second == 0) per_source.erase(at);
  }
};

// HttpSession serves one accepted connection. Owned by its server and by the coroutine that runs
// it.
class HttpSession final : public HttpPeer {
 public:
  HttpSession(std::shared_ptr<HttpShared> shared, boost::asio::ip::tcp::socket socket,
              const boost::asio::ip::tcp::endpoint& peer);

  // Run ends when the connection does. May throw only if cancelled or out of memory.
  [[nodiscard]] boost::asio::awaitable<void> Run();
  void Close() { guard_->Close(); }
  void Park(std::function<void(PeerMove)> moved) override;

  [[nodiscard]] const IpAddress& source() const { return source_; }
  // is_idle: everything that came in has been answered; closing loses nothing.
  [[nodiscard]] bool is_idle() const { return idle_; }
  [[nodiscard]] bool timed_out() const { return guard_->timed_out(); }
  [[nodiscard]] boost::asio::cancellation_signal& cancellation() { return cancellation_; }

 private:
  using Guard = GuardedSocket<boost::asio::ip::tcp>;
  enum class Outcome { kRequest, kRefused, kClosed };

  // Watch waits for the peer of a parked connection to move.
  struct Watch {
    std::function<void(PeerMove)> moved;
    boost::asio::cancellation_signal cancel;
  };
  void Unpark();
  [[nodiscard]] boost::asio::awaitable<Outcome> ReadRequest();
  [[nodiscard]] boost::asio::awaitable<HttpProgress> ReadSome(Guard::Clock::time_point& begin);
  [[nodiscard]] boost::asio::awaitable<HttpResponse> Handle(HttpRequest request);
  [[nodiscard]] boost::asio::awaitable<bool> Write(HttpResponse response, KeepAlive keep_alive,
                                                   bool head_only);
  [[nodiscard]] boost::asio::awaitable<void> DrainAndClose();
  void FillAddresses(HttpRequest& request);

  std::shared_ptr<HttpShared> shared_;
  std::shared_ptr<Guard> guard_;
  IpAddress source_;
  std::uint16_t source_port_;
  HttpRequestReader reader_;
  boost::asio::cancellation_signal cancellation_;
  std::shared_ptr<Watch> watch_;  // while it is parked
  bool first_ = true;
  bool idle_ = true;
  std::array<std::uint8_t, 4096> buffer_;
};

}  // namespace countersign::net
