#include <algorithm>
#include <utility>

#include "server/next_steps.h"
#include "server/server.h"

// Which certificate signs to an agent: the active one, or that of a rollout (protocol section 9).
namespace countersign::server {
namespace {

// An agent that answered so often since it was sent the pending certificate, and neither took it
// over nor refused it, counts as one that does not take it. A report tells of a refusal that
// somebody on the network may have brought about by altering one reply: once more, then.
constexpr std::uint32_t kMaxAnswers = 5;
constexpr std::uint32_t kMinReports = 2;
constexpr std::string_view kNotTaken = "not-taken";

// Agents obey the pending certificate, or an aborted one, that they hold, and nothing older. Once a
// newer one is active, holders of an aborted one are offered that as all others are.
bool SignsForHolders(const IdentityBook::Entry& entry, const IdentityBook::Entry& active) {
  const bool pending = entry.row.state == store::CertificateState::kPending;
  const bool aborted = entry.row.state == store::CertificateState::kAborted;
  return (pending || aborted) && entry.identity.generation > active.identity.generation;
}

}  // namespace

Status Server::LoadRollout() {
  auto rows = world_.registry.ListRollouts(1);
  if (!rows) return std::unexpected(std::move(rows).error());
  rollout_.reset();
  look_again_ = {};
  if (rows->empty() || !trust::IsUnderWay(rows->front().rollout.state)) return {};
  const auto counts = world_.registry.CountOffers(rows->front().rollout.generation);
  if (!counts) return std::unexpected(counts.error());
  most_answers_ = counts->taken + counts->refused;
  rollout_ = std::move(rows->front());
  return {};
}

Result<Server::Signing> Server::ChooseSigning(const store::AgentRow& row, const Believes& believes,
                                              Offer offer, Instant now) {
  const auto* const active = book_.Active();
  if (active == nullptr || book_.server_ids().empty()) {
    return Fail(Code::kRefused, "this server has no certificate", std::string(kReplaceCommand));
  }
  Signing signing{
      .entry = active,
      .bundle = {},
      .iss = book_.IsOurs(believes.server) ? believes.server : book_.server_ids().front()};
  const auto* const held = book_.FindServer(believes.held);
  if (held != nullptr && SignsForHolders(*held, *active) && SignerOf(*held)) signing.entry = held;
  if (signing.entry == book_.Pending()) return signing;
  if (offer == Offer::kMay && book_.Pending() != nullptr && SignerOf(*book_.Pending())) {
    auto bundle = book_.BundleFor(*book_.Pending(), believes.owner, signing.iss);
    const auto offered = bundle ? OfferPending(row, now) : false;
    if (!offered) return std::unexpected(offered.error());
    if (*offered) {
      signing.entry = book_.Pending();
      signing.bundle = *std::move(bundle);
      return signing;
    }
  }
  if (held == signing.entry) return signing;
  auto bundle = book_.BundleFor(*active, believes.owner, signing.iss);
  // An agent of another owner gets our own bundle, so that its verdict names what is wrong.
  if (!bundle) bundle = book_.BundleFor(*active, active->identity.owner, signing.iss);
  if (bundle) signing.bundle = *std::move(bundle);
  return signing;
}

Result<bool> Server::OfferPending(const store::AgentRow& row, Instant now) {
  if (!rollout_ || !MayCommand(row)) return false;
  trust::Rollout& rollout = rollout_->rollout;
  if (!trust::IsOffered(rollout, row.id, row.domain)) return false;
  // One that is ahead (this server was restored) would only refuse it.
  if (row.held_known && row.held_generation > rollout.generation) return false;
  auto found = world_.registry.FindOffer(row.id, rollout.generation);
  if (!found) return std::unexpected(std::move(found).error());
  std::optional<store::OfferRow> offer = *std::move(found);
  if (offer && offer->state == store::OfferState::kRefused) return false;
  if (!offer) {
    trust::KeepTime(rollout, now);
    if (trust::OffersLeft(rollout, now, 1) == 0) return false;
    ++rollout.rate_used;
    COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutRollout(*rollout_));
    offer = {.agent = row.id, .generation = rollout.generation, .since = now};
  }
  if (offer->sends > 0) return true;
  offer->sends = 1;
  COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutOffer(*offer));
  return true;
}

// What an agent was sent before counts no more when it proved a higher generation. Of the
// certificate, not by its own word; and none above the active one, to which it may be set back.
Status Server::ForgetOffers(const store::AgentRow& row) {
  const auto* const active = book_.Active();
  if (!row.held_known || row.want_bundle || active == nullptr) return {};
  const auto* const held = book_.FindServer(row.held_thumbprint);
  const std::uint64_t generation =
      held == nullptr ? row.held_generation : held->identity.generation;
  return world_.registry.DropOffersBelow(row.id, std::min(generation, active->identity.generation));
}

Status Server::JudgeOffer(store::AgentRow& row, Answered answered, Instant now) {
  const auto* const pending = book_.Pending();
  if (pending == nullptr && book_.Aborted().empty()) return {};
  COUNTERSIGN_RETURN_IF_ERROR(ForgetOffers(row));
  if (pending == nullptr || !MayCommand(row)) return {};
  auto found = world_.registry.FindOffer(row.id, pending->identity.generation);
  if (!found) return std::unexpected(std::move(found).error());
  const bool holds = row.held_thumbprint == pending->certificate.thumbprint();
  if (!*found && !holds) return {};
  store::OfferRow offer =
      (*std::move(found))
          .value_or(store::OfferRow{
              .agent = row.id, .generation = pending->identity.generation, .since = now});
  const store::OfferRow before = offer;
  if (holds) {
    offer.state = store::OfferState::kTaken;
    offer.verdict.clear();
  } else if (offer.state == store::OfferState::kTaken) {
    offer.state = store::OfferState::kSent;  // set back to an earlier state
    offer.sends = 0;
  } else if (offer.state == store::OfferState::kSent && offer.sends > 0) {
    TakeAnswer(row, answered, offer);
  }
  if (offer == before) return {};
  if (offer.state != before.state) offer.since = now;
  offers_changed_ = true;
  return world_.registry.PutOffer(offer);
}

// An answer of an agent that was sent the pending certificate, and does not hold it.
void Server::TakeAnswer(store::AgentRow& row, Answered answered, store::OfferRow& offer) {
  ++offer.sends;
  const auto refusal = trust::ParseVerdict(row.last_refusal);
  const bool refuses = refusal && trust::RefusesBundle(*refusal);
  const bool counts = answered == Answered::kByReceipt || offer.sends > kMinReports;
  if ((refuses && counts) || offer.sends > kMaxAnswers) {
    offer.state = store::OfferState::kRefused;
    offer.verdict = refuses ? row.last_refusal : kNotTaken;
  }
  if (refuses) row.last_refusal.clear();  // of the pending certificate, not of the active one
}

}  // namespace countersign::server
