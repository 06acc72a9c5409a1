#include "cli/mismatched.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "base/files.h"
#include "cli/output.h"

namespace countersign::cli {

Status ForEachAgent(Session& session, const std::vector<std::string>& standings,
                    const std::function<void(const boost::json::object&)>& take) {
  std::string after;
  boost::json::array wanted;
  for (const auto& standing : standings) wanted.emplace_back(standing);
  for (;;) {
    server::AdminMessage request;
    request.json = {
        {"command", "agents"}, {"standings", wanted}, {"after", after}, {"limit", 5'000}};
    const auto answer = session.Call(std::move(request));
    if (!answer) return std::unexpected(answer.error());
    for (const auto& agent : answer->json.at("agents").as_array()) take(agent.as_object());
    after = Text(answer->json, "next_after");
    if (after.empty()) return {};
  }
}

std::vector<std::string> MismatchedStandings() { return {"mismatched", "new", "quarantined"}; }

Result<std::uint64_t> WriteMismatched(Session& session, const std::filesystem::path& path,
                                      Bom bom) {
  std::string csv = MismatchedCsvHeader(bom);
  std::uint64_t count = 0;
  const auto listed = ForEachAgent(session, MismatchedStandings(), [&](const auto& agent) {
    csv += MismatchedCsvRow(agent);
    ++count;
  });
  if (!listed) return std::unexpected(listed.error());
  COUNTERSIGN_RETURN_IF_ERROR(WriteFileAtomically(path, AsBytes(csv), FileMode::kPublic));
  return count;
}

}  // namespace countersign::cli
