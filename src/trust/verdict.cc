#include "trust/verdict.h"

#include <array>
#include <utility>

namespace countersign::trust {
namespace {

constexpr std::array<std::pair<Verdict, std::string_view>, 22> kNames = {{
    {Verdict::kMalformed, "malformed"},
    {Verdict::kStale, "stale"},
    {Verdict::kUnknownKey, "unknown-key"},
    {Verdict::kOtherOwner, "other-owner"},
    {Verdict::kChain, "chain"},
    {Verdict::kWrongServer, "wrong-server"},
    {Verdict::kOlderGeneration, "older-generation"},
    {Verdict::kFork, "fork"},
    {Verdict::kDistrusted, "distrusted"},
    {Verdict::kBadSignature, "bad-signature"},
    {Verdict::kWrongAgent, "wrong-agent"},
    {Verdict::kCertificateExpired, "certificate-expired"},
    {Verdict::kDoneBefore, "done-before"},
    {Verdict::kRunning, "running"},
    {Verdict::kInterrupted, "interrupted"},
    {Verdict::kBusy, "busy"},
    {Verdict::kCannotRecord, "cannot-record"},
    {Verdict::kUnknownAction, "unknown-action"},
    {Verdict::kNotAllowed, "not-allowed"},
    {Verdict::kBadWarrant, "bad-warrant"},
    {Verdict::kDone, "done"},
    {Verdict::kFailed, "failed"},
}};

}  // namespace

std::string_view VerdictName(Verdict verdict) {
  for (const auto& [value, name] : kNames) {
    if (value == verdict) return name;
  }
  return "malformed";  // not reached: kNames is complete (verdict_test)
}

std::optional<Verdict> ParseVerdict(std::string_view name) {
  for (const auto& [value, known] : kNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

bool IsFinal(Verdict verdict) {
  switch (verdict) {
    case Verdict::kDone:
    case Verdict::kFailed:
    case Verdict::kDoneBefore:
    case Verdict::kInterrupted:
    case Verdict::kNotAllowed:
    case Verdict::kUnknownAction:
    case Verdict::kBadWarrant:
      return true;
    default:
      return false;
  }
}

bool RefusesBundle(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOtherOwner:
    case Verdict::kChain:
    case Verdict::kWrongServer:
    case Verdict::kOlderGeneration:
    case Verdict::kFork:
    case Verdict::kDistrusted:
      return true;
    default:
      return false;
  }
}

}  // namespace countersign::trust
