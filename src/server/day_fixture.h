#pragma once

// What the server's tests of many days share.

#include <chrono>

#include "base/time.h"

namespace countersign::server {

constexpr Seconds kDay = std::chrono::hours(24);

}  // namespace countersign::server
