#include "base/service_user.h"

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

namespace countersign {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxUserFileLen = 16UL * 1024 * 1024;

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
  return Fail(error == EPERM || error == EACCES ? Code::kPermissionDenied
              : error == ENOENT                 ? Code::kNotFound
                                                : Code::kIo,
              path.string() + ": " + std::strerror(error));
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
  std::error_code failed;
  for (fs::recursive_directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (::lchown(entry->path().c_str(), owner.uid, owner.gid) != 0) return FailedAt(entry->path());
  }
  if (failed) return Fail(Code::kIo, folder.string() + ": " + failed.message());
  if (::lchown(folder.c_str(), owner.uid, owner.gid) != 0) return FailedAt(folder);
  return {};
}

Result<int> StartDetached(const fs::path& program, const std::vector<std::string>& arguments,
                          const fs::path& folder, const fs::path& log) {
  std::vector<std::string> words = {program.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::unlink(log.c_str());
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
