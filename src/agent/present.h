#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "agent/agent.h"
#include "base/ids.h"
#include "store/config.h"
#include "trust/trust_state.h"

namespace countersign::agent {

// StatusJson is what `countersign-agentd status` shows of an agent, running or not. `head`: as
// its counters have it.
[[nodiscard]] boost::json::object StatusJson(const AgentId& id, const store::AgentConfig& config,
                                             const trust::TrustState& trust, std::string_view head);
// ActsJson is what orders can make a running agent do: the acts that its policy allows, the names
// of programs and hooks, why a policy was not taken, and how often it reports.
[[nodiscard]] boost::json::object ActsJson(Agent& agent);
// RenewalJson is the answer to a renewal: result, why, and the certificate held now.
[[nodiscard]] boost::json::object RenewalJson(std::string_view result, std::string_view why,
                                              const trust::TrustState& trust);

}  // namespace countersign::agent
