#pragma once

#include "cli/output.h"
#include "cli/session.h"

// countersign events verify, countersign events history.
namespace countersign::cli {

// VerifyHistory ends with kDamaged where a line or an event was removed, altered or moved.
[[nodiscard]] Exit VerifyHistory(Session& session, Form form);
// ExportHistory prints the lines as they are, oldest first, one a line; as JSON with what they say.
[[nodiscard]] Exit ExportHistory(Session& session, Form form);

}  // namespace countersign::cli
