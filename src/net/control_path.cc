#include "net/control_path.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

namespace countersign::net {

Result<ControlFolder> ControlFolder::Open(const std::filesystem::path& path) {
  ControlFolder folder;
  folder.fd = UniqueFd(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat status{};
  if (folder.fd.get() < 0 || fstat(folder.fd.get(), &status) != 0) {
    const Code code = errno == ENOENT || errno == ENOTDIR ? Code::kNotFound
                      : errno == EACCES                   ? Code::kPermissionDenied
                                                          : Code::kIo;
    return Fail(code, "cannot open the folder " + path.string() + ": " + ErrnoText());
  }
  folder.owner = status.st_uid;
  return folder;
}

sockaddr_un ControlFolder::SocketAddress() const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(fd.get()) + "/" + kControlName;
  Check(path.size() < sizeof address.sun_path, "a path through a descriptor is short");
  std::ranges::copy(path, address.sun_path);
  return address;
}

std::optional<uid_t> PeerOf(int socket_fd) {
  ucred peer{};
  socklen_t len = sizeof peer;
  if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) return std::nullopt;
  return peer.uid;
}

UniqueFd ProcessOf(int socket_fd) {
  ucred peer{};
  socklen_t len = sizeof peer;
  if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) return UniqueFd();
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, peer.pid, 0)));
}

std::string ErrnoText() { return std::generic_category().message(errno); }

}  // namespace countersign::net
