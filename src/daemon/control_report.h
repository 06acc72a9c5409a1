#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "agent/agent.h"
#include "daemon/reporter.h"

namespace countersign::daemon {

// ReportNow has the running agent report at once, and returns what came of it as an answer of the
// control socket: {"result": "verified"|"refused"|"not-reached", "why", "verdict" (on the
// reply, if it was refused), "accepted", "generation", "serial", "moved"}.
// Waits at most a minute.
[[nodiscard]] boost::asio::awaitable<std::string> ReportNow(agent::Agent& agent,
                                                            Reporter& reporter);

}  // namespace countersign::daemon
