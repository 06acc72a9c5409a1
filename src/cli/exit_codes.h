#pragma once

#include "base/error.h"

namespace countersign::cli {

// Exit codes of all programs; stable, documented in docs/exit-codes.md.
enum class Exit {
  kOk = 0,
  kInternal = 1,
  kUsage = 2,
  kNotFound = 3,
  kAlreadyExists = 4,
  kPermissionDenied = 5,
  kWrongPassword = 6,
  kRefused = 7,
  kUnavailable = 8,
  kTimedOut = 9,
  kExhausted = 10,
  kDamaged = 11,
  kIo = 12,
  kMalformed = 13,
  kOrderNotDone = 20,   // order send: at least one order ended otherwise than `done`
  kOrderNotEnded = 21,  // order send: at least one had not ended when the wait was over
  kSomeListed = 22,     // CertificateManager -l: at least one agent is in the list
  kBackupLacks = 23,    // backup verify, drill: it opens, and would not bring everything back
  kGate = 24,           // rollout: the gate was shown, or waited for; it is not finished
  kNotVerified = 30,    // IpXfer: installed, but the server could not be asked
  kOtherKey = 31,       // IpXfer: a server answered with another key; nothing was changed
  kNoTarget = 32,       // IpXfer: nobody answers at the target; nothing was changed
  kNotTaken = 33,       // IpXfer: who answers takes no agents, or not this one; nothing was changed
  kNotSeen = 34,        // IpXfer -wait: done, and no verified exchange within the time
  kNoAdministrator = 35,  // IpXfer: the caller is not the administrator; nothing was tried
  kOtherThumbprint = 36,  // IpXfer -thumbprint: the target shows another certificate
  kMoverFailed = 37,      // IpXfer: this machine does not let it happen (port taken, disk)
  kUnloadPassword = 40,   // the unload password is needed, and none or a wrong one was given
  kUnloadLocked = 41,     // after too many wrong tries none is taken for a while
  kBadWarrant = 42,       // the owner's warrant that was shown is not taken
  kMoveHalted = 43,       // move status --wait: it halted by itself
  kMoveLeft = 44,         // move status --wait: it ended, and some agents are not moved
  kMoveHands = 45,        // move plan: some of the agents need hands
  kMoveAborted = 46,      // move status --wait: it was aborted
  kMismatch = 47,         // agentd check, update-now: a certificate mismatch
  kOtherFault = 48,       // agentd check, update-now: something else is wrong
  kStalePackage = 49,     // agentd install: its certificate is not what the server uses
};

[[nodiscard]] Exit ExitFor(Code code);

}  // namespace countersign::cli
