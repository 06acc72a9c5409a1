#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/csv.h"
#include "cli/session.h"

namespace countersign::cli {

// ForEachAgent calls `take` with every agent of these standings (all, if empty), page by page.
[[nodiscard]] Status ForEachAgent(Session& session, const std::vector<std::string>& standings,
                                  const std::function<void(const boost::json::object&)>& take);

// MismatchedStandings are those that `CertificateManager -l` lists: everything that needs hands.
[[nodiscard]] std::vector<std::string> MismatchedStandings();

// WriteMismatched writes the CSV of `-l` to `path` of the caller's folder, replaced atomically.
// Returns the number of agents in it.
[[nodiscard]] Result<std::uint64_t> WriteMismatched(Session& session,
                                                    const std::filesystem::path& path, Bom bom);

}  // namespace countersign::cli
