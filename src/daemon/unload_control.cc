#include "daemon/unload_control.h"

#include <boost/json/value.hpp>
#include <string>

#include "crypto/argon2.h"

namespace countersign::daemon {

agent::UnloadKey UnloadKeyOf(const net::ControlMessage& request, const boost::json::object& json) {
  agent::UnloadKey key;
  if (!request.secrets.empty() && !request.secrets.front().empty()) {
    key.password = &request.secrets.front();
  }
  const auto* const warrant = json.if_contains("warrant");
  if (warrant != nullptr && warrant->is_string()) key.warrant = std::string(warrant->get_string());
  return key;
}

Status SetUnload(agent::Agent& agent, agent::UnloadLock& lock, const net::ControlMessage& request,
                 const boost::json::object& json, Times now) {
  if (request.secrets.size() != 2) {
    return Fail(Code::kUsage, "the present password and a verifier are expected");
  }
  const std::string verifier(request.secrets[1].text());
  if (!verifier.empty()) COUNTERSIGN_RETURN_IF_ERROR(crypto::CheckVerifierForm(verifier));
  COUNTERSIGN_RETURN_IF_ERROR(agent.PassUnload(UnloadKeyOf(request, json), now));
  return lock.Set(verifier);
}

boost::json::object UnloadJson(const agent::UnloadLock& lock, Times now) {
  const auto left = std::chrono::ceil<Seconds>(lock.LockedFor(now));
  return {{"set", lock.is_set()}, {"failures", lock.failures()}, {"locked_seconds", left.count()}};
}

}  // namespace countersign::daemon
