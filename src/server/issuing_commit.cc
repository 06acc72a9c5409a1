#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "server/events.h"
#include "server/issuing_internal.h"
#include "server/rollout.h"
#include "server/standing.h"

namespace countersign::server {
namespace {

std::string DigestOf(const Bytes& backup) { return HexLower(crypto::Sha256(backup)); }

// An agent that the backup says was admitted, and of which this server has heard nothing yet. Its
// key is pinned by its first report, whose id follows from it.
Status AdmitFromBackup(World& world, const AgentId& agent, Instant now) {
  auto row = world.registry.FindAgent(agent);
  if (!row) return std::unexpected(std::move(row).error());
  if (!*row) {
    row->emplace();
    (*row)->id = agent;
    (*row)->standing = kNew;
    (*row)->standing_since = now;
    (*row)->first_seen = now;
  }
  if ((*row)->forgotten || (*row)->admitted) return {};
  (*row)->admitted = true;
  (*row)->admitted_by = "backup";
  return world.registry.PutAgent(**row);
}

// To whom a certificate was sent matters while it is pending, or aborted with its key kept.
Status DropLeftOffers(World& world, const Rows& rows) {
  std::set<std::uint64_t> kept;
  std::set<std::uint64_t> left;
  for (const auto& row : rows) {
    if (row.role != store::CertificateRole::kServer) continue;
    const bool matters = row.state == store::CertificateState::kPending ||
                         row.state == store::CertificateState::kAborted;
    (matters ? kept : left).insert(row.generation);
  }
  for (const std::uint64_t generation : left) {
    if (kept.contains(generation)) continue;
    COUNTERSIGN_RETURN_IF_ERROR(world.registry.DropOffersOf(generation));
  }
  return {};
}

// A rollout without a pending certificate is over: `-c`, an import, the reserve took its place. Its
// end is told before the change that ends it.
Status EndRollout(World& world, const Change& change) {
  const auto under_way = RolloutUnderWay(world.registry);
  if (!under_way) return std::unexpected(under_way.error());
  const auto rows = world.registry.ListCertificates();
  if (!rows) return std::unexpected(rows.error());
  COUNTERSIGN_RETURN_IF_ERROR(DropLeftOffers(world, *rows));
  if (!*under_way) return {};
  const bool goes_on = std::ranges::any_of(*rows, [&](const store::CertificateRow& row) {
    return row.state == store::CertificateState::kPending &&
           row.thumbprint == (*under_way)->rollout.thumbprint;
  });
  if (goes_on) return {};
  store::RolloutRow ended = **under_way;
  COUNTERSIGN_RETURN_IF_ERROR(trust::Abort(
      ended.rollout, "another change took its place: " + change.event.kind, change.event.at));
  COUNTERSIGN_RETURN_IF_ERROR(world.registry.PutRollout(ended));
  return RecordEvent(world,
                     {.id = 0,
                      .at = change.event.at,
                      .kind = "rollout-aborted",
                      .agent = {},
                      .text = "generation " + std::to_string(ended.rollout.generation) +
                              " is offered to nobody any more: " + ended.rollout.why},
                     change.history);
}

Status WriteRollout(World& world, const Change& change) {
  if (change.rollout) COUNTERSIGN_RETURN_IF_ERROR(world.registry.PutRollout(*change.rollout));
  for (const std::uint64_t generation : change.drop_offers) {
    COUNTERSIGN_RETURN_IF_ERROR(world.registry.DropOffersOf(generation));
  }
  return EndRollout(world, change);
}

Status WriteRows(World& world, const Change& change) {
  for (const auto& row : change.rows) {
    COUNTERSIGN_RETURN_IF_ERROR(world.registry.PutCertificate(row));
  }
  COUNTERSIGN_RETURN_IF_ERROR(WriteRollout(world, change));
  for (const AgentId& agent : change.admitted) {
    COUNTERSIGN_RETURN_IF_ERROR(AdmitFromBackup(world, agent, change.event.at));
  }
  // What the owner was asked for before something was issued or taken over is void, or was this.
  if (!change.new_keys.empty() || change.backup) {
    COUNTERSIGN_RETURN_IF_ERROR(world.registry.PutMeta(kMetaOwnerRequest, ""));
  }
  if (change.newest_issue) {
    COUNTERSIGN_RETURN_IF_ERROR(
        world.registry.PutMeta(kMetaNewestIssue, std::to_string(ToUnix(*change.newest_issue))));
  }
  if (change.backup) {
    COUNTERSIGN_RETURN_IF_ERROR(
        world.registry.PutMeta(kMetaBackupDigest, DigestOf(change.backup->file)));
    COUNTERSIGN_RETURN_IF_ERROR(
        world.registry.PutMeta(kMetaBackupWrittenAt, std::to_string(ToUnix(change.event.at))));
    COUNTERSIGN_RETURN_IF_ERROR(
        world.registry.PutMeta(kMetaBackupAdmitted, std::to_string(change.backup->num_admitted)));
  }
  return RecordEvent(world, change.event, change.history);
}

Status Write(World& world, const Change& change) {
  for (const NewKey& key : change.new_keys) {
    COUNTERSIGN_RETURN_IF_ERROR(world.ring.Add(key.key, key.exportable));
  }
  if (change.backup) COUNTERSIGN_RETURN_IF_ERROR(world.storage.StageBackup(change.backup->file));
  return world.registry.Transact([&] { return WriteRows(world, change); });
}

// IsWritten asks the registry itself: a commit whose answer was lost may have happened.
Result<bool> IsWritten(World& world, const Change& change) {
  const auto digest = world.registry.GetMeta(kMetaBackupDigest);
  if (!digest) return std::unexpected(digest.error());
  if (change.backup && *digest != DigestOf(change.backup->file)) return false;
  const auto rows = world.registry.ListCertificates();
  if (!rows) return std::unexpected(rows.error());
  return std::all_of(change.rows.begin(), change.rows.end(), [&](const auto& row) {
    return std::find(rows->begin(), rows->end(), row) != rows->end();
  });
}

// TakeBack removes what a change that did not happen has left. What fails here is taken back at the
// next start.
void TakeBack(World& world, const Change& change) {
  const auto warn = [&](const Error& error) {
    world.log.Write(LogLevel::kWarning, "after a change that failed: " + error.message);
  };
  const auto book = IdentityBook::Load(world.registry);
  if (!book) return warn(book.error());
  for (const NewKey& key : change.new_keys) {
    const Digest& digest = key.key.public_key().digest();
    if (IsInUse(*book, digest)) continue;
    if (const auto destroyed = world.ring.Destroy(digest); !destroyed) warn(destroyed.error());
  }
  if (const auto finished = Finish(world, Tell::kNo); !finished) warn(finished.error());
}

}  // namespace

bool IsInUse(const IdentityBook& book, const Digest& key) {
  return std::any_of(book.entries().begin(), book.entries().end(), [&](const auto& entry) {
    const bool in_use = entry.row.state == store::CertificateState::kActive ||
                        entry.row.state == store::CertificateState::kPending ||
                        entry.row.state == store::CertificateState::kReserve ||
                        entry.row.state == store::CertificateState::kAborted;
    return entry.row.role == store::CertificateRole::kServer && in_use &&
           entry.certificate.key().digest() == key;
  });
}

Result<std::optional<Error>> Commit(World& world, const Change& change) {
  if (auto written = Write(world, change); !written) {
    const auto happened = IsWritten(world, change);
    if (!happened) {
      return WithContext("whether the change was made is known at the next start only",
                         std::move(written).error());
    }
    if (!*happened) {
      TakeBack(world, change);
      return WithContext("nothing was changed", std::move(written).error());
    }
  }
  auto finished = Finish(world, Tell::kNo);
  if (finished) return std::nullopt;
  Error error = WithContext(
                    "the change is made, but not everything that follows from it (the next start "
                    "catches up)",
                    std::move(finished).error())
                    .error();
  world.log.Write(LogLevel::kError, error.message);
  return error;
}

Status ForEachAgent(store::Registry& registry,
                    const std::function<void(const store::AgentRow&)>& body) {
  store::AgentQuery query;
  for (;;) {
    const auto rows = registry.ListAgents(query);
    if (!rows) return std::unexpected(rows.error());
    for (const auto& row : *rows) body(row);
    if (rows->size() < query.limit) return {};
    query.after = rows->back().id;
  }
}

}  // namespace countersign::server
