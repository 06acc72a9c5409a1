#pragma once

#include <string_view>

#include "base/error.h"
#include "keys/backup.h"

namespace countersign::keys {

// ForeignIdentity is what an import takes out of an administrator's file.
struct ForeignIdentity {
  crypto::PrivateKey key;
  crypto::Certificate certificate;  // self-signed, of that key; the newest of several
};

// ChooseIdentity finds the key of an administrator's file and its self-signed certificate.
// `wanted` says which of several keys: hex digits of the SHA-256 or SHA-1 thumbprint of a
// certificate of the key, or of the key's digest, from the front, at least 8; colons, spaces and
// letter case do not count. Empty: the file must hold one key. Every error says what the file
// holds, why it cannot be used, and what to do. kMalformed: no key. kRefused: several keys; a key
// or certificate that protocol section 2 does not allow; no self-signed certificate of the key.
// kNotFound, kUsage: `wanted`.
[[nodiscard]] Result<ForeignIdentity> ChooseIdentity(const BackupContents& contents,
                                                     std::string_view wanted);

}  // namespace countersign::keys
