#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <filesystem>

#include "agent/installation.h"
#include "base/error.h"
#include "base/log.h"
#include "base/random.h"
#include "doctor/agent_check.h"
#include "store/agent_counters.h"
#include "trust/trust_state.h"

namespace countersign::daemon {

// TryExchange makes one report to the agent's server and judges the reply against the trust held,
// changing nothing of it. (It uses a sequence number, and a server that does not know the agent
// will know it then, as by any report.)
[[nodiscard]] boost::asio::awaitable<doctor::ExchangeFacts> TryExchange(
    const agent::Installation& installation, const trust::TrustState& held,
    store::AgentCounters& counters, const Instance& instance, RandomSource& random);

// NotMade is the exchange that did not begin: this machine did not let a report be made.
[[nodiscard]] doctor::ExchangeFacts NotMade(const Error& error);

// ExchangeJson and ReadExchange carry that over the control socket.
[[nodiscard]] boost::json::object ExchangeJson(const doctor::ExchangeFacts& facts);
[[nodiscard]] doctor::ExchangeFacts ReadExchange(const boost::json::object& json);

// When an exchange is made: a server that does not know the agent yet knows it from then on.
enum class ExchangeWhen { kAlways, kIfOtherCertificate };

// ProbeAgent gathers what the check on the endpoint looks at: the folder's files, the way to the
// server, the certificate that it shows, and an exchange, by the running agent or, if none runs, by
// this process. Never fails: what cannot be looked at is a fact as well. Blocks, at most about a
// minute. REQUIRES: this process acts as the folder's owner.
[[nodiscard]] doctor::AgentFacts ProbeAgent(const std::filesystem::path& folder, ExchangeWhen when,
                                            Log& log);

}  // namespace countersign::daemon
