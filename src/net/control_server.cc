#include "net/control_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <string>

#include "base/unique_fd.h"
#include "net/control_path.h"
#include "net/guarded_socket.h"
#include "net/or_end_process.h"
#include "net/session_set.h"

namespace countersign::net {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using local = asio::local::stream_protocol;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kAcceptPause{100};  // when descriptors or memory are used up

struct Shared {
  ControlServerOptions options;
  ControlHandler handler;
  bool stopping = false;
};

// Session serves one connection whose peer has been checked.
class Session {
 public:
  Session(std::shared_ptr<Shared> shared, local::socket socket, PeerUid peer)
      : shared_(std::move(shared)),
        guard_(std::make_shared<GuardedSocket<local>>(std::move(socket))),
        peer_(peer) {}

  awaitable<void> Run() {
    while (!shared_->stopping && co_await ReadRequest()) {
      guard_->NeverExpire();
      idle_ = false;
      const ControlMessage response = co_await shared_->handler(decoder_.Take(), peer_);
      if (!co_await Write(response)) break;
      idle_ = true;
    }
  }

  void Close() { guard_->Close(); }
  [[nodiscard]] bool is_idle() const { return idle_; }
  [[nodiscard]] asio::cancellation_signal& cancellation() { return cancellation_; }

 private:
  awaitable<bool> ReadRequest() {
    while (!decoder_.done()) {
      guard_->ExpireAfter(shared_->options.idle_timeout);
      const auto room = decoder_.Want();
      const auto [error, len] =
          co_await guard_->socket().async_read_some(asio::buffer(room.data(), room.size()), kAwait);
      if (error || !decoder_.Commit(len)) co_return false;
    }
    co_return true;
  }

  awaitable<bool> Write(const ControlMessage& response) {
    const auto encoder = ControlEncoder::Create(response, ControlKind::kResponse);
    if (!encoder) co_return false;
    std::vector<asio::const_buffer> buffers;
    for (const ByteView piece : encoder->pieces()) {
      buffers.emplace_back(piece.data(), piece.size());
    }
    guard_->ExpireAfter(shared_->options.write_timeout);
    const auto [error, len] = co_await asio::async_write(guard_->socket(), buffers, kAwait);
    co_return !error;
  }

  std::shared_ptr<Shared> shared_;
  std::shared_ptr<GuardedSocket<local>> guard_;
  PeerUid peer_;
  bool idle_ = true;
  ControlDecoder decoder_{ControlKind::kRequest};
  asio::cancellation_signal cancellation_;
};

// RemoveStale removes the socket of a process that is gone.
Status RemoveStale(int folder_fd, const std::filesystem::path& path) {
  struct stat status{};
  if (fstatat(folder_fd, kControlName, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return Fail(Code::kIo, "looking at " + path.string() + ": " + ErrnoText());
  }
  if (!S_ISSOCK(status.st_mode)) {
    return Fail(Code::kAlreadyExists, path.string() + " is there and is no socket",
                "ls -l " + path.string());
  }
  if (unlinkat(folder_fd, kControlName, 0) == 0) return {};
  return Fail(errno == EACCES ? Code::kPermissionDenied : Code::kIo,
              "removing " + path.string() + ": " + ErrnoText());
}

// BindAndListen makes the socket. fchmod before bind decides the mode of the file, so that it never
// exists with another one.
Result<UniqueFd> BindAndListen(const ControlFolder& folder, const ControlServerOptions& options) {
  const std::filesystem::path path = options.folder / kControlName;
  COUNTERSIGN_RETURN_IF_ERROR(RemoveStale(folder.fd.get(), path));
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = folder.SocketAddress();
  if (fd.get() < 0 || fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0 ||
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd.get(), static_cast<int>(options.max_connections)) != 0) {
    return Fail(errno == EACCES ? Code::kPermissionDenied : Code::kIo,
                "listening on " + path.string() + ": " + ErrnoText());
  }
  return fd;
}

}  // namespace

class ControlServer::Impl : public std::enable_shared_from_this<ControlServer::Impl> {
 public:
  Impl(const asio::any_io_executor& executor, ControlServerOptions options, ControlHandler handler)
      : shared_(std::make_shared<Shared>(std::move(options), std::move(handler))),
        acceptor_(executor),
        sessions_(std::make_shared<SessionSet<Session>>(executor)) {}

  [[nodiscard]] Status Open() {
    auto folder = ControlFolder::Open(shared_->options.folder);
    if (!folder) return std::unexpected(std::move(folder).error());
    folder_ = std::move(*folder);
    auto fd = BindAndListen(folder_, shared_->options);
    if (!fd) return std::unexpected(std::move(fd).error());
    boost::system::error_code error;
    acceptor_.assign(local(), fd->get(), error);
    if (error) return Fail(Code::kIo, "listening on control.sock: " + error.message());
    static_cast<void>(fd->Release());
    asio::co_spawn(acceptor_.get_executor(), AcceptLoop(shared_from_this()), OrEndProcess());
    return {};
  }

  // The parameter keeps the object while the coroutine runs.
  awaitable<void> Stop(std::shared_ptr<Impl>) {
    CloseListener();
    co_await sessions_->Drain(shared_->options.stop_timeout);
  }

  void Abort() {
    CloseListener();
    sessions_->Abort();
  }

  [[nodiscard]] std::size_t num_connections() const { return sessions_->size(); }
  [[nodiscard]] std::uint64_t num_refused() const { return num_refused_; }

 private:
  void CloseListener() {
    if (!acceptor_.is_open()) return;
    shared_->stopping = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    unlinkat(folder_.fd.get(), kControlName, 0);
  }

  awaitable<void> AcceptLoop(std::shared_ptr<Impl>) {
    while (!shared_->stopping) {
      local::socket socket(acceptor_.get_executor());
      const auto [error] = co_await acceptor_.async_accept(socket, kAwait);
      if (shared_->stopping) break;
      if (!error) {
        Admit(std::move(socket));
      } else if (error != asio::error::connection_aborted) {
        asio::steady_timer pause(acceptor_.get_executor(), kAcceptPause);
        co_await pause.async_wait(kAwait);
      }
    }
  }

  void Admit(local::socket socket) {
    const auto peer = PeerOf(socket.native_handle());
    const bool allowed = peer && (*peer == 0 || *peer == folder_.owner);
    if (!allowed || sessions_->size() >= shared_->options.max_connections) {
      ++num_refused_;
      return;
    }
    sessions_->Start(std::make_shared<Session>(shared_, std::move(socket), *peer),
                     [](const Session&) {});
  }

  std::shared_ptr<Shared> shared_;
  ControlFolder folder_;
  local::acceptor acceptor_;
  std::shared_ptr<SessionSet<Session>> sessions_;
  std::uint64_t num_refused_ = 0;
};

ControlServer::ControlServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControlServer::ControlServer(ControlServer&&) noexcept = default;
ControlServer& ControlServer::operator=(ControlServer&& other) noexcept {
  if (impl_ && impl_ != other.impl_) impl_->Abort();
  impl_ = std::move(other.impl_);
  return *this;
}
ControlServer::~ControlServer() {
  if (impl_) impl_->Abort();
}

Result<ControlServer> ControlServer::Listen(asio::any_io_executor executor,
                                            ControlServerOptions options, ControlHandler handler) {
  auto impl = std::make_shared<Impl>(executor, std::move(options), std::move(handler));
  COUNTERSIGN_RETURN_IF_ERROR(impl->Open());
  return ControlServer(std::move(impl));
}

std::size_t ControlServer::num_connections() const { return impl_->num_connections(); }
std::uint64_t ControlServer::num_refused() const { return impl_->num_refused(); }
awaitable<void> ControlServer::Stop() { return impl_->Stop(impl_); }

}  // namespace countersign::net
