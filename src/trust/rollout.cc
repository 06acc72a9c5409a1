#include "trust/rollout.h"

#include <algorithm>
#include <array>

#include "crypto/hash.h"

namespace countersign::trust {
namespace {

constexpr std::string_view kStatus = "countersign rollout status";
constexpr Seconds kHour = std::chrono::hours(1);
constexpr Seconds kMaxSoak = std::chrono::hours(24 * 365);

void Enter(Rollout& rollout, RolloutState state, Instant now) {
  rollout.state = state;
  rollout.since = now;
  rollout.moved = now;
  rollout.rate_since = now;
  rollout.rate_used = 0;
}

std::unexpected<Error> Refuse(const Rollout& rollout, std::string_view what,
                              std::string_view next) {
  return Fail(Code::kRefused,
              "the rollout of generation " + std::to_string(rollout.generation) + " is " +
                  std::string(RolloutStateName(rollout.state)) + " and cannot be " +
                  std::string(what) + ". Nothing was changed",
              std::string(next));
}

bool IsOpen(RolloutState state) {
  return state == RolloutState::kCanary || state == RolloutState::kRolling ||
         state == RolloutState::kGate;
}

// Divided once, so that 2 % of 50 is exactly one.
bool IsAbove(std::uint64_t part, std::uint64_t whole, BasisPoints share) {
  return part * kEverybody > whole * share;
}

std::string Percent(std::uint64_t part, std::uint64_t whole) {
  const std::uint64_t tenths = part * 1'000 / std::max<std::uint64_t>(whole, 1);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %";
}

bool IsCanaryOver(const Rollout& rollout, const RolloutCounts& counts, bool quiet, Instant now) {
  const bool answered = counts.all_asked && (counts.sent == 0 || quiet);
  return now - rollout.since >= rollout.terms.soak && counts.taken > 0 && answered;
}

}  // namespace

std::string_view RolloutStateName(RolloutState state) {
  static constexpr std::array<std::string_view, 8> kNames = {
      "planned", "canary", "rolling", "gate", "paused", "halted", "finished", "aborted"};
  return kNames.at(static_cast<std::size_t>(state));
}

bool IsUnderWay(RolloutState state) {
  return state != RolloutState::kFinished && state != RolloutState::kAborted;
}

Status CheckTerms(const RolloutTerms& terms) {
  if (terms.canary_share > kEverybody || terms.halt_at > kEverybody) {
    return Fail(Code::kUsage, "a share is at most 100%");
  }
  if (terms.halt_at == 0) return Fail(Code::kUsage, "a rollout that halts at 0% never begins");
  if (terms.domains.size() > kMaxRolloutDomains) {
    return Fail(Code::kUsage,
                "at most " + std::to_string(kMaxRolloutDomains) + " domains can be named");
  }
  if (std::ranges::find(terms.domains, "") != terms.domains.end()) {
    return Fail(Code::kUsage, "an empty domain would be everybody: leave it out");
  }
  if (terms.soak < Seconds(0) || terms.soak > kMaxSoak) {
    return Fail(Code::kUsage, "the canary takes between no time and a year");
  }
  return {};
}

std::uint64_t PositionOf(const Digest& thumbprint, const AgentId& agent) {
  Writer writer;
  const Digest digest = crypto::Sha256(writer.Raw(thumbprint).Raw(agent.bytes()).bytes());
  std::uint64_t position = 0;
  for (std::size_t i = 0; i < sizeof position; ++i) position = position << 8 | digest.at(i);
  return position;
}

std::uint64_t CanaryBelow(std::vector<std::uint64_t> positions, BasisPoints share) {
  if (positions.empty() || share == 0) return 0;
  const std::uint64_t wanted = (positions.size() * share + kEverybody - 1) / kEverybody;
  const auto last = positions.begin() + static_cast<std::ptrdiff_t>(wanted) - 1;
  std::ranges::nth_element(positions, last);
  return *last == UINT64_MAX ? *last : *last + 1;
}

bool IsInDomain(std::string_view domain, std::string_view of) {
  return domain.starts_with(of) && (domain.size() == of.size() || domain[of.size()] == '/');
}

bool IsOffered(const Rollout& rollout, const AgentId& agent, std::string_view domain) {
  if (rollout.state != RolloutState::kCanary) return IsOpen(rollout.state);
  const auto& domains = rollout.terms.domains;
  const bool by_domain =
      std::ranges::any_of(domains, [&](const std::string& of) { return IsInDomain(domain, of); });
  return by_domain || PositionOf(rollout.thumbprint, agent) < rollout.canary_below;
}

void KeepTime(Rollout& rollout, Instant now) {
  for (Instant* const at : {&rollout.since, &rollout.moved}) *at = std::min(*at, now);
  if (now >= rollout.rate_since && now - rollout.rate_since < kHour) return;
  rollout.rate_since = now;
  rollout.rate_used = 0;
}

// The first of an hour's share may be asked at once.
std::uint64_t OffersLeft(const Rollout& rollout, Instant now, std::uint64_t most) {
  if (!IsOpen(rollout.state)) return 0;
  if (rollout.terms.rate_per_hour == 0 || rollout.state == RolloutState::kCanary) return most;
  const auto elapsed = std::clamp(now - rollout.rate_since, Seconds(0), kHour).count();
  const std::uint64_t rate = std::min<std::uint64_t>(rollout.terms.rate_per_hour, UINT32_MAX);
  const std::uint64_t allowed =
      1 + static_cast<std::uint64_t>(elapsed) * rate / static_cast<std::uint64_t>(kHour.count());
  return allowed <= rollout.rate_used ? 0 : std::min(allowed - rollout.rate_used, most);
}

void Begin(Rollout& rollout, Instant now) {
  const bool has_canary = rollout.terms.canary_share > 0 || !rollout.terms.domains.empty();
  rollout.started = now;
  Enter(rollout, has_canary ? RolloutState::kCanary : RolloutState::kRolling, now);
}

Status Pause(Rollout& rollout, Instant now) {
  if (!IsOpen(rollout.state)) return Refuse(rollout, "paused", kStatus);
  rollout.goes_on_as = rollout.state;
  Enter(rollout, RolloutState::kPaused, now);
  return {};
}

Status Resume(Rollout& rollout, Instant now) {
  switch (rollout.state) {
    case RolloutState::kCanary:
    case RolloutState::kRolling:
    case RolloutState::kGate:
      Enter(rollout, RolloutState::kRolling, now);
      break;
    case RolloutState::kPaused:
    case RolloutState::kHalted:
      Enter(rollout, rollout.goes_on_as, now);
      break;
    case RolloutState::kPlanned:
    case RolloutState::kFinished:
    case RolloutState::kAborted:
      return Refuse(rollout, "resumed", kStatus);
  }
  rollout.why.clear();
  rollout.gate_shown.reset();
  return {};
}

Status Abort(Rollout& rollout, std::string why, Instant now) {
  if (!IsUnderWay(rollout.state)) return Refuse(rollout, "aborted", kStatus);
  Enter(rollout, RolloutState::kAborted, now);
  rollout.why = std::move(why);
  return {};
}

Status Finish(Rollout& rollout, Instant now) {
  if (!IsUnderWay(rollout.state)) return Refuse(rollout, "finished", kStatus);
  Enter(rollout, RolloutState::kFinished, now);
  rollout.why.clear();
  return {};
}

bool Advance(Rollout& rollout, const RolloutCounts& counts, Seconds quiet, Instant now) {
  if (!IsOpen(rollout.state)) return false;
  const std::uint64_t tried = counts.taken + counts.refused;
  if (counts.refused > 0 && IsAbove(counts.refused, tried, rollout.terms.halt_at)) {
    rollout.goes_on_as = rollout.state;
    rollout.gate_shown.reset();  // it named others
    Enter(rollout, RolloutState::kHalted, now);
    rollout.why = std::to_string(counts.refused) + " of " + std::to_string(tried) +
                  " agents that answered do not take it (" + Percent(counts.refused, tried) + ")";
    return true;
  }
  const bool is_quiet = now - rollout.moved >= quiet;
  if (rollout.state == RolloutState::kCanary && IsCanaryOver(rollout, counts, is_quiet, now)) {
    Enter(rollout, RolloutState::kRolling, now);
    return true;
  }
  const bool asked = counts.all_asked && is_quiet && counts.taken < counts.agents;
  if (rollout.state == RolloutState::kRolling && asked) {
    Enter(rollout, RolloutState::kGate, now);
    return true;
  }
  return false;
}

Instant LookAgainAt(const Rollout& rollout, Seconds quiet, Instant now) {
  Instant next = Instant::max();
  const auto consider = [&](Instant at) {
    if (at > now) next = std::min(next, at);
  };
  if (rollout.state == RolloutState::kCanary) consider(rollout.since + rollout.terms.soak);
  if (IsOpen(rollout.state)) consider(rollout.moved + quiet);
  return next;
}

bool IsComplete(const Rollout& rollout, const RolloutCounts& counts) {
  const bool is_last =
      rollout.state == RolloutState::kRolling || rollout.state == RolloutState::kGate;
  return is_last && counts.taken >= counts.agents;
}

}  // namespace countersign::trust
