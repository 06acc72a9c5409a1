#include "agent/set_unload.h"

#include <string>

namespace countersign::agent {

Act SetUnloadAct(UnloadLock& lock) {
  return [&lock](const ActOrder& order) -> ActOutcome {
    const auto* const verifier = order.args.if_contains("verifier");
    const auto* const text = verifier == nullptr ? nullptr : verifier->if_string();
    if (text == nullptr || order.args.size() != 1) {
      return ActFailed(R"(expected {"verifier": TEXT}, and nothing else)");
    }
    if (const auto set = lock.Set(std::string(*text)); !set) {
      return ActFailed(set.error().message);
    }
    return ActEnded{};
  };
}

}  // namespace countersign::agent
