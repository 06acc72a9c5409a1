#include "net/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <ctime>

#include "base/unique_fd.h"
#include "net/control_path.h"

namespace countersign::net {
namespace {

std::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::optional<std::int64_t> ParseNumber(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// WatchdogFromEnvironment follows sd_watchdog_enabled(3): meant for us if the process id is ours or
// is not given.
std::optional<std::chrono::microseconds> WatchdogFromEnvironment() {
  const auto interval = ParseNumber(Environment("WATCHDOG_USEC"));
  if (!interval || *interval <= 0) return std::nullopt;
  const std::string_view pid = Environment("WATCHDOG_PID");
  if (!pid.empty() && ParseNumber(pid) != getpid()) return std::nullopt;
  return std::chrono::microseconds(*interval);
}

std::int64_t MonotonicMicroseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace

ServiceManager ServiceManager::FromEnvironment() {
  return ServiceManager(std::string(Environment("NOTIFY_SOCKET")), WatchdogFromEnvironment());
}

Status ServiceManager::NotifyReady() const { return Send("READY=1"); }
Status ServiceManager::NotifyStopping() const { return Send("STOPPING=1"); }
Status ServiceManager::NotifyReloading() const {
  return Send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(MonotonicMicroseconds()));
}
Status ServiceManager::NotifyWatchdog() const { return Send("WATCHDOG=1"); }

Status ServiceManager::NotifyStatus(std::string_view text) const {
  std::string state = "STATUS=" + std::string(text.substr(0, 1024));
  std::ranges::replace_if(state, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }, ' ');
  return Send(state);
}

Status ServiceManager::Send(const std::string& state) const {
  if (!present()) return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool abstract = socket_.starts_with('@');
  if ((!abstract && !socket_.starts_with('/')) || socket_.size() < 2 ||
      socket_.size() >= sizeof address.sun_path) {
    return Fail(Code::kMalformed, "NOTIFY_SOCKET is neither an absolute path nor an abstract name");
  }
  std::ranges::copy(socket_, address.sun_path);
  if (abstract) address.sun_path[0] = '\0';
  const std::size_t address_len =
      offsetof(sockaddr_un, sun_path) + socket_.size() + (abstract ? 0 : 1);
  const UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return Fail(Code::kIo, "telling the service manager: " + ErrnoText());
  const ssize_t sent =
      sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
             reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(address_len));
  if (sent < 0) return Fail(Code::kIo, "telling the service manager: " + ErrnoText());
  return {};
}

std::optional<std::filesystem::path> CredentialsFolder() {
  std::filesystem::path folder(Environment("CREDENTIALS_DIRECTORY"));
  if (!folder.is_absolute()) return std::nullopt;
  return folder;
}

}  // namespace countersign::net
