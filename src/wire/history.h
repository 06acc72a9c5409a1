#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/ids.h"
#include "crypto/keys.h"
#include "wire/jws.h"

// The lines of a server's history (docs/protocol.md): octets ⇄ checked values. Pure, thread-safe.
namespace countersign::wire {

inline constexpr std::size_t kMaxHistoryLineLen = 4 * 1024;
inline constexpr std::size_t kMaxHistoryKindLen = 64;
inline constexpr std::size_t kMaxHistoryTextLen = 1'024;
inline constexpr std::size_t kMaxHistoryNameLen = 255;

// HistoryLine is one operation with keys: what was done, by whom, and which line came before.
struct HistoryLine {
  struct Actor {
    std::uint32_t uid = 0;
    std::string name;  // printable
    bool operator==(const Actor&) const = default;
  };
  // The certificate whose key signs. None: nothing could sign, and the next line that is signed
  // holds this one fast by its `prev`.
  std::optional<Digest> x5t;
  ServerId iss;         // nil only in a line without signature: the server had no certificate
  std::uint64_t n = 0;  // 1, 2, 3, ...
  Digest prev{};        // SHA-256 of the line before; zeros in line 1
  // The history before this line came out of a backup and begins with this number.
  std::optional<std::uint64_t> from;
  std::uint64_t iat = 0;              // Unix seconds
  std::string kind;                   // [a-z0-9-]{1,64}
  std::string text;                   // printable
  std::optional<Actor> by;            // none: the server itself
  std::optional<Digest> certificate;  // active after the operation
  bool operator==(const HistoryLine&) const = default;
};
struct SignedHistoryLine {
  std::optional<Envelope> envelope;  // none: not signed
  HistoryLine line;
};

// ParseHistoryLine takes octets that nobody vouches for: a JWS compact serialisation, or without
// any '.' the base64url of the payload alone, which says that it is unsigned. kMalformed says what
// is wrong. It verifies no signature.
[[nodiscard]] Result<SignedHistoryLine> ParseHistoryLine(std::string_view message);

// SignHistoryLine makes the line; kUsage if it breaks a limit, otherwise as the signer fails.
// REQUIRES: line.x5t is set.
[[nodiscard]] Result<std::string> SignHistoryLine(const HistoryLine& line,
                                                  const crypto::Signer& signer);
// FormatUnsignedHistoryLine makes the line of an operation for which nothing can sign. REQUIRES:
// line.x5t is not set.
[[nodiscard]] Result<std::string> FormatUnsignedHistoryLine(const HistoryLine& line);

// HistoryHead is how far a history has come: `head` of a reply as "NUMBER:DIGEST".
struct HistoryHead {
  std::uint64_t number = 0;  // 0: no line yet
  Digest digest{};           // SHA-256 of the newest line
  bool operator==(const HistoryHead&) const = default;
};
// FormatHistoryHead is empty for no line.
[[nodiscard]] std::string FormatHistoryHead(const HistoryHead& head);
// ParseHistoryHead takes exactly what FormatHistoryHead makes.
[[nodiscard]] std::optional<HistoryHead> ParseHistoryHead(std::string_view text);

}  // namespace countersign::wire
