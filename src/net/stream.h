#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <tuple>

#include "crypto/tls.h"
#include "net/guarded_socket.h"

// Private to net/.

namespace countersign::net {

using TcpGuard = GuardedSocket<boost::asio::ip::tcp>;
using IoResult = std::tuple<boost::system::error_code, std::size_t>;

// Stream carries octets over a TCP connection, with TLS or without. Without, Read and Write are the
// socket's own operations and cost nothing more. The deadline is the guard's. One reader or writer
// at a time; one thread.
class Stream {
 public:
  explicit Stream(std::shared_ptr<TcpGuard> guard);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Handshake puts TLS on the connection, before anything else. `host`: as TlsContext::Begin.
  // kTimedOut, kUnavailable (the connection ended), kRefused (what came is no TLS that we speak;
  // the peer has been told).
  [[nodiscard]] boost::asio::awaitable<Status> Handshake(const crypto::TlsContext& context,
                                                         std::string host);

  // Read gives at least one octet, or an error: eof only if the peer said that it is done (without
  // TLS: closed its side). A TLS connection cut off is connection_reset.
  [[nodiscard]] boost::asio::awaitable<IoResult> Read(boost::asio::mutable_buffer out);
  using Parts = std::array<boost::asio::const_buffer, 2>;
  // Write sends both parts whole. What they refer to must live until it has ended.
  [[nodiscard]] boost::asio::awaitable<IoResult> Write(const Parts& parts);
  // Finish says that no more will be sent: close_notify, and the TCP side's end.
  [[nodiscard]] boost::asio::awaitable<void> Finish();

  [[nodiscard]] bool is_tls() const { return tls_ != nullptr; }
  [[nodiscard]] bool is_open() const { return guard_->socket().is_open(); }
  // peer_key: as crypto::TlsSession::peer_key.
  [[nodiscard]] const std::optional<Digest>& peer_key() const;
  // tls_failure says why TLS failed; empty if it did not.
  [[nodiscard]] std::string tls_failure() const;
  [[nodiscard]] TcpGuard& guard() { return *guard_; }

 private:
  struct Tls;
  [[nodiscard]] boost::asio::awaitable<IoResult> ReadTls(boost::asio::mutable_buffer out);
  [[nodiscard]] boost::asio::awaitable<IoResult> WriteTls(Parts parts);
  // Send writes what the TLS session has to send.
  [[nodiscard]] boost::asio::awaitable<boost::system::error_code> Send();
  // Receive feeds the session with what comes next.
  [[nodiscard]] boost::asio::awaitable<boost::system::error_code> Receive();
  [[nodiscard]] Error WhyNot() const;

  std::shared_ptr<TcpGuard> guard_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace countersign::net
