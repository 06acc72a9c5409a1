#include "base/service_user.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <system_error>

#include "base/files.h"
#include "base/process.h"
#include "base/unique_fd.h"

namespace countersign {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxUserFileLen = 16UL * 1024 * 1024;
constexpr int kMaxDepth = 8;  // of folders; an agent's has none in it

std::optional<std::uint32_t> ParseNumber(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// name:password:uid:gid:…
std::optional<UserAndGroup> ParseUserLine(std::string_view line, std::string_view name) {
  std::array<std::string_view, 4> fields;
  for (auto& field : fields) {
    const std::size_t end = std::min(line.find(':'), line.size());
    field = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  if (fields[0] != name) return std::nullopt;
  const auto uid = ParseNumber(fields[2]);
  const auto gid = ParseNumber(fields[3]);
  if (!uid || !gid) return std::nullopt;
  return UserAndGroup{*uid, *gid};
}

std::unexpected<Error> FailedAt(const fs::path& path) {
  const int error = errno;
  const bool denied = error == EPERM || error == EACCES || error == EROFS;
  return Fail(denied            ? Code::kPermissionDenied
              : error == ENOENT ? Code::kNotFound
                                : Code::kIo,
              path.string() + ": " + std::strerror(error));
}

// NamesIn returns the names in an open folder.
Result<std::vector<std::string>> NamesIn(int folder, const fs::path& path) {
  const int again = ::fcntl(folder, F_DUPFD_CLOEXEC, 0);
  DIR* const open = again < 0 ? nullptr : ::fdopendir(again);
  if (open == nullptr) {
    auto failed = FailedAt(path);
    if (again >= 0) ::close(again);
    return failed;
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* const entry = ::readdir(open)) {  // NOLINT(concurrency-mt-unsafe)
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  const int error = errno;
  ::closedir(open);
  errno = error;
  if (error != 0) return FailedAt(path);
  return names;
}

Status GiveFolder(int folder, const fs::path& path, const UserAndGroup& owner, int depth);

// The entry is pinned before it is looked at, so that what is given is what was looked at.
Status GiveEntry(int folder, const char* name, const fs::path& path, const UserAndGroup& owner,
                 int depth) {
  const UniqueFd entry(::openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat info{};
  if (entry.get() < 0 || ::fstat(entry.get(), &info) != 0) return FailedAt(path);
  if (S_ISDIR(info.st_mode)) {
    const UniqueFd below(
        ::openat(entry.get(), ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (below.get() < 0) return FailedAt(path);
    return GiveFolder(below.get(), path, owner, depth - 1);
  }
  if (info.st_nlink > 1) {
    return Fail(Code::kRefused,
                path.string() + " has another name elsewhere (hard link), and is not given away",
                "rm " + path.string());
  }
  const auto flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
  if (::fchownat(entry.get(), "", owner.uid, owner.gid, flags) != 0) return FailedAt(path);
  return {};
}

// The folder itself comes last: until then nobody else can change what is in it.
Status GiveFolder(int folder, const fs::path& path, const UserAndGroup& owner, int depth) {
  if (depth <= 0) return Fail(Code::kRefused, path.string() + " is too deep");
  const auto names = NamesIn(folder, path);
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    COUNTERSIGN_RETURN_IF_ERROR(GiveEntry(folder, name.c_str(), path / name, owner, depth));
  }
  if (::fchown(folder, owner.uid, owner.gid) != 0) return FailedAt(path);
  return {};
}

// Only what may be called between fork and exec. The new process says why over `failure`.
[[noreturn]] void BecomeProgram(const char* program, char* const* arguments, const fs::path& folder,
                                int log, int failure) {
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::setsid();
  if (nothing >= 0 && ::dup2(nothing, 0) >= 0 && ::dup2(log, 1) >= 0 && ::dup2(log, 2) >= 0 &&
      BecomeOwnerOf(folder) && ::chdir("/") == 0) {
    ::execv(program, arguments);
  }
  const int error = errno;
  (void)!::write(failure, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

std::optional<UserAndGroup> FindLocalUser(const std::string& name) {
  const auto file = ReadFile("/etc/passwd", kMaxUserFileLen);
  if (!file) return std::nullopt;
  std::string_view text = AsText(*file);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (const auto user = ParseUserLine(text.substr(0, end), name)) return user;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::nullopt;
}

Status GiveTree(const fs::path& folder, const UserAndGroup& owner) {
  const UniqueFd top(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info{};
  if (top.get() < 0 || ::fstat(top.get(), &info) != 0) return FailedAt(folder);
  if (info.st_uid == owner.uid) return {};
  if (info.st_uid != 0) {
    return Fail(Code::kRefused,
                folder.string() + " belongs to the user " + std::to_string(info.st_uid) +
                    ", and is not given to another one",
                "install into another folder (--agent-folder)");
  }
  return GiveFolder(top.get(), folder, owner, kMaxDepth);
}

Result<int> StartDetached(const fs::path& program, const std::vector<std::string>& arguments,
                          const fs::path& folder, const fs::path& log) {
  std::vector<std::string> words = {program.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  if (::unlink(log.c_str()) != 0 && errno != ENOENT) return FailedAt(log);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
  if (out < 0) return FailedAt(log);
  struct stat info{};
  std::array<int, 2> failure{};
  if (::stat(folder.c_str(), &info) != 0 ||
      (::geteuid() == 0 && ::fchown(out, info.st_uid, info.st_gid) != 0) ||
      ::pipe2(failure.data(), O_CLOEXEC) != 0) {
    auto failed = FailedAt(folder);
    ::close(out);
    return failed;
  }
  const pid_t pid = ::fork();
  if (pid == 0) BecomeProgram(program.c_str(), argv.data(), folder, out, failure[1]);
  const int fork_error = errno;
  ::close(out);
  ::close(failure[1]);
  int error = pid < 0 ? fork_error : 0;
  // The pipe closes by itself when the program has taken over.
  if (pid > 0 && ::read(failure[0], &error, sizeof error) != sizeof error) error = 0;
  ::close(failure[0]);
  if (error == 0) return pid;
  if (pid > 0) ::waitpid(pid, nullptr, 0);
  errno = error;
  return FailedAt(program);
}

bool HasEnded(int pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; }

}  // namespace countersign
