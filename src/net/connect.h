#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>

#include "net/http_client.h"
#include "net/stream.h"

// Private to net/.

namespace countersign::net {

struct Connected {
  std::shared_ptr<TcpGuard> guard;
  IpAddress peer;
};

// ConnectTcp does what HttpConnection::Connect says, up to the established connection.
[[nodiscard]] boost::asio::awaitable<Result<Connected>> ConnectTcp(
    const Endpoint& endpoint, const HttpClientOptions& options);

}  // namespace countersign::net
