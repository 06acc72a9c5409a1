#pragma once

#include "server/admin_request.h"
#include "server/move.h"

namespace countersign::server {

// ReadSelection reads whom a move is about: exactly one of the members "agents", "domain" and
// "all". kUsage for anything else.
[[nodiscard]] Result<Selection> ReadSelection(const AdminMessage& request);

}  // namespace countersign::server
