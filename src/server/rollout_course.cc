#include <algorithm>
#include <utility>

#include "server/fleet.h"
#include "server/rollout.h"
#include "server/server.h"
#include "server/standing.h"

// How a rollout goes on: who is asked next, and what follows from the answers (trust/rollout.h).
namespace countersign::server {
namespace {

constexpr std::size_t kAskAtOnce = 500;
constexpr Seconds kAskFor = std::chrono::hours(24);

}  // namespace

void Server::AdvanceRollout(Instant now) {
  if (!rollout_) return;
  trust::KeepTime(rollout_->rollout, now);
  Status done = AskSome(now);
  if (done && (std::exchange(offers_changed_, false) || now >= look_again_)) {
    done = MoveRollout(now);
  }
  if (done) return;
  world_.log.Write(LogLevel::kError, "the rollout does not go on: " + done.error().message);
  if (const auto loaded = LoadRollout(); !loaded) {
    world_.log.Write(LogLevel::kError, loaded.error().message);
  }
  look_again_ = now + std::chrono::minutes(1);
}

// Agents that can be called, or wait here, are asked, some at a time; the others are offered the
// certificate when they report.
Status Server::AskSome(Instant now) {
  store::RolloutRow next = *rollout_;
  std::uint64_t left = trust::OffersLeft(next.rollout, now, kAskAtOnce);
  if (next.all_asked || left == 0) return {};
  store::AgentQuery query;
  if (!next.asked_to.is_nil()) query.after = next.asked_to;
  query.limit = kAskAtOnce;
  const auto rows = world_.registry.ListAgents(query);
  if (!rows) return std::unexpected(rows.error());
  const auto asked = world_.registry.Transact([&]() -> Status {
    for (const auto& row : *rows) {
      if (left == 0) return world_.registry.PutRollout(next);
      const std::uint64_t before = next.rollout.rate_used;
      COUNTERSIGN_RETURN_IF_ERROR(Ask(row, next, now));
      left -= next.rollout.rate_used - before;
      next.asked_to = row.id;
    }
    next.all_asked = rows->size() < query.limit;
    return world_.registry.PutRollout(next);
  });
  if (!asked) return asked;
  offers_changed_ = offers_changed_ || next.all_asked;
  rollout_ = std::move(next);
  return {};
}

Status Server::Ask(const store::AgentRow& row, store::RolloutRow& rollout, Instant now) {
  const auto* const pending = book_.Pending();
  const bool is_asked = pending != nullptr && MayCommand(row) &&
                        WillTake(row, rollout.rollout.generation) &&
                        row.held_thumbprint != pending->row.thumbprint &&
                        (AddressOf(row) || waiting_.Contains(row.id)) &&
                        trust::IsOffered(rollout.rollout, row.id, row.domain);
  if (!is_asked) return {};
  const auto open = world_.registry.AllOpenOrders(row.id, kUpdateNow);
  if (!open) return std::unexpected(open.error());
  if (!open->empty()) return {};  // it will hear of it with that one
  const auto offer = world_.registry.FindOffer(row.id, rollout.rollout.generation);
  if (!offer) return std::unexpected(offer.error());
  if (*offer && ((*offer)->state != store::OfferState::kSent || (*offer)->sends > 0)) return {};
  const auto order =
      world_.registry.AddOrder(NewOrder(row.id, std::string(kUpdateNow), "", kAskFor, now));
  if (!order) return std::unexpected(order.error());
  ++rollout.rollout.rate_used;
  // It counts as sent from here on: a kill after the order went out changes nothing.
  return world_.registry.PutOffer(
      {.agent = row.id, .generation = rollout.rollout.generation, .since = now});
}

Result<trust::RolloutCounts> Server::CountRollout() {
  const auto offers = world_.registry.CountOffers(rollout_->rollout.generation);
  if (!offers) return std::unexpected(offers.error());
  const auto standings = world_.registry.CountAgents();
  if (!standings) return std::unexpected(standings.error());
  const auto unadmitted = world_.registry.CountUnadmitted("", Instant());
  if (!unadmitted) return std::unexpected(unadmitted.error());
  trust::RolloutCounts counts{.agents = 0,
                              .taken = offers->taken,
                              .sent = offers->sent,
                              .refused = offers->refused,
                              .all_asked = rollout_->all_asked};
  for (const auto& count : *standings) {
    if (count.standing != kRetired && count.standing != kMoved) counts.agents += count.count;
  }
  counts.agents -= std::min(counts.agents, *unadmitted);
  return counts;
}

Status Server::GateShown(Instant now) {
  store::RolloutRow next = *rollout_;
  next.rollout.gate_shown = now;
  COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutRollout(next));
  rollout_ = std::move(next);
  return {};
}

// The counts may be off by agents that were retired or forgotten since; the rows are not.
Status Server::MoveRollout(Instant now) {
  auto counts = CountRollout();
  if (!counts) return std::unexpected(std::move(counts).error());
  if (trust::IsComplete(rollout_->rollout, *counts)) {
    const auto fleet = LookAtFleet(*this, now);
    if (!fleet) return std::unexpected(fleet.error());
    counts->agents = fleet->all.agents;
    counts->taken = fleet->all.taken;
    if (trust::IsComplete(rollout_->rollout, *counts)) {
      const auto finished = FinishRollout(world_, now);
      if (!finished) return std::unexpected(finished.error());
      return Reload(now);
    }
  }
  store::RolloutRow next = *rollout_;
  // One that answers this way and that does not keep it from being quiet.
  const std::uint64_t answers = counts->taken + counts->refused;
  if (answers > most_answers_) next.rollout.moved = now;
  const Seconds quiet = 2 * config_.report_interval;
  const bool moved = trust::Advance(next.rollout, *counts, quiet, now);
  look_again_ = trust::LookAgainAt(next.rollout, quiet, now);
  if (!moved) {
    COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutRollout(next));
    most_answers_ = std::max(most_answers_, answers);
    rollout_ = std::move(next);
    return {};
  }
  if (next.rollout.state == trust::RolloutState::kRolling) {
    next.asked_to = {};
    next.all_asked = false;
  }
  const std::string kind = "rollout-" + std::string(trust::RolloutStateName(next.rollout.state));
  const std::string text = next.rollout.why.empty()
                               ? std::to_string(counts->taken) + " of " +
                                     std::to_string(counts->agents) + " agents have it"
                               : next.rollout.why;
  COUNTERSIGN_RETURN_IF_ERROR(PutRollout(world_, next, kind, text, now));
  const bool halted = next.rollout.state == trust::RolloutState::kHalted;
  world_.log.Write(halted ? LogLevel::kError : LogLevel::kInfo,
                   kind + ": " + text + (halted ? "; run countersign rollout status" : ""));
  rollout_ = std::move(next);
  return {};
}

}  // namespace countersign::server
