#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/time.h"

namespace countersign::keys {

// ZipEntry is one file of a ZIP archive. Names are relative, with `/`.
struct ZipEntry {
  std::string name;
  Bytes content;
};

// Limits on reading.
inline constexpr std::size_t kMaxZipEntries = 8'192;
inline constexpr std::size_t kMaxZipContentLen = 1024UL * 1024;  // of one entry, unpacked

// WriteZip packs the entries in this order, all of them private regular files of time `at`. Fails
// with kInternal only.
[[nodiscard]] Result<Bytes> WriteZip(const std::vector<ZipEntry>& entries, Instant at);

// ReadZip unpacks the entries of these names, and passes by all others without unpacking them. What
// is in a ZIP is not authenticated by anything. kMalformed: no ZIP, damaged, encrypted, over a
// limit, or a name that comes twice or is no regular file.
[[nodiscard]] Result<std::vector<ZipEntry>> ReadZip(ByteView file,
                                                    const std::vector<std::string_view>& names);

// IsZip tells by the first octets.
[[nodiscard]] bool IsZip(ByteView file);

}  // namespace countersign::keys
