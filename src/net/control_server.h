#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "base/error.h"
#include "net/control_message.h"

namespace countersign::net {

// PeerUid is the user that the system says is on the other end: root, or the folder's owner.
using PeerUid = std::uint32_t;

// ControlHandler carries out one request and may take as long as it needs. If it throws, the
// connection is closed without an answer.
using ControlHandler =
    std::function<boost::asio::awaitable<ControlMessage>(ControlMessage, PeerUid)>;

struct ControlServerOptions {
  std::filesystem::path folder;
  std::size_t max_connections = 16;                 // over it: closed at once
  std::chrono::milliseconds idle_timeout{60'000};   // between octets of requests
  std::chrono::milliseconds write_timeout{60'000};  // for one answer
  std::chrono::milliseconds stop_timeout{10'000};   // what Stop gives to requests under way
};

// ControlServer listens on <folder>/control.sock (mode 0600). Peers other than root and the owner
// of the folder are closed before anything is read. Runs wholly on `executor`: one io_context, one
// thread; call every method there. The handler must stay valid until Stop has ended, or until the
// io_context runs no more.
class ControlServer {
 public:
  // Listen replaces a socket that a dead process left. REQUIRES: the caller holds the lock of the
  // folder. kAlreadyExists if control.sock is something else than a socket; kNotFound,
  // kPermissionDenied, kIo.
  [[nodiscard]] static Result<ControlServer> Listen(boost::asio::any_io_executor executor,
                                                    ControlServerOptions options,
                                                    ControlHandler handler);
  ControlServer(ControlServer&&) noexcept;
  ControlServer& operator=(ControlServer&&) noexcept;
  // The destructor closes everything without waiting and removes the socket.
  ~ControlServer();

  [[nodiscard]] std::size_t num_connections() const;
  // num_refused counts peers with the wrong user, or over max_connections.
  [[nodiscard]] std::uint64_t num_refused() const;

  // Stop removes the socket, closes idle connections, lets requests under way finish for
  // `stop_timeout`, cancels the others and returns when all are gone, at most one second later. The
  // object must outlive it.
  [[nodiscard]] boost::asio::awaitable<void> Stop();

 private:
  class Impl;
  explicit ControlServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace countersign::net
