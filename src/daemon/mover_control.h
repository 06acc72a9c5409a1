#pragma once

#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <string>

#include "daemon/transfer.h"
#include "net/control_message.h"

namespace countersign::daemon {

// RenewByHand is `IpXfer -e FILE`: {"command":"renew","verify":true|false}, the certificate as
// blob. The answer is agent::RenewalJson. Both pass the unload password first (unload_control.h); a
// warrant is used up only by what is stored.
[[nodiscard]] boost::asio::awaitable<Result<std::string>> RenewByHand(
    AgentInUse use, const net::ControlMessage& request);

// The mover's full form as a control message, to a running agent or carried out here on a stopped
// one: {"command":"move", "host", "http_port", "https_port", "tls"?, "listen_port"?, "domain"?,
// "enrol"? (the id of a token, whose secret is then the second secret; the first one may be empty),
// "web_keys"? (hex digits, at most 4), "thumbprint"? (64 hex digits), "first_use"? (true),
// "dry_run"? (true), "wait"? (seconds)}, the certificate as blob unless one of the two is there.
// The answer is one JSON object:
// {"ok":true, "result", "why", "next", "agent", "from", "to", "certificate", "accepted", "proved",
// "old_told", "unfinished"}, where `result` is moved, repaired, would-move, would-repair,
// unreachable, not-taken, other-key, other-certificate or failed (docs/mover.md).
struct MoveAnswer {
  std::string json;
  bool begin_anew = false;  // the agent has to read its folder anew
};
[[nodiscard]] boost::asio::awaitable<Result<MoveAnswer>> MoveByHand(
    AgentInUse use, const net::ControlMessage& request);

// MoveStopped does either for an agent that does not run; takes its folder's lock. Blocks, bounded
// as CarryOut is.
[[nodiscard]] Result<std::string> MoveStopped(const std::filesystem::path& folder,
                                              const net::ControlMessage& request, Log& log);

}  // namespace countersign::daemon
