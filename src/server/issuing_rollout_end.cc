#include <algorithm>

#include "server/rollout_internal.h"

// Ending a rollout: finished, aborted, rolled back (protocol section 9).
namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;

// Certify issues a certificate for a key that is there already.
Result<crypto::Certificate> Certify(World& world, const store::ServerConfig& config,
                                    const Owner& owner, const std::vector<ServerId>& server_ids,
                                    const crypto::PublicKey& key, std::uint64_t generation,
                                    Instant now) {
  return crypto::IssueCertificate({.role = crypto::CertificateRequest::Role::kServer,
                                   .common_name = config.common_name,
                                   .generation = generation,
                                   .server_ids = server_ids,
                                   .not_before = now - kBackdated,
                                   .not_after = now + ValidityOf(config),
                                   .serial_random = world.random.Array<16>()},
                                  key, owner.key, &owner.certificate);
}

// BackPair is a new certificate for the active key, and the reserve that follows it.
struct BackPair {
  crypto::Certificate back;
  ServerPart reserve;
};

Result<BackPair> IssueBack(World& world, const store::ServerConfig& config, const Owner& owner,
                           const Present& present, Instant now) {
  const auto generation = NextGeneration(world, present.book, present.backup.manifest->generations,
                                         present.server_ids, now);
  if (!generation) return std::unexpected(generation.error());
  auto back = Certify(world, config, owner, present.server_ids,
                      present.book.Active()->certificate.key(), *generation, now);
  if (!back) return WithContext("cannot issue for the earlier key", std::move(back).error());
  auto reserve = IssueReserve(world, config, owner, present.server_ids, *generation + 1, now);
  if (!reserve) return std::unexpected(std::move(reserve).error());
  return BackPair{*std::move(back), *std::move(reserve)};
}

// Registered is what a change without a password starts from.
struct Registered {
  std::optional<store::RolloutRow> rollout;  // under way
  Rows rows;
  IdentityBook book;
};

Result<Registered> LoadRegistered(World& world) {
  auto rollout = RolloutUnderWay(world.registry);
  if (!rollout) return std::unexpected(std::move(rollout).error());
  auto rows = world.registry.ListCertificates();
  if (!rows) return std::unexpected(std::move(rows).error());
  auto book = IdentityBook::Make(*rows);
  if (!book) return std::unexpected(std::move(book).error());
  return Registered{*std::move(rollout), *std::move(rows), *std::move(book)};
}

Change ChangeOf(const Registered& registered, std::string_view kind, Instant now) {
  return {.new_keys = {},
          .backup = std::nullopt,
          .rows = registered.rows,
          .newest_issue = std::nullopt,
          .admitted = {},
          .event = {.id = 0, .at = now, .kind = std::string(kind), .agent = {}, .text = {}},
          .rollout = registered.rollout};
}

Status TakePendingBack(const Registered& registered, Change& change, Instant now) {
  COUNTERSIGN_RETURN_IF_ERROR(trust::Abort(change.rollout->rollout, "", now));
  const auto* const pending = registered.book.Pending();
  if (pending == nullptr) return {};
  SetState(change.rows, pending->certificate, CertificateState::kAborted, now);
  change.event.text = "certificate " + pending->certificate.serial() + " is offered to nobody";
  return {};
}

// GiveUp strands whoever may hold a certificate that is aborted by then.
Status GiveUp(World& world, Change& change, Instant now) {
  std::uint64_t num_certificates = 0;
  std::uint64_t num_agents = 0;
  for (auto& row : change.rows) {
    if (row.state != CertificateState::kAborted) continue;
    const auto counts = world.registry.CountOffers(row.generation);
    if (!counts) return std::unexpected(counts.error());
    ++num_certificates;
    num_agents += counts->sent + counts->taken + counts->refused;
    row.state = CertificateState::kReplaced;
    row.since = now;
    change.drop_offers.push_back(row.generation);
  }
  change.event.kind = "rollout-stranded";
  change.event.text = "the keys of " + std::to_string(num_certificates) +
                      " aborted certificates are destroyed, which " + std::to_string(num_agents) +
                      " agents may hold";
  return {};
}

// RowsAfter a rollback.
Rows RowsAfter(const Present& present, const BackPair& pair, Instant now) {
  Rows rows = present.rows;
  Retire(rows, now);
  SetState(rows, present.book.Pending()->certificate, CertificateState::kAborted, now);
  SetState(rows, pair.back, CertificateState::kActive, now);
  SetState(rows, pair.reserve.certificate, CertificateState::kReserve, now);
  return rows;
}

Status CheckMayRollBack(World& world, const Present& present) {
  const auto* const active = present.book.Active();
  const bool can_issue = active != nullptr && present.book.Pending() != nullptr &&
                         !active->identity.self_signed && present.backup.owner_key;
  if (can_issue) return CheckKey(world, *active, "active");
  return Fail(Code::kRefused,
              "the active certificate was imported and is its own owner: it cannot be issued "
              "anew. Nothing was changed. Abort the rollout instead",
              "countersign rollout abort");
}

}  // namespace

Result<Issued> FinishRollout(World& world, Instant now) {
  const auto registered = LoadRegistered(world);
  if (!registered) return std::unexpected(registered.error());
  if (!registered->rollout) return NoRollout();
  const auto* const pending = registered->book.Pending();
  const auto* const active = registered->book.Active();
  if (pending == nullptr) return Fail(Code::kDamaged, "the rollout has no pending certificate");
  COUNTERSIGN_RETURN_IF_ERROR(CheckKey(world, *pending, "pending"));
  const auto counts = world.registry.CountOffers(pending->identity.generation);
  if (!counts) return std::unexpected(counts.error());
  Change change = ChangeOf(*registered, "rollout-finished", now);
  COUNTERSIGN_RETURN_IF_ERROR(trust::Finish(change.rollout->rollout, now));
  change.rollout->rollout.why = std::to_string(counts->taken) + " agents had taken it over";
  change.event.text =
      "certificate " + pending->certificate.serial() + " is active; " + change.rollout->rollout.why;
  change.drop_offers = {pending->identity.generation};
  if (active != nullptr) {
    SetState(change.rows, active->certificate, CertificateState::kReplaced, now);
  }
  SetState(change.rows, pending->certificate, CertificateState::kActive, now);
  auto issued = CommitIssued(world, change, pending->certificate);
  if (!issued || active == nullptr) return issued;
  issued->replaced = active->certificate;
  issued->notes.push_back(
      "the key of certificate " + active->certificate.serial() +
      " is destroyed here; copies made earlier of the automatic backup hold it for good, and the "
      "automatic backup begins with that certificate, for a restore and for followers, until its "
      "password is next given: countersign backup password");
  return issued;
}

Status AbortRollout(World& world, Strand strand, Instant now) {
  const auto registered = LoadRegistered(world);
  if (!registered) return std::unexpected(registered.error());
  const bool is_kept = !registered->book.Aborted().empty();
  if (!registered->rollout && (strand == Strand::kNo || !is_kept)) return NoRollout();
  Change change = ChangeOf(*registered, "rollout-aborted", now);
  if (registered->rollout) {
    COUNTERSIGN_RETURN_IF_ERROR(TakePendingBack(*registered, change, now));
  }
  if (strand == Strand::kYes) COUNTERSIGN_RETURN_IF_ERROR(GiveUp(world, change, now));
  const auto committed = Commit(world, change);
  return committed ? Status() : std::unexpected(committed.error());
}

Result<Issued> RollBack(World& world, const store::ServerConfig& config,
                        const SecretBytes& backup_password, ClockIsRight clock, Instant now) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckIssuer(config));
  COUNTERSIGN_RETURN_IF_ERROR(CheckClock(world, clock, now));
  auto row = RolloutUnderWay(world.registry);
  if (!row) return std::unexpected(std::move(row).error());
  if (!*row) return NoRollout();
  const auto present = OpenForRollout(world, backup_password, now);
  if (!present) return std::unexpected(present.error());
  COUNTERSIGN_RETURN_IF_ERROR(CheckMayRollBack(world, *present));
  const auto owner =
      OwnerOf(world, *present->backup.owner_key, present->book, present->server_ids.front(), now);
  if (!owner) return std::unexpected(owner.error());
  const auto pair = IssueBack(world, config, *owner, *present, now);
  if (!pair) return std::unexpected(pair.error());
  COUNTERSIGN_RETURN_IF_ERROR(trust::Abort((*row)->rollout, "rolled back", now));
  const crypto::Certificate& taken_back = present->book.Pending()->certificate;
  Change change{.new_keys = {{pair->reserve.key}},
                .backup = std::nullopt,
                .rows = RowsAfter(*present, *pair, now),
                .newest_issue = now,
                .admitted = present->admitted,
                .event = {.id = 0,
                          .at = now,
                          .kind = "rollout-rolled-back",
                          .agent = {},
                          .text = "certificate " + pair->back.serial() +
                                  " for the earlier key takes the place of " + taken_back.serial()},
                .history = present->backup.manifest->history,
                .rollout = *std::move(row)};
  COUNTERSIGN_RETURN_IF_ERROR(Seal(world, *present, *owner, backup_password, change, now));
  auto issued = CommitIssued(world, change, pair->back);
  if (issued) issued->replaced = taken_back;
  return issued;
}

Result<bool> ReleaseAborted(World& world, Instant now) {
  const auto registered = LoadRegistered(world);
  if (!registered) return std::unexpected(registered.error());
  Change change = ChangeOf(*registered, "aborted-key-destroyed", now);
  for (const auto* const entry : registered->book.Aborted()) {
    const auto counts = world.registry.CountOffers(entry->identity.generation);
    if (!counts) return std::unexpected(counts.error());
    if (*counts != store::OfferCounts()) continue;
    SetState(change.rows, entry->certificate, CertificateState::kReplaced, now);
    change.event.text += (change.event.text.empty() ? "" : ", ") + entry->certificate.serial();
  }
  if (change.event.text.empty()) return false;
  change.event.text = "no agent can hold it any more: " + change.event.text;
  const auto committed = Commit(world, change);
  if (!committed) return std::unexpected(committed.error());
  return true;
}

}  // namespace countersign::server
