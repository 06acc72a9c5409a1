#pragma once

#include <cstddef>
#include <optional>

#include "base/error.h"
#include "base/secret.h"
#include "base/time.h"
#include "keys/backup.h"

namespace countersign::keys {

inline constexpr std::size_t kMaxArchiveLen = 2UL * 1024 * 1024;

// ServerArchive is the ZIP that `CertificateManager -b` writes and `-r` takes: what is in it for
// the server, apart from copies for people to look at.
struct ServerArchive {
  // Sealed with the password of the archive. Its manifest holds the digest of `automatic_backup`,
  // which nothing else in a ZIP would protect.
  BackupContents contents;
  // OfficeScanAuth.dat as it was, under the password that it has. Absent if it was missing.
  std::optional<Bytes> automatic_backup;
};

// SealArchive packs: certificates.pfx (the contents), OfficeScanAuth.dat, every certificate of
// `all` as certificates/<thumbprint>.cer, and a README.txt that says what is what. REQUIRES: a
// manifest. kExhausted: more than an archive may hold. `iterations`: crypto::kPkcs12Iterations but
// in tests.
[[nodiscard]] Result<Bytes> SealArchive(const ServerArchive& archive,
                                        const std::vector<crypto::Certificate>& all,
                                        const SecretBytes& password, int iterations, Instant at);

// OpenArchive reads it back. kWrongPassword; kMalformed: no ZIP of -b, or changed since. The
// automatic backup in it is compared with the digest that the manifest names.
[[nodiscard]] Result<ServerArchive> OpenArchive(ByteView file, const SecretBytes& password);

}  // namespace countersign::keys
