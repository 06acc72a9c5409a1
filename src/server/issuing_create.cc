#include "server/issuing_internal.h"
#include "server/next_steps.h"

namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;

// What a new identity would overwrite.
Status CheckNothingThere(World& world) {
  const auto rows = world.registry.ListCertificates();
  if (!rows) return std::unexpected(rows.error());
  if (!rows->empty()) {
    return Fail(Code::kRefused,
                "this server has an identity already; a new certificate for it is made by",
                std::string(kReplaceCommand));
  }
  const auto settled = SettleBackup(world, Tell::kNo);
  if (!settled) return std::unexpected(settled.error());
  if (*settled == BackupState::kNotExpected || *settled == BackupState::kMissing) return {};
  return Fail(Code::kRefused,
              "there is an automatic backup (" + std::string(kBackupPath) +
                  ") of an identity that the registry does not know, perhaps its only copy. Take "
                  "that identity over, or move the file away",
              std::string(kReplaceCommand));
}

// CreateUnder issues the first certificates of a new server id.
Result<Issued> CreateUnder(World& world, const store::ServerConfig& config, const Owner& owner,
                           const ServerId& server, const SecretBytes& backup_password,
                           Instant now) {
  const auto generation = NextGeneration(world, {}, {}, {server}, now);
  if (!generation) return std::unexpected(generation.error());
  const auto pair = IssuePair(world, config, owner, {server}, *generation, now);
  if (!pair) return std::unexpected(pair.error());

  Change change{
      .new_keys = {{pair->active.key}, {pair->reserve.key}},
      .backup = std::nullopt,
      .rows = {MakeRow(owner.certificate, CertificateRole::kOwner, CertificateState::kActive, now),
               MakeRow(pair->active.certificate, CertificateRole::kServer,
                       CertificateState::kActive, now),
               MakeRow(pair->reserve.certificate, CertificateRole::kServer,
                       CertificateState::kReserve, now)},
      .newest_issue = now,
      .admitted = {},
      .event = {.id = 0,
                .at = now,
                .kind = "identity-created",
                .agent = {},
                .text = "new identity " + server.Text() + ", certificate " +
                        pair->active.certificate.serial()}};
  auto backup = SealParts(world,
                          {.owner_key = owner.key,
                           .server_keys = {pair->active.key, pair->reserve.key},
                           .generations = {},
                           .admitted = {}},
                          change.rows, backup_password, now);
  if (!backup) return std::unexpected(std::move(backup).error());
  change.backup = *std::move(backup);
  auto committed = Commit(world, change);
  if (!committed) return std::unexpected(std::move(committed).error());
  return Issued{.certificate = pair->active.certificate,
                .replaced = std::nullopt,
                .owner_made = false,
                .unfinished = *std::move(committed)};
}

}  // namespace

Result<Issued> CreateIdentity(World& world, const store::ServerConfig& config,
                              const SecretBytes& backup_password, Instant now) {
  COUNTERSIGN_RETURN_IF_ERROR(keys::CheckBackupPassword(backup_password));
  COUNTERSIGN_RETURN_IF_ERROR(CheckNothingThere(world));

  const ServerId server = Uuid::FromRandom(world.random.Array<16>());
  const auto owner = MakeOwner(world, server, now);
  if (!owner) return std::unexpected(owner.error());
  return CreateUnder(world, config, *owner, server, backup_password, now);
}

Result<Issued> CreateIdentityUnder(World& world, const store::ServerConfig& config,
                                   const OwnerFile& owner, const SecretBytes& backup_password,
                                   Instant now) {
  COUNTERSIGN_RETURN_IF_ERROR(keys::CheckBackupPassword(backup_password));
  COUNTERSIGN_RETURN_IF_ERROR(CheckNothingThere(world));
  const auto incoming = ReadIncoming(owner.file, owner.password, "", now);
  if (!incoming) return std::unexpected(incoming.error());
  if (!incoming->parts.owner_key) {
    return Fail(Code::kRefused,
                "the file holds no owner key that could certify another server: it is no automatic "
                "backup (" +
                    std::string(kBackupPath) +
                    "), or that server was imported and made no certificate of its own yet. "
                    "Nothing was changed",
                "on that server: CertificateManager -c PASSWORD");
  }
  const auto known = OwnerOf(world, *incoming->parts.owner_key, incoming->book,
                             incoming->book.server_ids().front(), now);
  if (!known) return std::unexpected(known.error());
  const ServerId server = Uuid::FromRandom(world.random.Array<16>());
  return CreateUnder(world, config, *known, server, backup_password, now);
}

}  // namespace countersign::server
