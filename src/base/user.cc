#include "base/user.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/process.h"

namespace countersign {
namespace {

constexpr std::uint32_t kNoUid = ~std::uint32_t{0};

std::optional<std::uint32_t> ParseUid(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::uint32_t uid = kNoUid;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), uid);
  if (failed != std::errc() || end != text.data() + text.size() || uid == kNoUid) {
    return std::nullopt;
  }
  return uid;
}

// The uid that the kernel noted at login; none in a service, or where nothing notes it.
std::optional<std::uint32_t> LoginUid() {
  const int fd = ::open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::array<char, 32> text{};
  const auto len = ::read(fd, text.data(), text.size());
  ::close(fd);
  if (len <= 0) return std::nullopt;
  return ParseUid({text.data(), static_cast<std::size_t>(len)});
}

}  // namespace

User UserOf(std::uint32_t uid) {
  std::array<char, 4'096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return {uid, found->pw_name};
  }
  return {uid, "uid " + std::to_string(uid)};
}

User RealUser() { return UserOf(::getuid()); }

std::string TerminalName() {
  for (const int fd : {STDIN_FILENO, STDERR_FILENO, STDOUT_FILENO}) {
    std::array<char, 256> name{};
    if (::ttyname_r(fd, name.data(), name.size()) != 0) continue;
    std::string_view text(name.data());
    if (text.starts_with("/dev/")) text.remove_prefix(5);
    return std::string(text);
  }
  return "none";
}

std::string LoginName() {
  std::optional<std::uint32_t> uid = LoginUid();
  if (!uid) uid = ParseUid(GetEnvironment("SUDO_UID"));
  if (!uid || *uid == ::getuid()) return {};
  const User user = UserOf(*uid);
  return user.name + " (uid " + std::to_string(user.uid) + ")";
}

Status CheckAdministers(const std::filesystem::path& folder) {
  const User user = UserOf(::geteuid());
  if (user.uid == 0) return {};
  struct stat info{};
  std::string owner = "its owner";
  if (::stat(folder.c_str(), &info) == 0) {
    if (info.st_uid == user.uid) return {};
    owner += ", " + UserOf(info.st_uid).name + " (uid " + std::to_string(info.st_uid) + "),";
  } else if (errno != EACCES) {
    return {};
  }
  return Fail(Code::kPermissionDenied,
              "only root and " + owner + " may administer " + folder.string() + "; this is " +
                  user.name + " (uid " + std::to_string(user.uid) + "), and nothing was tried",
              "run the same command with sudo in front");
}

}  // namespace countersign
