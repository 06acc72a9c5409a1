#include "agent/acts.h"

#include <boost/json/serialize.hpp>
#include <utility>

namespace countersign::agent {

const Act* Acts::Find(std::string_view name) const {
  const auto at = acts_.find(name);
  return at == acts_.end() ? nullptr : &at->second;
}

std::vector<std::string> Acts::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, act] : acts_) names.push_back(name);
  return names;
}

ActEnded ActFailed(std::string_view why) {
  return {trust::Verdict::kFailed, boost::json::serialize(boost::json::object{{"error", why}})};
}

Act NoArguments(Act act) {
  return [act = std::move(act)](const ActOrder& order) -> ActOutcome {
    if (!order.args.empty()) return ActFailed("this act takes no arguments");
    return act(order);
  };
}

}  // namespace countersign::agent
