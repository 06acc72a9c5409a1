#include "server/backup_check.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "server/events.h"
#include "server/issuing_internal.h"
#include "server/next_steps.h"
#include "server/standing.h"

namespace countersign::server {
namespace {

constexpr std::size_t kMaxNotServedIds = 100;
constexpr Seconds kTryEvery = std::chrono::hours(24) * 90;
constexpr std::string_view kMetaVerifiedAt = "backup_verified_at";  // Unix seconds
constexpr std::string_view kMetaVerified = "backup_verified";       // digest, if it was whole
constexpr std::string_view kMetaDrilledAt = "backup_drilled_at";

// Reaches: an agent that trusts what this row says takes orders of a server with this identity. The
// reserve takes over as soon as an agent shows it.
bool Reaches(const IdentityBook& book, const store::AgentRow& row) {
  if (!row.held_known) return true;  // admitted, and not heard of yet
  const auto& active = *book.Active();
  if (row.held_thumbprint == active.certificate.thumbprint()) return true;
  if (book.Reserve() != nullptr && row.held_thumbprint == book.Reserve()->row.thumbprint) {
    return true;
  }
  return row.held_generation < active.identity.generation &&
         book.BundleFor(active, row.held_owner, row.held_server).has_value();
}

Status CountServed(World& world, const Incoming& incoming, BackupCheck& check) {
  const auto& listed = incoming.parts.admitted;
  const std::set<AgentId> admitted(listed.begin(), listed.end());
  return ForEachAgent(world.registry, [&](const store::AgentRow& row) {
    if (!row.admitted || row.standing == kMoved) return;
    ++check.num_agents;
    if (admitted.contains(row.id) && Reaches(incoming.book, row)) {
      ++check.num_served;
    } else if (check.not_served_ids.size() < kMaxNotServedIds) {
      check.not_served_ids.push_back(row.id);
    }
  });
}

// What stands by after a restore; during a rollout its certificate, and not the reserve behind it.
void CompareReserve(const IdentityBook& present, const IdentityBook& incoming, BackupCheck& check) {
  const auto* const theirs = incoming.Reserve();
  if (theirs != nullptr && IsWithdrawn(present, theirs->certificate)) {
    check.problems.push_back("a restored server would have certificate " +
                             theirs->certificate.serial() +
                             ", which was aborted or revoked here, as its reserve; countersign "
                             "backup password takes its key out of the automatic backup");
    return;
  }
  const auto* const pending = present.Pending();
  const auto* const next = pending != nullptr ? pending : present.Reserve();
  if (next == nullptr) return;
  if (theirs == nullptr || theirs->certificate != next->certificate) {
    check.problems.push_back(std::string(pending != nullptr ? "the certificate " : "the reserve ") +
                             next->certificate.serial() +
                             (pending != nullptr ? " of the rollout under way" : "") +
                             " would not come back with its key");
  } else if (pending != nullptr) {
    check.notes.push_back(
        "a restore goes back to before the rollout under way: its certificate " +
        next->certificate.serial() +
        " would be the reserve, which takes over for everybody as soon as an agent shows it, and "
        "no other reserve would be left");
  }
}

void CompareCertificates(const IdentityBook& present, const Incoming& incoming, Instant now,
                         BackupCheck& check) {
  auto& problems = check.problems;
  const auto& active = *incoming.book.Active();
  const auto* const ours = present.Active();
  if (ours != nullptr && active.certificate != ours->certificate) {
    const bool older = active.identity.generation < ours->identity.generation;
    problems.push_back("a restore would bring back certificate " + active.certificate.serial() +
                       (older ? ", which is older than " : ", and not ") +
                       ours->certificate.serial() + ", which is in use");
  }
  if (active.certificate.not_after() < now) {
    problems.push_back("certificate " + active.certificate.serial() + " in it expired " +
                       FormatUtc(active.certificate.not_after()));
  }
  CompareReserve(present, incoming.book, check);
  if (!incoming.owner_key) {
    problems.emplace_back("the owner key is not in it: no new certificate could be made");
  } else if (incoming.sealed_backup) {
    problems.emplace_back(
        "the owner key is only in the copy of the automatic backup within, whose password is "
        "another one");
  }
}

Result<BackupCheck> Compare(World& world, const Incoming& incoming, ByteView file, Instant now) {
  const auto present = IdentityBook::Load(world.registry);
  if (!present) return std::unexpected(present.error());
  BackupCheck check{.sha256 = crypto::Sha256(file),
                    .written_at = incoming.written_at,
                    .owner_key = incoming.owner_key && !incoming.sealed_backup,
                    .server_ids = incoming.book.server_ids(),
                    .active = incoming.book.Active()->certificate,
                    .reserve = std::nullopt,
                    .num_certificates = incoming.rows.size(),
                    .num_keys = incoming.parts.server_keys.size(),
                    .num_admitted = incoming.parts.admitted.size(),
                    .not_served_ids = {},
                    .problems = {},
                    .notes = {}};
  if (incoming.book.Reserve() != nullptr) check.reserve = incoming.book.Reserve()->certificate;
  CompareCertificates(*present, incoming, now, check);
  COUNTERSIGN_RETURN_IF_ERROR(CountServed(world, incoming, check));
  if (check.num_served < check.num_agents) {
    check.problems.push_back(std::to_string(check.num_agents - check.num_served) + " of " +
                             std::to_string(check.num_agents) +
                             " admitted agents would not be commanded: admitted since, or of "
                             "another identity");
  }
  return check;
}

Result<std::optional<Instant>> ReadTime(World& world, std::string_view name) {
  const auto seconds = ReadMetaNumber(world, name);
  if (!seconds) return std::unexpected(seconds.error());
  if (!*seconds) return std::nullopt;
  return FromUnix(static_cast<std::int64_t>(**seconds));
}

Result<std::uint64_t> AdmittedSince(World& world) {
  const auto listed = ReadMetaNumber(world, kMetaBackupAdmitted);
  if (!listed) return std::unexpected(listed.error());
  const auto counts = world.registry.CountAgents();
  if (!counts) return std::unexpected(counts.error());
  const auto unadmitted = world.registry.CountUnadmitted("", FromUnix(0));
  if (!unadmitted) return std::unexpected(unadmitted.error());
  std::uint64_t all = 0;
  for (const auto& count : *counts) {
    if (count.standing != kMoved) all += count.count;
  }
  const std::uint64_t admitted = all - std::min(all, *unadmitted);
  const std::uint64_t known = listed->value_or(0);
  return admitted > known ? admitted - known : 0;
}

void Warn(BackupAge& age, Instant now) {
  const auto warn = [&](std::string_view kind, std::string text, std::string_view next) {
    age.warnings.push_back({"backup-" + std::string(kind), std::move(text), std::string(next)});
  };
  const std::string path(kBackupPath);
  if (!age.present) {
    return warn("missing", "The automatic backup (" + path + ") is missing.",
                "put a copy of it back");
  }
  if (!age.as_expected) {
    warn("other",
         "The automatic backup (" + path +
             ") is not the one that this server wrote last: an older copy, another file, or "
             "damaged.",
         kVerifyCommand);
  }
  if (age.older_than_newest) {
    warn("older", "The automatic backup is older than the newest certificate.", kReplaceCommand);
  }
  if (!age.verified_at) {
    warn("unverified", "The automatic backup was never verified.", kVerifyCommand);
  } else if (now - *age.verified_at > kTryEvery) {
    warn("untried",
         "The password of the automatic backup was last tried " + FormatUtc(*age.verified_at) + ".",
         kVerifyCommand);
  } else if (!age.verified_ok) {
    warn("changed",
         "The automatic backup was not whole when it was last verified, or has changed since.",
         kVerifyCommand);
  }
  if (age.admitted_since > 0) {
    const bool one = age.admitted_since == 1;
    warn("admitted",
         std::to_string(age.admitted_since) + (one ? " agent was" : " agents were") +
             " admitted since the automatic backup was written; a server restored from it would "
             "have to admit " +
             (one ? "it" : "them") + " again.",
         "countersign backup password (seals it anew), or " + std::string(kReplaceCommand));
  }
}

}  // namespace

Result<BackupCheck> CheckBackup(World& world, ByteView file, const SecretBytes& password,
                                Instant now) {
  const auto incoming = ReadIncoming(file, password, "", now);
  if (!incoming) return std::unexpected(incoming.error());
  return Compare(world, *incoming, file, now);
}

Result<BackupCheck> CheckAutomaticBackup(World& world, const SecretBytes& password, Instant now) {
  const auto settled = SettleBackup(world, Tell::kYes);
  if (!settled) return std::unexpected(settled.error());
  const auto file = ReadBackupFile(world);
  if (!file) return std::unexpected(file.error());
  auto backup = OpenBackupFile(*file, password);
  if (!backup)
    return std::unexpected(ExplainWrongPassword(world, std::move(backup).error(), *settled));
  const auto incoming = ReadWhole(*backup, now);
  if (!incoming) return std::unexpected(incoming.error());
  auto check = Compare(world, *incoming, *file, now);
  if (!check) return check;
  check->automatic = true;
  if (*settled != BackupState::kAsExpected) {
    check->problems.emplace_back(
        "it is not the one that this server wrote last; CertificateManager -c PASSWORD writes it "
        "anew");
  }
  const bool whole = check->problems.empty();
  const auto recorded = world.registry.Transact([&]() -> Status {
    COUNTERSIGN_RETURN_IF_ERROR(
        world.registry.PutMeta(kMetaVerifiedAt, std::to_string(ToUnix(now))));
    COUNTERSIGN_RETURN_IF_ERROR(
        world.registry.PutMeta(kMetaVerified, whole ? HexLower(check->sha256) : ""));
    return RecordEvent(
        world,
        {.id = 0,
         .at = now,
         .kind = "backup-verified",
         .agent = {},
         .text = whole ? std::string("the automatic backup opens and is whole")
                       : "the automatic backup opens, and lacks: " + check->problems.front()});
  });
  if (!recorded) return std::unexpected(recorded.error());
  return check;
}

Result<BackupAge> AgeOfBackup(World& world, Instant now) {
  BackupAge age;
  const auto settled = SettleBackup(world, Tell::kYes);
  if (!settled) return std::unexpected(settled.error());
  age.as_expected = *settled == BackupState::kAsExpected;
  if (const auto file = world.storage.ReadBackup()) {
    age.present = true;
    age.size = file->size();
    age.sha256 = crypto::Sha256(*file);
  }
  const auto written = ReadTime(world, kMetaBackupWrittenAt);
  if (!written) return std::unexpected(written.error());
  age.written_at = *written;
  const auto newest = ReadTime(world, kMetaNewestIssue);
  if (!newest) return std::unexpected(newest.error());
  age.older_than_newest = *newest && *written && **written < **newest;
  const auto verified = ReadTime(world, kMetaVerifiedAt);
  if (!verified) return std::unexpected(verified.error());
  age.verified_at = *verified;
  const auto whole = world.registry.GetMeta(kMetaVerified);
  if (!whole) return std::unexpected(whole.error());
  age.verified_ok = age.present && *whole == HexLower(age.sha256);
  const auto drilled = ReadTime(world, kMetaDrilledAt);
  if (!drilled) return std::unexpected(drilled.error());
  age.drilled_at = *drilled;
  const auto since = AdmittedSince(world);
  if (!since) return std::unexpected(since.error());
  age.admitted_since = *since;
  Warn(age, now);
  return age;
}

Status RecordDrill(World& world, const std::vector<std::string>& problems, Instant now) {
  return world.registry.Transact([&]() -> Status {
    if (problems.empty()) {
      COUNTERSIGN_RETURN_IF_ERROR(
          world.registry.PutMeta(kMetaDrilledAt, std::to_string(ToUnix(now))));
    }
    return RecordEvent(
        world, {.id = 0,
                .at = now,
                .kind = "backup-drilled",
                .agent = {},
                .text = problems.empty()
                            ? std::string("a restore into a scratch folder came out whole")
                            : "a restore into a scratch folder differs: " + problems.front()});
  });
}

}  // namespace countersign::server
