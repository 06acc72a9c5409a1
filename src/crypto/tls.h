#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/keys.h"

// TLS 1.3 without I/O: octets from the network go in, octets for the network come out. Nothing
// older, no tickets, no resumption, no early data, no compression (docs/tls.md).
namespace countersign::crypto {

class TlsSession;

// TlsContext is what all connections of one side have in common. Immutable value, cheap to copy,
// safe to share between threads.
class TlsContext {
 public:
  static constexpr std::size_t kMaxChain = 8;  // certificates

  // ForServer shows `chain` (DER, the key's own certificate first, at most kMaxChain) and proves
  // to have `key`. kMalformed: one of them is no certificate; kUsage: the key does not fit.
  [[nodiscard]] static Result<TlsContext> ForServer(const PrivateKey& key,
                                                    std::span<const Bytes> chain);
  // ForClient looks at no certificate, date or name: all that a finished handshake shows is that
  // the peer has the key TlsSession::peer_key tells. Caller must still: compare that key.
  [[nodiscard]] static Result<TlsContext> ForClient();

  // Begin makes the state of one connection. `host` goes to the server as the name that is meant
  // (SNI), unless it is empty or an address. kExhausted: no memory.
  [[nodiscard]] Result<std::unique_ptr<TlsSession>> Begin(const std::string& host = {}) const;

 private:
  struct Impl;
  explicit TlsContext(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

enum class TlsStep : std::uint8_t {
  kDone,
  kNeedInput,  // Feed what comes from the network, and ask again
  kClosed,     // the peer said that it sends no more (close_notify)
  kFailed,     // for good: see failure(); send what TakeOutput has (an alert), and close
};

// TlsSession is one connection. After each call TakeOutput may have something to send. One thread.
class TlsSession {
 public:
  // A handshake that takes more octets of the peer fails.
  static constexpr std::size_t kMaxHandshakeLen = 64 * 1024;
  static constexpr std::size_t kMaxWriteLen = 8 * 1024;  // of one Write

  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Feed takes octets from the network. Caller must still: ask again before the next Feed, so that
  // they do not pile up.
  void Feed(ByteView octets);
  [[nodiscard]] TlsStep Handshake();

  struct Taken {
    TlsStep step = TlsStep::kFailed;
    std::size_t len = 0;  // at least 1 with kDone, else 0
  };
  // Read takes plain octets. REQUIRES: the handshake is done, `out` is not empty.
  [[nodiscard]] Taken Read(std::span<std::uint8_t> out);
  // Write seals at most kMaxWriteLen octets, all of them or none (false: failed).
  [[nodiscard]] bool Write(ByteView plain);
  // Close says that no more will be sent (close_notify). Reading goes on.
  void Close();

  // TakeOutput is what has to be sent; empty: nothing.
  [[nodiscard]] Bytes TakeOutput();

  // peer_key is the digest of the peer's key, once the handshake is done; of a client, nothing.
  [[nodiscard]] const std::optional<Digest>& peer_key() const;
  // peer_speaks_plainly: the handshake failed because what came is HTTP without TLS.
  [[nodiscard]] bool peer_speaks_plainly() const;
  // failure says for people why a step failed.
  [[nodiscard]] const std::string& failure() const;

 private:
  friend class TlsContext;
  struct Impl;
  explicit TlsSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace countersign::crypto
