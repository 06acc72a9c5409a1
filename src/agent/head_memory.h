#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"
#include "wire/history.h"

namespace countersign::agent {

// HeadMemory is how far the agent has seen the history of its server come (docs/protocol.md), and
// whether that history was ever set back. A value; it is kept as text of at most 255 octets beside
// the counters.
struct HeadMemory {
  // What a server with the history that the agent knew would not show.
  struct Step {
    enum class Kind {
      kRewind,  // a lower number than before
      kFork,    // the same number with another line
    };
    Kind kind = Kind::kRewind;
    std::uint64_t from = 0;  // the number known before
    std::uint64_t to = 0;    // the number shown
    Instant at;              // of the newest one, by the agent's clock
    std::uint64_t count = 0;
    bool operator==(const Step&) const = default;
  };

  ServerId server;         // whose history it is; nil: of none yet
  wire::HistoryHead head;  // the newest shown
  std::optional<Step> step = {};
  bool operator==(const HeadMemory&) const = default;

  // Parse: what Format has not made is a memory of nothing.
  [[nodiscard]] static HeadMemory Parse(std::string_view text);
  [[nodiscard]] std::string Format() const;

  // Take remembers the `head` of a verified reply, and returns whether it is a step back or aside.
  // Each is noticed once: what was shown is what the next one is compared with. The history of
  // another server begins anew; a head of a form that this version does not know is passed over.
  [[nodiscard]] bool Take(const ServerId& of, std::string_view shown, Instant now);
};

[[nodiscard]] std::string_view StepName(HeadMemory::Step::Kind kind);  // "rewind", "fork"
// StepText is for people.
[[nodiscard]] std::string StepText(const HeadMemory::Step& step);

}  // namespace countersign::agent
