#include "server/reachability.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace countersign::server {
namespace {

bool LastCallFailed(const store::AgentRow& row) {
  return row.call_failed_at &&
         (!row.call_answered_at || *row.call_answered_at < *row.call_failed_at);
}

// What says nothing about where a machine is.
bool IsAnywhere(const net::IpAddress& address) {
  return address.Classify() != net::AddressClass::kOrdinary;
}

}  // namespace

std::string_view ReachName(Reach reach) {
  switch (reach) {
    case Reach::kOnline:
      return "online";
    case Reach::kUnreachable:
      return "unreachable";
    case Reach::kOffline:
      break;
  }
  return "offline";
}

std::string_view ReachText(std::string_view reason) {
  if (reason == "network") return "it is in a network in which no agent is called";
  if (reason == "calls") return "it reports, but calls to it fail";
  if (reason == "no-address") return "it has no address that this server would call";
  if (reason == "silent") return "it has missed its reports";
  if (reason == "never-heard") return "no proved message of it has come yet";
  return "";
}

ReachPolicy::ReachPolicy(const store::ServerConfig& config, net::NetworkSet unreachable,
                         ServedTime served)
    : networks_(std::move(unreachable)),
      served_(std::move(served)),
      interval_(config.report_interval),
      unreachable_interval_(config.unreachable_interval),
      offline_after_(config.offline_after),
      long_poll_(config.long_poll),
      wait_(config.long_poll_seconds) {}

bool ReachPolicy::IsInNetwork(const store::AgentRow& row) const {
  if (networks_.empty()) return false;
  const auto source = net::IpAddress::Parse(row.source);
  if (source && networks_.Contains(*source)) return true;
  bool some = false;
  for (const auto& text : row.addresses) {
    const auto address = net::IpAddress::Parse(text);
    if (!address || IsAnywhere(*address)) continue;
    if (!networks_.Contains(*address)) return false;
    some = true;
  }
  return some;
}

bool ReachPolicy::MayBeCalled(const store::AgentRow& row, Instant now) const {
  if (IsInNetwork(row)) return false;
  const bool in_vain = row.unreachable && LastCallFailed(row) && *row.call_failed_at <= now &&
                       now - *row.call_failed_at < kTryAgainAfter;
  return !in_vain;
}

Seconds ReachPolicy::IntervalFor(const store::AgentRow& row) const {
  return row.unreachable || IsInNetwork(row) ? unreachable_interval_ : interval_;
}

Seconds ReachPolicy::WaitFor(const store::AgentRow& row) const {
  const bool waits =
      long_poll_ == store::LongPoll::kAll ||
      (long_poll_ == store::LongPoll::kUnreachable && (row.unreachable || IsInNetwork(row)));
  return waits ? wait_ : Seconds(0);
}

void ReachPolicy::TakeReport(store::AgentRow& row, const Instance& instance, bool has_address,
                             Instant now) const {
  // Calls that failed while it was switched off say nothing about the way to it.
  const bool was_away = row.silent_at <= served_.At(now) || row.instance != instance;
  if (was_away) row.failed_calls = 0;
  const bool by_calls =
      row.failed_calls >= kFailedCalls || (row.unreachable && LastCallFailed(row));
  Heard(row, IsInNetwork(row) || !has_address || by_calls, now);
}

void ReachPolicy::TakeReceipt(store::AgentRow& row, Way way, Instant now) const {
  if (way == Way::kPosted) return Heard(row, row.unreachable, now);
  row.failed_calls = 0;
  row.call_answered_at = now;
  Heard(row, IsInNetwork(row), now);
}

void ReachPolicy::TakeFailedCall(store::AgentRow& row, Instant now) {
  if (row.failed_calls < UINT32_MAX) ++row.failed_calls;
  row.call_failed_at = now;
}

void ReachPolicy::Heard(store::AgentRow& row, bool unreachable, Instant now) const {
  const Instant served = served_.At(now);
  if (row.silent_at <= served || row.unreachable != unreachable) row.reach_since = now;
  row.unreachable = unreachable;
  row.silent_at = served + offline_after_ * std::max(IntervalFor(row), WaitFor(row)) + kGrace;
}

Reachability ReachPolicy::Of(const store::AgentRow& row, Instant now) const {
  if (!row.last_verified) return {Reach::kOffline, row.first_seen, "never-heard"};
  if (row.silent_at <= served_.At(now)) {
    return {Reach::kOffline, std::max(served_.ClockOf(row.silent_at), *row.last_verified),
            "silent"};
  }
  if (!row.unreachable) return {Reach::kOnline, row.reach_since, ""};
  if (IsInNetwork(row)) return {Reach::kUnreachable, row.reach_since, "network"};
  return {Reach::kUnreachable, row.reach_since, LastCallFailed(row) ? "calls" : "no-address"};
}

}  // namespace countersign::server
