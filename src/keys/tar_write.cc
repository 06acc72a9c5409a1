#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <utility>

#include "keys/tar.h"

// Apart from reading: what endpoints hold of libarchive is small for that.
namespace countersign::keys {
namespace {

struct EntryDeleter {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
struct WriteDeleter {
  void operator()(archive* writer) const { archive_write_free(writer); }
};
using Writing = std::unique_ptr<archive, WriteDeleter>;

std::unexpected<Error> CannotWrite(archive* a) {
  const char* const text = archive_error_string(a);
  return Fail(Code::kInternal, std::string("cannot make the archive: ") +
                                   (text == nullptr ? "no reason given" : text));
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

}  // namespace

Result<Bytes> WriteTarGz(const std::vector<TarEntry>& entries, Instant at) {
  return WriteArchive(entries, at, [](archive* writer) {
    // Without a time of its own in the head of the compressed file.
    return archive_write_set_format_gnutar(writer) == ARCHIVE_OK &&
           archive_write_add_filter_gzip(writer) == ARCHIVE_OK &&
           archive_write_set_filter_option(writer, "gzip", "timestamp", nullptr) == ARCHIVE_OK;
  });
}

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
