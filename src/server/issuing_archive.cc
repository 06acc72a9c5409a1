#include <algorithm>

#include "keys/archive.h"
#include "server/events.h"
#include "server/history.h"
#include "server/issuing_internal.h"
#include "server/next_steps.h"

// -b: certificates and keys as an archive.
namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;

Status CheckAllowed(const World& world, const store::ServerConfig& config) {
  if (config.export_allowed) return {};
  return Fail(
      Code::kRefused,
      "the configuration forbids to export private keys (export = \"forbidden\" in "
      "countersign.toml). The automatic backup holds everything that is needed to reinstall "
      "or move this server: copy " +
          world.storage.BackupPlace() +
          " to another place, and keep its password, which is not one given to -b",
      "cp '" + world.storage.BackupPlace() + "' DESTINATION");
}

using Missing = std::vector<std::string>;

void AddKey(World& world, const IdentityBook::Entry* entry, std::string_view what,
            keys::BackupContents& contents, Missing& missing) {
  if (entry == nullptr) return;
  const Digest& digest = entry->certificate.key().digest();
  const std::string name =
      "the private key of the " + std::string(what) + " certificate " + entry->certificate.serial();
  const auto exportable = world.ring.IsExportable(digest);
  if (!exportable) return missing.push_back(name + ": " + exportable.error().message);
  if (*exportable == keys::Exportable::kNo) {
    return missing.push_back(name +
                             " was imported as not exportable (-ine); it is only in the copy of "
                             "the automatic backup");
  }
  auto key = world.ring.Export(digest, KeyExportToken());
  if (!key) return missing.push_back(name + ": " + key.error().message);
  contents.server_keys.push_back(*std::move(key));
}

void TellOfActive(World& world, const IdentityBook& book, Instant now, Missing& missing) {
  const auto* const active = book.Active();
  if (active == nullptr) return missing.push_back("an active certificate: there is none");
  const auto& certificate = active->certificate;
  if (certificate.not_after() < now) {
    missing.push_back("a certificate that is valid: " + certificate.serial() + " expired " +
                      FormatUtc(certificate.not_after()));
  }
  for (const std::string& output : MissingOutputs(world, book)) {
    missing.push_back(output + "; it is made again at the next start, or by -c");
  }
}

// The manifest, with which a restore knows what this server was.
Result<keys::BackupManifest> ManifestOf(World& world, const IdentityBook& book, Instant now) {
  auto admitted = AdmittedAgents(world, {});
  if (!admitted) return std::unexpected(std::move(admitted).error());
  auto history = NewestLines(world.registry);
  if (!history) return std::unexpected(std::move(history).error());
  auto manifest = MakeManifest(book, {}, *std::move(admitted), now);
  manifest.history = *std::move(history);
  return manifest;
}

std::optional<Bytes> AutomaticBackup(World& world, Missing& missing) {
  auto file = world.storage.ReadBackup();
  if (file) return *std::move(file);
  missing.push_back("the automatic backup (" + std::string(kBackupPath) +
                    "), and the owner key with it: " + file.error().message);
  return std::nullopt;
}

// The owner key, under the password of the archive: the automatic backup's has to be given.
Status AddOwnerKey(World& world, const SecretBytes& backup_password, keys::BackupContents& contents,
                   Instant now) {
  const auto present = OpenPresent(world, backup_password, now);
  if (!present) return std::unexpected(present.error());
  contents.owner_key = present->backup.owner_key;
  if (!contents.owner_key) return {};  // an imported certificate is its own owner
  const auto owner =
      OwnerOf(world, *contents.owner_key, present->book, present->server_ids.front(), now);
  if (!owner) return std::unexpected(owner.error());
  if (std::ranges::find(contents.certificates, owner->certificate) == contents.certificates.end()) {
    contents.certificates.push_back(owner->certificate);
  }
  return {};
}

}  // namespace

Result<Archive> MakeArchive(World& world, const store::ServerConfig& config,
                            const SecretBytes& password, const SecretBytes* backup_password,
                            Instant now) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckAllowed(world, config));
  COUNTERSIGN_RETURN_IF_ERROR(keys::CheckBackupPassword(password));
  const auto book = IdentityBook::Load(world.registry);
  if (!book) return std::unexpected(book.error());
  if (book->entries().empty()) {
    return Fail(Code::kNotFound, "this server has no certificate that could be backed up",
                std::string(kReplaceCommand));
  }
  Archive made;
  keys::ServerArchive archive;
  archive.contents.certificates = CertificatesToKeep(*book);
  AddKey(world, book->Active(), "active", archive.contents, made.missing);
  AddKey(world, book->Pending(), "pending", archive.contents, made.missing);
  AddKey(world, book->Reserve(), "reserve", archive.contents, made.missing);
  TellOfActive(world, *book, now, made.missing);
  if (backup_password != nullptr) {
    COUNTERSIGN_RETURN_IF_ERROR(AddOwnerKey(world, *backup_password, archive.contents, now));
  }
  auto manifest = ManifestOf(world, *book, now);
  if (!manifest) return std::unexpected(std::move(manifest).error());
  archive.contents.manifest = *std::move(manifest);
  archive.automatic_backup = AutomaticBackup(world, made.missing);

  std::vector<crypto::Certificate> all;
  for (const auto& entry : book->entries()) all.push_back(entry.certificate);
  auto file = keys::SealArchive(archive, all, password, world.backup_iterations, now);
  if (!file) return WithContext("cannot make the archive", std::move(file).error());
  made.file = *std::move(file);
  made.num_certificates = all.size();
  made.num_keys = archive.contents.server_keys.size();
  made.owner_key = archive.contents.owner_key.has_value();
  COUNTERSIGN_RETURN_IF_ERROR(world.registry.Transact([&] {
    return RecordEvent(world, {.id = 0,
                               .at = now,
                               .kind = "keys-exported",
                               .agent = {},
                               .text = std::to_string(made.num_keys) + " private keys" +
                                       (made.owner_key ? " and the owner key" : "") +
                                       " were exported as an archive"});
  }));
  return made;
}

}  // namespace countersign::server
