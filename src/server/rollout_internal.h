#pragma once

// Private to issuing_rollout*.cc.

#include <string_view>

#include "server/issuing_internal.h"
#include "server/rollout.h"

namespace countersign::server {

// SetState puts a server certificate into another state, and among the rows if it is new.
void SetState(Rows& rows, const crypto::Certificate& certificate, store::CertificateState state,
              Instant now);
// CheckKey: the ring can sign with the key of this certificate, which is `what` ("active").
[[nodiscard]] Status CheckKey(World& world, const IdentityBook::Entry& entry,
                              std::string_view what);
// OpenForRollout opens the automatic backup. kRefused where the registry is older than it.
[[nodiscard]] Result<Present> OpenForRollout(World& world, const SecretBytes& password,
                                             Instant now);
// Seal fills in the new automatic backup of a change, with the keys in use after it.
[[nodiscard]] Status Seal(World& world, const Present& present, const Owner& owner,
                          const SecretBytes& password, Change& change, Instant now);
[[nodiscard]] Result<Issued> CommitIssued(World& world, const Change& change,
                                          const crypto::Certificate& issued);

}  // namespace countersign::server
