#include "tests/simulation/network.h"

#include <iterator>
#include <utility>

namespace countersign::simulation {

SimTime Network::Delay() {
  if (faults_.slowest > 0 && chance_.Of(faults_.slow)) return 1 + chance_.Below(faults_.slowest);
  return 1 + chance_.Below(30);
}

void Network::Send(const Request& request, SimTime timeout, Done done) {
  const std::uint64_t id = next_++;
  open_.emplace(id, Exchange{request, std::move(done)});
  if (watch_) watch_(request, nullptr);
  scheduler_.After(timeout, [this, id] { Finish(id, std::nullopt); });
  const int copies = chance_.Of(faults_.duplicate) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    if (IsCut(request) || chance_.Of(faults_.loss)) continue;
    scheduler_.After(Delay(), [this, id, request] { Deliver(id, request); });
  }
}

void Network::Deliver(std::uint64_t id, const Request& request) {
  const auto handler = handlers_.find(request.to);
  if (handler == handlers_.end()) {
    Finish(id, std::nullopt);  // connection refused
    return;
  }
  // A copy: the node may go down while it handles this.
  const Handler handle = handler->second;
  handle(request, [this, id, request](const Response& response) {
    if (watch_) watch_(request, &response);
    if (IsCut(request) || chance_.Of(faults_.loss)) return;
    scheduler_.After(Delay(), [this, id, response] { Finish(id, response); });
  });
}

void Network::Finish(std::uint64_t id, const std::optional<Response>& response) {
  const auto at = open_.find(id);
  if (at == open_.end()) return;
  const Done done = std::move(at->second.done);
  open_.erase(at);
  done(response);
}

std::optional<Network::Open> Network::AnyOpen() {
  if (open_.empty()) return std::nullopt;
  const auto at = std::next(open_.begin(), chance_.Below(static_cast<std::int64_t>(open_.size())));
  return Open{at->first, at->second.request};
}

}  // namespace countersign::simulation
