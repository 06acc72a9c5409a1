#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "store/argument_pattern.h"

// The local policy: what orders may make this agent do, decided by the administrator of its machine
// and by no order (protocol section 5, step 9; docs/actions.md has the file's words).
namespace countersign::store {

// Where it stands unless COUNTERSIGN_AGENT_POLICY names another folder. No order changes it.
inline constexpr std::string_view kPolicyFolder = "/etc/countersign-agent";

struct Program {
  std::filesystem::path path;
  // For each argument the patterns of which one has to match.
  std::vector<std::vector<ArgumentPattern>> arguments;
  Seconds time_limit = std::chrono::minutes(1);
  std::filesystem::path folder = "/";  // where it runs
};

struct Policy {
  static constexpr std::size_t kMaxPrograms = 256;
  static constexpr std::size_t kMaxHooks = 64;
  static constexpr std::size_t kMaxArguments = 32;
  static constexpr Seconds kMaxTime = std::chrono::hours(1);
  static constexpr std::uint32_t kMaxAtOnce = 16;

  // Acts that are allowed beside `ping` and `report`, which always are: they change nothing. The
  // default is what runs no code.
  std::set<std::string, std::less<>> allowed = {"update-now", "restart", "set-interval",
                                                "set-unload", "move"};
  std::map<std::string, Program, std::less<>> programs;  // by the name that orders use
  std::uint32_t at_once = 2;                             // programs and hooks that may run at once
  Seconds hook_time_limit = std::chrono::minutes(1);

  // Not in the file: what stands in the folder of hooks, by the act that each is for.
  std::map<std::string, std::filesystem::path, std::less<>> hooks;

  [[nodiscard]] bool Allows(std::string_view act) const {
    return act == "ping" || act == "report" || allowed.contains(act);
  }
  // Nothing allows nothing but `ping` and `report`: for a policy that could not be read.
  [[nodiscard]] static Policy Nothing();
};

// ParsePolicy reads policy.toml (kMalformed with line and key). Pure.
[[nodiscard]] Result<Policy> ParsePolicy(std::string_view text);

// LoadPolicy reads policy.toml and the folder `hooks` in `folder`. A missing file is the default
// policy, a missing folder none. kPermissionDenied if anybody but root could change the file, a
// hook, or a folder on the way to them (base/trusted_path.h).
[[nodiscard]] Result<Policy> LoadPolicy(const std::filesystem::path& folder);

}  // namespace countersign::store
