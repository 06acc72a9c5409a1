#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/time.h"
#include "server/identity_book.h"
#include "store/registry.h"

namespace countersign::server {

// The protocol's words for an agent as the server sees it (section 6). Whether it can be reached
// and whether its clock is wrong are told apart from it.
inline constexpr std::string_view kVerified = "verified";        // holds the active certificate
inline constexpr std::string_view kBehind = "behind";            // will mend itself
inline constexpr std::string_view kMismatched = "mismatched";    // needs hands; with the reason
inline constexpr std::string_view kExposed = "exposed";          // a stolen key may command it
inline constexpr std::string_view kNew = "new";                  // not admitted yet
inline constexpr std::string_view kRetired = "retired";          // its machine was installed anew
inline constexpr std::string_view kArriving = "arriving";        // announced, not proved here yet
inline constexpr std::string_view kMoved = "moved";              // belongs to another server now
inline constexpr std::string_view kQuarantined = "quarantined";  // cloned: trust updates only

// All of them, as people are told which there are.
inline constexpr std::array<std::string_view, 9> kStandings = {
    kVerified, kBehind, kMismatched, kExposed, kNew, kRetired, kArriving, kMoved, kQuarantined};

// Of `mismatched`: it had moved, and holds this server's certificate again.
inline constexpr std::string_view kStray = "stray";

// The reason shown of one that was forgotten, whatever its standing.
inline constexpr std::string_view kForgotten = "forgotten";

// A clock further off than this is a clock-fault.
inline constexpr Seconds kClockFault = Seconds(300);

struct Standing {
  std::string_view standing;
  std::string reason;  // stable word, or empty
  bool operator==(const Standing&) const = default;
};

// StandingOf judges an agent by what it proved to hold against the server's certificates. Pure.
// Where several words fit, the first of: retired, quarantined, arriving, moved, mismatched,
// exposed, new, behind, verified. Reasons of `mismatched`: other-owner, wrong-server, ahead (it
// holds a newer certificate than this server has: the server was restored), unproved (it says so,
// but has not shown it), stranded (it holds the certificate of an aborted rollout whose key was
// destroyed), no-succession (its certificate is this owner's, and no bundle leads from it to the
// active one:
// `-c` makes one), no-certificate (the server has none), or the verdict with which it refuses the
// bundle (fork, distrusted, chain, older-generation); or stray.
[[nodiscard]] Standing StandingOf(const store::AgentRow& row, const IdentityBook& book);

// IsExposed: whoever has the key of a revoked certificate may still command this agent, whatever
// its standing: it has not proved to hold a certificate that came after (protocol section 9). An
// agent that trusts another owner or another server never was, and a retired one is no more. A
// cloned one stays it until it is forgotten: one of its machines does not speak for the other.
[[nodiscard]] bool IsExposed(const store::AgentRow& row, const IdentityBook& book);

// HoldsEarlierOwner: it has not proved to follow the present owner, so whoever has the key of the
// earlier one can certify a server for it (protocol section 2). False while there was one owner
// only, of agents of strangers, and of retired ones.
[[nodiscard]] bool HoldsEarlierOwner(const store::AgentRow& row, const IdentityBook& book);

// ReasonText explains a reason to a person; NextStep names what to do about it, with the id of the
// agent in the command. Both are one line.
[[nodiscard]] std::string ReasonText(std::string_view reason);
[[nodiscard]] std::string NextStep(std::string_view standing, std::string_view reason,
                                   const AgentId& agent);

// HasClockFault: its clock differs by more than kClockFault.
[[nodiscard]] bool HasClockFault(const store::AgentRow& row);

}  // namespace countersign::server
