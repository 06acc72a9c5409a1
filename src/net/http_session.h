#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>

#include "net/http_parser.h"
#include "net/http_server.h"
#include "net/stream.h"

// Private to net/.

namespace countersign::net {

class HttpSession;

// HttpShared is what all sessions of one server have in common.
struct HttpShared {
  HttpServerOptions options;
  HttpHandler handler;
  HttpServerCounts counts;
  bool stopping = false;
  // Connections that count against the limits: not the parked ones. No entry of the map is zero.
  std::size_t counted = 0;
  std::size_t strangers = 0;  // of them
  std::map<IpAddress, std::size_t> per_source;
  // Strangers' connections of which nothing is under way, those that have waited longest first.
  std::list<HttpSession*> waiting;

  void Count(const IpAddress& source, bool is_stranger) {
    ++counted;
    strangers += is_stranger ? 1 : 0;
    ++per_source[source.SourceNetwork()];
  }
  void Uncount(const IpAddress& source, bool is_stranger) {
    --counted;
    strangers -= is_stranger ? 1 : 0;
    const auto at = per_source.find(source.SourceNetwork());
    if (at != per_source.end() && --at->second == 0) per_source.erase(at);
  }
};

// HttpSession serves one accepted connection. Owned by its server and by the coroutine that runs
// it.
class HttpSession final : public HttpPeer {
 public:
  // kKnown: the source is one for which connections are reserved. Counts itself.
  enum class Source : std::uint8_t { kStranger, kKnown };
  HttpSession(std::shared_ptr<HttpShared> shared, boost::asio::ip::tcp::socket socket,
              const boost::asio::ip::tcp::endpoint& peer, Source kind);
  ~HttpSession() override { Leave(); }
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  // Run ends when the connection does. May throw only if cancelled or out of memory.
  [[nodiscard]] boost::asio::awaitable<void> Run();
  void Close() { guard_->Close(); }
  // Leave stops counting it: it has ended, or makes room for another.
  void Leave();
  void Park(std::function<void(PeerMove)> moved) override;

  [[nodiscard]] const IpAddress& source() const { return source_; }
  // is_idle: everything that came in has been answered; closing loses nothing.
  [[nodiscard]] bool is_idle() const { return idle_; }
  [[nodiscard]] bool timed_out() const { return guard_->timed_out(); }
  [[nodiscard]] boost::asio::cancellation_signal& cancellation() { return cancellation_; }

 private:
  using Guard = TcpGuard;
  enum class Outcome { kRequest, kRefused, kClosed };

  // Watch waits for the peer of a parked connection to move.
  struct Watch {
    std::function<void(PeerMove)> moved;
    boost::asio::cancellation_signal cancel;
  };
  void Unpark();
  // Serve is Run but for the end.
  [[nodiscard]] boost::asio::awaitable<void> Serve();
  [[nodiscard]] boost::asio::awaitable<bool> Secure();
  void BeginToWait();
  void EndToWait();
  [[nodiscard]] boost::asio::awaitable<Outcome> ReadRequest();
  [[nodiscard]] boost::asio::awaitable<HttpProgress> ReadSome(Guard::Clock::time_point& begin);
  [[nodiscard]] boost::asio::awaitable<HttpResponse> Handle(HttpRequest request);
  [[nodiscard]] boost::asio::awaitable<bool> Write(HttpResponse response, KeepAlive keep_alive,
                                                   bool head_only);
  [[nodiscard]] boost::asio::awaitable<void> DrainAndClose();
  void FillAddresses(HttpRequest& request);

  std::shared_ptr<HttpShared> shared_;
  std::shared_ptr<Guard> guard_;
  Stream stream_;
  IpAddress source_;
  std::uint16_t source_port_;
  HttpRequestReader reader_;
  boost::asio::cancellation_signal cancellation_;
  std::shared_ptr<Watch> watch_;  // while it is parked
  bool is_stranger_;
  bool counted_ = true;
  std::optional<std::list<HttpSession*>::iterator> waiting_;  // its place in HttpShared::waiting
  bool first_ = true;
  bool idle_ = true;
  std::array<std::uint8_t, 4096> buffer_;
};

}  // namespace countersign::net
