#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"

// A rollout brings a pending server certificate to a fleet in waves (protocol section 9). Here is
// what it may do and when, as a state machine: no I/O, no clock.
namespace countersign::trust {

// BasisPoints is a share: 1 is 0.01 %, 10,000 is everybody.
using BasisPoints = std::uint32_t;
inline constexpr BasisPoints kEverybody = 10'000;

// planned → canary → rolling → gate → finished, or aborted; paused by a person, halted by itself.
// The numbers stand in the registry.
enum class RolloutState {
  kPlanned,   // nothing is offered yet
  kCanary,    // offered to the first wave
  kRolling,   // offered to everybody, as fast as the rate allows
  kGate,      // everybody in contact was asked, not all have it: a person decides
  kPaused,    // offered to nobody else until `resume`
  kHalted,    // the same, because too many refused it
  kFinished,  // the certificate is the active one
  kAborted,   // offered to nobody any more
};
// RolloutStateName returns "planned", "canary", …
[[nodiscard]] std::string_view RolloutStateName(RolloutState state);
// IsUnderWay: neither finished nor aborted.
[[nodiscard]] bool IsUnderWay(RolloutState state);

// RolloutTerms is what the administrator asked for.
struct RolloutTerms {
  BasisPoints canary_share = 0;           // the first wave by chance; 0: none
  std::vector<std::string> domains = {};  // the first wave by domain; with all domains beneath them
  std::uint64_t rate_per_hour = 0;       // most agents to offer it to in an hour of rolling; 0: any
  BasisPoints halt_at = 200;             // share of refusals above which it halts by itself
  Seconds soak = std::chrono::hours(1);  // the least time that the canary takes
  bool operator==(const RolloutTerms&) const = default;
};
inline constexpr std::size_t kMaxRolloutDomains = 64;
// CheckTerms refuses (kUsage) shares above 100 %, a halt_at of nothing, more than
// kMaxRolloutDomains domains or an empty one, and a soak below zero or above a year.
[[nodiscard]] Status CheckTerms(const RolloutTerms& terms);

// Rollout is where one stands. Plain data, as the registry keeps it.
struct Rollout {
  std::uint64_t generation = 0;  // of the pending certificate, and the rollout's name
  Digest thumbprint{};           // of the pending certificate
  RolloutTerms terms = {};
  std::uint64_t canary_below = 0;  // agents whose PositionOf is below it are in the canary
  RolloutState state = RolloutState::kPlanned;
  RolloutState goes_on_as = RolloutState::kRolling;  // while paused or halted
  Instant started = {};
  Instant since = {};  // in this state
  Instant moved = {};  // when more agents than ever had answered, or the state changed
  Instant rate_since = {};
  std::uint64_t rate_used = 0;             // offers since then
  std::optional<Instant> gate_shown = {};  // when a person last saw whom the gate names
  std::string why = {};                    // halted, aborted: for people
  bool operator==(const Rollout&) const = default;
};

// PositionOf places an agent between 0 and 2^64-1, by chance but for good: SHA-256 over the
// thumbprint of the pending certificate and the agent id, its first 8 octets. Another certificate
// draws anew, so that the canaries are not always the same machines.
[[nodiscard]] std::uint64_t PositionOf(const Digest& thumbprint, const AgentId& agent);
// CanaryBelow is the least canary_below that has `share` of `positions` beneath it, rounded up.
[[nodiscard]] std::uint64_t CanaryBelow(std::vector<std::uint64_t> positions, BasisPoints share);
// IsInDomain: `domain` is `of` or lies beneath it: "eu/paris" is in "eu", "europe" is not.
[[nodiscard]] bool IsInDomain(std::string_view domain, std::string_view of);

// IsOffered: the certificate is now offered to agents of this id and domain, the rate apart.
[[nodiscard]] bool IsOffered(const Rollout& rollout, const AgentId& agent, std::string_view domain);
// KeepTime begins another hour of the rate when one is over: what was not used is not saved up.
// Times ahead of `now`, which a clock that was set back leaves, become `now`. Before the functions
// below.
void KeepTime(Rollout& rollout, Instant now);
// OffersLeft is how many agents more may be asked now, at most `most`.
[[nodiscard]] std::uint64_t OffersLeft(const Rollout& rollout, Instant now, std::uint64_t most);

// Begin takes a planned rollout to its first wave.
void Begin(Rollout& rollout, Instant now);
// What a person may ask for. kRefused says in which state it is and what to run instead.
[[nodiscard]] Status Pause(Rollout& rollout, Instant now);
// Resume goes on as before the pause or the halt; from the canary, to everybody; from the gate, to
// those that have not got it.
[[nodiscard]] Status Resume(Rollout& rollout, Instant now);
[[nodiscard]] Status Abort(Rollout& rollout, std::string why, Instant now);
[[nodiscard]] Status Finish(Rollout& rollout, Instant now);

// RolloutCounts is how far it has come, over the agents that the server may command.
struct RolloutCounts {
  std::uint64_t agents = 0;
  std::uint64_t taken = 0;    // proved to hold it
  std::uint64_t sent = 0;     // were sent it, and have not answered
  std::uint64_t refused = 0;  // were sent it, and do not take it
  bool all_asked = false;     // everybody of this wave who can be called was
};

// Advance moves a rollout on by itself: canary to rolling, rolling to gate, anything to halted.
// Returns true if it did. `quiet`: so long nothing has to move before an agent that was asked and
// has not answered is waited for no more.
bool Advance(Rollout& rollout, const RolloutCounts& counts, Seconds quiet, Instant now);
// LookAgainAt is the next moment after `now` at which Advance may do something although nobody
// answered meanwhile; Instant::max() if there is none.
[[nodiscard]] Instant LookAgainAt(const Rollout& rollout, Seconds quiet, Instant now);
// IsComplete: everybody has it, and nobody stopped it: it can be finished without a person.
[[nodiscard]] bool IsComplete(const Rollout& rollout, const RolloutCounts& counts);

}  // namespace countersign::trust
