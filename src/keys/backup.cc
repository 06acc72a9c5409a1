#include "keys/backup.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/encoding.h"
#include "keys/file_kind.h"
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
constexpr std::string_view kCertificate = "certificate: ";  // Certificate::Parse begins so

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

// Names holds one name for each key, shared with its certificates. All differ: Java's key stores
// have one entry for each name.
using Names = std::map<Digest, std::string>;

void AddName(const PublicKey& key, const std::vector<Certificate>& certificates, Names& names) {
  const auto found = std::ranges::find(certificates, key, &Certificate::key);
  const std::string plain = found == certificates.end() ? kServerName : NameOf(*found);
  std::string name = plain;
  const auto taken = [&](const auto& other) { return other.second == name; };
  for (int i = 2; std::ranges::any_of(names, taken); ++i) {
    name = plain + " (" + std::to_string(i) + ")";
  }
  names.emplace(key.digest(), std::move(name));
}

Names AddKeys(const BackupContents& contents, Pkcs12Contents& file) {
  Names names;
  if (contents.owner_key) {
    file.keys.push_back({*contents.owner_key, kOwnerName});
    names.emplace(contents.owner_key->public_key().digest(), kOwnerName);
  }
  for (const PrivateKey& key : contents.server_keys) {
    const Digest& digest = key.public_key().digest();
    if (names.contains(digest)) continue;
    AddName(key.public_key(), contents.certificates, names);
    file.keys.push_back({key, names.at(digest)});
  }
  return names;
}

void AddCertificates(const BackupContents& contents, const Names& names, Pkcs12Contents& file) {
  std::set<Digest> added;
  for (const Certificate& certificate : contents.certificates) {
    if (!added.insert(certificate.thumbprint()).second) continue;
    const auto name = names.find(certificate.key().digest());
    file.certificates.push_back(
        {certificate.der(), name == names.end() ? NameOf(certificate) : name->second});
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

void SortCertificates(const Pkcs12Contents& file, BackupContents& contents) {
  for (const Pkcs12Contents::Cert& entry : file.certificates) {
    Result<Certificate> certificate = Certificate::Parse(entry.der);
    if (certificate) {
      contents.certificates.push_back(*std::move(certificate));
    } else if (auto summary = crypto::SummarizeCertificate(entry.der)) {
      std::string reason = std::move(certificate).error().message;
      if (reason.starts_with(kCertificate)) reason.erase(0, kCertificate.size());
      contents.rejected_certificates.push_back({*std::move(summary), std::move(reason)});
    }
  }
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
    contents.key_names.emplace(entry.key.public_key().digest(), entry.friendly_name);
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
  return {};
}

// What we wrote holds keys and certificates that can be used.
Status CheckOurs(const BackupContents& contents) {
  if (!contents.manifest) return {};
  if (contents.certificates.empty()) {
    return Fail(Code::kMalformed, "the backup holds no certificate that can be used");
  }
  if (!contents.owner_key && contents.server_keys.empty() && !contents.rejected_keys.empty()) {
    return Fail(Code::kMalformed, "the backup holds no key that can be used: " +
                                      contents.rejected_keys.front().reason);
  }
  return {};
}

}  // namespace

Result<Bytes> SealBackup(const BackupContents& contents, const SecretBytes& password,
                         int iterations) {
  if (contents.owner_key &&
      !HasOwnerCertificate(contents.certificates, contents.owner_key->public_key())) {
    return Fail(Code::kRefused, "the owner key cannot be backed up without its certificate");
  }
  Pkcs12Contents file;
  const Names names = AddKeys(contents, file);
  AddCertificates(contents, names, file);
  if (contents.manifest) {
    file.secrets.push_back({kManifestName, ToBytes(FormatManifest(*contents.manifest))});
  }
  COUNTERSIGN_RETURN_IF_ERROR(CheckFits(contents, file));
  return crypto::WritePkcs12(file, password, iterations);
}

Result<BackupContents> OpenBackup(ByteView file, const SecretBytes& password) {
  // What is of no known kind may still be PKCS#12, written in some way of its own.
  const FileKind kind = RecogniseFile(file);
  if (kind != FileKind::kPkcs12 && kind != FileKind::kUnknown) {
    return std::unexpected(WrongKind(kind));
  }
  Result<Pkcs12Contents> opened = crypto::ReadPkcs12(file, password);
  if (!opened && kind == FileKind::kUnknown && opened.error().code == Code::kMalformed) {
    return std::unexpected(WrongKind(kind));
  }
  if (!opened) return std::unexpected(std::move(opened).error());
  BackupContents contents;
  SortCertificates(*opened, contents);
  auto manifest = ReadManifest(*opened);
  if (!manifest) return std::unexpected(std::move(manifest).error());
  contents.manifest = *std::move(manifest);
  COUNTERSIGN_RETURN_IF_ERROR(SortKeys(*opened, contents));
  contents.rejected_keys = std::move(opened->rejected_keys);
  COUNTERSIGN_RETURN_IF_ERROR(CheckOurs(contents));
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
