#pragma once

#include <boost/asio/awaitable.hpp>
#include <string_view>

#include "daemon/server_link.h"

namespace countersign::daemon {

// CallServer makes one exchange with the server of an agent's settings, which may be settings to
// be (Reach, without pins). The answer is of any status. A body is sent as application/jose; the
// views must live until it has ended.
[[nodiscard]] boost::asio::awaitable<Result<net::HttpResponse>> CallServer(
    const store::AgentConfig& config, std::string_view method, std::string_view path,
    std::string_view body = {});

// PostReport posts one report.
[[nodiscard]] boost::asio::awaitable<Result<net::HttpResponse>> PostReport(
    const store::AgentConfig& config, std::string_view report);
// PostReportInPlace posts one in the place of an agent, which gets its orders with its own.
[[nodiscard]] boost::asio::awaitable<Result<net::HttpResponse>> PostReportInPlace(
    const store::AgentConfig& config, std::string_view report);

}  // namespace countersign::daemon
