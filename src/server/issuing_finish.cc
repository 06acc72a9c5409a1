#include <algorithm>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "server/issuing_internal.h"
#include "server/next_steps.h"

namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;

// Steps runs one step after the other, whatever becomes of the ones before, and keeps the first
// failure.
class Steps {
 public:
  void Take(Status done) {
    if (!done && first_) first_ = std::move(done);
  }
  [[nodiscard]] Status result() const { return first_; }

 private:
  Status first_;
};

void TellIf(World& world, Tell tell, const std::string& text) {
  if (tell == Tell::kYes) world.log.Write(LogLevel::kWarning, text);
}

Status SettleStaged(World& world, const std::optional<std::string>& expected, Tell tell) {
  const auto staged = world.storage.ReadStagedBackup();
  if (!staged && staged.error().code == Code::kNotFound) return {};
  if (!staged && staged.error().code != Code::kMalformed) return std::unexpected(staged.error());
  if (staged && expected == HexLower(crypto::Sha256(*staged))) {
    TellIf(world, tell, "the new automatic backup of an interrupted change is put in place");
    return world.storage.CommitStagedBackup();
  }
  TellIf(world, tell, "the automatic backup of a change that did not happen is discarded");
  return world.storage.DiscardStagedBackup();
}

Status WriteOutputs(World& world, const IdentityBook& book) {
  std::vector<store::StoredCertificate> files;
  for (const auto& entry : book.entries()) {
    if (entry.row.role != CertificateRole::kServer) continue;
    const bool is_active = entry.row.state == CertificateState::kActive;
    const bool is_past = entry.row.state == CertificateState::kReplaced ||
                         entry.row.state == CertificateState::kRevoked;
    if (!is_active && !is_past) continue;
    files.push_back(StoredOf(entry));
  }
  Steps steps;
  steps.Take(world.storage.WriteStores(files));
  if (const auto* const active = book.Active()) {
    steps.Take(world.storage.WritePublicCertificate(active->row.der));
  }
  return steps.result();
}

void TellOfOutputs(World& world, const IdentityBook& book) {
  for (const std::string& output : MissingOutputs(world, book)) {
    world.log.Write(LogLevel::kWarning, output + " was missing, or was another; it is made again");
  }
}

// IsKnown: a certificate of the registry, of whatever state, is for this key.
bool IsKnown(const IdentityBook& book, const Digest& key) {
  return std::any_of(book.entries().begin(), book.entries().end(), [&](const auto& entry) {
    return entry.row.role == CertificateRole::kServer && entry.certificate.key().digest() == key;
  });
}

// Keys of replaced certificates go at once. A key of no certificate was made for a change that did
// not happen, unless the registry is the one that was set back: then the backup is not the
// expected.
Status DestroyLeftKeys(World& world, const IdentityBook& book, BackupState backup, Tell tell) {
  if (book.Active() == nullptr) return {};  // an empty registry says nothing about the keys
  const auto keys = world.ring.List();
  if (!keys) return WithContext("cannot list the keys", keys.error());
  const auto requested = RequestedKeys(world);
  if (!requested) return std::unexpected(requested.error());
  Steps steps;
  for (const Digest& key : *keys) {
    if (IsInUse(book, key) || std::ranges::find(*requested, key) != requested->end()) continue;
    if (!IsKnown(book, key) && backup != BackupState::kAsExpected) {
      TellIf(world, tell,
             "the key " + HexLower(key) +
                 " belongs to no certificate that the registry "
                 "knows, and is left alone");
      continue;
    }
    TellIf(world, tell, "the key " + HexLower(key) + " of no certificate in use is destroyed");
    steps.Take(world.ring.Destroy(key));
  }
  return steps.result();
}

void TellOfKey(World& world, const IdentityBook::Entry* entry, LogLevel level,
               std::string_view what) {
  if (entry == nullptr) return;
  const auto signer = world.ring.Find(entry->certificate.key().digest());
  if (signer) return;
  world.log.Write(level, "the private key of the " + std::string(what) + " certificate " +
                             entry->certificate.serial() + " cannot be used: " +
                             signer.error().message + "; run " + std::string(kReplaceCommand));
}

void TellOfBackup(World& world, BackupState backup) {
  const std::string name = "the automatic backup (" + std::string(kBackupPath) + ")";
  if (backup == BackupState::kMissing) {
    world.log.Write(LogLevel::kError,
                    name + " is missing: put a copy of it back, or no certificate can be made");
  } else if (backup == BackupState::kOther) {
    world.log.Write(LogLevel::kWarning,
                    name +
                        " is not the one that this server wrote last: it was set back or "
                        "replaced, or the registry was; run " +
                        std::string(kReplaceCommand));
  }
}

// What is missing is told, and never keeps the server from starting.
void TellWhatIsMissing(World& world, const IdentityBook& book, BackupState backup) {
  TellOfBackup(world, backup);
  if (book.entries().empty()) return;
  if (book.Active() == nullptr) {
    world.log.Write(LogLevel::kError,
                    "this server has no active certificate; run " + std::string(kReplaceCommand));
  }
  TellOfKey(world, book.Active(), LogLevel::kError, "active");
  TellOfKey(world, book.Reserve(), LogLevel::kWarning, "reserve");
}

}  // namespace

store::StoredCertificate StoredOf(const IdentityBook::Entry& entry) {
  const bool is_active = entry.row.state == CertificateState::kActive;
  return {.store = std::string(is_active ? store::kStoreActive : store::kStoreExpired),
          .name = HexLower(entry.row.thumbprint) + ".cer",
          .der = entry.row.der};
}

std::vector<std::string> MissingOutputs(World& world, const IdentityBook& book) {
  const auto* const active = book.Active();
  if (active == nullptr) return {};
  std::vector<std::string> missing;
  if (!world.storage.HasPublicCertificate(active->certificate.der())) {
    missing.emplace_back("OfcNTCer.dat with the active certificate (PCCSRV/Pccnt/Common)");
  }
  if (!world.storage.HasStored(StoredOf(*active))) {
    missing.push_back("the active certificate in the store \"" + std::string(store::kStoreActive) +
                      "\"");
  }
  return missing;
}

Result<BackupState> SettleBackup(World& world, Tell tell) {
  const auto expected = world.registry.GetMeta(kMetaBackupDigest);
  if (!expected) return std::unexpected(expected.error());
  COUNTERSIGN_RETURN_IF_ERROR(SettleStaged(world, *expected, tell));
  const auto backup = world.storage.ReadBackup();
  if (!backup && backup.error().code == Code::kNotFound) {
    return *expected ? BackupState::kMissing : BackupState::kNotExpected;
  }
  if (!backup && backup.error().code != Code::kMalformed) return std::unexpected(backup.error());
  const bool as_expected = backup && *expected == HexLower(crypto::Sha256(*backup));
  return as_expected ? BackupState::kAsExpected : BackupState::kOther;
}

Status Finish(World& world, Tell tell) {
  const auto book = IdentityBook::Load(world.registry);
  if (!book) return std::unexpected(book.error());
  Steps steps;
  const auto settled = SettleBackup(world, tell);
  if (!settled) steps.Take(std::unexpected(settled.error()));
  const BackupState backup = settled ? *settled : BackupState::kOther;
  if (tell == Tell::kYes) TellOfOutputs(world, *book);
  steps.Take(WriteOutputs(world, *book));
  steps.Take(DestroyLeftKeys(world, *book, backup, tell));
  if (tell == Tell::kYes && settled) TellWhatIsMissing(world, *book, backup);
  return steps.result();
}

Status FinishIdentityChange(World& world) { return Finish(world, Tell::kYes); }

}  // namespace countersign::server
