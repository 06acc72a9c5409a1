#include "base/process.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/descriptors.h"
#include "base/files.h"
#include "base/secret.h"
#include "base/time.h"

namespace countersign {

void ForbidCoreDumps() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

std::size_t AllowDescriptors(std::size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur >= wanted) return limit.rlim_cur;
  const rlimit raised{std::min<rlim_t>(wanted, limit.rlim_max), limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &raised) != 0) return limit.rlim_cur;
  return raised.rlim_cur;
}

Status BecomeOwnerOf(const std::filesystem::path& folder) {
  if (::geteuid() != 0) return {};
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0) {
    return Fail(errno == ENOENT ? Code::kNotFound : Code::kIo,
                folder.string() + ": " + std::strerror(errno));
  }
  if (info.st_uid == 0) return {};
  if (::setgroups(0, nullptr) != 0 || ::setgid(info.st_gid) != 0 || ::setuid(info.st_uid) != 0) {
    return Fail(Code::kPermissionDenied, "cannot become the owner of " + folder.string() +
                                             " (user id " + std::to_string(info.st_uid) +
                                             "): " + std::strerror(errno));
  }
  ForbidCoreDumps();
  return {};
}

Error ExecuteAnew() {
  constexpr std::size_t kMaxArguments = 1024UL * 1024;
  constexpr std::string_view kReplaced = " (deleted)";
  std::error_code failed;
  std::string program = std::filesystem::read_symlink("/proc/self/exe", failed).string();
  if (failed) return {Code::kIo, "/proc/self/exe: " + failed.message()};
  // After an upgrade the new program stands where the old one was.
  if (program.ends_with(kReplaced)) program.resize(program.size() - kReplaced.size());
  auto line = ReadFile("/proc/self/cmdline", kMaxArguments);
  if (!line) return std::move(line).error();
  line->push_back(0);
  std::vector<char*> arguments;
  for (std::size_t begin = 0; begin + 1 < line->size();) {
    arguments.push_back(reinterpret_cast<char*>(line->data() + begin));
    begin += std::strlen(arguments.back()) + 1;
  }
  arguments.push_back(nullptr);
  CloseOnExecFrom(3);
  ::signal(SIGHUP, SIG_IGN);
  ::execv(program.c_str(), arguments.data());
  const int error = errno;
  ::signal(SIGHUP, SIG_DFL);
  return {Code::kIo, program + " cannot be executed: " + std::strerror(error)};
}

std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

std::string PlatformName() {
  utsname name{};
  if (::uname(&name) != 0) return "unknown";
  return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

std::string BootId() {
  std::array<char, 36> id{};
  const int fd = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  const ssize_t len = fd < 0 ? -1 : ::read(fd, id.data(), id.size());
  if (fd >= 0) ::close(fd);
  if (len == static_cast<ssize_t>(id.size())) return {id.data(), id.size()};
  return "process " + std::to_string(::getpid()) + " of " +
         std::to_string(ReadClocks().boot.count());
}

std::string GetEnvironment(const char* name) {
  // Programs here read their environment before they start threads.
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "" : value;
}

std::string TakeEnvironmentSecret(const char* name) {
  char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  if (value == nullptr) return {};
  std::string secret(value);
  WipeArgument(value);
  ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe)
  return secret;
}

void WipeArgument(char* argument) {
  Wipe({reinterpret_cast<std::uint8_t*>(argument), std::strlen(argument)});
}

}  // namespace countersign
