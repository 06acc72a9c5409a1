#include <algorithm>

#include "base/encoding.h"
#include "server/issuing_internal.h"

namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;

// Agents that hold the present identity, and that the imported one does not reach.
Status CheckNobodyCutOff(World& world, const IdentityBook& present, const IdentityBook& incoming) {
  const auto* const active = present.Active();
  if (active == nullptr) return {};
  std::uint64_t cut_off = 0;
  COUNTERSIGN_RETURN_IF_ERROR(ForEachAgent(world.registry, [&](const store::AgentRow& row) {
    if (!row.held_known) return;
    const bool holds_present =
        present.FindServer(row.held_thumbprint) != nullptr || present.KnowsOwner(row.held_owner);
    const bool reached = incoming.KnowsOwner(row.held_owner) && incoming.IsOurs(row.held_server);
    if (holds_present && !reached) ++cut_off;
  }));
  if (cut_off == 0) return {};
  return Fail(Code::kRefused,
              "the import would cut off " + std::to_string(cut_off) +
                  (cut_off == 1 ? " agent" : " agents") +
                  " that hold the present identity (certificate " + active->certificate.serial() +
                  "): each would need the mover or a new installation. Nothing was changed. To "
                  "import nevertheless",
              "the same command with --replace");
}

// An older copy of this very identity would take the server back behind its agents.
Status CheckNotOlder(const IdentityBook& present, const IdentityBook& incoming) {
  const auto* const ours = present.Active();
  const auto* const theirs = incoming.Active();
  if (ours == nullptr || ours->identity.self_signed || theirs->identity.self_signed) return {};
  const bool same = ours->identity.owner == theirs->identity.owner &&
                    theirs->identity.Names(ours->identity.server_ids.front());
  if (!same || theirs->identity.generation >= ours->identity.generation) return {};
  return Fail(
      Code::kRefused,
      "the file is an older automatic backup of this server's own identity: its certificate " +
          theirs->certificate.serial() + " was replaced by " + ours->certificate.serial() +
          ", which agents may hold already. Nothing was changed. If the present automatic "
          "backup (" +
          std::string(kBackupPath) +
          ") is lost, put this file in its place and "
          "make a new certificate",
      "CertificateManager -c PASSWORD");
}

// The password of the new automatic backup. That of the file may be short: the file had it already.
Status CheckSealingPassword(World& world, const SecretBytes& file_password,
                            const SecretBytes* backup_password) {
  if (backup_password != nullptr) return keys::CheckBackupPassword(*backup_password);
  if (file_password.empty()) {
    return Fail(Code::kRefused,
                "the file has no password, so one is needed for the automatic backup. Nothing was "
                "changed");
  }
  if (const auto checked = keys::CheckBackupPassword(file_password); !checked) {
    world.log.Write(LogLevel::kWarning,
                    "the automatic backup is sealed with the password of the imported file, which "
                    "is weak (" +
                        checked.error().message + "); change it: countersign backup password");
  }
  return {};
}

void TellIfExpired(World& world, const crypto::Certificate& certificate, Instant now) {
  if (certificate.not_after() >= now) return;
  world.log.Write(LogLevel::kWarning,
                  "the imported certificate " + certificate.serial() + " (" +
                      certificate.subject() + ") expired " + FormatUtc(certificate.not_after()) +
                      ": agents refuse orders under it until a new one is made: "
                      "CertificateManager -c PASSWORD");
}

// The password is given, so the next certificate is issued in advance, if there is none.
Status AddReserve(World& world, const store::ServerConfig& config, Incoming& incoming,
                  Instant now) {
  if (!incoming.parts.owner_key || incoming.book.Reserve() != nullptr) return {};
  if (incoming.newest_issue && now < *incoming.newest_issue) {
    world.log.Write(LogLevel::kWarning,
                    "no reserve is issued: this server's clock stands before the newest "
                    "certificate of the imported identity; set the clock");
    return {};
  }
  const auto& active = incoming.book.Active()->certificate;
  const auto owner = OwnerOf(world, *incoming.parts.owner_key, incoming.book,
                             incoming.book.server_ids().front(), now);
  if (!owner) return std::unexpected(owner.error());
  const auto generation = NextGeneration(world, incoming.book, incoming.parts.generations,
                                         incoming.book.server_ids(), now);
  if (!generation) return std::unexpected(generation.error());
  const Seconds validity = std::chrono::hours(24) * config.certificate_days;
  auto reserve = IssueServer(world, *owner,
                             {.common_name = config.common_name,
                              .server_ids = incoming.book.server_ids(),
                              .generation = *generation,
                              .not_before = now - kBackdated,
                              .not_after = active.not_after() + validity});
  if (!reserve) return std::unexpected(std::move(reserve).error());
  PutRow(incoming.rows,
         MakeRow(reserve->certificate, CertificateRole::kServer, CertificateState::kReserve, now));
  incoming.parts.server_keys.push_back(reserve->key);
  incoming.newest_issue = now;
  return Finalize(incoming);
}

// What was known of the certificates of the past is kept as it is known.
Rows RowsAfter(Rows present, const Rows& incoming, Instant now) {
  Retire(present, now);
  for (const auto& row : incoming) {
    const bool known = std::any_of(present.begin(), present.end(), [&](const auto& other) {
      return other.thumbprint == row.thumbprint;
    });
    if (!known || row.state != CertificateState::kReplaced) PutRow(present, row);
  }
  return present;
}

Change MakeChange(const Incoming& incoming, Rows rows, keys::Exportable exportable, Instant now) {
  const auto& active = incoming.book.Active()->certificate;
  Change change{
      .new_keys = {},
      .backup = std::nullopt,
      .rows = std::move(rows),
      .newest_issue = incoming.newest_issue,
      .admitted = incoming.parts.admitted,
      .event = {.id = 0,
                .at = now,
                .kind = "identity-imported",
                .agent = {},
                .text = "imported certificate " + active.serial() + " (" + active.subject() +
                        "), SHA-256 " + HexLower(active.thumbprint())}};
  for (const auto& key : incoming.parts.server_keys) change.new_keys.push_back({key, exportable});
  return change;
}

}  // namespace

Result<Issued> ImportIdentity(World& world, const store::ServerConfig& config, ByteView file,
                              const SecretBytes& file_password, const SecretBytes* backup_password,
                              const ImportOptions& options, Instant now) {
  auto incoming = ReadIncoming(file, file_password, options.key, now);
  if (!incoming) return std::unexpected(std::move(incoming).error());
  const auto present = IdentityBook::Load(world.registry);
  if (!present) return std::unexpected(present.error());
  COUNTERSIGN_RETURN_IF_ERROR(CheckNotOlder(*present, incoming->book));
  if (!options.cut_off) {
    COUNTERSIGN_RETURN_IF_ERROR(CheckNobodyCutOff(world, *present, incoming->book));
  }
  COUNTERSIGN_RETURN_IF_ERROR(CheckSealingPassword(world, file_password, backup_password));
  COUNTERSIGN_RETURN_IF_ERROR(AddReserve(world, config, *incoming, now));

  auto rows = world.registry.ListCertificates();
  if (!rows) return std::unexpected(std::move(rows).error());
  Change change = MakeChange(*incoming, RowsAfter(*std::move(rows), incoming->rows, now),
                             options.exportable, now);
  auto backup = SealParts(world, incoming->parts, change.rows,
                          backup_password != nullptr ? *backup_password : file_password, now);
  if (!backup) return std::unexpected(std::move(backup).error());
  change.backup = *std::move(backup);
  auto committed = Commit(world, change);
  if (!committed) return std::unexpected(std::move(committed).error());

  Issued issued{.certificate = incoming->book.Active()->certificate,
                .replaced = std::nullopt,
                .owner_made = false,
                .unfinished = *std::move(committed)};
  TellIfExpired(world, issued.certificate, now);
  if (const auto* const before = present->Active();
      before != nullptr && before->certificate != issued.certificate) {
    issued.replaced = before->certificate;
  }
  return issued;
}

}  // namespace countersign::server
