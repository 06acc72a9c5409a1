#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/world.h"
#include "wire/history.h"

// The history (docs/protocol.md): one line for each operation with keys, chained by SHA-256 and
// signed by the key that is active after it. Kept in the registry beside the events, newest lines
// also in every backup, its head in every reply.
namespace countersign::server {

// IsKeyEvent: events of this kind have a line in the history.
[[nodiscard]] bool IsKeyEvent(std::string_view kind);

// AppendHistory adds the line of an event. Where the history is empty it first takes the lines of
// `earlier` (from a backup, as NewestLines makes it), and continues behind them; what is no history
// is passed over, with a warning. Without a usable key the line is unsigned. REQUIRES: called
// inside the transaction that changes the identity, after the certificates are written. Errors:
// kDamaged: the number of the newest line can have no successor; or of the registry.
[[nodiscard]] Status AppendHistory(World& world, const store::EventRow& event, ByteView earlier);

// NewestLines are at most 64 lines and 48 KiB, each with a line end, for a backup.
[[nodiscard]] Result<Bytes> NewestLines(store::Registry& registry);

[[nodiscard]] Result<wire::HistoryHead> HeadOf(store::Registry& registry);

// HistoryCheck is what CheckHistory found. The first thing that is wrong ends it.
struct HistoryCheck {
  struct Problem {
    std::int64_t line = 0;  // its number; 0: of an event whose line is missing
    std::string what;
  };
  std::uint64_t num_lines = 0;
  std::uint64_t num_unsigned = 0;
  std::int64_t first = 0;  // number of the first line; 0: there is none
  wire::HistoryHead head;
  std::optional<Problem> problem;
};
// CheckHistory checks numbers, chain, signatures, and that lines and events tell the same. Lines
// and events that were removed together from the end are missed by nobody but the agents. An error
// is the registry's own.
[[nodiscard]] Result<HistoryCheck> CheckHistory(World& world);

}  // namespace countersign::server
