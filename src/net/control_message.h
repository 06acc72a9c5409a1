#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"

namespace countersign::net {

// The administration protocol on <folder>/control.sock. A frame is one octet of type, four octets
// of length (big-endian), and that many octets. A message is one 'J' frame (JSON), then any 'S'
// (secret) and 'B' (blob) frames, then an empty 'E' frame. One answer for each request, in order.
struct ControlMessage {
  std::string json;
  std::vector<SecretBytes> secrets;  // passwords never travel inside JSON
  std::vector<Bytes> blobs;
};

// ControlKind says whose limits hold.
enum class ControlKind { kRequest, kResponse };

inline constexpr std::size_t kMaxRequestJsonLen = 1024UL * 1024;
inline constexpr std::size_t kMaxResponseJsonLen = 64UL * 1024 * 1024;
inline constexpr std::size_t kMaxSecretLen = 4096;
inline constexpr std::size_t kMaxBlobLen = 2UL * 1024 * 1024;
inline constexpr std::size_t kMaxSecretFrames = 16;
inline constexpr std::size_t kMaxBlobFrames = 16;

// ControlDecoder puts messages together without doing I/O: read octets into Want(), tell Commit()
// how many came, until done(). Secrets go through memory of its own only, which is wiped. Buffers
// grow as octets come, not as lengths promise. One thread.
class ControlDecoder {
 public:
  explicit ControlDecoder(ControlKind kind) : kind_(kind) {}
  ~ControlDecoder() { Wipe(secret_); }
  ControlDecoder(const ControlDecoder&) = delete;
  ControlDecoder& operator=(const ControlDecoder&) = delete;

  // Want is where the next octets belong: never empty, valid until the next call. REQUIRES: not
  // done, nothing failed.
  [[nodiscard]] std::span<std::uint8_t> Want();
  // Commit takes the first `len` octets of Want(). kMalformed: unknown type, wrong order, or over a
  // limit; the stream cannot be read on.
  [[nodiscard]] Status Commit(std::size_t len);
  [[nodiscard]] bool done() const { return done_; }
  // has_begun: part of a message is there.
  [[nodiscard]] bool has_begun() const { return has_json_ || header_len_ > 0; }
  // Take moves the message out and makes the decoder ready for the next. REQUIRES: done().
  [[nodiscard]] ControlMessage Take();

 private:
  static constexpr std::size_t kHeaderLen = 5;
  [[nodiscard]] Status BeginFrame();
  [[nodiscard]] Status CheckFrame(char type, std::size_t len) const;
  void EndFrame();

  ControlKind kind_;
  std::array<std::uint8_t, kHeaderLen> header_{};
  std::size_t header_len_ = 0;
  std::size_t payload_len_ = 0;  // of the current frame
  std::size_t filled_ = 0;       // of it
  bool has_json_ = false;
  bool done_ = false;
  ControlMessage message_;
  std::array<std::uint8_t, kMaxSecretLen> secret_{};
};

// ControlEncoder lays out a message as pieces to be sent one after another, without copying it.
class ControlEncoder {
 public:
  // Create fails with kExhausted if the message is over a limit. `message` must outlive the
  // encoder.
  [[nodiscard]] static Result<ControlEncoder> Create(const ControlMessage& message,
                                                     ControlKind kind);
  // pieces are valid as long as the encoder and the message.
  [[nodiscard]] const std::vector<ByteView>& pieces() const { return pieces_; }

 private:
  ControlEncoder() = default;
  void Add(char type, ByteView payload);
  std::vector<std::array<std::uint8_t, 5>> headers_;  // reserved, so that views stay valid
  std::vector<ByteView> pieces_;
};

}  // namespace countersign::net
