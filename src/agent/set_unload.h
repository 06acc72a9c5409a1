#pragma once

#include "agent/acts.h"
#include "agent/unload_lock.h"

namespace countersign::agent {

// SetUnloadAct is the act `set-unload`: {"verifier": TEXT} sets the unload password by its verifier
// (crypto/argon2.h), "" takes it away. Asks for no old password: the server commands it, and the
// owner's warrant passes whatever it sets. `lock` must outlive the act.
[[nodiscard]] Act SetUnloadAct(UnloadLock& lock);

}  // namespace countersign::agent
