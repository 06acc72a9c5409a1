#include "daemon/local_policy.h"

#include <memory>
#include <utility>

#include "base/process.h"
#include "store/policy.h"

namespace countersign::daemon {

void LoadLocalPolicy(agent::Agent& agent, Log& log) {
  const std::string folder = GetEnvironment("COUNTERSIGN_AGENT_POLICY");
  auto policy = store::LoadPolicy(folder.empty() ? std::string(store::kPolicyFolder) : folder);
  if (policy) {
    agent.SetPolicy(std::make_shared<const store::Policy>(*std::move(policy)), {});
    return;
  }
  const Error& error = policy.error();
  log.Write(LogLevel::kError,
            "the local policy is not taken, and nothing but ping and report allowed: " +
                error.message + (error.next.empty() ? "" : "; next: " + error.next));
  agent.SetPolicy(std::make_shared<const store::Policy>(store::Policy::Nothing()), error.message);
}

}  // namespace countersign::daemon
