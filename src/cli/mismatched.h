#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/csv.h"
#include "cli/session.h"

namespace countersign::cli {

// ForEachAgent calls `take` with every agent of these standings (all, if empty), page by page, and
// shows on a terminal how far it is.
[[nodiscard]] Status ForEachAgent(Session& session, const std::vector<std::string>& standings,
                                  const std::function<void(const boost::json::object&)>& take);

// MismatchedStandings are those that `CertificateManager -l` lists: everything that needs hands.
[[nodiscard]] std::vector<std::string> MismatchedStandings();

// MismatchedCsv makes the CSV of `-l`.
struct MismatchedList {
  std::string csv;
  std::uint64_t num_agents = 0;
};
[[nodiscard]] Result<MismatchedList> MismatchedCsv(Session& session, Bom bom);

}  // namespace countersign::cli
