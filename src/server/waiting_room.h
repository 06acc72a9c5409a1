#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "base/ids.h"
#include "net/address.h"

namespace countersign::server {

// WaitingRoom knows which agents have a report here whose answer is held back (protocol section 6,
// `?wait=`), one for each agent, and tells them when there is something to say. It sends nothing
// and knows no time: who entered an agent answers it, when told or when its time is over. One
// thread.
class WaitingRoom {
 public:
  using Ticket = std::uint64_t;
  // Told is called at most once, when the report is to be answered now. It may not call back.
  using Told = std::function<void()>;

  // SetLimits: places in all, and for one source (IPv4 address, IPv6 /64). Who waits stays.
  void SetLimits(std::size_t all, std::size_t per_source) {
    max_ = all;
    max_per_source_ = per_source;
  }
  [[nodiscard]] bool HasRoom(const net::IpAddress& source) const;
  [[nodiscard]] std::size_t size() const { return places_.size(); }
  [[nodiscard]] bool Contains(const AgentId& agent) const { return tickets_.contains(agent); }

  // Enter takes a place; nothing if there is none. An earlier report of the same agent loses its
  // own, and is told: it is answered with nothing (Leave says so).
  [[nodiscard]] std::optional<Ticket> Enter(const AgentId& agent, const net::IpAddress& source,
                                            Told told);
  // Leave gives the place back. False: it was lost to a later report of the same agent.
  [[nodiscard]] bool Leave(Ticket ticket);

  // Tell: there is something to say to this agent, if it waits.
  void Tell(const AgentId& agent);
  // TellAll does so for all who wait now, `TellSome` of them at a time: to answer all at once would
  // let everybody else wait.
  void TellAll();
  void TellSome(std::size_t most);
  // TellEverybody tells them now: the server stops.
  void TellEverybody();

 private:
  struct Place {
    AgentId agent;
    net::IpAddress network;
    Told told;  // none: it was told
  };
  static void Tell(Place& place);
  void Forget(std::map<Ticket, Place>::iterator at);

  std::size_t max_ = 0;
  std::size_t max_per_source_ = 0;
  Ticket next_ = 1;
  std::map<Ticket, Place> places_;
  std::map<AgentId, Ticket> tickets_;
  std::map<net::IpAddress, std::size_t> per_source_;  // no entry is zero
  std::deque<Ticket> to_tell_;
};

}  // namespace countersign::server
