#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "server/history.h"
#include "server/issuing_internal.h"
#include "server/standing.h"

namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;

// A file of more bags than crypto::kPkcs12MaxBags could be written, but not be read again. Agents
// catch up without the certificates of the past, and the registry keeps them all.
constexpr std::size_t kMaxReplacedInBackup = 64;
// Nor could one of more octets than crypto::kPkcs12MaxLen.
constexpr std::size_t kMaxAdmittedInBackup = 40'000;

std::string KeyText(const crypto::PublicKey& key) {
  return key.Description() + " key " + HexLower(key.digest());
}

// Follows: an agent that believes in `earlier` accepts what `owner` issued.
bool Follows(const IdentityBook& book, const Digest& owner, const Digest& earlier) {
  if (owner == earlier) return true;
  return std::any_of(book.entries().begin(), book.entries().end(), [&](const auto& entry) {
    return entry.row.role == CertificateRole::kServer && entry.identity.owner == owner &&
           book.BundleFor(entry, earlier, entry.identity.server_ids.front()).has_value();
  });
}

// The backup must be that of the identity in the registry, or a later one of it (the registry may
// have been restored from an older copy).
Status CheckBelongs(const Present& present, const IdentityBook& registered) {
  const auto* const owner = registered.OwnerCertificate();
  if (owner == nullptr) return {};
  const keys::BackupContents& backup = present.backup;
  if (!backup.owner_key && KeyOf(backup.server_keys, *owner) != nullptr) return {};
  if (backup.owner_key &&
      Follows(present.book, backup.owner_key->public_key().digest(), owner->key().digest())) {
    return {};
  }
  const std::string found =
      backup.owner_key ? KeyText(backup.owner_key->public_key()) : std::string("no owner key");
  return Fail(Code::kRefused,
              "the automatic backup (" + std::string(kBackupPath) +
                  ") is not that of this server's "
                  "identity: it holds " +
                  found + ", and the certificate in use stands under the " + KeyText(owner->key()) +
                  " (" + owner->subject() +
                  "). Nothing was changed. Put the right copy of that file in its place");
}

// Merge adds what only the backup knows to the rows of the registry.
Result<Present> Merge(keys::BackupContents backup, Rows rows, Instant now) {
  Present present{.backup = std::move(backup),
                  .rows = std::move(rows),
                  .book = {},
                  .server_ids = {},
                  .admitted = {}};
  if (present.rows.empty()) present.admitted = present.backup.manifest->admitted;
  for (auto& row : RowsOf(present.backup, now)) {
    const bool known =
        std::any_of(present.rows.begin(), present.rows.end(),
                    [&](const auto& other) { return other.thumbprint == row.thumbprint; });
    if (!known) present.rows.push_back(std::move(row));
  }
  auto book = IdentityBook::Make(present.rows);
  if (!book) return std::unexpected(std::move(book).error());
  present.book = *std::move(book);
  present.server_ids = present.book.server_ids().empty() ? present.backup.manifest->server_ids
                                                         : present.book.server_ids();
  if (!present.server_ids.empty()) return present;
  return Fail(Code::kDamaged, "neither the registry nor the automatic backup (" +
                                  std::string(kBackupPath) + ") says which server this is");
}

// Prove opens a file just sealed.
Status Prove(ByteView file, const keys::BackupContents& contents, const SecretBytes& password) {
  const auto opened = keys::OpenBackup(file, password);
  if (!opened) return std::unexpected(opened.error());
  const bool owner_is_there =
      opened->owner_key.has_value() == contents.owner_key.has_value() &&
      (!opened->owner_key || opened->owner_key->public_key() == contents.owner_key->public_key());
  if (owner_is_there && opened->server_keys.size() == contents.server_keys.size() &&
      opened->certificates.size() == contents.certificates.size() &&
      opened->manifest == contents.manifest) {
    return {};
  }
  return Fail(Code::kInternal, "it does not hold what was put into it");
}

}  // namespace

keys::BackupManifest MakeManifest(const IdentityBook& book, const BackupParts& parts,
                                  std::vector<AgentId> admitted, Instant now) {
  keys::BackupManifest manifest{.server_ids = book.server_ids(),
                                .generations = parts.generations,
                                .admitted = std::move(admitted),
                                .written_at = now,
                                .history = {}};
  for (const auto& entry : book.entries()) {
    if (entry.row.state == CertificateState::kRevoked) {
      manifest.revoked.push_back(entry.row.thumbprint);
    }
    for (const ServerId& id : entry.identity.server_ids) {
      auto& generation = manifest.generations[id];
      generation = std::max(generation, entry.identity.generation);
    }
  }
  std::ranges::sort(manifest.revoked);
  return manifest;
}

std::vector<crypto::Certificate> CertificatesToKeep(const IdentityBook& book) {
  std::vector<crypto::Certificate> kept;
  std::vector<const IdentityBook::Entry*> replaced;
  for (const auto& entry : book.entries()) {
    const bool is_replaced = entry.row.role == CertificateRole::kServer &&
                             !entry.identity.self_signed &&
                             !IsInUse(book, entry.certificate.key().digest());
    if (is_replaced) {
      replaced.push_back(&entry);
    } else {
      kept.push_back(entry.certificate);
    }
  }
  std::sort(replaced.begin(), replaced.end(), [](const auto* a, const auto* b) {
    return a->identity.generation > b->identity.generation;
  });
  if (replaced.size() > kMaxReplacedInBackup) replaced.resize(kMaxReplacedInBackup);
  for (const auto* const entry : replaced) kept.push_back(entry->certificate);
  return kept;
}

Result<std::vector<AgentId>> AdmittedAgents(World& world, const std::vector<AgentId>& more) {
  std::set<AgentId> admitted(more.begin(), more.end());
  COUNTERSIGN_RETURN_IF_ERROR(ForEachAgent(world.registry, [&](const store::AgentRow& row) {
    if (row.admitted && row.standing != kMoved) admitted.insert(row.id);
  }));
  std::vector<AgentId> ids(admitted.begin(), admitted.end());
  if (ids.size() > kMaxAdmittedInBackup) {
    world.log.Write(LogLevel::kWarning,
                    "the automatic backup has room for " + std::to_string(kMaxAdmittedInBackup) +
                        " of " + std::to_string(ids.size()) +
                        " admitted agents; on a server made from it the others need a token or "
                        "countersign agents approve");
    ids.resize(kMaxAdmittedInBackup);
  }
  return ids;
}

const crypto::PrivateKey* KeyOf(const std::vector<crypto::PrivateKey>& keys,
                                const crypto::Certificate& certificate) {
  const auto at = std::find_if(keys.begin(), keys.end(), [&](const auto& key) {
    return key.public_key() == certificate.key();
  });
  return at == keys.end() ? nullptr : &*at;
}

Result<Bytes> ReadBackupFile(World& world) {
  auto file = world.storage.ReadBackup();
  if (file) return file;
  if (file.error().code != Code::kNotFound) {
    return WithContext("cannot read the automatic backup", std::move(file).error());
  }
  return Fail(
      Code::kNotFound,
      "the automatic backup (" + std::string(kBackupPath) +
          ") is missing, and the owner key is nowhere else. Nothing was changed. Put a copy "
          "of that file back in its place, or import the identity again from a copy",
      "CertificateManager -ine PASSWORD FILE");
}

namespace {

Error WrongPassword() {
  return {Code::kWrongPassword,
          "the password does not open the automatic backup (" + std::string(kBackupPath) +
              "). The password of that file is meant, given when this server was installed, "
              "with the file that was imported or restored last, or by countersign backup "
              "password, and not one given to -b for an archive. Nothing was changed",
          std::string(kForgottenPassword)};
}

}  // namespace

Result<keys::BackupContents> OpenBackupFile(ByteView file, const SecretBytes& password) {
  auto backup = keys::OpenBackup(file, password);
  if (!backup && backup.error().code == Code::kWrongPassword) {
    return std::unexpected(WrongPassword());
  }
  if (!backup) {
    Error error = std::move(backup).error();
    if (error.code == Code::kMalformed) {  // one of our own files
      error.code = Code::kDamaged;
      error.next = "put back the copy of it that is kept in another place";
    }
    return WithContext("cannot open the automatic backup (" + std::string(kBackupPath) + ")",
                       std::move(error));
  }
  if (backup->manifest) return backup;
  return Fail(Code::kRefused,
              "the file in the place of the automatic backup (" + std::string(kBackupPath) +
                  ") was not written by Countersign. Nothing was changed. To take over the key in "
                  "it, move it away and import it",
              "CertificateManager -ine PASSWORD FILE");
}

Result<keys::BackupContents> OpenBackupCopy(ByteView file, const SecretBytes& password) {
  auto backup = keys::OpenBackup(file, password);
  if (backup) return backup;
  if (backup.error().code == Code::kWrongPassword) return std::unexpected(WrongPassword());
  Error error = std::move(backup).error();
  if (error.next.empty())
    error.next = "the same command with a copy of " + std::string(kBackupPath);
  return WithContext("this is no automatic backup", std::move(error));
}

namespace {

// What goes on without the password, and until when.
std::string WithoutPassword(World& world) {
  const auto book = IdentityBook::Load(world.registry);
  if (!book || book->Active() == nullptr) return {};
  Instant last = book->Active()->certificate.not_after();
  for (const auto* const entry : {book->Pending(), book->Reserve()}) {
    if (entry != nullptr) last = std::max(last, entry->certificate.not_after());
  }
  return ". If it is forgotten: agents obey this server until " + FormatUtc(last) +
         ", when its last certificate ends, and no other can be made, nor this one moved";
}

}  // namespace

// The MAC of PKCS#12 cannot tell a wrong password from a damaged file; the registry's digest can.
Error ExplainWrongPassword(World& world, Error error, BackupState state) {
  if (error.code != Code::kWrongPassword) return error;
  if (state == BackupState::kAsExpected) {
    error.message +=
        ". The file is whole: it is the one that this server wrote last" + WithoutPassword(world);
    return error;
  }
  error.message +=
      ". Or the file is damaged: it is not the one that this server wrote last, and a copy of it "
      "from another place may open";
  error.next =
      "countersign backup verify FILE, with the copy; then put it in the place of that one";
  return error;
}

Result<Present> OpenPresent(World& world, const SecretBytes& password, Instant now) {
  const auto settled = SettleBackup(world, Tell::kYes);
  if (!settled) return std::unexpected(settled.error());
  auto rows = world.registry.ListCertificates();
  if (!rows) return std::unexpected(std::move(rows).error());
  auto registered = IdentityBook::Make(*rows);
  if (!registered) return std::unexpected(std::move(registered).error());
  const auto file = ReadBackupFile(world);
  if (!file) return std::unexpected(file.error());
  auto backup = OpenBackupFile(*file, password);
  if (!backup)
    return std::unexpected(ExplainWrongPassword(world, std::move(backup).error(), *settled));

  auto present = Merge(*std::move(backup), *std::move(rows), now);
  if (!present) return present;
  COUNTERSIGN_RETURN_IF_ERROR(CheckBelongs(*present, *registered));
  present->registry_is_behind = present->book.HighestGeneration() > registered->HighestGeneration();
  return present;
}

Result<Owner> OwnerOf(World& world, const crypto::PrivateKey& key, const IdentityBook& book,
                      const ServerId& server, Instant now) {
  for (const auto& entry : book.entries()) {
    if (entry.row.role == CertificateRole::kOwner && entry.certificate.key() == key.public_key()) {
      return Owner{key, entry.certificate};
    }
  }
  auto certificate = CertifyOwner(world, key, server, now);
  if (!certificate) return std::unexpected(std::move(certificate).error());
  return Owner{key, *std::move(certificate)};
}

Result<Owner> OwnerIn(const keys::BackupContents& backup) {
  for (const auto& certificate : backup.certificates) {
    if (!certificate.IsSignedBy(certificate.key())) continue;
    if (backup.owner_key) {
      if (certificate.key() == backup.owner_key->public_key()) {
        return Owner{*backup.owner_key, certificate};
      }
    } else if (const auto* const key = KeyOf(backup.server_keys, certificate)) {
      return Owner{*key, certificate};
    }
  }
  return Fail(Code::kRefused, "the automatic backup holds no owner key with its certificate");
}

Result<SealedBackup> SealParts(World& world, const BackupParts& parts, const Rows& rows,
                               const SecretBytes& password, Instant now) {
  const auto book = IdentityBook::Make(rows);
  if (!book) return std::unexpected(book.error());
  auto admitted = AdmittedAgents(world, parts.admitted);
  if (!admitted) return std::unexpected(std::move(admitted).error());
  keys::BackupContents contents{.owner_key = parts.owner_key,
                                .server_keys = parts.server_keys,
                                .certificates = CertificatesToKeep(*book),
                                .manifest = MakeManifest(*book, parts, *std::move(admitted), now)};
  auto history = NewestLines(world.registry);
  if (!history) return std::unexpected(std::move(history).error());
  contents.manifest->history = history->empty() ? parts.history : *std::move(history);
  auto file = keys::SealBackup(contents, password, world.backup_iterations);
  if (!file) return WithContext("cannot seal the automatic backup", std::move(file).error());
  const auto proved = Prove(*file, contents, password);
  if (proved) {
    return SealedBackup{.file = *std::move(file),
                        .num_admitted = contents.manifest->admitted.size()};
  }
  return WithContext("the new automatic backup cannot be opened again, so the old one stays",
                     proved.error());
}

}  // namespace countersign::server
