#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <vector>

#include "base/error.h"
#include "crypto/keys.h"

namespace countersign::keys {

// Exportable says whether a key may ever leave the ring in the clear again (CertificateManager -i
// against -ine). The automatic backup, which is sealed, holds both kinds.
enum class Exportable { kNo, kYes };

// KeyRing keeps a server's private keys. Keys are named by the digest of their public key. Used
// from one thread; the Signers it hands out are thread-safe and stay usable after Destroy until
// dropped.
class KeyRing {
 public:
  virtual ~KeyRing() = default;
  // Add stores a key durably; one already there is success, and stays or becomes not exportable if
  // either says so.
  [[nodiscard]] virtual Status Add(const crypto::PrivateKey& key, Exportable exportable) = 0;
  // Find returns the key's signer; kNotFound if the ring does not hold it.
  [[nodiscard]] virtual Result<std::shared_ptr<const crypto::Signer>> Find(
      const Digest& key) const = 0;
  // Export returns the private key itself, for the automatic backup and for the one signature of a
  // succession by an imported key.
  [[nodiscard]] virtual Result<crypto::PrivateKey> Export(const Digest& key,
                                                          KeyExportToken token) const = 0;
  [[nodiscard]] virtual Result<Exportable> IsExportable(const Digest& key) const = 0;
  // Destroy removes the key durably; one not there is success.
  [[nodiscard]] virtual Status Destroy(const Digest& key) = 0;
  [[nodiscard]] virtual Result<std::vector<Digest>> List() const = 0;
};

// OpenFileKeyRing keeps each key as PKCS #8 DER in `folder`: <hex digest>.key (exportable) or
// <hex digest>.nx.key (not), 0600. Makes the folder if it is not there; refuses unsafe permissions.
[[nodiscard]] Result<std::unique_ptr<KeyRing>> OpenFileKeyRing(const std::filesystem::path& folder);

// MakeMemoryKeyRing keeps keys in memory: the simulator's and the tests' ring.
[[nodiscard]] std::unique_ptr<KeyRing> MakeMemoryKeyRing();

}  // namespace countersign::keys
