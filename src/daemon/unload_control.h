#pragma once

#include <boost/json/object.hpp>

#include "agent/agent.h"
#include "agent/unload_lock.h"
#include "net/control_message.h"

// The unload password over an agent's control socket. Whoever needs it passed sends the password as
// the request's first secret (empty: none) and a warrant as the member "warrant".
namespace countersign::daemon {

// KeyOf views into the request, which has to outlive it.
[[nodiscard]] agent::UnloadKey UnloadKeyOf(const net::ControlMessage& request,
                                           const boost::json::object& json);

// SetUnload carries out {"command": "set-unload"}: secrets: the present password, the new verifier
// (empty: none). kMalformed: no verifier; otherwise as agent::Agent::PassUnload.
[[nodiscard]] Status SetUnload(agent::Agent& agent, agent::UnloadLock& lock,
                               const net::ControlMessage& request, const boost::json::object& json,
                               Times now);

// UnloadJson is {"set", "failures", "locked_seconds"}.
[[nodiscard]] boost::json::object UnloadJson(const agent::UnloadLock& lock, Times now);

}  // namespace countersign::daemon
