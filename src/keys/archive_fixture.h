#pragma once

#include "base/time.h"

// What the tests of files with entries (zip, tar, archives) share.

namespace countersign::keys {

// When the entries say that they were written.
inline const Instant kAt = FromUnix(1'790'000'000);

}  // namespace countersign::keys
