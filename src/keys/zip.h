#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/time.h"

namespace countersign::keys {

// What its owner, and others, may do with a file after unpacking.
enum class ZipMode : std::uint32_t { kPrivate = 0600, kPublic = 0644, kProgram = 0755 };

// ZipEntry is one file of a ZIP archive. Names are relative, with `/`.
struct ZipEntry {
  std::string name;
  Bytes content;
  ZipMode mode = ZipMode::kPrivate;
};

// Limits on reading.
inline constexpr std::size_t kMaxZipEntries = 8'192;
inline constexpr std::size_t kMaxZipContentLen = 1024UL * 1024;  // of one entry, unpacked

// WriteZip packs the entries in this order, all of them regular files of time `at`. Without a time
// they have the first that a ZIP knows, the same in every time zone: equal entries make equal
// octets. Fails with kInternal only.
[[nodiscard]] Result<Bytes> WriteZip(const std::vector<ZipEntry>& entries,
                                     std::optional<Instant> at);

// ReadZip unpacks the entries of these names, and passes by all others without unpacking them. What
// is in a ZIP is not authenticated by anything. kMalformed: no ZIP, damaged, encrypted, over a
// limit, or a name that comes twice or is no regular file.
[[nodiscard]] Result<std::vector<ZipEntry>> ReadZip(ByteView file,
                                                    const std::vector<std::string_view>& names);

// IsZip tells by the first octets.
[[nodiscard]] bool IsZip(ByteView file);

}  // namespace countersign::keys
