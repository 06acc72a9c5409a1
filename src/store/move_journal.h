#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/config.h"
#include "trust/trust_state.h"

// The file `move` of an agent's folder: a move to another server that has been decided, and the
// servers that were left and have not been told yet (docs/decisions/0006).
//
// The commit point of a move is the replacement of the file `trust`. The plan is written before it,
// durably; whoever opens the folder next sees from the trust state whether the move happened, and
// carries it through or drops it. So after a kill at any point the agent belongs to one server.
namespace countersign::store {

// FormerServer is a server that the agent has left and that is still to be told so.
struct FormerServer {
  ServerId server;
  Bytes certificate;  // DER, by which the agent knew it: its answer is judged against that
  std::string host;   // where it was reached; ≤ 255 octets
  std::uint16_t http_port = 0;
  std::uint16_t https_port = 0;
  std::uint16_t tries = 0;  // how often it has been tried to tell it
  bool tls = false;
  bool operator==(const FormerServer&) const = default;
};

// PlannedMove is what a move will change beside the trust state.
struct PlannedMove {
  // Who is trusted before and after it: the certificate, its owner and its server.
  struct Side {
    Digest thumbprint{};
    Digest owner{};
    ServerId server;
    bool operator==(const Side&) const = default;
  };
  Side from;
  Side to;
  std::string config;                  // agent.toml as it will be
  std::optional<FormerServer> leaves;  // none: it stays with its server (a repair)
  bool operator==(const PlannedMove&) const = default;
};

struct MoveJournal {
  std::optional<PlannedMove> planned;
  std::vector<FormerServer> former;  // left by moves that happened
  [[nodiscard]] bool empty() const { return !planned && former.empty(); }
  bool operator==(const MoveJournal&) const = default;
};

// An agent that moves on and on forgets to tell the oldest.
inline constexpr std::size_t kMaxFormerServers = 4;
inline constexpr std::size_t kMaxMoveJournalLen = 160 * 1024;

// SideOf is what a trust state has in a plan.
[[nodiscard]] PlannedMove::Side SideOf(const trust::TrustState& state);

// HasHappened tells whether the trust held is that after the move. A certificate that is neither
// side's (it was renewed since) is judged by server and owner; if both sides have the same, the
// move has not happened.
[[nodiscard]] bool HasHappened(const PlannedMove& planned, const trust::TrustState& held);

// Settled is the journal when the plan is carried through (`happened`) or dropped: nothing planned,
// the server that was left among `former`, the one that the agent belongs to now not.
[[nodiscard]] MoveJournal Settled(MoveJournal journal, bool happened, const ServerId& now_at);

// File form: "CSMV", version, fields, SHA-256 of all before it. Encode and Parse are inverse.
// ParseMoveJournal fails with kDamaged on a half, a wrong checksum and any value out of range;
// agent.toml inside is only measured.
[[nodiscard]] Bytes EncodeMoveJournal(const MoveJournal& journal);
[[nodiscard]] Result<MoveJournal> ParseMoveJournal(ByteView file);

}  // namespace countersign::store
