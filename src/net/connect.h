#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>

#include "net/guarded_socket.h"
#include "net/http_client.h"

// Private to net/.

namespace countersign::net {

using TcpGuard = GuardedSocket<boost::asio::ip::tcp>;

struct Connected {
  std::shared_ptr<TcpGuard> guard;
  IpAddress peer;
};

// ConnectTcp does what HttpConnection::Connect says, up to the established connection.
[[nodiscard]] boost::asio::awaitable<Result<Connected>> ConnectTcp(
    const Endpoint& endpoint, const HttpClientOptions& options);

}  // namespace countersign::net
