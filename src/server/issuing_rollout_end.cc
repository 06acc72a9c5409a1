#include <algorithm>

#include "server/rollout_internal.h"

// Ending a rollout: finished, aborted, rolled back (protocol section 9).
namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;

std::unexpected<Error> NoRollout() {
  return Fail(Code::kNotFound, "no rollout is under way", "countersign rollout start");
}

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

}  // namespace

Result<Issued> FinishRollout(World& world, Instant now) {
  auto row = RolloutUnderWay(world.registry);
  if (!row) return std::unexpected(std::move(row).error());
  if (!*row) return NoRollout();
  auto rows = world.registry.ListCertificates();
  if (!rows) return std::unexpected(std::move(rows).error());
  const auto book = IdentityBook::Make(*rows);
  if (!book) return std::unexpected(book.error());
  const auto* const pending = book->Pending();
  const auto* const active = book->Active();
  if (pending == nullptr) return Fail(Code::kDamaged, "the rollout has no pending certificate");
  COUNTERSIGN_RETURN_IF_ERROR(CheckKey(world, *pending, "pending"));
  const auto counts = world.registry.CountOffers((*row)->rollout.generation);
  if (!counts) return std::unexpected(counts.error());
  COUNTERSIGN_RETURN_IF_ERROR(trust::Finish((*row)->rollout, now));
  (*row)->rollout.why = std::to_string(counts->taken) + " agents had taken it over";
  if (active != nullptr) SetState(*rows, active->certificate, CertificateState::kReplaced, now);
  SetState(*rows, pending->certificate, CertificateState::kActive, now);
  const Change change{
      .new_keys = {},
      .backup = std::nullopt,
      .rows = *std::move(rows),
      .newest_issue = std::nullopt,
      .admitted = {},
      .event = {.id = 0,
                .at = now,
                .kind = "rollout-finished",
                .agent = {},
                .text = "certificate " + pending->certificate.serial() + " is active; " +
                        std::to_string(counts->taken) + " agents had taken it over"},
      .rollout = **row,
      .drop_offers = {(*row)->rollout.generation}};
  auto issued = CommitIssued(world, change, pending->certificate);
  if (!issued || active == nullptr) return issued;
  issued->replaced = active->certificate;
  issued->notes.push_back("the key of certificate " + active->certificate.serial() +
                          " is destroyed here; the automatic backup holds it until its password "
                          "is next given, and copies made earlier hold it for good");
  return issued;
}

Status AbortRollout(World& world, Strand strand, Instant now) {
  auto row = RolloutUnderWay(world.registry);
  if (!row) return std::unexpected(std::move(row).error());
  auto rows = world.registry.ListCertificates();
  if (!rows) return std::unexpected(std::move(rows).error());
  const auto book = IdentityBook::Make(*rows);
  if (!book) return std::unexpected(book.error());
  const auto aborted = book->Aborted();
  if (!*row && (strand == Strand::kNo || aborted.empty())) return NoRollout();
  Change change{.new_keys = {},
                .backup = std::nullopt,
                .rows = *std::move(rows),
                .newest_issue = std::nullopt,
                .admitted = {},
                .event = {.id = 0, .at = now, .kind = "rollout-aborted", .agent = {}, .text = {}}};
  std::vector<const IdentityBook::Entry*> given_up;
  if (*row) {
    COUNTERSIGN_RETURN_IF_ERROR(trust::Abort((*row)->rollout, "", now));
    (*row)->rollout.gate_shown = now;
    change.rollout = **row;
    if (const auto* const pending = book->Pending()) {
      SetState(change.rows, pending->certificate, CertificateState::kAborted, now);
      change.event.text = "certificate " + pending->certificate.serial() + " is offered to nobody";
      given_up.push_back(pending);
    }
  }
  if (strand == Strand::kYes) {
    change.event.kind = "rollout-stranded";
    given_up.insert(given_up.end(), aborted.begin(), aborted.end());
    std::uint64_t stranded = 0;
    for (const auto* const entry : given_up) {
      const auto counts = world.registry.CountOffers(entry->identity.generation);
      if (!counts) return std::unexpected(counts.error());
      stranded += counts->sent + counts->taken + counts->refused;
      SetState(change.rows, entry->certificate, CertificateState::kReplaced, now);
      change.drop_offers.push_back(entry->identity.generation);
    }
    change.event.text = "the keys of " + std::to_string(given_up.size()) +
                        " aborted certificates are destroyed, which " + std::to_string(stranded) +
                        " agents may hold";
  }
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
  const auto* const active = present->book.Active();
  const auto* const pending = present->book.Pending();
  if (active == nullptr || pending == nullptr || active->identity.self_signed ||
      !present->backup.owner_key) {
    return Fail(Code::kRefused,
                "the active certificate was imported and is its own owner: it cannot be issued "
                "anew. Nothing was changed. Abort the rollout instead",
                "countersign rollout abort");
  }
  COUNTERSIGN_RETURN_IF_ERROR(CheckKey(world, *active, "active"));
  const auto owner =
      OwnerOf(world, *present->backup.owner_key, present->book, present->server_ids.front(), now);
  if (!owner) return std::unexpected(owner.error());
  const auto pair = IssueBack(world, config, *owner, *present, now);
  if (!pair) return std::unexpected(pair.error());
  COUNTERSIGN_RETURN_IF_ERROR(trust::Abort((*row)->rollout, "rolled back", now));
  Change change{
      .new_keys = {{pair->reserve.key}},
      .backup = std::nullopt,
      .rows = present->rows,
      .newest_issue = now,
      .admitted = present->admitted,
      .event = {.id = 0,
                .at = now,
                .kind = "rollout-rolled-back",
                .agent = {},
                .text = "certificate " + pair->back.serial() +
                        " for the earlier key takes the place of " + pending->certificate.serial()},
      .history = present->backup.manifest->history,
      .rollout = **row};
  Retire(change.rows, now);
  SetState(change.rows, pending->certificate, CertificateState::kAborted, now);
  SetState(change.rows, pair->back, CertificateState::kActive, now);
  SetState(change.rows, pair->reserve.certificate, CertificateState::kReserve, now);
  COUNTERSIGN_RETURN_IF_ERROR(Seal(world, *present, *owner, backup_password, change, now));
  auto issued = CommitIssued(world, change, pair->back);
  if (issued) issued->replaced = pending->certificate;
  return issued;
}

Result<bool> ReleaseAborted(World& world, Instant now) {
  auto rows = world.registry.ListCertificates();
  if (!rows) return std::unexpected(std::move(rows).error());
  const auto book = IdentityBook::Make(*rows);
  if (!book) return std::unexpected(book.error());
  Change change{
      .new_keys = {},
      .backup = std::nullopt,
      .rows = *std::move(rows),
      .newest_issue = std::nullopt,
      .admitted = {},
      .event = {.id = 0, .at = now, .kind = "aborted-key-destroyed", .agent = {}, .text = {}}};
  for (const auto* const entry : book->Aborted()) {
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
