#include <string>
#include <utility>

#include "keys/archive.h"
#include "server/issuing_internal.h"

// -r: an archive of -b comes back.
namespace countersign::server {
namespace {

constexpr std::string_view kNoOwnerKey =
    "the owner key is not in the archive: agents are commanded as before, but a new certificate "
    "cannot be made for them";

// The keys were imported as not exportable, or were missing: then they are at best in the copy of
// the automatic backup, under its own password.
Error NoKeys(const keys::ServerArchive& archive) {
  if (!archive.automatic_backup) {
    return {Code::kRefused,
            "the archive holds certificates and no private key: none could be exported when it was "
            "made. Nothing was changed",
            "CertificateManager -ine PASSWORD OfficeScanAuth.dat, with the automatic backup"};
  }
  return {Code::kRefused,
          "the archive holds no private key outside its copy of the automatic backup "
          "(OfficeScanAuth.dat), which has a password of its own. Nothing was changed. Unpack that "
          "file and import it with the password of the automatic backup",
          "CertificateManager -ine PASSWORD OfficeScanAuth.dat"};
}

}  // namespace

Result<Incoming> ReadArchived(ByteView file, const SecretBytes& password, Instant now,
                              const IdentityBook* known) {
  auto archive = keys::OpenArchive(file, password);
  if (!archive && archive.error().code == Code::kWrongPassword) {
    return Fail(Code::kWrongPassword,
                "the password does not open the archive. The password given to -b when it was made "
                "is meant, and not that of the automatic backup. Nothing was changed");
  }
  if (!archive) {
    return WithContext("cannot read the archive; nothing was changed", std::move(archive).error());
  }
  if (!archive->contents.owner_key && archive->automatic_backup) {
    // Often both have the same password; then the copy tells everything.
    const auto copy = keys::OpenBackup(*archive->automatic_backup, password);
    if (copy && copy->manifest) return ReadWhole(*copy, now, known);
  }
  if (archive->contents.server_keys.empty()) return std::unexpected(NoKeys(*archive));
  auto incoming = ReadWhole(archive->contents, now, known);
  if (!incoming) return WithContext("cannot restore; nothing was changed", incoming.error());
  if (incoming->owner_key) return incoming;
  if (archive->automatic_backup) {
    incoming->sealed_backup = {.file = *std::move(archive->automatic_backup),
                               .num_admitted = archive->contents.manifest->admitted.size()};
    incoming->owner_key = true;
  } else {
    incoming->notes.emplace_back(kNoOwnerKey);
  }
  return incoming;
}

}  // namespace countersign::server
