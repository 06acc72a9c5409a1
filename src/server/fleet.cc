#include "server/fleet.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "server/standing.h"

namespace countersign::server {
namespace {

constexpr std::size_t kOffersAtOnce = 1'000;

// What is wrong with these agents is mended by a certificate of a higher generation.
bool IsMendedByNext(std::string_view reason) {
  return reason == "ahead" || reason == "stranded" || reason == "no-certificate" ||
         reason == "no-succession";
}

// Offers walks the offers of one generation along with the agents, both by id.
class Offers {
 public:
  Offers(store::Registry& registry, std::optional<std::uint64_t> generation)
      : registry_(registry), generation_(generation) {}

  // Find moves on to `agent`, which is above the one before.
  [[nodiscard]] Result<std::optional<store::OfferRow>> Find(const AgentId& agent) {
    if (!generation_) return std::nullopt;
    for (;;) {
      while (at_ < page_.size() && page_[at_].agent < agent) ++at_;
      if (at_ < page_.size()) break;
      if (ended_) return std::nullopt;
      auto next = registry_.ListOffers(*generation_, after_, kOffersAtOnce);
      if (!next) return std::unexpected(std::move(next).error());
      page_ = *std::move(next);
      at_ = 0;
      ended_ = page_.size() < kOffersAtOnce;
      if (!page_.empty()) after_ = page_.back().agent;
    }
    if (page_[at_].agent != agent) return std::nullopt;
    return page_[at_];
  }

 private:
  store::Registry& registry_;
  std::optional<std::uint64_t> generation_;
  std::vector<store::OfferRow> page_;
  std::size_t at_ = 0;
  std::optional<AgentId> after_;
  bool ended_ = false;
};

Member Judge(const Server& server, const store::AgentRow& row,
             const std::optional<store::OfferRow>& offer, Instant now) {
  if (row.cloned) return {Prospect::kHands, row.reason, row.standing_since};
  const auto* const pending = server.book().Pending();
  if (pending != nullptr && row.held_thumbprint == pending->row.thumbprint) {
    return {.prospect = Prospect::kTaken};
  }
  if (offer && offer->state == store::OfferState::kRefused) {
    return {Prospect::kHands, offer->verdict, offer->since};
  }
  // One that is issued now is above everything.
  const std::uint64_t next = pending == nullptr ? UINT64_MAX : pending->identity.generation;
  if (!WillTake(row, next)) return {Prospect::kHands, row.reason, row.standing_since};
  if (!row.last_contact || now - *row.last_contact > kUnseenAfter) {
    return {.prospect = Prospect::kUnseen};
  }
  const bool at_once = server.waiting().Contains(row.id) ||
                       (server.AddressOf(row) && server.reach().MayBeCalled(row, now));
  return {.prospect = at_once ? Prospect::kAtOnce : Prospect::kNextContact};
}

void Count(FleetCounts& counts, Prospect prospect) {
  ++counts.agents;
  switch (prospect) {
    case Prospect::kTaken:
      ++counts.taken;
      break;
    case Prospect::kAtOnce:
      ++counts.at_once;
      break;
    case Prospect::kNextContact:
      ++counts.next_contact;
      break;
    case Prospect::kUnseen:
      ++counts.unseen;
      break;
    case Prospect::kHands:
      ++counts.hands;
      break;
  }
}

void Count(Fleet& fleet, const store::AgentRow& row, const Member& member, Instant now) {
  Count(fleet.all, member.prospect);
  Count(fleet.domains[row.domain], member.prospect);
  if (member.prospect == Prospect::kHands) ++fleet.reasons[member.reason];
  if (member.prospect != Prospect::kUnseen) return;
  if (!row.last_contact) {
    ++fleet.never_seen;
    return;
  }
  for (std::size_t i = 0; i < kUnseenDays.size(); ++i) {
    if (now - *row.last_contact > std::chrono::hours(24) * kUnseenDays.at(i)) {
      ++fleet.unseen_since.at(i);
    }
  }
}

}  // namespace

bool WillTake(const store::AgentRow& row, std::uint64_t generation) {
  if (row.held_known && row.held_generation > generation) return false;
  return row.standing != kMismatched || IsMendedByNext(row.reason);
}

std::string_view ProspectName(Prospect prospect) {
  static constexpr std::array<std::string_view, 5> kNames = {"taken", "at-once", "next-contact",
                                                             "unseen", "hands"};
  return kNames.at(static_cast<std::size_t>(prospect));
}

Result<Fleet> LookAtFleet(Server& server, Instant now, const Visit& visit) {
  store::Registry& registry = server.world().registry;
  std::optional<std::uint64_t> generation;
  if (server.rollout()) generation = server.rollout()->rollout.generation;
  Offers offers(registry, generation);
  Fleet fleet;
  store::AgentQuery query;
  query.limit = kOffersAtOnce;
  for (;;) {
    const auto rows = registry.ListAgents(query);
    if (!rows) return std::unexpected(rows.error());
    for (const auto& row : *rows) {
      if (!row.admitted || !row.successor.is_nil() || row.standing == kMoved) continue;
      const auto offer = offers.Find(row.id);
      if (!offer) return std::unexpected(offer.error());
      const Member member = Judge(server, row, *offer, now);
      Count(fleet, row, member, now);
      if (visit) visit(row, member);
    }
    if (rows->size() < query.limit) return fleet;
    query.after = rows->back().id;
  }
}

}  // namespace countersign::server
