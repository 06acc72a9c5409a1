#pragma once

#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <vector>

#include "base/log.h"
#include "net/http_client.h"
#include "store/config.h"
#include "store/web_keys.h"

// How an agent's programs reach a server.
namespace countersign::daemon {

// Reached is a connection to a server. `pinned`: over TLS, and the web host has a key that was
// known beforehand.
struct Reached {
  net::HttpConnection connection;
  bool pinned = false;
};

// Reach connects to the server of `config` from the agent's listening address: over HTTPS if
// config.tls, else over HTTP; never one in place of the other. A web host with a key that is not in
// `pins` is reached all the same, since every message proves itself.
[[nodiscard]] boost::asio::awaitable<Result<Reached>> Reach(const store::AgentConfig& config,
                                                            std::vector<Digest> pins = {});

// WebPins are the web host's keys that an agent knows: of its package, until a verified reply names
// others. One thread; `log` must outlive it.
class WebPins {
 public:
  WebPins(std::filesystem::path folder, const store::AgentConfig& config, Log& log);
  // Of returns those of the server that the agent belongs to.
  [[nodiscard]] std::vector<Digest> Of(const ServerId& server) const;
  // Take notes what a verified reply said, if it is news. A failure to write is logged.
  void Take(const ServerId& server, const std::vector<Digest>& keys);

 private:
  std::filesystem::path folder_;
  std::vector<Digest> from_package_;
  std::optional<store::WebKeys> told_;
  Log& log_;
};

}  // namespace countersign::daemon
