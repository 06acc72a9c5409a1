#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "wire/warrant.h"

// What travels for a move beside the warrant (protocol section 8): the announcement by which a
// target's administrator tells that of the old server where agents are to go, and the `args` of the
// order to move. JSON objects with closed lists of members, under the same rules as messages.
// Neither is secret, and neither is signed: whom the agents belong to is the warrant's matter.
namespace countersign::wire {

inline constexpr std::size_t kMaxAnnouncementLen = 64 * 1024;

// MoveAnnouncement is what `countersign move expect` writes (target.json).
struct MoveAnnouncement {
  MoveTarget target;
  // The target's server certificate first, its owner's last: DER, 2 to 32, at most 32 KiB.
  std::vector<Bytes> bundle;
  bool operator==(const MoveAnnouncement&) const = default;
};
[[nodiscard]] std::string FormatMoveAnnouncement(const MoveAnnouncement& announcement);
// ParseMoveAnnouncement: kMalformed with the reason. What the bundle is worth is judged elsewhere
// (trust/move.h).
[[nodiscard]] Result<MoveAnnouncement> ParseMoveAnnouncement(std::string_view text);

// MoveArgs are the `args` of an order to move: {"warrant": text, "bundle": [base64url DER, …]}.
struct MoveArgs {
  std::string warrant;  // compact serialisation; not verified here
  std::vector<Bytes> bundle;
  bool operator==(const MoveArgs&) const = default;
};
[[nodiscard]] std::string FormatMoveArgs(const MoveArgs& args);
[[nodiscard]] Result<MoveArgs> ParseMoveArgs(std::string_view text);

// MoveAddress is where a target is reached: "host", "host:8080" or "host:8080:4343", with an IPv6
// address in brackets; at most kMaxTargetAddressLen octets, as warrants have them. For agents,
// ports left out are 8080 (HTTP) and 4343 (HTTPS).
struct MoveAddress {
  std::string host;
  std::uint16_t http_port = 8080;
  std::uint16_t https_port = 4343;
  bool operator==(const MoveAddress&) const = default;
};
// ParseMoveAddress: kMalformed; of one that is too long, with what can be done. Ports left out are
// those of `usual`.
[[nodiscard]] Result<MoveAddress> ParseMoveAddress(std::string_view text,
                                                   const MoveAddress& usual = {});
// IsMoveHost: `host` can be that of a MoveAddress: of letters, digits, '-', '.' and '_', or an IPv6
// address without brackets. Names with other letters have an xn-- form for that (RFC 5890).
[[nodiscard]] bool IsMoveHost(std::string_view host);
// FormatMoveAddress writes both ports, or leaves the usual ones out where both make it too long.
[[nodiscard]] std::string FormatMoveAddress(const MoveAddress& address);

}  // namespace countersign::wire
