#include "daemon/server_link.h"

#include <algorithm>
#include <utility>

#include "wire/messages.h"

namespace countersign::daemon {

namespace asio = boost::asio;

asio::awaitable<Result<Reached>> Reach(const store::AgentConfig& config, std::vector<Digest> pins) {
  // Named: g++ 12 destroys an aggregate that is made inside a co_await expression twice.
  net::Endpoint server{config.server_host, config.tls ? config.https_port : config.http_port};
  net::HttpClientOptions options;
  // An agent's listening address is also its source address.
  const auto listen = net::IpAddress::Parse(config.listen);
  if (listen && listen->Classify() != net::AddressClass::kUnspecified) options.source = listen;
  options.body_limit = wire::kMaxReplyLen;
  if (config.tls) {
    auto context = crypto::TlsContext::ForClient();
    if (!context) co_return std::unexpected(std::move(context).error());
    options.tls = *std::move(context);
  }
  auto connection = co_await net::HttpConnection::Connect(std::move(server), std::move(options));
  if (!connection) co_return std::unexpected(std::move(connection).error());
  const auto& key = connection->peer_key();
  const bool pinned = key && std::ranges::find(pins, *key) != pins.end();
  Reached reached{*std::move(connection), pinned};
  co_return reached;
}

WebPins::WebPins(std::filesystem::path folder, const store::AgentConfig& config, Log& log)
    : folder_(std::move(folder)), from_package_(config.web_keys), log_(log) {
  auto told = store::LoadWebKeys(folder_);
  if (told) {
    told_ = *std::move(told);
  } else if (told.error().code != Code::kNotFound) {
    log_.Write(LogLevel::kWarning, "web-keys is not read: " + told.error().message);
  }
}

std::vector<Digest> WebPins::Of(const ServerId& server) const {
  return told_ && told_->server == server ? told_->keys : from_package_;
}

void WebPins::Take(const ServerId& server, const std::vector<Digest>& keys) {
  if (keys.empty() || (told_ && told_->server == server && told_->keys == keys)) return;
  store::WebKeys told{server, keys};
  if (const auto stored = store::StoreWebKeys(folder_, told); !stored) {
    log_.Write(LogLevel::kWarning, stored.error().message);
  }
  told_ = std::move(told);
}

}  // namespace countersign::daemon
