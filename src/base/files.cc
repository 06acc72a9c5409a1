#include "base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/unique_fd.h"

namespace countersign {
namespace {

namespace fs = std::filesystem;

Code CodeOf(int error_number) {
  switch (error_number) {
    case ENOENT:
      return Code::kNotFound;
    case EEXIST:
      return Code::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return Code::kExhausted;
    default:
      return Code::kIo;
  }
}

// SystemFailure says what was attempted on which path, and what the system answered.
std::unexpected<Error> SystemFailure(std::string_view attempt, const fs::path& path,
                                     int error_number) {
  return Fail(CodeOf(error_number), "cannot " + std::string(attempt) + " " + path.string() + ": " +
                                        std::generic_category().message(error_number));
}

fs::path FolderOf(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

Status WriteAll(int fd, ByteView content, const fs::path& path) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemFailure("write", path, errno);
    if (written == 0) return SystemFailure("write", path, EIO);
    content = content.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

// A leading dot and a trailing process id, so that RemoveLeftovers knows its own.
fs::path TemporaryBeside(const fs::path& path) {
  std::string name(".");
  name.append(path.filename().string()).append(".new-").append(std::to_string(getpid()));
  return FolderOf(path) / name;
}

bool IsTemporaryName(std::string_view name) {
  const std::size_t mark = name.rfind(".new-");
  if (!name.starts_with('.') || mark == std::string_view::npos || mark < 2) return false;
  const std::string_view pid = name.substr(mark + 5);
  return !pid.empty() && std::ranges::all_of(pid, [](char c) { return c >= '0' && c <= '9'; });
}

Status FillTemporary(const fs::path& temporary, ByteView content, FileMode mode) {
  // O_EXCL and O_NOFOLLOW: never write through something that another user put there.
  const UniqueFd fd(
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return SystemFailure("create", temporary, errno);
  if (fchmod(fd.get(), static_cast<mode_t>(mode)) != 0) {
    return SystemFailure("set the permissions of", temporary, errno);
  }
  COUNTERSIGN_RETURN_IF_ERROR(WriteAll(fd.get(), content, temporary));
  if (fsync(fd.get()) != 0) return SystemFailure("sync", temporary, errno);
  return {};
}

// OpenForAppend opens the file, or creates it and makes its name durable.
Result<int> OpenForAppend(const fs::path& path) {
  constexpr int kFlags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd fd(open(path.c_str(), kFlags));
  if (fd.valid()) return fd.Release();
  if (errno != ENOENT) return SystemFailure("open for appending", path, errno);
  UniqueFd created(open(path.c_str(), kFlags | O_CREAT, 0600));
  if (!created.valid()) return SystemFailure("create", path, errno);
  COUNTERSIGN_RETURN_IF_ERROR(SyncFolder(FolderOf(path)));
  return created.Release();
}

std::string ShellQuoted(const fs::path& path) {
  std::string out = "'";
  for (const char c : path.string()) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::unexpected<Error> TooLarge(const fs::path& path, std::size_t max_len) {
  return Fail(Code::kMalformed, path.string() + " is larger than the " + std::to_string(max_len) +
                                    " octets that it may have");
}

}  // namespace

Result<Bytes> ReadFile(const fs::path& path, std::size_t max_len) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) return SystemFailure("open", path, errno);
  struct stat info{};
  if (fstat(fd.get(), &info) != 0) return SystemFailure("examine", path, errno);
  if (S_ISDIR(info.st_mode)) return Fail(Code::kMalformed, path.string() + " is a folder");
  if (info.st_size > 0 && static_cast<std::uint64_t>(info.st_size) > max_len) {
    return TooLarge(path, max_len);
  }
  // One octet more than the size known, so that the end is seen without another turn.
  std::size_t room = std::min(max_len, static_cast<std::size_t>(std::max<off_t>(info.st_size, 0)));
  Bytes content;
  std::size_t len = 0;
  for (;;) {
    // Grown only when full: a file of known size is read into one buffer, of which a secret leaves
    // no copy.
    if (content.size() == len) content.resize(len + room + 1);
    const ssize_t got = read(fd.get(), content.data() + len, content.size() - len);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemFailure("read", path, errno);
    len += static_cast<std::size_t>(got);
    if (len > max_len) return TooLarge(path, max_len);
    if (got == 0) break;
    room = std::min<std::size_t>(max_len - len, 64 * 1024);
  }
  content.resize(len);
  return content;
}

Status WriteFileAtomically(const fs::path& path, ByteView content, FileMode mode) {
  const fs::path temporary = TemporaryBeside(path);
  // Left by an earlier process that had this process id.
  if (unlink(temporary.c_str()) != 0 && errno != ENOENT) {
    return SystemFailure("replace", path, errno);
  }
  if (Status filled = FillTemporary(temporary, content, mode); !filled) {
    unlink(temporary.c_str());
    return WithContext("cannot replace " + path.string(), std::move(filled).error());
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    const int error_number = errno;
    unlink(temporary.c_str());
    return SystemFailure("replace", path, error_number);
  }
  return SyncFolder(FolderOf(path));
}

Status AppendDurably(const fs::path& path, ByteView content) {
  const Result<int> opened = OpenForAppend(path);
  if (!opened) return std::unexpected(opened.error());
  const UniqueFd fd(*opened);
  ssize_t written = -1;
  do {
    written = write(fd.get(), content.data(), content.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) return SystemFailure("append to", path, errno);
  if (static_cast<std::size_t>(written) != content.size()) {
    return Fail(Code::kExhausted, "cannot append to " + path.string() + ": only " +
                                      std::to_string(written) + " of " +
                                      std::to_string(content.size()) + " octets were taken");
  }
  if (fdatasync(fd.get()) != 0) return SystemFailure("sync", path, errno);
  return {};
}

Status RemoveDurably(const fs::path& path) {
  if (unlink(path.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return SystemFailure("remove", path, errno);
  }
  return SyncFolder(FolderOf(path));
}

Status SyncFolder(const fs::path& folder) {
  const UniqueFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return SystemFailure("open the folder", folder, errno);
  // Some file systems cannot sync a folder and say EINVAL; there is nothing better to do there.
  if (fsync(fd.get()) != 0 && errno != EINVAL)
    return SystemFailure("sync the folder", folder, errno);
  return {};
}

Status Rename(const fs::path& from, const fs::path& to) {
  if (rename(from.c_str(), to.c_str()) != 0) {
    return SystemFailure("rename to " + to.string() + " the file", from, errno);
  }
  return {};
}

Status RenameDurably(const fs::path& from, const fs::path& to) {
  COUNTERSIGN_RETURN_IF_ERROR(Rename(from, to));
  return SyncFolder(FolderOf(to));
}

Status MakePrivateFolder(const fs::path& path) {
  struct stat info{};
  if (stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return {};
    return SystemFailure("make the folder", path, ENOTDIR);
  }
  if (errno != ENOENT) return SystemFailure("examine", path, errno);
  const fs::path parent = FolderOf(path);
  if (parent != path) COUNTERSIGN_RETURN_IF_ERROR(MakePrivateFolder(parent));
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return SystemFailure("make the folder", path, errno);
  }
  return SyncFolder(parent);
}

void RemoveLeftovers(const fs::path& folder) {
  std::error_code error;  // tidying up: what cannot be listed or removed does no harm
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (IsTemporaryName(entry->path().filename().string())) unlink(entry->path().c_str());
  }
}

Status CheckPrivate(const fs::path& path) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) return SystemFailure("examine", path, errno);
  if (info.st_uid != geteuid()) {
    const std::string user = std::to_string(geteuid());
    return Fail(Code::kPermissionDenied,
                path.string() + " belongs to user " + std::to_string(info.st_uid) +
                    ", but must belong to user " + user + ", as whom this program runs",
                "chown " + user + " " + ShellQuoted(path));
  }
  const bool folder = S_ISDIR(info.st_mode);
  const mode_t forbidden = folder ? 0022 : 0066;
  if ((info.st_mode & forbidden) != 0) {
    return Fail(Code::kPermissionDenied,
                path.string() + (folder ? " can be written by other users"
                                        : " can be read or written by other users"),
                std::string(folder ? "chmod go-w " : "chmod 600 ") + ShellQuoted(path));
  }
  return {};
}

Result<FileLock> FileLock::Take(int fd, const fs::path& path) {
  FileLock lock(fd);
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return SystemFailure("lock", path, errno);
    return Fail(Code::kUnavailable, path.string() + " is locked by another process");
  }
  return lock;
}

Result<FileLock> FileLock::Acquire(const fs::path& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return SystemFailure("open the lock", path, errno);
  return Take(fd, path);
}

Result<FileLock> FileLock::AcquireFolder(const fs::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return SystemFailure("open the folder", path, errno);
  auto lock = Take(fd, path);
  if (!lock) return lock;
  struct stat locked{};
  struct stat there{};
  const bool same = fstat(fd, &locked) == 0 && stat(path.c_str(), &there) == 0 &&
                    locked.st_dev == there.st_dev && locked.st_ino == there.st_ino;
  if (!same) return Fail(Code::kUnavailable, path.string() + " was moved away by another process");
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

FileLock::~FileLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace countersign
