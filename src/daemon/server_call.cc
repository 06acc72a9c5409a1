#include "daemon/server_call.h"

#include <utility>

namespace countersign::daemon {

namespace asio = boost::asio;

asio::awaitable<Result<net::HttpResponse>> CallServer(const store::AgentConfig& config,
                                                      std::string_view method,
                                                      std::string_view path,
                                                      std::string_view body) {
  auto reached = co_await Reach(config);
  if (!reached) co_return std::unexpected(std::move(reached).error());
  const std::string_view type = body.empty() ? "" : "application/jose";
  co_return co_await reached->connection.Exchange(method, path, type, body);
}

asio::awaitable<Result<net::HttpResponse>> PostReport(const store::AgentConfig& config,
                                                      std::string_view report) {
  return CallServer(config, "POST", "/countersign/v1/report", report);
}

asio::awaitable<Result<net::HttpResponse>> PostReportInPlace(const store::AgentConfig& config,
                                                             std::string_view report) {
  return CallServer(config, "POST", "/countersign/v1/report?orders=later", report);
}

}  // namespace countersign::daemon
