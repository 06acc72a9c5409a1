#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "base/ids.h"
#include "store/config.h"
#include "trust/trust_state.h"

namespace countersign::agent {

// StatusJson is what `countersign-agentd status` shows of an agent, running or not. `head`: as
// its counters have it.
[[nodiscard]] boost::json::object StatusJson(const AgentId& id, const store::AgentConfig& config,
                                             const trust::TrustState& trust, std::string_view head);
// RenewalJson is the answer to a renewal: result, why, and the certificate held now.
[[nodiscard]] boost::json::object RenewalJson(std::string_view result, std::string_view why,
                                              const trust::TrustState& trust);

}  // namespace countersign::agent
