#include "server/waiting_room.h"

#include <utility>

namespace countersign::server {

bool WaitingRoom::HasRoom(const net::IpAddress& source) const {
  if (places_.size() >= max_) return false;
  const auto same = per_source_.find(source.SourceNetwork());
  return same == per_source_.end() ? max_per_source_ > 0 : same->second < max_per_source_;
}

std::optional<WaitingRoom::Ticket> WaitingRoom::Enter(const AgentId& agent,
                                                      const net::IpAddress& source, Told told) {
  if (const auto earlier = tickets_.find(agent); earlier != tickets_.end()) {
    const auto place = places_.find(earlier->second);
    Tell(place->second);
    Forget(place);
  }
  if (!HasRoom(source)) return std::nullopt;
  const Ticket ticket = next_++;
  const net::IpAddress network = source.SourceNetwork();
  places_.emplace(ticket, Place{agent, network, std::move(told)});
  tickets_.emplace(agent, ticket);
  ++per_source_[network];
  return ticket;
}

bool WaitingRoom::Leave(Ticket ticket) {
  const auto at = places_.find(ticket);
  if (at == places_.end()) return false;
  Forget(at);
  return true;
}

void WaitingRoom::Tell(const AgentId& agent) {
  const auto at = tickets_.find(agent);
  if (at != tickets_.end()) Tell(places_.find(at->second)->second);
}

void WaitingRoom::TellAll() {
  to_tell_.clear();
  for (const auto& [ticket, place] : places_) to_tell_.push_back(ticket);
}

void WaitingRoom::TellSome(std::size_t most) {
  for (; most > 0 && !to_tell_.empty(); to_tell_.pop_front()) {
    const auto at = places_.find(to_tell_.front());
    if (at == places_.end()) continue;  // answered meanwhile
    Tell(at->second);
    --most;
  }
}

void WaitingRoom::TellEverybody() {
  for (auto& [ticket, place] : places_) Tell(place);
}

void WaitingRoom::Tell(Place& place) {
  if (const Told told = std::exchange(place.told, nullptr)) told();
}

void WaitingRoom::Forget(std::map<Ticket, Place>::iterator at) {
  const auto source = per_source_.find(at->second.network);
  if (--source->second == 0) per_source_.erase(source);
  tickets_.erase(at->second.agent);
  places_.erase(at);
}

}  // namespace countersign::server
