#include "tests/durability/system_calls.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace countersign::testing {
namespace {

namespace fs = std::filesystem;
using Kind = Fault::Kind;

struct Watching {
  std::string root;
  Fault fault;
  CallObserver observer;
  std::size_t count = 0;
  bool happened = false;
};

// Null while nothing is watched, as long before main() as libraries make system calls.
constinit Watching* watching = nullptr;

bool IsBelow(std::string_view root, std::string_view path) {
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

std::string PathOfDescriptor(int fd) {
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t len = readlink(link.c_str(), path.data(), path.size());
  return len < 0 ? std::string() : std::string(path.data(), static_cast<std::size_t>(len));
}

// PathAt is what openat and its like mean by (folder, path).
std::string PathAt(int folder, const char* path) {
  if (path[0] == '/') return path;
  const std::string base =
      folder == AT_FDCWD ? fs::current_path().string() : PathOfDescriptor(folder);
  return base + "/" + path;
}

std::uint64_t InodeOf(const std::string& path) {
  struct stat info{};
  return lstat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

int Failed(int error_number) {
  errno = error_number;
  return -1;
}

[[noreturn]] void Die() {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

// Now tells whether the fault strikes this call, and counts it.
bool Now(CallKind kind) {
  const Fault& fault = watching->fault;
  if (fault.counts != nullptr && !fault.counts(kind)) return false;
  ++watching->count;
  const bool lasts = fault.kind == Kind::kFailFromNow || fault.kind == Kind::kSkip;
  const bool strikes =
      fault.at != 0 && (lasts ? watching->count >= fault.at : watching->count == fault.at);
  watching->happened = watching->happened || strikes;
  return strikes;
}

// Through carries out one call as far as the fault lets it. `Answer call(bool half)`: half of a
// write only where `half`.
template <class Call>
auto Through(CallKind kind, const std::string& path, Call call) -> decltype(call(false)) {
  using Answer = decltype(call(false));
  if (watching == nullptr || !IsBelow(watching->root, path)) return call(false);
  const Kind fault = Now(kind) ? watching->fault.kind : Kind::kNone;
  switch (fault) {
    case Kind::kKill:
      Die();
    case Kind::kTornKill:
      static_cast<void>(call(true));
      Die();
    case Kind::kFail:
    case Kind::kFailFromNow:
      return static_cast<Answer>(Failed(watching->fault.error_number));
    case Kind::kSkip:
      return Answer{0};
    case Kind::kNone:
    case Kind::kFailAfter:
    case Kind::kShortWrite:
      break;
  }
  const Answer answer = call(fault == Kind::kShortWrite);
  const int error_number = errno;
  if (answer >= 0 && watching->observer) {
    Watching* const watched = std::exchange(watching, nullptr);  // what it does does not count
    watched->observer(kind, path, InodeOf(path));
    watching = watched;
  }
  if (fault == Kind::kFailAfter && answer >= 0) {
    if (kind == CallKind::kCreate) close(static_cast<int>(answer));
    return static_cast<Answer>(Failed(watching->fault.error_number));
  }
  errno = error_number;
  return answer;
}

std::size_t Part(std::size_t len, bool half) { return half ? len / 2 : len; }

int Open(int folder, const char* path, int flags, mode_t mode) {
  const auto call = [&](bool) {
    return static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
  };
  const bool changes = (flags & (O_CREAT | O_TRUNC)) != 0 && (flags & O_TMPFILE) != O_TMPFILE;
  if (watching == nullptr || !changes) return call(false);
  const std::string whole = PathAt(folder, path);
  const bool is_there = InodeOf(whole) != 0;
  if (is_there && (flags & O_TRUNC) == 0) return call(false);
  return Through(is_there ? CallKind::kTruncate : CallKind::kCreate, whole, call);
}

template <class Call>
auto ThroughDescriptor(CallKind kind, int fd, Call call) {
  return Through(kind, watching == nullptr ? std::string() : PathOfDescriptor(fd), call);
}

template <class Call>
int ThroughPath(CallKind kind, int folder, const char* path, Call call) {
  return Through(kind, watching == nullptr ? std::string() : PathAt(folder, path),
                 [&](bool) { return static_cast<int>(call()); });
}

int Sync(int fd) {
  struct stat info{};
  const bool folder = fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
  return ThroughDescriptor(folder ? CallKind::kSyncFolder : CallKind::kSync, fd,
                           [](bool) { return 0; });
}

int Rename(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  return ThroughPath(CallKind::kRename, to_folder, to, [&] {
    return syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
  });
}

int Unlink(int folder, const char* path, int flags) {
  // What is not there is no change.
  if (watching != nullptr && InodeOf(PathAt(folder, path)) == 0) return Failed(ENOENT);
  const bool is_folder = (flags & AT_REMOVEDIR) != 0;
  return ThroughPath(is_folder ? CallKind::kRemoveFolder : CallKind::kUnlink, folder, path,
                     [&] { return syscall(SYS_unlinkat, folder, path, flags); });
}

ssize_t Write(int fd, const void* content, std::size_t len) {
  return ThroughDescriptor(CallKind::kWrite, fd, [&](bool half) {
    return static_cast<ssize_t>(syscall(SYS_write, fd, content, Part(len, half)));
  });
}

ssize_t WriteAt(int fd, const void* content, std::size_t len, off_t at) {
  return ThroughDescriptor(CallKind::kWrite, fd, [&](bool half) {
    return static_cast<ssize_t>(syscall(SYS_pwrite64, fd, content, Part(len, half), at));
  });
}

int Truncate(int fd, off_t len) {
  return ThroughDescriptor(CallKind::kTruncate, fd,
                           [&](bool) { return static_cast<int>(syscall(SYS_ftruncate, fd, len)); });
}

int Allocate(int fd, int mode, off_t at, off_t len) {
  return ThroughDescriptor(CallKind::kAllocate, fd, [&](bool) {
    return static_cast<int>(syscall(SYS_fallocate, fd, mode, at, len));
  });
}

}  // namespace

void Watch(const fs::path& root, const Fault& fault, CallObserver observer) {
  Unwatch();
  watching = new Watching{root.string(), fault, std::move(observer)};
}
void Unwatch() { delete std::exchange(watching, nullptr); }
std::size_t NumCalls() { return watching == nullptr ? 0 : watching->count; }
bool FaultHappened() { return watching != nullptr && watching->happened; }

}  // namespace countersign::testing

using namespace countersign::testing;  // NOLINT: everything below is of the C library

// NOLINTBEGIN: names and signatures are those of the C library.
#define MODE_OF(flags)                                  \
  mode_t mode = 0;                                      \
  if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {         \
    va_list more;                                       \
    va_start(more, flags);                              \
    mode = static_cast<mode_t>(va_arg(more, unsigned)); \
    va_end(more);                                       \
  }

extern "C" {
int open(const char* path, int flags, ...) {
  MODE_OF(flags)
  return Open(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  MODE_OF(flags)
  return Open(AT_FDCWD, path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  MODE_OF(flags)
  return Open(folder, path, flags, mode);
}
int openat64(int folder, const char* path, int flags, ...) {
  MODE_OF(flags)
  return Open(folder, path, flags, mode);
}
// What _FORTIFY_SOURCE makes of open without a mode.
int __open_2(const char* path, int flags) { return Open(AT_FDCWD, path, flags, 0); }
int __open64_2(const char* path, int flags) { return Open(AT_FDCWD, path, flags, 0); }
int creat(const char* path, mode_t mode) {
  return Open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

ssize_t write(int fd, const void* content, size_t len) { return Write(fd, content, len); }
ssize_t pwrite(int fd, const void* content, size_t len, off_t at) {
  return WriteAt(fd, content, len, at);
}
ssize_t pwrite64(int fd, const void* content, size_t len, off64_t at) {
  return WriteAt(fd, content, len, at);
}
ssize_t writev(int fd, const struct iovec* parts, int count) {
  return ThroughDescriptor(CallKind::kWrite, fd, [&](bool half) {
    return static_cast<ssize_t>(syscall(SYS_writev, fd, parts, half ? (count + 1) / 2 : count));
  });
}

int fsync(int fd) { return Sync(fd); }
int fdatasync(int fd) { return Sync(fd); }

int ftruncate(int fd, off_t len) noexcept { return Truncate(fd, len); }
int ftruncate64(int fd, off64_t len) noexcept { return Truncate(fd, len); }
int truncate(const char* path, off_t len) noexcept {
  return ThroughPath(CallKind::kTruncate, AT_FDCWD, path,
                     [&] { return syscall(SYS_truncate, path, len); });
}
int fallocate(int fd, int mode, off_t at, off_t len) { return Allocate(fd, mode, at, len); }
int fallocate64(int fd, int mode, off64_t at, off64_t len) { return Allocate(fd, mode, at, len); }
int posix_fallocate(int fd, off_t at, off_t len) {
  return Allocate(fd, 0, at, len) == 0 ? 0 : errno;
}
int posix_fallocate64(int fd, off64_t at, off64_t len) {
  return Allocate(fd, 0, at, len) == 0 ? 0 : errno;
}

int rename(const char* from, const char* to) noexcept {
  return Rename(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return Rename(from_folder, from, to_folder, to, 0);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned flags) noexcept {
  return Rename(from_folder, from, to_folder, to, flags);
}
int unlink(const char* path) noexcept { return Unlink(AT_FDCWD, path, 0); }
int unlinkat(int folder, const char* path, int flags) noexcept {
  return Unlink(folder, path, flags);
}
int rmdir(const char* path) noexcept { return Unlink(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char* path) noexcept {
  struct stat info{};
  if (lstat(path, &info) != 0) return -1;
  return Unlink(AT_FDCWD, path, S_ISDIR(info.st_mode) ? AT_REMOVEDIR : 0);
}
int mkdir(const char* path, mode_t mode) noexcept {
  return ThroughPath(CallKind::kMakeFolder, AT_FDCWD, path,
                     [&] { return syscall(SYS_mkdirat, AT_FDCWD, path, mode); });
}
int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  return ThroughPath(CallKind::kMakeFolder, folder, path,
                     [&] { return syscall(SYS_mkdirat, folder, path, mode); });
}
int link(const char* from, const char* to) noexcept {
  return ThroughPath(CallKind::kLink, AT_FDCWD, to,
                     [&] { return syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0); });
}
int symlink(const char* target, const char* path) noexcept {
  return ThroughPath(CallKind::kLink, AT_FDCWD, path,
                     [&] { return syscall(SYS_symlinkat, target, AT_FDCWD, path); });
}
int chmod(const char* path, mode_t mode) noexcept {
  return ThroughPath(CallKind::kMode, AT_FDCWD, path,
                     [&] { return syscall(SYS_fchmodat, AT_FDCWD, path, mode); });
}
int fchmod(int fd, mode_t mode) noexcept {
  return ThroughDescriptor(CallKind::kMode, fd,
                           [&](bool) { return static_cast<int>(syscall(SYS_fchmod, fd, mode)); });
}
}
// NOLINTEND
