#pragma once

#include "tests/durability/system_calls.h"

// Which calls a fault may be for.

namespace countersign::testing {

inline bool IsWrite(CallKind kind) { return kind == CallKind::kWrite; }
inline bool IsRename(CallKind kind) { return kind == CallKind::kRename; }
inline bool IsFileSync(CallKind kind) { return kind == CallKind::kSync; }
inline bool IsFolderSync(CallKind kind) { return kind == CallKind::kSyncFolder; }

}  // namespace countersign::testing
