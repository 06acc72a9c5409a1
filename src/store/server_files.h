#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace countersign::store {

// The documented certificate stores that this server fills.
inline constexpr std::string_view kStoreActive = "OfficeScan NT";
inline constexpr std::string_view kStoreExpired = "OfficeScan NT Expired";
inline constexpr std::string_view kStoreWebHosting = "Web Hosting";

// StoredCertificate is one file of a certificate store.
struct StoredCertificate {
  std::string store;  // kStoreActive or kStoreExpired
  std::string name;   // file name without folder: "<thumbprint>.cer"
  Bytes der;
};

// ServerStorage is the part of a server's disk that is neither registry nor key ring. The registry
// is the truth; what is here is made from it again after a power cut. Used from one thread.
class ServerStorage {
 public:
  virtual ~ServerStorage() = default;
  // The automatic backup, AuthCertBackup/OfficeScanAuth.dat. kNotFound if there is none.
  [[nodiscard]] virtual Result<Bytes> ReadBackup() = 0;
  // BackupPlace is where it is, for a command to be pasted.
  [[nodiscard]] virtual std::string BackupPlace() const = 0;
  // A new backup is staged beside it (OfficeScanAuth.dat.staged), durably; the registry commits to
  // its digest; then it takes the place of the old one. At the next start a staged file that the
  // registry expects is put in place, any other is discarded.
  [[nodiscard]] virtual Result<Bytes> ReadStagedBackup() = 0;  // kNotFound if there is none
  [[nodiscard]] virtual Status StageBackup(ByteView file) = 0;
  [[nodiscard]] virtual Status CommitStagedBackup() = 0;
  [[nodiscard]] virtual Status DiscardStagedBackup() = 0;
  // KeepBackup copies the automatic backup to OfficeScanAuth-<beginning of its SHA-256>.dat beside
  // it, durably, and returns the path within the server's folder. kNotFound if there is none.
  [[nodiscard]] virtual Result<std::string> KeepBackup() = 0;
  // KeptBackups are the paths that KeepBackup returned, as far as they are still there; sorted.
  [[nodiscard]] virtual Result<std::vector<std::string>> KeptBackups() = 0;
  // HasPublicCertificate and HasStored tell whether these outputs are there as they should be.
  [[nodiscard]] virtual bool HasPublicCertificate(ByteView der) = 0;
  [[nodiscard]] virtual bool HasStored(const StoredCertificate& certificate) = 0;
  // WriteStores makes the certificate stores hold exactly these files.
  [[nodiscard]] virtual Status WriteStores(const std::vector<StoredCertificate>& certificates) = 0;
  // WritePublicCertificate writes PCCSRV/Pccnt/Common/OfcNTCer.dat.
  [[nodiscard]] virtual Status WritePublicCertificate(ByteView der) = 0;
};

// ServerFolder is a server's folder on a real disk (docs/architecture.md lists it).
class ServerFolder final : public ServerStorage {
 public:
  // Create makes the sub-folders in an existing, private folder.
  [[nodiscard]] static Status Create(const std::filesystem::path& path);
  explicit ServerFolder(std::filesystem::path path) : path_(std::move(path)) {}
  // RemoveAllLeftovers removes the temporary files of writes that were cut off, but for those of
  // keys, which are the key ring's.
  void RemoveAllLeftovers() const;

  [[nodiscard]] Result<Bytes> ReadBackup() override;
  [[nodiscard]] std::string BackupPlace() const override;
  [[nodiscard]] Result<Bytes> ReadStagedBackup() override;
  [[nodiscard]] Status StageBackup(ByteView file) override;
  [[nodiscard]] Status CommitStagedBackup() override;
  [[nodiscard]] Status DiscardStagedBackup() override;
  [[nodiscard]] Result<std::string> KeepBackup() override;
  [[nodiscard]] Result<std::vector<std::string>> KeptBackups() override;
  [[nodiscard]] bool HasPublicCertificate(ByteView der) override;
  [[nodiscard]] bool HasStored(const StoredCertificate& certificate) override;
  [[nodiscard]] Status WriteStores(const std::vector<StoredCertificate>& certificates) override;
  [[nodiscard]] Status WritePublicCertificate(ByteView der) override;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path BackupPath() const;
  [[nodiscard]] std::filesystem::path PublicCertificatePath() const;
  [[nodiscard]] std::filesystem::path KeysPath() const { return path_ / "keys"; }
  // The web host's key and certificate in one file, and the store that shows the certificate.
  [[nodiscard]] std::filesystem::path WebHostKeyPath() const { return KeysPath() / "web-host.pem"; }
  [[nodiscard]] std::filesystem::path WebHostingPath() const {
    return path_ / "certificates" / kStoreWebHosting;
  }
  [[nodiscard]] std::filesystem::path RegistryPath() const { return path_ / "registry.db"; }
  [[nodiscard]] std::filesystem::path ConfigPath() const { return path_ / "countersign.toml"; }
  [[nodiscard]] std::filesystem::path LockPath() const { return path_ / "lock"; }

 private:
  std::filesystem::path path_;
};

}  // namespace countersign::store
