#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <optional>
#include <set>

#include "base/log.h"
#include "daemon/service.h"
#include "net/http_client.h"
#include "server/server.h"

namespace countersign::daemon {

// Dispatcher makes the calls that server::Server wants made: challenge, order and receipt on one
// connection, a bounded number at once, one for each agent. One thread; `server` and `log` must
// outlive it.
class Dispatcher {
 public:
  static constexpr std::size_t kWindow = 128;  // calls at once

  Dispatcher(const boost::asio::any_io_executor& executor, server::Server& server, Log& log)
      : executor_(executor), server_(server), log_(log), waker_(executor), drained_(executor) {}

  // Wake looks for due orders now.
  void Wake() { waker_.Wake(); }
  [[nodiscard]] boost::asio::awaitable<void> Run();
  // Stop makes no new calls and waits for those under way (each is bounded by its timeouts).
  [[nodiscard]] boost::asio::awaitable<void> Stop();

 private:
  [[nodiscard]] boost::asio::awaitable<void> Make(server::Call call);
  [[nodiscard]] boost::asio::awaitable<Status> Exchange(server::Call& call);
  [[nodiscard]] boost::asio::awaitable<Result<net::HttpConnection>> Connect(server::Call& call);

  boost::asio::any_io_executor executor_;
  server::Server& server_;
  Log& log_;
  Waker waker_;
  Waker drained_;
  std::set<AgentId> busy_;
  std::optional<crypto::TlsContext> tls_;  // made at the first call that needs it
  bool stopping_ = false;
};

}  // namespace countersign::daemon
