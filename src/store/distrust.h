#pragma once

#include <filesystem>

#include "base/error.h"
#include "trust/identity.h"

namespace countersign::store {

// Where the machine-wide distrust list stands. No order changes it.
inline constexpr std::string_view kDistrustPath = "/etc/countersign/distrust";

// LoadDistrust reads a distrust list (protocol section 4): one SHA-256 of a certificate or of a key
// (SubjectPublicKeyInfo) on each line, 64 hex digits, in either case and with or without colons;
// empty lines and what follows '#' are passed over. A missing file is an empty list. At most 1 MiB.
// kMalformed names the line.
[[nodiscard]] Result<trust::DistrustList> LoadDistrust(const std::filesystem::path& path);

}  // namespace countersign::store
