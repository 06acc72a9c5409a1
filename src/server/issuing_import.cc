#include <algorithm>

#include "base/encoding.h"
#include "server/issuing_internal.h"
#include "server/next_steps.h"

namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;

// Admitted agents that hold the present identity, and that the imported one does not reach.
Result<std::uint64_t> CountCutOff(World& world, const IdentityBook& present,
                                  const IdentityBook& incoming) {
  std::uint64_t cut_off = 0;
  const auto counted = ForEachAgent(world.registry, [&](const store::AgentRow& row) {
    if (!row.held_known || !row.admitted) return;
    const bool holds_present =
        present.FindServer(row.held_thumbprint) != nullptr || present.KnowsOwner(row.held_owner);
    const bool reached = incoming.KnowsOwner(row.held_owner) && incoming.IsOurs(row.held_server);
    if (holds_present && !reached) ++cut_off;
  });
  if (!counted) return std::unexpected(counted.error());
  return cut_off;
}

std::string AgentsText(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " agent" : " agents");
}

Status RefuseToCutOff(const IdentityBook& present, std::uint64_t cut_off) {
  return Fail(Code::kRefused,
              "the import would cut off " + AgentsText(cut_off) +
                  " holding the present identity (certificate " +
                  present.Active()->certificate.serial() +
                  "): each would need the mover or a new installation. Nothing was changed. With "
                  "the password of the present automatic backup both fleets are brought together; "
                  "to cut them off, say so",
              "the same command with -present-password-file FILE, or with -replace");
}

// The password of the new automatic backup. That of the file may be short: the file had it already.
Status CheckSealingPassword(const SecretBytes& file_password, const ImportOptions& options,
                            std::vector<std::string>& notes) {
  if (options.backup_password != nullptr)
    return keys::CheckBackupPassword(*options.backup_password);
  if (file_password.empty()) {
    return Fail(Code::kRefused,
                "the file has no password, so one is needed for the automatic backup. Nothing was "
                "changed",
                "the same command with -backup-password-file FILE");
  }
  if (const auto checked = keys::CheckBackupPassword(file_password); !checked) {
    notes.push_back(
        "the automatic backup is sealed with the password of the imported file, which is weak (" +
        checked.error().message + "); change it: countersign backup password");
  }
  return {};
}

void TellIfExpired(const crypto::Certificate& certificate, Instant now,
                   std::vector<std::string>& notes) {
  if (certificate.not_after() >= now) return;
  notes.push_back(
      "the imported certificate " + certificate.serial() + " (" + certificate.subject() +
      ") expired " + FormatUtc(certificate.not_after()) +
      ": agents refuse orders under it until a new one is made: " + std::string(kReplaceCommand));
}

// The password is given, so the next certificate is issued in advance, if there is none.
Status AddReserve(World& world, const store::ServerConfig& config, Incoming& incoming,
                  Instant now) {
  const bool issues = incoming.parts.owner_key && config.follower_of.empty();
  if (!issues || incoming.book.Reserve() != nullptr) return {};
  if (incoming.newest_issue && now < *incoming.newest_issue) {
    incoming.notes.emplace_back(
        "no reserve is issued: this server's clock stands before the newest certificate of the "
        "imported identity; set the clock");
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

// IsBetterKnown: what is known here of a certificate of the past is kept. An aborted or revoked one
// never comes back; an aborted one may be revoked.
bool IsBetterKnown(const store::CertificateRow& here, const store::CertificateRow& there) {
  const bool aborted =
      here.state == CertificateState::kAborted && there.state != CertificateState::kRevoked;
  return aborted || here.state == CertificateState::kRevoked ||
         there.state == CertificateState::kReplaced;
}

Rows RowsAfter(Rows present, const Rows& incoming, Instant now) {
  Retire(present, now);
  for (const auto& row : incoming) {
    const auto here =
        std::ranges::find(present, row.thumbprint, &store::CertificateRow::thumbprint);
    if (here == present.end() || !IsBetterKnown(*here, row)) PutRow(present, row);
  }
  return present;
}

Change MakeChange(const Incoming& incoming, Rows rows, const ImportOptions& options, Instant now) {
  const auto& active = incoming.book.Active()->certificate;
  Change change{.new_keys = {},
                .backup = incoming.sealed_backup,
                .rows = std::move(rows),
                .newest_issue = incoming.newest_issue,
                .admitted = incoming.parts.admitted,
                .event = {.id = 0,
                          .at = now,
                          .kind = options.restore ? "identity-restored" : "identity-imported",
                          .agent = {},
                          .text = std::string(options.restore ? "restored" : "imported") +
                                  " certificate " + active.serial() + " (" + active.subject() +
                                  "), SHA-256 " + HexLower(active.thumbprint())}};
  change.history = incoming.parts.history;
  for (const auto& key : incoming.parts.server_keys) {
    change.new_keys.push_back({key, options.exportable});
  }
  return change;
}

// The automatic backup that a cut-off identity leaves may be the only copy of its owner key.
Status KeepPresentBackup(World& world, const IdentityBook& present, Incoming& incoming) {
  if (present.Active() == nullptr || IsSame(present, incoming.book)) return {};
  const auto kept = world.storage.KeepBackup();
  if (!kept && kept.error().code == Code::kNotFound) return {};
  if (!kept) {
    return WithContext("cannot keep a copy of the present automatic backup; nothing was changed",
                       kept.error());
  }
  incoming.notes.push_back("the automatic backup of the identity that was in use is kept as " +
                           *kept + "; it holds that identity's owner key");
  return {};
}

// A copy of the automatic backup comes back only where there is none of this identity: the present
// one may be newer, and have another password.
Status ChooseBackup(World& world, const IdentityBook& present, Incoming& incoming) {
  if (!incoming.sealed_backup) return {};
  const auto settled = SettleBackup(world, Tell::kYes);
  if (!settled) return std::unexpected(settled.error());
  if (*settled == BackupState::kAsExpected && IsSame(present, incoming.book)) {
    incoming.sealed_backup.reset();
    return {};
  }
  incoming.notes.emplace_back(
      "the automatic backup came back as it was, under the password that it had when the archive "
      "was made; that one is needed for the next -c");
  return {};
}

// TakeOver puts the incoming identity in the place of the present one.
Result<Issued> TakeOver(World& world, const store::ServerConfig& config, Incoming incoming,
                        const IdentityBook& present, const SecretBytes& file_password,
                        const ImportOptions& options, Instant now) {
  const bool seals = incoming.owner_key && !incoming.sealed_backup;
  COUNTERSIGN_RETURN_IF_ERROR(ChooseBackup(world, present, incoming));
  if (seals) {
    COUNTERSIGN_RETURN_IF_ERROR(CheckSealingPassword(file_password, options, incoming.notes));
    COUNTERSIGN_RETURN_IF_ERROR(AddReserve(world, config, incoming, now));
  }
  auto rows = world.registry.ListCertificates();
  if (!rows) return std::unexpected(std::move(rows).error());
  Change change =
      MakeChange(incoming, RowsAfter(*std::move(rows), incoming.rows, now), options, now);
  if (seals) {
    const auto& password =
        options.backup_password != nullptr ? *options.backup_password : file_password;
    auto backup = SealParts(world, incoming.parts, change.rows, password, now);
    if (!backup) return std::unexpected(std::move(backup).error());
    change.backup = *std::move(backup);
    if (present.Active() != nullptr && options.backup_password == nullptr) {
      incoming.notes.emplace_back(
          "the automatic backup is sealed anew, and its password is now that of the file");
    }
  }
  COUNTERSIGN_RETURN_IF_ERROR(KeepPresentBackup(world, present, incoming));
  auto committed = Commit(world, change);
  if (!committed) return std::unexpected(std::move(committed).error());
  Issued issued{.certificate = incoming.book.Active()->certificate,
                .replaced = std::nullopt,
                .owner_key = incoming.owner_key,
                .notes = std::move(incoming.notes),
                .unfinished = *std::move(committed)};
  TellIfExpired(issued.certificate, now, issued.notes);
  if (const auto* const before = present.Active();
      before != nullptr && before->certificate != issued.certificate) {
    issued.replaced = before->certificate;
  }
  return issued;
}

}  // namespace

Result<Issued> ImportIdentity(World& world, const store::ServerConfig& config, ByteView file,
                              const SecretBytes& file_password, const ImportOptions& options,
                              Instant now) {
  const auto present = IdentityBook::Load(world.registry);
  if (!present) return std::unexpected(present.error());
  auto incoming = ReadIncoming(file, file_password, options.key, now, &*present);
  if (!incoming) return std::unexpected(std::move(incoming).error());
  COUNTERSIGN_RETURN_IF_ERROR(CheckMayImport(world, *present, incoming->book));
  const bool merges = options.present_password != nullptr && present->Active() != nullptr &&
                      !IsSame(*present, incoming->book);
  if (merges) {
    return MergeIdentity(world, config, *incoming, *options.present_password, now);
  }
  const auto cut_off = CountCutOff(world, *present, incoming->book);
  if (!cut_off) return std::unexpected(cut_off.error());
  if (*cut_off > 0 && !options.cut_off)
    return std::unexpected(RefuseToCutOff(*present, *cut_off).error());
  if (*cut_off > 0) {
    incoming->notes.push_back(AgentsText(*cut_off) +
                              " that held the identity before are cut off: each needs the mover or "
                              "a new installation; see CertificateManager -l FILE.csv");
  }
  return TakeOver(world, config, *std::move(incoming), *present, file_password, options, now);
}

}  // namespace countersign::server
