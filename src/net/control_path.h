#pragma once

#include <sys/types.h>
#include <sys/un.h>

#include <filesystem>
#include <optional>
#include <utility>

#include "base/error.h"

// Private to net/.

namespace countersign::net {

// UniqueFd closes a file descriptor when it goes.
class UniqueFd {
 public:
  explicit UniqueFd(int fd = -1) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd() { Reset(); }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }
  void Reset();

 private:
  int fd_;
};

inline constexpr const char* kControlName = "control.sock";

// ControlFolder is an open folder. Its socket is addressed through the descriptor, because a socket
// address holds at most 107 characters of path.
struct ControlFolder {
  UniqueFd fd;
  uid_t owner = 0;

  // Open fails with kNotFound, kPermissionDenied or kIo, naming the folder.
  [[nodiscard]] static Result<ControlFolder> Open(const std::filesystem::path& path);
  [[nodiscard]] sockaddr_un SocketAddress() const;
};

// PeerOf returns the user on the other end of a Unix-domain socket (SO_PEERCRED).
[[nodiscard]] std::optional<uid_t> PeerOf(int socket_fd);

// ProcessOf returns a descriptor of the process on the other end (pidfd_open); none if the kernel
// does not say which it is.
[[nodiscard]] UniqueFd ProcessOf(int socket_fd);

// ErrnoText is strerror for the current errno.
[[nodiscard]] std::string ErrnoText();

}  // namespace countersign::net
