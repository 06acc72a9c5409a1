#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "base/bytes.h"
#include "base/error.h"

namespace countersign {

// Files that survive a power cut. POSIX lives here and nowhere above but net/ and daemon/.
// All functions name the path and errno's text in their errors; a missing file is kNotFound, a full
// disk kExhausted, refusal by the system kPermissionDenied. Thread-safe for distinct paths.

enum class FileMode : std::uint32_t { kPrivate = 0600, kPublic = 0644 };

// ReadFile returns the whole file; over `max_len` octets it is kMalformed.
[[nodiscard]] Result<Bytes> ReadFile(const std::filesystem::path& path, std::size_t max_len);

// WriteFileAtomically replaces `path`: temporary file beside it, write, fsync, rename, fsync of the
// folder. After a power cut the old content is there or the new, never a part. The temporary name
// is `.<name>.new-<pid>`; leftovers are removed by RemoveLeftovers.
[[nodiscard]] Status WriteFileAtomically(const std::filesystem::path& path, ByteView content,
                                         FileMode mode);
// AppendDurably appends in one write and calls fdatasync; creates the file 0600. On failure the
// file may hold a part of `content`: readers must checksum.
[[nodiscard]] Status AppendDurably(const std::filesystem::path& path, ByteView content);
// RemoveDurably unlinks and syncs the folder; a missing file is success.
[[nodiscard]] Status RemoveDurably(const std::filesystem::path& path);
// Rename renames within one file system; SyncFolder makes the names in a folder durable.
[[nodiscard]] Status Rename(const std::filesystem::path& from, const std::filesystem::path& to);
[[nodiscard]] Status SyncFolder(const std::filesystem::path& folder);
// RenameDurably renames within one folder and syncs it.
[[nodiscard]] Status RenameDurably(const std::filesystem::path& from,
                                   const std::filesystem::path& to);
// MakePrivateFolder makes the folder (and parents) with 0700; an existing one is success.
[[nodiscard]] Status MakePrivateFolder(const std::filesystem::path& path);
// RemoveLeftovers deletes temporary files of WriteFileAtomically in `folder`.
void RemoveLeftovers(const std::filesystem::path& folder);

// CheckPrivate fails with kPermissionDenied, and the chmod/chown command that mends it in `next`,
// if the path belongs to another user than the one this process runs as, or group or others may
// write it, or (for a file) read it.
[[nodiscard]] Status CheckPrivate(const std::filesystem::path& path);

// FileLock is an exclusive lock on a file or folder, held until destroyed (flock; never waits).
class FileLock {
 public:
  // Acquire fails with kUnavailable if another process holds it. Creates the file 0600.
  [[nodiscard]] static Result<FileLock> Acquire(const std::filesystem::path& path);
  // AcquireFolder locks a folder that is there. kUnavailable also if it is moved away meanwhile.
  [[nodiscard]] static Result<FileLock> AcquireFolder(const std::filesystem::path& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  [[nodiscard]] static Result<FileLock> Take(int fd, const std::filesystem::path& path);
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

// NewFolder is a folder that appears in its place wholly or not at all: filled as
// `.<name>.new/countersign-unfinished` beside it, then renamed. What is not put in place is
// removed; what a killed attempt leaves, by the next one.
class NewFolder {
 public:
  // Begin makes the private folder to be filled. kAlreadyExists if there is something in its place
  // (an empty folder may be); kUnavailable if another process is filling one for the same place;
  // kRefused if `.<name>.new` holds what no attempt can have left.
  [[nodiscard]] static Result<NewFolder> Begin(const std::filesystem::path& place);
  NewFolder(NewFolder&& other) noexcept;
  NewFolder& operator=(NewFolder&&) = delete;
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder();

  [[nodiscard]] const std::filesystem::path& path() const { return build_; }
  [[nodiscard]] Status PutInPlace();

 private:
  NewFolder(std::filesystem::path place, std::filesystem::path build, FileLock lock)
      : place_(std::move(place)), build_(std::move(build)), lock_(std::move(lock)) {}
  std::filesystem::path place_;
  std::filesystem::path build_;  // empty: in place, or moved from
  FileLock lock_;                // on what holds it
};

// RemoveFolder removes a folder with what is in it, in one step: moved first into a new
// `.<name>.removed-<random>` beside it, which is what a failure or a kill leaves over.
[[nodiscard]] Status RemoveFolder(const std::filesystem::path& folder);

}  // namespace countersign
