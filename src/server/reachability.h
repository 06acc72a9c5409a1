#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "base/time.h"
#include "net/address.h"
#include "server/served_time.h"
#include "store/config.h"
#include "store/registry.h"

namespace countersign::server {

// Whether an agent can be reached, beside its standing, which it never changes
// (docs/reachability.md).
enum class Reach {
  kOnline,       // heard, and nothing says that it cannot be called
  kUnreachable,  // heard, and not to be called: its orders wait for its own reports
  kOffline,      // not heard for longer than its reports may be apart
};
// ReachName returns "online", "unreachable", "offline".
[[nodiscard]] std::string_view ReachName(Reach reach);

struct Reachability {
  Reach reach = Reach::kOffline;
  Instant since;
  // Of unreachable: network (it is in one of unreachable_networks), calls (they failed), no-address
  // (there is none that the server would call). Of offline: silent, never-heard. Or empty.
  std::string_view reason;
};

// ReachText explains a reason to a person, in one line.
[[nodiscard]] std::string_view ReachText(std::string_view reason);

// ReachPolicy is the judgement of reachability under one configuration, by the clock of the time in
// which this server ran. It keeps what it decides in
// the agent's row: the caller stores that. Neither state flaps: offline is only who has missed
// `offline_after` reports of the interval that it was told, and a minute; unreachable by calls only
// who was called kFailedCalls times in a row without an answer while it ran and was heard, and it
// stays that until a call is answered.
class ReachPolicy {
 public:
  static constexpr std::uint32_t kFailedCalls = 2;
  static constexpr Seconds kGrace = std::chrono::minutes(1);
  // One that is unreachable by its calls is called again when the last one is as long ago.
  static constexpr Seconds kTryAgainAfter = std::chrono::hours(6);

  ReachPolicy() = default;
  ReachPolicy(const store::ServerConfig& config, net::NetworkSet unreachable,
              ServedTime served = {});

  // served is the clock of silence, in which AgentRow::silent_at counts.
  [[nodiscard]] const ServedTime& served() const { return served_; }
  void set_served(ServedTime served) { served_ = std::move(served); }

  // IsInNetwork: its reports come from a network in which nobody is called, or all its own
  // addresses lie in such.
  [[nodiscard]] bool IsInNetwork(const store::AgentRow& row) const;
  // MayBeCalled: nothing says that a call would be in vain.
  [[nodiscard]] bool MayBeCalled(const store::AgentRow& row, Instant now) const;
  // IntervalFor and WaitFor are what its next reply says: seconds between reports, and for how long
  // it shall wait for the answer (0: not at all).
  [[nodiscard]] Seconds IntervalFor(const store::AgentRow& row) const;
  [[nodiscard]] Seconds WaitFor(const store::AgentRow& row) const;

  // TakeReport is a proved report of it, before `row` has its instance.
  void TakeReport(store::AgentRow& row, const Instance& instance, bool has_address,
                  Instant now) const;
  // TakeReceipt is a proved receipt. kCall: to an order that a call brought.
  enum class Way { kCall, kPosted };
  void TakeReceipt(store::AgentRow& row, Way way, Instant now) const;
  // TakeFailedCall: it was called, and did not prove that it is there.
  static void TakeFailedCall(store::AgentRow& row, Instant now);

  [[nodiscard]] Reachability Of(const store::AgentRow& row, Instant now) const;

 private:
  void Heard(store::AgentRow& row, bool unreachable, Instant now) const;

  net::NetworkSet networks_;
  ServedTime served_;
  Seconds interval_{};
  Seconds unreachable_interval_{};
  std::int64_t offline_after_ = 2;
  store::LongPoll long_poll_ = store::LongPoll::kOff;
  Seconds wait_{};
};

}  // namespace countersign::server
