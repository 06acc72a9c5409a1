#pragma once

#include <sys/types.h>
#include <sys/un.h>

#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/unique_fd.h"

// Private to net/.

namespace countersign::net {

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
