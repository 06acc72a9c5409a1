#include <algorithm>

#include "server/server.h"

// What a message that was proved new says of the agent: restored, cloned, and what it holds
// (protocol section 6); and the one that is kept as the proof of that.
namespace countersign::server {
namespace {

constexpr Seconds kClonedWithin = std::chrono::hours(24);
constexpr std::size_t kMaxInstances = 8;

}  // namespace

// Held up on the way, by chance or by somebody, and overtaken by later ones: it says nothing about
// what the agent holds now, nor where it is. (A restored agent is never between the two numbers.)
bool Server::IsOvertaken(const store::AgentRow& row, std::uint64_t seq, const Proof& proof) {
  return seq > proof.noted_seq && seq <= row.proved_seq;
}

Status Server::ApplyProved(store::AgentRow& row, const wire::Held& held, std::uint64_t seq,
                           const Instance& instance, std::uint64_t time, const Proof& proof,
                           Instant now) {
  if (seq <= proof.noted_seq) {
    if (row.jump == 0) {
      COUNTERSIGN_RETURN_IF_ERROR(EventOf(
          row, "agent-restored",
          row.host + " went back to an earlier state: it was restored from a backup or snapshot",
          now));
    }
    row.jump = std::max(row.jump, row.proved_seq);
  } else if (row.jump != 0 && seq > row.jump) {
    row.jump = 0;
  }
  row.successor = {};
  COUNTERSIGN_RETURN_IF_ERROR(JudgeInstance(row, instance, proof, now));
  if (IsOvertaken(row, seq, proof)) return {};
  row.proved_seq = std::max(row.proved_seq, seq);
  row.clock_offset = static_cast<std::int64_t>(time) - ToUnix(now);
  if (IsReserveOf(held)) {
    row.held_owner = held.owner;
    COUNTERSIGN_RETURN_IF_ERROR(TellRewound(row, held.generation, now));
    reserve_is_held_ = true;
  }
  ApplyHeld(row, held);
  return {};
}

void Server::ApplyHeld(store::AgentRow& row, const wire::Held& held) {
  // A newer generation than this server knows counts only with the bundle (TakeBundle).
  const bool is_shown = row.held_known && row.held_thumbprint == held.thumbprint;
  row.want_bundle = IsClaim(held) && !is_shown;
  if (row.want_bundle) return;
  row.held_known = true;
  row.held_thumbprint = held.thumbprint;
  row.held_generation = held.generation;
  row.held_owner = held.owner;
  row.held_server = held.server;
}

// IsClaim: it says that there is a newer certificate of this server than it knows.
bool Server::IsClaim(const wire::Held& held) const {
  const auto* const active = book_.Active();
  return active != nullptr && book_.IsOurs(held.server) &&
         held.generation > active->identity.generation &&
         book_.FindServer(held.thumbprint) == nullptr;
}

// An agent that names the reserve has seen it in use: nobody else has.
bool Server::IsReserveOf(const wire::Held& held) const {
  const auto* const reserve = book_.Reserve();
  return reserve != nullptr && reserve->certificate.thumbprint() == held.thumbprint;
}

// KeepProof keeps the message that was just applied to `row` as the agent's proof of adoption if it
// is the first to say that the agent holds a certificate of this server newer than the proof kept
// so far (or another one of the same generation: this server was rewound in between).
Status Server::KeepProof(const store::AgentRow& row, const wire::Held& held, store::ProofKind kind,
                         std::string_view message, Instant now) {
  if (!row.admitted || !book_.IsOurs(row.aud) || row.want_bundle) return {};
  const auto* const entry = book_.FindServer(held.thumbprint);
  const bool is_known =
      entry == nullptr ? IsClaim(held) : entry->identity.generation == held.generation;
  if (!is_known) return {};
  const auto kept = world_.registry.FindProof(row.id);
  if (!kept) return std::unexpected(kept.error());
  const auto& before = *kept;
  const bool is_newer =
      !before || held.generation > before->generation ||
      (held.generation == before->generation && held.thumbprint != before->thumbprint);
  if (!is_newer) return {};
  return world_.registry.PutProof({.agent = row.id,
                                   .generation = held.generation,
                                   .thumbprint = held.thumbprint,
                                   .kind = kind,
                                   .at = now,
                                   .message = std::string(message)});
}

// A replaced instance that speaks again means two at once; two such returns within a day: cloned.
Status Server::JudgeInstance(store::AgentRow& row, const Instance& instance, const Proof& proof,
                             Instant now) {
  if (instance == row.instance) return {};
  const auto replaced = std::find_if(row.replaced.begin(), row.replaced.end(),
                                     [&](const auto& old) { return old.instance == instance; });
  const bool returns = replaced != row.replaced.end();
  // What was given before the last replacement proves nothing about who runs now.
  if (proof.epoch < (returns ? replaced->replaced_in_epoch : row.instance_epoch)) return {};
  if (returns) {
    row.replaced.erase(replaced);
    std::erase_if(row.returns, [&](Instant at) { return at > now || now - at >= kClonedWithin; });
    row.returns.push_back(now);
    if (row.returns.size() >= 2 && !row.cloned) {
      row.cloned = true;
      COUNTERSIGN_RETURN_IF_ERROR(Event(
          "agent-cloned", &row.id, row.host + ": two machines run with this agent's key", now));
    }
  }
  ++row.instance_epoch;
  if (row.instance_epoch > 1) row.replaced.push_back({row.instance, row.instance_epoch});
  if (row.replaced.size() > kMaxInstances) row.replaced.erase(row.replaced.begin());
  if (row.returns.size() > kMaxInstances) row.returns.erase(row.returns.begin());
  row.instance = instance;
  return {};
}

}  // namespace countersign::server
