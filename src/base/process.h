#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace countersign {

// ForbidCoreDumps keeps key material out of core dumps, and away from every process but root's. A
// change of user undoes it where fs.suid_dumpable says so: those here do it again.
void ForbidCoreDumps();

// AllowDescriptors raises this process' limit of open descriptors to `wanted`, as far as it may,
// and returns what it is.
[[nodiscard]] std::size_t AllowDescriptors(std::size_t wanted);

// BecomeOwnerOf drops root to the owner (user and group) of `folder`, for good, so that what a
// command writes there belongs to the service's user. Nothing if the process is not root, or root
// owns the folder.
[[nodiscard]] Status BecomeOwnerOf(const std::filesystem::path& folder);

// ExecuteAnew replaces this process by its own program, as it stands on the disk now, with the same
// arguments and environment: same process id, no descriptor beyond the first three, no locks.
// Returns only if that fails. SIGHUP is ignored until the program takes care of it again.
[[nodiscard]] Error ExecuteAnew();

// HostName is the machine's own name; "localhost" if it has none.
[[nodiscard]] std::string HostName();
// PlatformName is like "Linux 6.1.0 x86_64".
[[nodiscard]] std::string PlatformName();
// BootId tells two boots of this machine apart; where the system has no such thing, two processes.
[[nodiscard]] std::string BootId();
// GetEnvironment returns a variable's value, or "".
[[nodiscard]] std::string GetEnvironment(const char* name);
// TakeEnvironmentSecret returns a variable's value and removes it from this process' environment.
[[nodiscard]] std::string TakeEnvironmentSecret(const char* name);

// WipeArgument overwrites one of main's arguments, so that the process list no longer shows it.
void WipeArgument(char* argument);

}  // namespace countersign
