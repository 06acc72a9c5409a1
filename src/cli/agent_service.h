#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "keys/tar.h"

// The agent as a service of this machine: user, programs, unit (docs/agent.md).
namespace countersign::cli {

inline constexpr const char* kServiceName = "countersign-agentd.service";
inline constexpr const char* kServiceUser = "countersign-agent";
inline constexpr const char* kProgramFolder = "/opt/countersign-agent";
inline constexpr const char* kUnitPath = "/etc/systemd/system/countersign-agentd.service";
inline constexpr const char* kPackagedUnitPath =
    "/usr/lib/systemd/system/countersign-agentd.service";

// HasSystemd: systemd is what runs this machine (sd_booted(3)).
[[nodiscard]] bool HasSystemd();

// UnitFor returns the unit that runs the agent of this folder; empty if none does.
[[nodiscard]] std::filesystem::path UnitFor(const std::filesystem::path& folder);

// MakeServiceUser makes the agent's user, if it is not there.
[[nodiscard]] Status MakeServiceUser();

// PlacePrograms puts a package's programs into kProgramFolder, and links to them into
// /usr/local/bin where nothing else has these names. Programs that run go on with what they are.
[[nodiscard]] Status PlacePrograms(const std::vector<keys::TarEntry>& programs);

// PlaceUnit writes the unit of the agent of `folder` and tells systemd, if that runs here.
[[nodiscard]] Status PlaceUnit(const std::filesystem::path& program,
                               const std::filesystem::path& folder);

// EnableAndStart has systemd start the agent now, or anew, and at every boot. Returns when it is
// ready.
[[nodiscard]] Status EnableAndStart();

// RemoveService stops and disables the unit, and removes what PlaceUnit and PlacePrograms made;
// what is not there is passed over. Goes on after a failure and returns the first.
[[nodiscard]] Status RemoveService();

// RemoveServiceUser removes what MakeServiceUser made, after all that belonged to it. What still
// runs as this user gets five seconds to end.
[[nodiscard]] Status RemoveServiceUser();

}  // namespace countersign::cli
