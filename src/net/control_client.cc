#include "net/control_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "net/control_path.h"

namespace countersign::net {
namespace {

using Clock = std::chrono::steady_clock;

// WaitFor waits until the socket is ready or the deadline passes.
Status WaitFor(int fd, short events, Clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return Fail(Code::kTimedOut, "the running program did not answer in time");
    pollfd entry{fd, events, 0};
    const int ready = poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left, 1'000'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return Fail(Code::kIo, "poll: " + ErrnoText());
  }
}

// Advance takes `len` octets off the front of the list.
void Advance(std::vector<iovec>& parts, std::size_t len) {
  std::size_t num_gone = 0;
  while (num_gone < parts.size() && len >= parts[num_gone].iov_len) {
    len -= parts[num_gone++].iov_len;
  }
  parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(num_gone));
  if (len == 0) return;
  parts.front().iov_base = static_cast<std::uint8_t*>(parts.front().iov_base) + len;
  parts.front().iov_len -= len;
}

std::unexpected<Error> ConnectError(const std::filesystem::path& folder) {
  if (errno == ENOENT || errno == ECONNREFUSED) {
    return Fail(Code::kUnavailable, "no program is running on the folder " + folder.string());
  }
  if (errno == EACCES || errno == EPERM) {
    return Fail(Code::kPermissionDenied,
                "only root and the owner of " + folder.string() + " may administer it",
                "run the same command with sudo in front");
  }
  if (errno == EAGAIN) {
    return Fail(Code::kUnavailable,
                "the program on the folder " + folder.string() + " has too many callers");
  }
  return Fail(Code::kIo, "connecting to the program on " + folder.string() + ": " + ErrnoText());
}

}  // namespace

class ControlClient::Impl {
 public:
  Impl(UniqueFd fd, UniqueFd process) : fd_(std::move(fd)), process_(std::move(process)) {}

  Result<ControlMessage> Call(const ControlMessage& request, Clock::time_point deadline) {
    auto encoder = ControlEncoder::Create(request, ControlKind::kRequest);
    if (!encoder) return std::unexpected(std::move(encoder).error());
    if (fd_.get() < 0) return Fail(Code::kUnavailable, "the connection is closed");
    Result<ControlMessage> response = SendAndReceive(*encoder, deadline);
    if (!response) fd_.Reset();
    return response;
  }

  bool AwaitEnd(Clock::time_point deadline) {
    return process_.get() < 0 || WaitFor(process_.get(), POLLIN, deadline).has_value();
  }

 private:
  Result<ControlMessage> SendAndReceive(const ControlEncoder& encoder, Clock::time_point deadline) {
    COUNTERSIGN_RETURN_IF_ERROR(Send(encoder.pieces(), deadline));
    ControlDecoder decoder(ControlKind::kResponse);
    while (!decoder.done()) {
      const auto room = decoder.Want();
      const ssize_t len = recv(fd_.get(), room.data(), room.size(), MSG_DONTWAIT);
      if (len == 0) return Fail(Code::kUnavailable, "the running program closed the connection");
      if (len > 0) {
        COUNTERSIGN_RETURN_IF_ERROR(decoder.Commit(static_cast<std::size_t>(len)));
      } else {
        COUNTERSIGN_RETURN_IF_ERROR(AfterError(POLLIN, deadline));
      }
    }
    return decoder.Take();
  }

  Status Send(const std::vector<ByteView>& pieces, Clock::time_point deadline) {
    std::vector<iovec> parts;
    for (const ByteView piece : pieces) {
      parts.push_back({const_cast<std::uint8_t*>(piece.data()), piece.size()});
    }
    while (!parts.empty()) {
      msghdr message{};
      message.msg_iov = parts.data();
      message.msg_iovlen = parts.size();
      const ssize_t len = sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (len >= 0) {
        Advance(parts, static_cast<std::size_t>(len));
      } else {
        COUNTERSIGN_RETURN_IF_ERROR(AfterError(POLLOUT, deadline));
      }
    }
    return {};
  }

  // AfterError looks at errno of a send or receive: waits if that helps, fails otherwise.
  Status AfterError(short events, Clock::time_point deadline) {
    if (errno == EINTR) return {};
    if (errno == EAGAIN) return WaitFor(fd_.get(), events, deadline);
    if (errno == EPIPE || errno == ECONNRESET) {
      return Fail(Code::kUnavailable, "the running program closed the connection");
    }
    return Fail(Code::kIo, "talking to the running program: " + ErrnoText());
  }

  UniqueFd fd_;
  UniqueFd process_;  // readable when it has ended
};

ControlClient::ControlClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControlClient::ControlClient(ControlClient&&) noexcept = default;
ControlClient& ControlClient::operator=(ControlClient&&) noexcept = default;
ControlClient::~ControlClient() = default;

Result<ControlClient> ControlClient::Connect(const std::filesystem::path& folder) {
  auto opened = ControlFolder::Open(folder);
  if (!opened) return std::unexpected(std::move(opened).error());
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) return Fail(Code::kIo, "making a socket: " + ErrnoText());
  const sockaddr_un address = opened->SocketAddress();
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return ConnectError(folder);
  }
  const auto peer = PeerOf(fd.get());
  if (peer != uid_t{0} && peer != opened->owner) {
    return Fail(Code::kPermissionDenied,
                "somebody else than the owner of " + folder.string() + " listens on its socket");
  }
  UniqueFd process = ProcessOf(fd.get());
  return ControlClient(std::make_unique<Impl>(std::move(fd), std::move(process)));
}

Result<ControlMessage> ControlClient::Call(const ControlMessage& request,
                                           std::chrono::milliseconds timeout) {
  return impl_->Call(request, Clock::now() + timeout);
}

bool ControlClient::AwaitEnd(std::chrono::milliseconds timeout) {
  return impl_->AwaitEnd(Clock::now() + timeout);
}

}  // namespace countersign::net
