#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace countersign::net {

// ServiceManager tells systemd, or whatever speaks sd_notify(3), how the service is doing. Without
// a manager every call succeeds and does nothing. Datagrams are sent without waiting. Errors (kIo,
// kMalformed for an address that cannot be) are worth a line in the log and no more. One thread.
class ServiceManager {
 public:
  ServiceManager() = default;  // no manager
  // `socket` is what $NOTIFY_SOCKET holds: an absolute path, or '@' and an abstract name.
  explicit ServiceManager(std::string socket,
                          std::optional<std::chrono::microseconds> watchdog = {})
      : socket_(std::move(socket)), watchdog_(watchdog) {}
  // FromEnvironment reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID. Call it before threads
  // are started.
  [[nodiscard]] static ServiceManager FromEnvironment();

  [[nodiscard]] bool present() const { return !socket_.empty(); }
  // watchdog_interval: call NotifyWatchdog at least twice in this time, if the manager wants it.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval() const {
    return watchdog_;
  }

  [[nodiscard]] Status NotifyReady() const;
  [[nodiscard]] Status NotifyStopping() const;
  // NotifyReloading is to be followed by NotifyReady when the reload is over.
  [[nodiscard]] Status NotifyReloading() const;
  [[nodiscard]] Status NotifyWatchdog() const;
  // NotifyStatus shows one line to people; control characters become spaces, so that no other
  // assignment can be smuggled in.
  [[nodiscard]] Status NotifyStatus(std::string_view text) const;

 private:
  [[nodiscard]] Status Send(const std::string& state) const;
  std::string socket_;
  std::optional<std::chrono::microseconds> watchdog_;
};

// CredentialsFolder is where the manager put the service's credentials ($CREDENTIALS_DIRECTORY, an
// absolute path); nothing if it gave none.
[[nodiscard]] std::optional<std::filesystem::path> CredentialsFolder();

}  // namespace countersign::net
