#include "keys/zip.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <memory>

namespace countersign::keys {
namespace {

struct Deleter {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
using EntryPtr = std::unique_ptr<archive_entry, Deleter>;
struct ReadDeleter {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
struct WriteDeleter {
  void operator()(archive* writer) const { archive_write_free(writer); }
};

constexpr std::size_t kPieceLen = 16UL * 1024;

std::string WhatWentWrong(archive* a) {
  const char* const text = archive_error_string(a);
  return text == nullptr ? "no reason given" : text;
}

std::unexpected<Error> CannotWrite(archive* a) {
  return Fail(Code::kInternal, "cannot make a ZIP archive: " + WhatWentWrong(a));
}

std::unexpected<Error> Malformed(std::string_view what) {
  return Fail(Code::kMalformed, "the ZIP archive " + std::string(what));
}

la_ssize_t Append(archive* /*writer*/, void* target, const void* data, std::size_t len) {
  const auto* const octets = static_cast<const std::uint8_t*>(data);
  auto* const bytes = static_cast<Bytes*>(target);
  bytes->insert(bytes->end(), octets, octets + len);
  return static_cast<la_ssize_t>(len);
}

Status WriteEntry(archive* writer, const ZipEntry& entry, std::optional<Instant> at) {
  const EntryPtr header(archive_entry_new());
  archive_entry_set_pathname(header.get(), entry.name.c_str());
  archive_entry_set_size(header.get(), static_cast<la_int64_t>(entry.content.size()));
  archive_entry_set_filetype(header.get(), AE_IFREG);
  archive_entry_set_perm(header.get(), static_cast<mode_t>(entry.mode));
  if (at) archive_entry_set_mtime(header.get(), ToUnix(*at), 0);
  if (archive_write_header(writer, header.get()) != ARCHIVE_OK) return CannotWrite(writer);
  const auto written = archive_write_data(writer, entry.content.data(), entry.content.size());
  if (written != static_cast<la_ssize_t>(entry.content.size())) return CannotWrite(writer);
  return {};
}

// The size in the header may lie: the limit holds for what comes out.
Result<Bytes> ReadContent(archive* reader, const std::string& name) {
  Bytes content;
  std::array<std::uint8_t, kPieceLen> piece{};
  for (;;) {
    const la_ssize_t got = archive_read_data(reader, piece.data(), piece.size());
    if (got < 0) return Malformed("is damaged at " + name + ": " + WhatWentWrong(reader));
    if (got == 0) return content;
    content.insert(content.end(), piece.begin(), piece.begin() + got);
    if (content.size() > kMaxZipContentLen) return Malformed("holds " + name + " over 1 MiB");
  }
}

Status TakeEntry(archive* reader, archive_entry* header, std::string name,
                 std::vector<ZipEntry>& taken) {
  if (std::ranges::any_of(taken, [&](const ZipEntry& other) { return other.name == name; })) {
    return Malformed("holds " + name + " twice");
  }
  if (archive_entry_filetype(header) != AE_IFREG) return Malformed("holds no file as " + name);
  if (archive_entry_is_encrypted(header) != 0) {
    return Malformed("is encrypted as a ZIP, and the one of -b never is: unpack it first");
  }
  auto content = ReadContent(reader, name);
  if (!content) return std::unexpected(std::move(content).error());
  taken.push_back({.name = std::move(name), .content = *std::move(content)});
  return {};
}

}  // namespace

Result<Bytes> WriteZip(const std::vector<ZipEntry>& entries, std::optional<Instant> at) {
  Bytes file;
  const std::unique_ptr<archive, WriteDeleter> writer(archive_write_new());
  archive_write_set_bytes_per_block(writer.get(), 0);
  if (archive_write_set_format_zip(writer.get()) != ARCHIVE_OK ||
      archive_write_open2(writer.get(), &file, nullptr, &Append, nullptr, nullptr) != ARCHIVE_OK) {
    return CannotWrite(writer.get());
  }
  for (const ZipEntry& entry : entries) {
    COUNTERSIGN_RETURN_IF_ERROR(WriteEntry(writer.get(), entry, at));
  }
  if (archive_write_close(writer.get()) != ARCHIVE_OK) return CannotWrite(writer.get());
  return file;
}

Result<std::vector<ZipEntry>> ReadZip(ByteView file, const std::vector<std::string_view>& names) {
  const std::unique_ptr<archive, ReadDeleter> reader(archive_read_new());
  // By the directory at the end, as other programs see it: what a reader from the front would find
  // besides is not part of the archive.
  archive_read_support_format_zip_seekable(reader.get());
  if (archive_read_open_memory(reader.get(), file.data(), file.size()) != ARCHIVE_OK) {
    return Malformed("cannot be read: " + WhatWentWrong(reader.get()));
  }
  std::vector<ZipEntry> taken;
  for (std::size_t count = 0;; ++count) {
    if (count > kMaxZipEntries) return Malformed("holds too many files");
    archive_entry* header = nullptr;
    const int got = archive_read_next_header(reader.get(), &header);
    if (got == ARCHIVE_EOF) return taken;
    if (got != ARCHIVE_OK) return Malformed("is damaged: " + WhatWentWrong(reader.get()));
    const char* const name = archive_entry_pathname(header);
    if (name == nullptr || std::ranges::find(names, std::string_view(name)) == names.end()) {
      continue;
    }
    COUNTERSIGN_RETURN_IF_ERROR(TakeEntry(reader.get(), header, name, taken));
  }
}

bool IsZip(ByteView file) {
  constexpr std::array<std::uint8_t, 4> kMagic = {'P', 'K', 3, 4};
  return file.size() >= kMagic.size() && std::equal(kMagic.begin(), kMagic.end(), file.begin());
}

}  // namespace countersign::keys
