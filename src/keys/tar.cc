#include "keys/tar.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <set>
#include <string_view>

namespace countersign::keys {
namespace {

struct EntryDeleter {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
struct ReadDeleter {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
struct WriteDeleter {
  void operator()(archive* writer) const { archive_write_free(writer); }
};
using Writing = std::unique_ptr<archive, WriteDeleter>;

constexpr std::size_t kPieceLen = 64UL * 1024;

std::string WhatWentWrong(archive* a) {
  const char* const text = archive_error_string(a);
  return text == nullptr ? "no reason given" : text;
}

std::unexpected<Error> CannotWrite(archive* a) {
  return Fail(Code::kInternal, "cannot make the archive: " + WhatWentWrong(a));
}

std::unexpected<Error> Malformed(std::string_view what) {
  return Fail(Code::kMalformed, "the package archive " + std::string(what));
}

la_ssize_t Append(archive* /*writer*/, void* target, const void* data, std::size_t len) {
  const auto* const octets = static_cast<const std::uint8_t*>(data);
  auto* const bytes = static_cast<Bytes*>(target);
  bytes->insert(bytes->end(), octets, octets + len);
  return static_cast<la_ssize_t>(len);
}

Status WriteEntry(archive* writer, const TarEntry& entry, Instant at) {
  const std::unique_ptr<archive_entry, EntryDeleter> header(archive_entry_new());
  archive_entry_set_pathname(header.get(), entry.name.c_str());
  archive_entry_set_perm(header.get(), entry.mode & 07777U);
  archive_entry_set_mtime(header.get(), ToUnix(at), 0);
  archive_entry_set_uid(header.get(), 0);
  archive_entry_set_gid(header.get(), 0);
  archive_entry_set_uname(header.get(), "root");
  archive_entry_set_gname(header.get(), "root");
  switch (entry.kind) {
    case TarEntry::Kind::kFile:
      archive_entry_set_filetype(header.get(), AE_IFREG);
      archive_entry_set_size(header.get(), static_cast<la_int64_t>(entry.content.size()));
      break;
    case TarEntry::Kind::kFolder:
      archive_entry_set_filetype(header.get(), AE_IFDIR);
      break;
    case TarEntry::Kind::kLink:
      archive_entry_set_filetype(header.get(), AE_IFLNK);
      archive_entry_set_symlink(header.get(), entry.target.c_str());
      break;
  }
  if (archive_write_header(writer, header.get()) != ARCHIVE_OK) return CannotWrite(writer);
  if (entry.kind != TarEntry::Kind::kFile || entry.content.empty()) return {};
  const auto written = archive_write_data(writer, entry.content.data(), entry.content.size());
  if (written != static_cast<la_ssize_t>(entry.content.size())) return CannotWrite(writer);
  return {};
}

// `begin` chooses format and compression.
template <class BeginFormat>
Result<Bytes> WriteArchive(const std::vector<TarEntry>& entries, Instant at,
                           const BeginFormat& begin) {
  Bytes file;
  const Writing writer(archive_write_new());
  archive_write_set_bytes_per_block(writer.get(), 0);
  if (!begin(writer.get()) ||
      archive_write_open2(writer.get(), &file, nullptr, &Append, nullptr, nullptr) != ARCHIVE_OK) {
    return CannotWrite(writer.get());
  }
  for (const TarEntry& entry : entries) {
    COUNTERSIGN_RETURN_IF_ERROR(WriteEntry(writer.get(), entry, at));
  }
  if (archive_write_close(writer.get()) != ARCHIVE_OK) return CannotWrite(writer.get());
  return file;
}

// The size in a header may lie: the limit holds for what comes out.
Result<Bytes> ReadContent(archive* reader, std::size_t& left) {
  Bytes content;
  std::array<std::uint8_t, kPieceLen> piece{};
  for (;;) {
    const la_ssize_t got = archive_read_data(reader, piece.data(), piece.size());
    if (got < 0) return Malformed("is damaged: " + WhatWentWrong(reader));
    if (got == 0) return content;
    if (static_cast<std::size_t>(got) > left) return Malformed("holds more than 256 MiB");
    left -= static_cast<std::size_t>(got);
    content.insert(content.end(), piece.begin(), piece.begin() + got);
  }
}

// PlainName drops "./" and a `/` at the end; nothing for what could lead out of a folder.
std::optional<std::string> PlainName(const char* given) {
  if (given == nullptr) return std::nullopt;
  std::string_view name(given);
  while (name.starts_with("./")) name.remove_prefix(2);
  while (name.ends_with('/')) name.remove_suffix(1);
  if (name.empty() || name == ".") return std::string(".");
  if (name.size() > 255 || name.starts_with('/')) return std::nullopt;
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find('/', at), name.size());
    const std::string_view part = name.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return std::nullopt;
    at = end + 1;
  }
  return std::string(name);
}

Result<TarEntry> TakeEntry(archive* reader, archive_entry* header, std::size_t& left) {
  const auto name = PlainName(archive_entry_pathname(header));
  if (!name) return Malformed("holds a name that leads out of its folder");
  TarEntry entry{.name = *name,
                 .mode = static_cast<std::uint32_t>(archive_entry_perm(header)) & 0777U};
  const auto kind = archive_entry_filetype(header);
  const bool is_hard_link = archive_entry_hardlink(header) != nullptr;
  if (kind == AE_IFDIR) {
    entry.kind = TarEntry::Kind::kFolder;
    return entry;
  }
  if (kind != AE_IFREG || is_hard_link) return Malformed("holds no plain file as " + *name);
  auto content = ReadContent(reader, left);
  if (!content) return std::unexpected(std::move(content).error());
  entry.content = *std::move(content);
  return entry;
}

}  // namespace

Result<Bytes> WriteTarGz(const std::vector<TarEntry>& entries, Instant at) {
  return WriteArchive(entries, at, [](archive* writer) {
    // Without a time of its own in the head of the compressed file.
    return archive_write_set_format_gnutar(writer) == ARCHIVE_OK &&
           archive_write_add_filter_gzip(writer) == ARCHIVE_OK &&
           archive_write_set_filter_option(writer, "gzip", "timestamp", nullptr) == ARCHIVE_OK;
  });
}

Result<std::vector<TarEntry>> ReadTarGz(ByteView file) {
  const std::unique_ptr<archive, ReadDeleter> reader(archive_read_new());
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_gzip(reader.get());
  if (!IsGzip(file)) return Malformed("is no .tar.gz file");
  if (archive_read_open_memory(reader.get(), file.data(), file.size()) != ARCHIVE_OK) {
    return Malformed("cannot be read: " + WhatWentWrong(reader.get()));
  }
  std::vector<TarEntry> entries;
  std::set<std::string> names;
  std::size_t left = kMaxTarLen;
  for (std::size_t count = 0;; ++count) {
    if (count > kMaxTarEntries) return Malformed("holds too many files");
    archive_entry* header = nullptr;
    const int got = archive_read_next_header(reader.get(), &header);
    if (got == ARCHIVE_EOF) return entries;
    if (got != ARCHIVE_OK) return Malformed("is damaged: " + WhatWentWrong(reader.get()));
    auto entry = TakeEntry(reader.get(), header, left);
    if (!entry) return std::unexpected(std::move(entry).error());
    if (entry->name == ".") continue;
    if (!names.insert(entry->name).second) return Malformed("holds " + entry->name + " twice");
    entries.push_back(*std::move(entry));
  }
}

bool IsGzip(ByteView file) { return file.size() > 2 && file[0] == 0x1f && file[1] == 0x8b; }

Result<Bytes> WriteDeb(const DebPackage& package, Instant at) {
  std::vector<TarEntry> control = {{.name = "./control", .content = ToBytes(package.control)}};
  control.insert(control.end(), package.scripts.begin(), package.scripts.end());
  auto control_tar = WriteTarGz(control, at);
  if (!control_tar) return control_tar;
  auto data_tar = WriteTarGz(package.files, at);
  if (!data_tar) return data_tar;
  const std::vector<TarEntry> members = {
      {.name = "debian-binary", .content = ToBytes(std::string_view("2.0\n"))},
      {.name = "control.tar.gz", .content = *std::move(control_tar)},
      {.name = "data.tar.gz", .content = *std::move(data_tar)}};
  return WriteArchive(members, at, [](archive* writer) {
    return archive_write_set_format_ar_bsd(writer) == ARCHIVE_OK;
  });
}

}  // namespace countersign::keys
