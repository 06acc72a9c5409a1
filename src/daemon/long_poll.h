#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "daemon/service.h"
#include "net/http_message.h"
#include "server/server.h"

namespace countersign::daemon {

// LongPoll holds the answers to reports back until there is something to say or their time is over
// (`?wait=`). How many is bounded by server::WaitingRoom; each is a parked connection. One thread;
// `server` must outlive it.
class LongPoll {
 public:
  LongPoll(const boost::asio::any_io_executor& executor, server::Server& server)
      : executor_(executor), server_(server) {}

  // Hold waits for at most `wait` and makes the answer. `peer` and `source` are those of the
  // report's connection. If the peer goes away meanwhile, no answer is made.
  [[nodiscard]] boost::asio::awaitable<server::ReportAnswer> Hold(server::HeldReport held,
                                                                  net::HttpPeer& peer,
                                                                  net::IpAddress source,
                                                                  Seconds wait);
  // Tick tells some of those for whom a change of the certificate is news. Call it once a second.
  void Tick() { server_.waiting().TellSome(kToldAtOnce); }
  // Stop answers all with a 503, whose Retry-After keeps them apart when they come back.
  void Stop();

 private:
  static constexpr std::size_t kToldAtOnce = 200;

  [[nodiscard]] server::ReportAnswer Later(std::uint64_t ticket) const;

  boost::asio::any_io_executor executor_;
  server::Server& server_;
  bool stopping_ = false;
  std::size_t waited_at_stop_ = 0;
};

}  // namespace countersign::daemon
