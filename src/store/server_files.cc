#include "store/server_files.h"

#include <algorithm>
#include <system_error>

#include "base/encoding.h"
#include "base/files.h"
#include "crypto/certificate.h"
#include "crypto/hash.h"
#include "crypto/pkcs12.h"

namespace countersign::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBackupName = "OfficeScanAuth.dat";
constexpr std::string_view kPublicName = "OfcNTCer.dat";
constexpr std::array kStores = {kStoreActive, kStoreExpired};

fs::path BackupFolder(const fs::path& path) { return path / "AuthCertBackup"; }
fs::path StagedPath(const fs::path& path) {
  return BackupFolder(path) / (std::string(kBackupName) + ".staged");
}
fs::path StoreFolder(const fs::path& path, std::string_view store) {
  return path / "certificates" / store;
}

std::string LowerAscii(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// FindIgnoringCase is `folder/name`; if there is none, the file whose name differs in case only, as
// people type it.
fs::path FindIgnoringCase(const fs::path& folder, std::string_view name) {
  std::error_code error;
  const fs::path exact = folder / name;
  if (fs::exists(exact, error)) return exact;
  const std::string wanted = LowerAscii(std::string(name));
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (LowerAscii(entry->path().filename().string()) == wanted) return entry->path();
  }
  return exact;
}

// The names of the files of a folder; one that is not there has none.
Result<std::vector<std::string>> FileNames(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (!entry->is_directory(error)) names.push_back(entry->path().filename().string());
  }
  if (!error || error == std::errc::no_such_file_or_directory) return names;
  return Fail(Code::kIo, "cannot list " + folder.string() + ": " + error.message());
}

bool HoldsAlready(const fs::path& path, ByteView content) {
  const auto present = ReadFile(path, crypto::Certificate::kMaxLen);
  return present && std::equal(present->begin(), present->end(), content.begin(), content.end());
}

Status WriteIfOther(const fs::path& path, ByteView content) {
  if (HoldsAlready(path, content)) return {};
  COUNTERSIGN_RETURN_IF_ERROR(MakePrivateFolder(path.parent_path()));
  return WriteFileAtomically(path, content, FileMode::kPublic);
}

bool IsPlainName(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string_view::npos;
}

}  // namespace

Status ServerFolder::Create(const fs::path& path) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckPrivate(path));
  const ServerFolder folder(path);
  COUNTERSIGN_RETURN_IF_ERROR(MakePrivateFolder(BackupFolder(path)));
  COUNTERSIGN_RETURN_IF_ERROR(MakePrivateFolder(folder.KeysPath()));
  COUNTERSIGN_RETURN_IF_ERROR(MakePrivateFolder(folder.PublicCertificatePath().parent_path()));
  for (const std::string_view store : kStores) {
    COUNTERSIGN_RETURN_IF_ERROR(MakePrivateFolder(StoreFolder(path, store)));
  }
  return {};
}

void ServerFolder::RemoveAllLeftovers() const {
  RemoveLeftovers(path_);
  RemoveLeftovers(BackupFolder(path_));
  RemoveLeftovers(PublicCertificatePath().parent_path());
  for (const std::string_view store : kStores) RemoveLeftovers(StoreFolder(path_, store));
}

fs::path ServerFolder::BackupPath() const { return BackupFolder(path_) / kBackupName; }

fs::path ServerFolder::PublicCertificatePath() const {
  return path_ / "PCCSRV" / "Pccnt" / "Common" / kPublicName;
}

Result<Bytes> ServerFolder::ReadBackup() {
  return ReadFile(FindIgnoringCase(BackupFolder(path_), kBackupName), crypto::kPkcs12MaxLen);
}

std::string ServerFolder::BackupPlace() const {
  std::error_code failed;
  const fs::path place = fs::absolute(BackupPath(), failed);
  return failed ? BackupPath().string() : place.string();
}

Result<Bytes> ServerFolder::ReadStagedBackup() {
  return ReadFile(StagedPath(path_), crypto::kPkcs12MaxLen);
}

Status ServerFolder::StageBackup(ByteView file) {
  COUNTERSIGN_RETURN_IF_ERROR(MakePrivateFolder(BackupFolder(path_)));
  return WriteFileAtomically(StagedPath(path_), file, FileMode::kPrivate);
}

Status ServerFolder::CommitStagedBackup() { return RenameDurably(StagedPath(path_), BackupPath()); }

Status ServerFolder::DiscardStagedBackup() { return RemoveDurably(StagedPath(path_)); }

Result<std::string> ServerFolder::KeepBackup() {
  const auto file = ReadBackup();
  if (!file) return std::unexpected(file.error());
  const std::string name =
      "OfficeScanAuth-" + HexLower(crypto::Sha256(*file)).substr(0, 16) + ".dat";
  COUNTERSIGN_RETURN_IF_ERROR(
      WriteFileAtomically(BackupFolder(path_) / name, *file, FileMode::kPrivate));
  return "AuthCertBackup/" + name;
}

Result<std::vector<std::string>> ServerFolder::KeptBackups() {
  const auto names = FileNames(BackupFolder(path_));
  if (!names) return std::unexpected(names.error());
  std::vector<std::string> kept;
  for (const std::string& name : *names) {
    if (name.starts_with("OfficeScanAuth-") && name.ends_with(".dat")) {
      kept.push_back("AuthCertBackup/" + name);
    }
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

bool ServerFolder::HasPublicCertificate(ByteView der) {
  return HoldsAlready(PublicCertificatePath(), der);
}

bool ServerFolder::HasStored(const StoredCertificate& certificate) {
  return HoldsAlready(StoreFolder(path_, certificate.store) / certificate.name, certificate.der);
}

Status ServerFolder::WriteStores(const std::vector<StoredCertificate>& certificates) {
  for (const auto& certificate : certificates) {
    const bool known =
        std::find(kStores.begin(), kStores.end(), certificate.store) != kStores.end();
    Check(known && IsPlainName(certificate.name), "a certificate file of a known store");
    COUNTERSIGN_RETURN_IF_ERROR(
        WriteIfOther(StoreFolder(path_, certificate.store) / certificate.name, certificate.der));
  }
  // What is new is there before what is old goes.
  for (const std::string_view store : kStores) {
    const auto names = FileNames(StoreFolder(path_, store));
    if (!names) return std::unexpected(names.error());
    for (const std::string& name : *names) {
      const bool wanted =
          std::any_of(certificates.begin(), certificates.end(), [&](const auto& certificate) {
            return certificate.store == store && certificate.name == name;
          });
      if (!wanted) COUNTERSIGN_RETURN_IF_ERROR(RemoveDurably(StoreFolder(path_, store) / name));
    }
  }
  return {};
}

Status ServerFolder::WritePublicCertificate(ByteView der) {
  return WriteIfOther(PublicCertificatePath(), der);
}

}  // namespace countersign::store
