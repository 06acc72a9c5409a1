#include "server/issuing_internal.h"
#include "server/next_steps.h"

namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;

Rows RowsAfter(const Present& present, const OwnerToUse& use, const Pair& pair, Instant now) {
  Rows rows = present.rows;
  Retire(rows, now);
  for (const auto& succession : use.successions) {
    PutRow(rows, MakeRow(succession, CertificateRole::kSuccession, CertificateState::kActive, now));
  }
  for (auto& row : rows) {
    const bool is_earlier = row.role == CertificateRole::kOwner &&
                            row.thumbprint != use.owner.certificate.thumbprint() &&
                            row.state == CertificateState::kActive;
    if (is_earlier) row.state = CertificateState::kReplaced;
  }
  PutRow(rows,
         MakeRow(use.owner.certificate, CertificateRole::kOwner, CertificateState::kActive, now));
  PutRow(rows, MakeRow(pair.active.certificate, CertificateRole::kServer, CertificateState::kActive,
                       now));
  PutRow(rows, MakeRow(pair.reserve.certificate, CertificateRole::kServer,
                       CertificateState::kReserve, now));
  return rows;
}

// Revoke: everything whose key the thief of this server has, the reserve's included.
void Revoke(Present& present, Instant now) {
  Retire(present.rows, now, CertificateState::kRevoked);
  for (const auto& entry : present.book.entries()) {
    const bool is_server = entry.row.role == CertificateRole::kServer;
    if (!is_server || KeyOf(present.backup.server_keys, entry.certificate) == nullptr) continue;
    PutRow(present.rows,
           MakeRow(entry.certificate, CertificateRole::kServer, CertificateState::kRevoked, now));
  }
}

std::string KindOf(const ReplaceOptions& options) {
  if (options.new_owner) return "owner-created";
  return options.compromised ? "certificate-revoked" : "certificate-replaced";
}

}  // namespace

Status CheckIssuer(const store::ServerConfig& config) {
  if (config.follower_of.empty()) return {};
  return Fail(Code::kRefused,
              "this server shares its identity with " + config.follower_of +
                  ", which issues its certificates (follower_of in countersign.toml). Nothing was "
                  "changed. Make the new certificate there, then import that server's automatic "
                  "backup (" +
                  std::string(kBackupPath) + ") here",
              "CertificateManager -ine PASSWORD OfficeScanAuth.dat");
}

Result<Issued> IssueUnder(World& world, const store::ServerConfig& config, const Present& present,
                          const OwnerToUse& use, const SecretBytes& password, store::EventRow event,
                          Instant now) {
  const auto generation = NextGeneration(world, present.book, present.backup.manifest->generations,
                                         present.server_ids, now);
  if (!generation) return std::unexpected(generation.error());
  const auto pair = IssuePair(world, config, use.owner, present.server_ids, *generation, now);
  if (!pair) return std::unexpected(pair.error());
  event.text = "new certificate " + pair->active.certificate.serial() + event.text;
  if (use.made) event.text += ", under a new owner key";
  Change change{.new_keys = {{pair->active.key}, {pair->reserve.key}},
                .backup = std::nullopt,
                .rows = RowsAfter(present, use, *pair, now),
                .newest_issue = now,
                .admitted = present.admitted,
                .event = std::move(event),
                .history = present.backup.manifest->history};
  if (use.made) COUNTERSIGN_RETURN_IF_ERROR(CheckFollowers(world, present, change.rows));
  auto backup = SealParts(world,
                          {.owner_key = use.owner.key,
                           .server_keys = {pair->active.key, pair->reserve.key},
                           .generations = present.backup.manifest->generations,
                           .admitted = present.admitted,
                           .history = change.history},
                          change.rows, password, now);
  if (!backup) return std::unexpected(std::move(backup).error());
  change.backup = *std::move(backup);
  auto committed = Commit(world, change);
  if (!committed) return std::unexpected(std::move(committed).error());
  return Issued{.certificate = pair->active.certificate,
                .replaced = std::nullopt,
                .owner_made = use.made,
                .unfinished = *std::move(committed)};
}

Result<Issued> ReplaceCertificate(World& world, const store::ServerConfig& config,
                                  const SecretBytes& backup_password, const ReplaceOptions& options,
                                  Instant now) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckIssuer(config));
  COUNTERSIGN_RETURN_IF_ERROR(CheckClock(world, options.clock, now));
  auto present = OpenPresent(world, backup_password, now);
  if (!present) return std::unexpected(present.error());
  const SecretBytes& password = options.new_owner && options.new_password != nullptr
                                    ? *options.new_password
                                    : backup_password;
  const auto use = options.new_owner ? NewOwner(world, *present, password, now)
                                     : ChooseOwner(world, *present, password, now);
  if (!use) return std::unexpected(use.error());
  const auto* const replaced = present->book.Active();
  const bool was_owner = replaced != nullptr && replaced->identity.self_signed;
  if (options.compromised) Revoke(*present, now);
  store::EventRow event{.id = 0,
                        .at = now,
                        .kind = KindOf(options),
                        .agent = {},
                        .text = replaced == nullptr
                                    ? std::string()
                                    : " instead of " + replaced->certificate.serial()};
  auto issued = IssueUnder(world, config, *present, *use, password, std::move(event), now);
  if (!issued) return issued;
  if (options.new_owner) issued->notes = NotesOnCopies(world, *present);
  if (replaced != nullptr) issued->replaced = replaced->certificate;
  if (options.compromised && was_owner) {
    issued->notes.emplace_back(
        "the stolen key was its own owner: until an agent has heard of the new one, whoever has "
        "the "
        "stolen key can carry it off for good, not only command it");
  }
  return issued;
}

Result<Issued> PromoteReserve(World& world, Instant now) {
  auto rows = world.registry.ListCertificates();
  if (!rows) return std::unexpected(std::move(rows).error());
  const auto book = IdentityBook::Make(*rows);
  if (!book) return std::unexpected(book.error());
  const auto* const reserve = book->Reserve();
  if (reserve == nullptr) {
    return Fail(Code::kNotFound, "there is no reserve certificate; the next one is made by",
                std::string(kReplaceCommand));
  }
  const auto signer = world.ring.Find(reserve->certificate.key().digest());
  if (!signer) {
    return Fail(signer.error().code,
                "the private key of the reserve certificate " + reserve->certificate.serial() +
                    " cannot be used: " + signer.error().message,
                std::string(kReplaceCommand));
  }
  Retire(*rows, now);
  PutRow(*rows,
         MakeRow(reserve->certificate, CertificateRole::kServer, CertificateState::kActive, now));
  auto committed = Commit(
      world,
      {.new_keys = {},
       .backup = std::nullopt,
       .rows = *std::move(rows),
       .newest_issue = std::nullopt,
       .admitted = {},
       .event = {.id = 0,
                 .at = now,
                 .kind = "reserve-promoted",
                 .agent = {},
                 .text = "the reserve certificate " + reserve->certificate.serial() +
                         " took over by itself; there is none until the password is given"}});
  if (!committed) return std::unexpected(std::move(committed).error());
  Issued issued{.certificate = reserve->certificate,
                .replaced = std::nullopt,
                .owner_made = false,
                .unfinished = *std::move(committed)};
  if (book->Active() != nullptr) issued.replaced = book->Active()->certificate;
  return issued;
}

}  // namespace countersign::server
