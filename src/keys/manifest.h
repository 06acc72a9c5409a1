#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "keys/backup.h"

namespace countersign::keys {

// The manifest of a backup as JSON. It has one form only: ParseManifest takes nothing that
// FormatManifest would not write, octet by octet. Admitted ids are one base64url text of 16 octets
// each, so that the list takes 21.3 octets for an agent.
[[nodiscard]] std::string FormatManifest(const BackupManifest& manifest);

// ParseManifest fails with kMalformed, or with kRefused for the form of a newer Countersign. The
// caller bounds the length (it comes out of a file of at most crypto::kPkcs12MaxLen).
[[nodiscard]] Result<BackupManifest> ParseManifest(std::string_view text);

}  // namespace countersign::keys
