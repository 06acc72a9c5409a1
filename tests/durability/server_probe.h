#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "tests/support/certificate_factory.h"

namespace countersign::testing {

inline constexpr Instant kProbeNow = kTestBegin + std::chrono::hours(24 * 30);
inline constexpr Seconds kProbeDay = std::chrono::hours(24);
inline constexpr int kProbeIterations = 1'000;  // of PBKDF2, at least RFC 8018's least
inline constexpr std::string_view kProbePassword = "correct horse battery";
inline constexpr std::string_view kOtherPassword = "password of the file";

// Seen is a server's folder as its next start finds it.
struct Seen {
  std::string active;    // thumbprint in hex; empty: none
  std::string rollout;   // state and generation of the newest; empty: none
  std::string password;  // that opens the automatic backup, of the two above; empty: neither
  std::vector<std::string> log;       // what the start said
  std::vector<std::string> problems;  // what contradicts what is promised of a server's folder
};

// Start opens the folder as a server does, which mends what was left half-done, and holds every
// part of it against the registry. A reserve that took over by itself leaves an older key in the
// backup.
enum class BackupKeys { kInUse, kMayBeOlder };
[[nodiscard]] Seen Start(const std::filesystem::path& folder, BackupKeys keys, Instant now);

// ReplaceAfterwards makes another certificate, as the administrator's next step, and looks again.
[[nodiscard]] std::vector<std::string> ReplaceAfterwards(const std::filesystem::path& folder,
                                                         const Seen& seen, Instant now);

// Leftovers are the names below `root` of files that no finished operation leaves.
[[nodiscard]] std::vector<std::string> Leftovers(const std::filesystem::path& root);

// Fingerprint is every file below `root` with its content, but for the registry's, the
// lock, and copies of the automatic backup.
[[nodiscard]] std::map<std::string, std::string> Fingerprint(const std::filesystem::path& root);

}  // namespace countersign::testing
