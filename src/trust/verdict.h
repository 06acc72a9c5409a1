#pragma once

#include <optional>
#include <string_view>

namespace countersign::trust {

// Verdict is the one word with which an agent answers an order, or says why a reply was refused
// (protocol sections 4 and 5). The names are the protocol's; the numbers stand in the file of the
// order memory: new ones are added at the end.
enum class Verdict {
  kMalformed,
  kStale,
  kUnknownKey,
  kOtherOwner,
  kChain,
  kWrongServer,
  kOlderGeneration,
  kFork,
  kDistrusted,
  kBadSignature,
  kWrongAgent,
  kCertificateExpired,
  kDoneBefore,
  kRunning,
  kInterrupted,
  kBusy,
  kCannotRecord,
  kUnknownAction,
  kNotAllowed,
  kBadWarrant,
  kDone,
  kFailed,
};

// VerdictName returns the protocol's spelling ("older-generation").
[[nodiscard]] std::string_view VerdictName(Verdict verdict);
[[nodiscard]] std::optional<Verdict> ParseVerdict(std::string_view name);

// IsFinal tells whether a receipt with this verdict ends the order for good (section 6); any other
// verdict ends only the version of the order that it names.
[[nodiscard]] bool IsFinal(Verdict verdict);

// RefusesBundle: the agent does not take these certificates, and more tries of the same change
// nothing.
[[nodiscard]] bool RefusesBundle(Verdict verdict);

}  // namespace countersign::trust
