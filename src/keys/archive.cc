#include "keys/archive.h"

#include <string>
#include <utility>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "keys/zip.h"

namespace countersign::keys {
namespace {

constexpr std::string_view kSealedName = "certificates.pfx";
constexpr std::string_view kBackupName = "OfficeScanAuth.dat";

std::string Readme(const ServerArchive& archive, Instant at) {
  std::string text = "Certificates and keys of a Countersign server, written " + FormatUtc(at) +
                     " by CertificateManager -b.\r\n\r\n";
  text += std::string(kSealedName) +
          ": what -r and -re restore; PKCS#12, under the password given to -b\r\n";
  if (archive.automatic_backup) {
    text += std::string(kBackupName) +
            ": a copy of the automatic backup, under the password that it had then\r\n";
  }
  text += "certificates/: the public certificates, to look at\r\n\r\n";
  text +=
      archive.contents.owner_key
          ? "The owner key is in both.\r\n"
          : "The owner key is only in the automatic backup: without its password this archive\r\n"
            "brings a server back, but makes no new certificate for it.\r\n";
  return text;
}

std::unexpected<Error> NotOurs() {
  return Fail(Code::kMalformed, "the ZIP archive holds no " + std::string(kSealedName) +
                                    ": it was not made by CertificateManager -b");
}

Status CheckCopy(const ServerArchive& archive) {
  const auto& expected = archive.contents.manifest->automatic_backup;
  if (!expected && !archive.automatic_backup) return {};
  if (expected && archive.automatic_backup &&
      *expected == crypto::Sha256(*archive.automatic_backup)) {
    return {};
  }
  return Fail(Code::kMalformed, "the " + std::string(kBackupName) +
                                    " in the ZIP archive is not the one that was put into it");
}

}  // namespace

Result<Bytes> SealArchive(const ServerArchive& archive, const std::vector<crypto::Certificate>& all,
                          const SecretBytes& password, int iterations, Instant at) {
  Check(archive.contents.manifest.has_value(), "an archive has a manifest");
  BackupContents contents = archive.contents;
  if (archive.automatic_backup) {
    contents.manifest->automatic_backup = crypto::Sha256(*archive.automatic_backup);
  }
  auto sealed = SealBackup(contents, password, iterations);
  if (!sealed) return sealed;
  std::vector<ZipEntry> entries;
  const std::string readme = Readme(archive, at);
  entries.push_back({.name = "README.txt", .content = ToBytes(AsBytes(readme))});
  entries.push_back({.name = std::string(kSealedName), .content = *std::move(sealed)});
  if (archive.automatic_backup) {
    entries.push_back({.name = std::string(kBackupName), .content = *archive.automatic_backup});
  }
  for (const crypto::Certificate& certificate : all) {
    entries.push_back({.name = "certificates/" + HexLower(certificate.thumbprint()) + ".cer",
                       .content = certificate.der()});
  }
  auto file = WriteZip(entries, at);
  if (!file || (file->size() <= kMaxArchiveLen && entries.size() <= kMaxZipEntries)) return file;
  return Fail(Code::kExhausted,
              "the archive would be larger than 2 MiB; copy AuthCertBackup/OfficeScanAuth.dat");
}

Result<ServerArchive> OpenArchive(ByteView file, const SecretBytes& password) {
  if (file.size() > kMaxArchiveLen) {
    return Fail(Code::kMalformed, "the ZIP archive is larger than 2 MiB");
  }
  auto entries = ReadZip(file, {kSealedName, kBackupName});
  if (!entries) return std::unexpected(std::move(entries).error());
  ServerArchive archive;
  const Bytes* sealed = nullptr;
  for (ZipEntry& entry : *entries) {
    if (entry.name == kSealedName) sealed = &entry.content;
    if (entry.name == kBackupName) archive.automatic_backup = std::move(entry.content);
  }
  if (sealed == nullptr) return NotOurs();
  auto contents = OpenBackup(*sealed, password);
  if (!contents) return std::unexpected(std::move(contents).error());
  if (!contents->manifest) return NotOurs();
  archive.contents = *std::move(contents);
  COUNTERSIGN_RETURN_IF_ERROR(CheckCopy(archive));
  archive.contents.manifest->automatic_backup.reset();
  return archive;
}

}  // namespace countersign::keys
