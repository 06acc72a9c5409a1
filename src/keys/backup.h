#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/time.h"
#include "crypto/certificate.h"
#include "crypto/certificate_summary.h"
#include "crypto/keys.h"
#include "crypto/pkcs12.h"

namespace countersign::keys {

inline constexpr std::size_t kMinBackupPasswordLen = 12;  // octets

// BackupManifest is what the automatic backup knows beside keys and certificates (protocol
// section 2). JSON in one secret bag named `countersign manifest`.
struct BackupManifest {
  std::vector<ServerId> server_ids;               // the server's own first
  std::map<ServerId, std::uint64_t> generations;  // highest ever issued or seen, for each id
  std::vector<AgentId> admitted;                  // when the password was last given
  Instant written_at;
  Bytes history;  // opaque; empty for now
  // Thumbprints of the certificates whose keys were stolen: whoever restores the server has to know
  // who is still exposed. Sorted.
  std::vector<Digest> revoked = {};
  // In the archive of -b: the digest of the automatic backup beside it.
  std::optional<Digest> automatic_backup = std::nullopt;
  bool operator==(const BackupManifest&) const = default;
};

// RejectedCertificate is one in a file that protocol section 2 does not allow.
struct RejectedCertificate {
  crypto::CertificateSummary summary;
  std::string reason;
};

// BackupContents is the automatic backup (`OfficeScanAuth.dat`) opened. `owner_key` is absent while
// an imported identity, whose server key is its owner key, is in use.
struct BackupContents {
  std::optional<crypto::PrivateKey> owner_key;
  std::vector<crypto::PrivateKey> server_keys;    // of active, pending and reserve certificates
  std::vector<crypto::Certificate> certificates;  // owner, successions, server certificates
  std::optional<BackupManifest> manifest;         // absent: not written by Countersign

  // What else was read, for messages only; never sealed.
  std::map<Digest, std::string> key_names = {};  // the file's friendly names, by digest of the key
  std::vector<crypto::Pkcs12Contents::RejectedKey> rejected_keys = {};
  std::vector<RejectedCertificate> rejected_certificates = {};
};

// SealBackup writes the PKCS#12 file. `iterations`: crypto::kPkcs12Iterations but in tests.
[[nodiscard]] Result<Bytes> SealBackup(const BackupContents& contents, const SecretBytes& password,
                                       int iterations);

// OpenBackup reads any PKCS#12 file with its password: ours, with everything, or an administrator's
// (manifest absent): then every key is in server_keys, and ChooseIdentity says whether it can be
// used. Keys and certificates that protocol section 2 does not allow are apart; one of ours has
// some that are allowed. kWrongPassword; kMalformed (another kind of file says which: WrongKind).
[[nodiscard]] Result<BackupContents> OpenBackup(ByteView file, const SecretBytes& password);

// CheckBackupPassword refuses (kRefused) a new password that is shorter than kMinBackupPasswordLen
// octets, or not UTF-8.
[[nodiscard]] Status CheckBackupPassword(const SecretBytes& password);

// GeneratePassword draws one of 24 characters from an alphabet without look-alikes (≥ 115 bits).
[[nodiscard]] SecretBytes GeneratePassword(RandomSource& random);

}  // namespace countersign::keys
