#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "server/server.h"

// Who will take the next certificate over, when, and who will not: what `rollout plan` and the gate
// show (protocol section 9). Of the agents that are admitted, and neither forgotten nor retired.
namespace countersign::server {

enum class Prospect {
  kTaken,        // proved to hold the pending certificate
  kAtOnce,       // can be called, or waits here, and will take it over then
  kNextContact,  // will take it over when it reports
  kUnseen,       // the same, but was not heard of for longer than kUnseenAfter
  kHands,        // will not by itself; with the reason
};
inline constexpr std::array kProspects = {Prospect::kTaken, Prospect::kAtOnce,
                                          Prospect::kNextContact, Prospect::kUnseen,
                                          Prospect::kHands};
// ProspectName returns "taken", "at-once", "next-contact", "unseen", "hands".
[[nodiscard]] std::string_view ProspectName(Prospect prospect);

inline constexpr Seconds kUnseenAfter = std::chrono::hours(24);

struct Member {
  Prospect prospect = Prospect::kNextContact;
  std::string reason = {};  // with kHands: a reason of standing.h, a verdict, or "not-taken"
  Instant since = {};       // with kHands
};

// WillTake: by its standing this agent takes a certificate of this generation over by itself: it is
// not mismatched, or in a way that a higher generation mends.
[[nodiscard]] bool WillTake(const store::AgentRow& row, std::uint64_t generation);

struct FleetCounts {
  std::uint64_t agents = 0;
  std::uint64_t taken = 0;
  std::uint64_t at_once = 0;
  std::uint64_t next_contact = 0;
  std::uint64_t unseen = 0;
  std::uint64_t hands = 0;
};

struct Fleet {
  FleetCounts all;
  std::map<std::string, FleetCounts> domains;
  std::map<std::string, std::uint64_t> reasons;  // of kHands
  std::array<std::uint64_t, 4> unseen_since{};   // longer than kUnseenDays of that index
  std::uint64_t never_seen = 0;
};
inline constexpr std::array kUnseenDays = {1, 7, 30, 90};

// LookAtFleet goes through all agents, by id; `visit` (if given) sees each. With a rollout under
// way it is about the pending certificate, otherwise about one that would be issued now.
using Visit = std::function<void(const store::AgentRow&, const Member&)>;
[[nodiscard]] Result<Fleet> LookAtFleet(Server& server, Instant now, const Visit& visit = nullptr);

}  // namespace countersign::server
