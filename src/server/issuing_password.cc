#include "server/issuing_internal.h"
#include "server/next_steps.h"

namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;

// A reserve like the certificate that it would follow, where there is none: of a rollout under way,
// the one that is to become active.
Result<std::optional<ServerPart>> MissingReserve(World& world, const store::ServerConfig& config,
                                                 const Present& present, Instant now) {
  const auto& book = present.book;
  const auto* const before = book.Pending() != nullptr ? book.Pending() : book.Active();
  const bool is_due = config.follower_of.empty() && present.backup.owner_key && before != nullptr &&
                      book.Reserve() == nullptr && !before->identity.self_signed;
  if (!is_due) return std::nullopt;
  if (const auto clock = CheckClock(world, ClockIsRight::kNo, now); !clock) {
    world.log.Write(LogLevel::kWarning, "no reserve is issued: " + clock.error().message);
    return std::nullopt;
  }
  const auto owner =
      OwnerOf(world, *present.backup.owner_key, present.book, present.server_ids.front(), now);
  if (!owner) return std::unexpected(owner.error());
  const auto generation = NextGeneration(world, present.book, present.backup.manifest->generations,
                                         present.server_ids, now);
  if (!generation) return std::unexpected(generation.error());
  const crypto::Certificate& like = before->certificate;
  auto reserve = IssueServer(
      world, *owner,
      {.common_name = like.common_name(),
       .server_ids = present.server_ids,
       .generation = *generation,
       .not_before = now - kBackdated,
       .not_after = like.not_after() + (like.not_after() - like.not_before() - kBackdated)});
  if (!reserve) return std::unexpected(std::move(reserve).error());
  return *std::move(reserve);
}

}  // namespace

std::vector<crypto::PrivateKey> KeysToKeep(World& world, const std::vector<crypto::PrivateKey>& had,
                                           const IdentityBook& book) {
  std::vector<crypto::PrivateKey> keys;
  for (const auto& entry : book.entries()) {
    const Digest& digest = entry.certificate.key().digest();
    const bool kept = entry.row.state == CertificateState::kActive ||
                      entry.row.state == CertificateState::kPending ||
                      entry.row.state == CertificateState::kReserve;
    if (entry.row.role != CertificateRole::kServer || !kept) continue;
    if (KeyOf(keys, entry.certificate) != nullptr) continue;
    if (const auto* const key = KeyOf(had, entry.certificate)) {
      keys.push_back(*key);
      continue;
    }
    auto exported = world.ring.Export(digest, KeyExportToken());
    if (exported) {
      keys.push_back(*std::move(exported));
    } else {
      world.log.Write(LogLevel::kWarning,
                      "the private key of certificate " + entry.certificate.serial() +
                          " is missing in the new automatic backup: " + exported.error().message);
    }
  }
  return keys;
}

Status ChangeBackupPassword(World& world, const store::ServerConfig& config,
                            const SecretBytes& old_password, const SecretBytes& new_password,
                            Instant now) {
  COUNTERSIGN_RETURN_IF_ERROR(keys::CheckBackupPassword(new_password));
  const auto present = OpenPresent(world, old_password, now);
  if (!present) return std::unexpected(present.error());
  if (present->registry_is_behind) {
    return Fail(Code::kRefused,
                "the automatic backup knows newer certificates than the registry, which was "
                "restored or emptied. Nothing was changed. Make a new certificate first",
                std::string(kReplaceCommand));
  }
  Change change{.new_keys = {},
                .backup = std::nullopt,
                .rows = present->rows,
                .newest_issue = std::nullopt,
                .admitted = present->admitted,
                .event = {.id = 0,
                          .at = now,
                          .kind = "backup-password-changed",
                          .agent = {},
                          .text = "the automatic backup is sealed with a new password; copies made "
                                  "earlier still open with the old one"}};
  BackupParts parts{.owner_key = present->backup.owner_key,
                    .server_keys = KeysToKeep(world, present->backup.server_keys, present->book),
                    .generations = present->backup.manifest->generations,
                    .admitted = present->admitted,
                    .history = present->backup.manifest->history};
  change.history = parts.history;
  const auto reserve = MissingReserve(world, config, *present, now);
  if (!reserve) return std::unexpected(reserve.error());
  if (*reserve) {
    change.new_keys.push_back({(*reserve)->key});
    change.newest_issue = now;
    parts.server_keys.push_back((*reserve)->key);
    PutRow(change.rows, MakeRow((*reserve)->certificate, CertificateRole::kServer,
                                CertificateState::kReserve, now));
  }
  auto backup = SealParts(world, parts, change.rows, new_password, now);
  if (!backup) return std::unexpected(std::move(backup).error());
  change.backup = *std::move(backup);
  auto committed = Commit(world, change);
  if (!committed) return std::unexpected(std::move(committed).error());
  if (!*committed) return {};
  return WithContext("the new password is valid already", *std::move(*committed));
}

}  // namespace countersign::server
