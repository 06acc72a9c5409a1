#pragma once

namespace countersign {

// CloseOnExecFrom makes every descriptor from `first` on end with the next execve.
// Async-signal-safe.
void CloseOnExecFrom(int first);

}  // namespace countersign
