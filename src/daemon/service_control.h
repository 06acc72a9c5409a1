#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "agent/agent.h"
#include "agent/installation.h"
#include "daemon/reporter.h"
#include "net/control_message.h"

namespace countersign::daemon {

// ReloadSettings reads agent.toml anew, for a running agent. Address, ports and domain of the
// server, token and pins hold from now on; where the agent listens, and whether it speaks TLS, at
// its next start. Returns what was done, for the log. On an error nothing has changed.
[[nodiscard]] Result<std::string> ReloadSettings(agent::Installation& installation,
                                                 agent::Agent& agent);

// ServiceCommand answers what countersign-agentd's own commands ask of the running agent:
// update-now, check, reload, and stop ("warrant"?, secret: the unload password), which ends the
// process as SIGTERM does. Nothing: it is none of these.
[[nodiscard]] boost::asio::awaitable<std::optional<std::string>> ServiceCommand(
    std::string_view command, const net::ControlMessage& request, agent::Installation& installation,
    agent::Agent& agent, Reporter& reporter, RandomSource& random);

}  // namespace countersign::daemon
