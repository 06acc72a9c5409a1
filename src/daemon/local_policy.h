#pragma once

#include "agent/agent.h"
#include "base/log.h"

namespace countersign::daemon {

// LoadLocalPolicy reads the policy of this machine from COUNTERSIGN_AGENT_POLICY (a folder) or
// /etc/countersign-agent, and gives it to the agent. One that cannot be taken leaves `ping` and
// `report` only, and is said: the agent itself still runs, since its trust has to move.
void LoadLocalPolicy(agent::Agent& agent, Log& log);

}  // namespace countersign::daemon
