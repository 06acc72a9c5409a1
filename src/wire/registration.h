#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "trust/trust_state.h"
#include "wire/messages.h"

namespace countersign::wire {

// EnrolToken is what an installation package gives an agent so that it is admitted by itself.
struct EnrolToken {
  std::string id;
  Bytes secret;  // 32 octets
  bool operator==(const EnrolToken&) const = default;
};

// AgentProfile is what an agent says about its host in each report.
struct AgentProfile {
  std::string host;
  std::vector<std::string> addresses;
  std::uint16_t port = 0;
  std::string domain;
  std::string version;
  std::string platform;
  std::optional<EnrolToken> enrol;
  bool tls = false;  // its listener speaks TLS
};

// HeldOf is `held` of receipts and reports for a trust state.
[[nodiscard]] Held HeldOf(const trust::TrustState& state);

// ReportDraft is what differs from report to report.
struct ReportDraft {
  AgentId agent;
  std::string challenge;
  std::optional<Nonce> echo;
  std::uint64_t seq = 0;
  Instance instance;
  Instant time;
  std::vector<Failure> failures;
  bool with_bundle = false;  // the last reply wanted it
  bool pinned = false;       // it goes over TLS to a web host whose key the agent knew
};

// MakeReport lays out the report of an agent that holds, or is about to hold, `state`: the
// registration exchange that agent and mover share (protocol sections 6 and 8).
[[nodiscard]] Report MakeReport(const AgentProfile& profile, const trust::TrustState& state,
                                ReportDraft draft);

}  // namespace countersign::wire
