#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/time.h"

// Installation packages as one file: a compressed tar archive, and a Debian package. What is
// written depends on the entries and the time alone, so that it can be made again octet by octet.
// Pure; any thread.
namespace countersign::keys {

// TarEntry is one file, folder or symbolic link, owned by root. Names are relative, with `/`.
struct TarEntry {
  enum class Kind { kFile, kFolder, kLink };
  std::string name;
  Bytes content = {};         // of a file
  std::uint32_t mode = 0644;  // permission bits
  Kind kind = Kind::kFile;
  std::string target = {};  // of a link
  bool operator==(const TarEntry&) const = default;
};

// Limits on reading: of the whole, unpacked, and of the number of entries.
inline constexpr std::size_t kMaxTarLen = 256UL * 1024 * 1024;
inline constexpr std::size_t kMaxTarEntries = 1'000;

// WriteTarGz packs the entries in this order, with time `at`. Fails with kInternal only.
[[nodiscard]] Result<Bytes> WriteTarGz(const std::vector<TarEntry>& entries, Instant at);

// ReadTarGz unpacks the files and folders. Nothing in it is authenticated. kMalformed: no archive
// of this kind, damaged, over a limit, a name that is absolute, has `..` or comes twice, or an
// entry that is no file and no folder.
[[nodiscard]] Result<std::vector<TarEntry>> ReadTarGz(ByteView file);

// IsGzip tells by the first octets.
[[nodiscard]] bool IsGzip(ByteView file);

// DebPackage is what a Debian package (format 2.0) holds.
struct DebPackage {
  std::string control;            // the control file, ending in a line end
  std::vector<TarEntry> scripts;  // preinst, postinst, prerm, postrm; conffiles
  std::vector<TarEntry> files;    // with the folders that they are in, each before what is in it
};

// WriteDeb makes the package without the tools of dpkg. Fails with kInternal only.
[[nodiscard]] Result<Bytes> WriteDeb(const DebPackage& package, Instant at);

}  // namespace countersign::keys
