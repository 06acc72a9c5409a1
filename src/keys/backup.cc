#include "keys/backup.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/encoding.h"
#include "keys/manifest.h"

namespace countersign::keys {
namespace {

using crypto::Certificate;
using crypto::Pkcs12Contents;
using crypto::PrivateKey;
using crypto::PublicKey;

constexpr char kOwnerName[] = "countersign owner";
constexpr char kServerName[] = "OfficeScan Server NTSG";
constexpr char kManifestName[] = "countersign manifest";

// An owner certificate of a key: self-signed, and good for signing others (protocol section 2).
bool IsOwnerCertificate(const Certificate& certificate, const PublicKey& key) {
  return certificate.key() == key && certificate.may_sign_certificates() &&
         certificate.IsSignedBy(key);
}

bool HasOwnerCertificate(const std::vector<Certificate>& certificates, const PublicKey& key) {
  return std::ranges::any_of(certificates, [&](const Certificate& certificate) {
    return IsOwnerCertificate(certificate, key);
  });
}

// NameOf is for people and other tools. Only the owner is called owner, whatever a certificate
// says.
std::string NameOf(const Certificate& certificate) {
  const std::string& name = certificate.common_name();
  return name.empty() || name == kOwnerName ? kServerName : name;
}

std::string NameOf(const PublicKey& key, const std::vector<Certificate>& certificates) {
  for (const Certificate& certificate : certificates) {
    if (certificate.key() == key) return NameOf(certificate);
  }
  return kServerName;
}

void AddKeys(const BackupContents& contents, Pkcs12Contents& file) {
  std::set<Digest> added;
  if (contents.owner_key) {
    file.keys.push_back({*contents.owner_key, kOwnerName});
    added.insert(contents.owner_key->public_key().digest());
  }
  for (const PrivateKey& key : contents.server_keys) {
    if (!added.insert(key.public_key().digest()).second) continue;
    file.keys.push_back({key, NameOf(key.public_key(), contents.certificates)});
  }
}

void AddCertificates(const BackupContents& contents, Pkcs12Contents& file) {
  std::set<Digest> added;
  for (const Certificate& certificate : contents.certificates) {
    if (!added.insert(certificate.thumbprint()).second) continue;
    const bool is_owner =
        contents.owner_key && IsOwnerCertificate(certificate, contents.owner_key->public_key());
    file.certificates.push_back({certificate.der(), is_owner ? kOwnerName : NameOf(certificate)});
  }
}

// The file must be one that OpenBackup reads again.
Status CheckFits(const BackupContents& contents, const Pkcs12Contents& file) {
  const std::size_t num_bags = file.keys.size() + file.certificates.size() + file.secrets.size();
  if (num_bags > crypto::kPkcs12MaxBags) {
    return Fail(Code::kExhausted, "the backup would hold " + std::to_string(num_bags) +
                                      " keys and certificates; it may hold " +
                                      std::to_string(crypto::kPkcs12MaxBags));
  }
  std::size_t len = 0;
  for (const Pkcs12Contents::Cert& certificate : file.certificates) len += certificate.der.size();
  for (const Pkcs12Contents::Secret& secret : file.secrets) len += secret.data.size();
  if (len < crypto::kPkcs12MaxLen) return {};
  const std::size_t num_agents = contents.manifest ? contents.manifest->admitted.size() : 0;
  return Fail(Code::kExhausted, "the backup would be larger than 1 MiB: it lists " +
                                    std::to_string(num_agents) +
                                    " admitted agents, and there is room for about 48,000");
}

Result<std::vector<Certificate>> ReadCertificates(const Pkcs12Contents& file) {
  std::vector<Certificate> certificates;
  std::string refused;
  for (const Pkcs12Contents::Cert& entry : file.certificates) {
    Result<Certificate> certificate = Certificate::Parse(entry.der);
    if (certificate) {
      certificates.push_back(*std::move(certificate));
    } else {
      refused += (refused.empty() ? "" : "; ") + certificate.error().message;
    }
  }
  if (!certificates.empty()) return certificates;
  if (file.certificates.empty()) return Fail(Code::kMalformed, "the file holds no certificate");
  return Fail(Code::kMalformed, "the file holds no certificate that can be used: " + refused);
}

Result<std::optional<BackupManifest>> ReadManifest(const Pkcs12Contents& file) {
  std::optional<BackupManifest> found;
  for (const Pkcs12Contents::Secret& secret : file.secrets) {
    if (secret.friendly_name != kManifestName) continue;
    if (found) return Fail(Code::kMalformed, "the backup holds two manifests");
    Result<BackupManifest> manifest = ParseManifest(AsText(secret.data));
    if (!manifest) return std::unexpected(std::move(manifest).error());
    found = *std::move(manifest);
  }
  return found;
}

// In a backup of ours the owner key is the one of that name, and its certificate is there too. In
// an administrator's file names mean nothing.
Status SortKeys(const Pkcs12Contents& file, BackupContents& contents) {
  for (const Pkcs12Contents::Key& entry : file.keys) {
    if (!contents.manifest || entry.friendly_name != kOwnerName) {
      contents.server_keys.push_back(entry.key);
      continue;
    }
    if (contents.owner_key) return Fail(Code::kMalformed, "the backup holds two owner keys");
    if (!HasOwnerCertificate(contents.certificates, entry.key.public_key())) {
      return Fail(Code::kMalformed, "the backup holds an owner key without its certificate");
    }
    contents.owner_key = entry.key;
  }
  if (!file.keys.empty() || file.rejected_keys.empty()) return {};
  return Fail(Code::kMalformed,
              "the file holds no key that can be used: " + file.rejected_keys.front());
}

}  // namespace

Result<Bytes> SealBackup(const BackupContents& contents, const SecretBytes& password,
                         int iterations) {
  if (contents.owner_key &&
      !HasOwnerCertificate(contents.certificates, contents.owner_key->public_key())) {
    return Fail(Code::kRefused, "the owner key cannot be backed up without its certificate");
  }
  Pkcs12Contents file;
  AddKeys(contents, file);
  AddCertificates(contents, file);
  if (contents.manifest) {
    file.secrets.push_back({kManifestName, ToBytes(FormatManifest(*contents.manifest))});
  }
  COUNTERSIGN_RETURN_IF_ERROR(CheckFits(contents, file));
  return crypto::WritePkcs12(file, password, iterations);
}

Result<BackupContents> OpenBackup(ByteView file, const SecretBytes& password) {
  const Result<Pkcs12Contents> opened = crypto::ReadPkcs12(file, password);
  if (!opened) return std::unexpected(opened.error());
  BackupContents contents;
  auto certificates = ReadCertificates(*opened);
  if (!certificates) return std::unexpected(std::move(certificates).error());
  contents.certificates = *std::move(certificates);
  auto manifest = ReadManifest(*opened);
  if (!manifest) return std::unexpected(std::move(manifest).error());
  contents.manifest = *std::move(manifest);
  COUNTERSIGN_RETURN_IF_ERROR(SortKeys(*opened, contents));
  return contents;
}

Status CheckBackupPassword(const SecretBytes& password) {
  if (password.size() < kMinBackupPasswordLen) {
    return Fail(Code::kRefused, "a backup password has at least " +
                                    std::to_string(kMinBackupPasswordLen) + " characters");
  }
  if (IsPrintableUtf8(password.text())) return {};
  return Fail(Code::kRefused, "a backup password is UTF-8 text without control characters");
}

// 32 characters, so that the lowest five bits of an octet choose one evenly: 120 bits.
SecretBytes GeneratePassword(RandomSource& random) {
  constexpr std::string_view kAlphabet = "23456789abcdefghijkmnpqrstuvwxyz";
  static_assert(kAlphabet.size() == 32);
  auto octets = random.Array<24>();
  for (std::uint8_t& octet : octets) {
    octet = static_cast<std::uint8_t>(kAlphabet[octet % kAlphabet.size()]);
  }
  SecretBytes password{ByteView(octets)};
  Wipe(octets);
  return password;
}

}  // namespace countersign::keys
