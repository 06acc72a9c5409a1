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

struct ReadDeleter {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

constexpr std::size_t kPieceLen = 64UL * 1024;

std::string WhatWentWrong(archive* a) {
  const char* const text = archive_error_string(a);
  return text == nullptr ? "no reason given" : text;
}

std::unexpected<Error> Malformed(std::string_view what) {
  return Fail(Code::kMalformed, "the package archive " + std::string(what));
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

}  // namespace countersign::keys
