#include <algorithm>

#include "server/events.h"
#include "server/next_steps.h"
#include "server/rollout_internal.h"
#include "server/server.h"

// Beginning and ending a rollout: what it does to the certificates and keys (protocol section 9).
namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;

constexpr std::size_t kMaxAborted = 8;
constexpr std::string_view kStatus = "countersign rollout status";

// A rollout needs something that stays in use meanwhile, and a place among the kept keys.
Status CheckMayStart(World& world, const IdentityBook& book) {
  const auto under_way = RolloutUnderWay(world.registry);
  if (!under_way) return std::unexpected(under_way.error());
  if (*under_way) {
    const auto& rollout = (*under_way)->rollout;
    return Fail(Code::kRefused,
                "the rollout of generation " + std::to_string(rollout.generation) + " is " +
                    std::string(trust::RolloutStateName(rollout.state)) +
                    "; finish or abort it first. Nothing was changed",
                std::string(kStatus));
  }
  const auto* const active = book.Active();
  if (active == nullptr) {
    return Fail(Code::kRefused,
                "this server has no active certificate that could stay in use during a rollout. "
                "Nothing was changed",
                std::string(kReplaceCommand));
  }
  if (book.Aborted().size() >= kMaxAborted) {
    return Fail(Code::kRefused,
                "the keys of " + std::to_string(kMaxAborted) +
                    " aborted rollouts are kept for agents that may hold their certificates. "
                    "Nothing was changed. Give those up first, or make a certificate for all",
                "countersign rollout abort --accept, or " + std::string(kReplaceCommand));
  }
  return CheckKey(world, *active, "active");
}

// DrawCanary draws among all agents that get orders. A first wave of nobody would never end.
Status DrawCanary(World& world, trust::Rollout& rollout) {
  const bool has_canary = rollout.terms.canary_share > 0 || !rollout.terms.domains.empty();
  if (!has_canary) return {};
  std::vector<std::uint64_t> positions;
  bool is_in_domain = false;
  COUNTERSIGN_RETURN_IF_ERROR(ForEachAgent(world.registry, [&](const store::AgentRow& row) {
    if (!Server::MayCommand(row)) return;
    positions.push_back(trust::PositionOf(rollout.thumbprint, row.id));
    is_in_domain = is_in_domain || std::ranges::any_of(rollout.terms.domains, [&](const auto& of) {
                     return trust::IsInDomain(row.domain, of);
                   });
  }));
  rollout.canary_below = trust::CanaryBelow(std::move(positions), rollout.terms.canary_share);
  if (is_in_domain || rollout.canary_below > 0) return {};
  return Fail(Code::kRefused,
              "no agent that gets orders would be in the first wave. Nothing was changed",
              "countersign rollout plan, which lists the domains");
}

Result<store::RolloutRow> MakeRollout(World& world, const crypto::Certificate& pending,
                                      const trust::RolloutTerms& terms, Instant now) {
  store::RolloutRow row;
  row.rollout.generation = pending.generation().value_or(0);
  row.rollout.thumbprint = pending.thumbprint();
  row.rollout.terms = terms;
  if (auto drawn = DrawCanary(world, row.rollout); !drawn) {
    return std::unexpected(std::move(drawn).error());
  }
  trust::Begin(row.rollout, now);
  if (world.by) row.by = ActorText(*world.by);
  return row;
}

store::EventRow StartedEvent(const crypto::Certificate& pending, const store::RolloutRow& row,
                             Instant now) {
  return {.id = 0,
          .at = now,
          .kind = "rollout-started",
          .agent = {},
          .text = "certificate " + pending.serial() + ", generation " +
                  std::to_string(row.rollout.generation) + ", begins as " +
                  std::string(trust::RolloutStateName(row.rollout.state))};
}

Result<Issued> StartFromReserve(World& world, const trust::RolloutTerms& terms, Instant now) {
  auto rows = world.registry.ListCertificates();
  if (!rows) return std::unexpected(std::move(rows).error());
  const auto book = IdentityBook::Make(*rows);
  if (!book) return std::unexpected(book.error());
  COUNTERSIGN_RETURN_IF_ERROR(CheckMayStart(world, *book));
  const auto* const reserve = book->Reserve();
  if (reserve == nullptr) {
    return Fail(Code::kNotFound,
                "there is no reserve certificate. Nothing was changed. With the password of the "
                "automatic backup a new certificate is issued",
                "countersign rollout start");
  }
  COUNTERSIGN_RETURN_IF_ERROR(CheckKey(world, *reserve, "reserve"));
  const auto rollout = MakeRollout(world, reserve->certificate, terms, now);
  if (!rollout) return std::unexpected(rollout.error());
  SetState(*rows, reserve->certificate, CertificateState::kPending, now);
  const Change change{.new_keys = {},
                      .backup = std::nullopt,
                      .rows = *std::move(rows),
                      .newest_issue = std::nullopt,
                      .admitted = {},
                      .event = StartedEvent(reserve->certificate, *rollout, now),
                      .rollout = *rollout};
  return CommitIssued(world, change, reserve->certificate);
}

// The rows of a new pending certificate and a new reserve beside the active one.
Rows RowsWithPending(const Present& present, const OwnerToUse& use, const Pair& pair, Instant now) {
  Rows rows = present.rows;
  if (const auto* const reserve = present.book.Reserve()) {
    SetState(rows, reserve->certificate, CertificateState::kReplaced, now);
  }
  for (const auto& succession : use.successions) {
    PutRow(rows, MakeRow(succession, CertificateRole::kSuccession, CertificateState::kActive, now));
  }
  PutRow(rows,
         MakeRow(use.owner.certificate, CertificateRole::kOwner, CertificateState::kActive, now));
  SetState(rows, pair.active.certificate, CertificateState::kPending, now);
  SetState(rows, pair.reserve.certificate, CertificateState::kReserve, now);
  return rows;
}

}  // namespace

void SetState(Rows& rows, const crypto::Certificate& certificate, CertificateState state,
              Instant now) {
  PutRow(rows, MakeRow(certificate, CertificateRole::kServer, state, now));
}

Status CheckKey(World& world, const IdentityBook::Entry& entry, std::string_view what) {
  const auto signer = world.ring.Find(entry.certificate.key().digest());
  if (signer) return {};
  return Fail(signer.error().code,
              "the private key of the " + std::string(what) + " certificate " +
                  entry.certificate.serial() + " cannot be used: " + signer.error().message +
                  ". Nothing was changed",
              std::string(kReplaceCommand));
}

Result<Present> OpenForRollout(World& world, const SecretBytes& password, Instant now) {
  auto present = OpenPresent(world, password, now);
  if (!present) return present;
  if (!present->registry_is_behind) return present;
  return Fail(Code::kRefused,
              "the automatic backup knows newer certificates than the registry, which was restored "
              "or emptied. Nothing was changed. Make a new certificate for all first",
              std::string(kReplaceCommand));
}

Status Seal(World& world, const Present& present, const Owner& owner, const SecretBytes& password,
            Change& change, Instant now) {
  const auto book = IdentityBook::Make(change.rows);
  if (!book) return std::unexpected(book.error());
  std::vector<crypto::PrivateKey> had = present.backup.server_keys;
  for (const NewKey& key : change.new_keys) had.push_back(key.key);
  auto backup = SealParts(world,
                          {.owner_key = owner.key,
                           .server_keys = KeysToKeep(world, had, *book),
                           .generations = present.backup.manifest->generations,
                           .admitted = present.admitted,
                           .history = present.backup.manifest->history},
                          change.rows, password, now);
  if (!backup) return std::unexpected(std::move(backup).error());
  change.backup = *std::move(backup);
  return {};
}

Result<Issued> CommitIssued(World& world, const Change& change, const crypto::Certificate& issued) {
  auto committed = Commit(world, change);
  if (!committed) return std::unexpected(std::move(committed).error());
  return Issued{.certificate = issued,
                .replaced = std::nullopt,
                .owner_made = false,
                .unfinished = *std::move(committed)};
}

Result<Issued> StartRollout(World& world, const store::ServerConfig& config,
                            const SecretBytes* backup_password, const trust::RolloutTerms& terms,
                            ClockIsRight clock, Instant now) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckIssuer(config));
  COUNTERSIGN_RETURN_IF_ERROR(trust::CheckTerms(terms));
  if (backup_password == nullptr) return StartFromReserve(world, terms, now);
  COUNTERSIGN_RETURN_IF_ERROR(CheckClock(world, clock, now));
  const auto present = OpenForRollout(world, *backup_password, now);
  if (!present) return std::unexpected(present.error());
  COUNTERSIGN_RETURN_IF_ERROR(CheckMayStart(world, present->book));
  const auto use = ChooseOwner(world, *present, *backup_password, now);
  if (!use) return std::unexpected(use.error());
  const auto generation = NextGeneration(
      world, present->book, present->backup.manifest->generations, present->server_ids, now);
  if (!generation) return std::unexpected(generation.error());
  const auto pair = IssuePair(world, config, use->owner, present->server_ids, *generation, now);
  if (!pair) return std::unexpected(pair.error());
  const auto rollout = MakeRollout(world, pair->active.certificate, terms, now);
  if (!rollout) return std::unexpected(rollout.error());
  Change change{.new_keys = {{pair->active.key}, {pair->reserve.key}},
                .backup = std::nullopt,
                .rows = RowsWithPending(*present, *use, *pair, now),
                .newest_issue = now,
                .admitted = present->admitted,
                .event = StartedEvent(pair->active.certificate, *rollout, now),
                .history = present->backup.manifest->history,
                .rollout = *rollout};
  COUNTERSIGN_RETURN_IF_ERROR(Seal(world, *present, use->owner, *backup_password, change, now));
  auto issued = CommitIssued(world, change, pair->active.certificate);
  if (issued) issued->owner_made = use->made;
  return issued;
}

}  // namespace countersign::server
