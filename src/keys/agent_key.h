#pragma once

#include <filesystem>

#include "base/error.h"
#include "crypto/keys.h"

namespace countersign::keys {

// The agent key (protocol section 2): one P-256 key in a file of its own, PKCS #8 DER, 0600.

// CreateAgentKey draws a key and writes it; kAlreadyExists if the file is there.
[[nodiscard]] Result<crypto::PrivateKey> CreateAgentKey(const std::filesystem::path& path);
// LoadAgentKey: kNotFound, kDamaged, kPermissionDenied (unsafe permissions, with the command that
// mends them).
[[nodiscard]] Result<crypto::PrivateKey> LoadAgentKey(const std::filesystem::path& path);

}  // namespace countersign::keys
