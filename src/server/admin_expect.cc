#include <boost/json/array.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/process.h"
#include "server/admin.h"
#include "server/admin_request.h"
#include "server/move.h"
#include "server/next_steps.h"
#include "server/present.h"
#include "server/standing.h"

// What the server that agents are to move to does: it announces them, and tells where it is.
namespace countersign::server {
namespace {

constexpr std::uint64_t kMostDays = 365;

// Where agents are told to come to: as asked for, else by what this server is configured for.
// Ports that were left out are this server's own, not those of any server.
Result<std::vector<std::string>> AddressesOf(const AdminMessage& request,
                                             const store::ServerConfig& config) {
  auto addresses = TextsMember(request, "addresses");
  if (!addresses) return addresses;
  wire::MoveAddress usual{config.public_host.empty() ? HostName() : config.public_host,
                          config.http_port, config.https_port};
  if (addresses->empty()) {
    if (!wire::IsMoveHost(usual.host)) {
      return Fail(Code::kRefused,
                  "agents cannot be told to come to \"" + usual.host +
                      "\": the name of this host is none that they take",
                  "public_host in countersign.toml, or countersign move expect --address HOST");
    }
    addresses->push_back(wire::FormatMoveAddress(usual));
  }
  for (std::string& address : *addresses) {
    auto parsed = wire::ParseMoveAddress(address, usual);
    if (parsed) address = wire::FormatMoveAddress(*parsed);
    // With its ports it may be too long.
    if (parsed) parsed = wire::ParseMoveAddress(address);
    if (!parsed) return Fail(Code::kUsage, parsed.error().message, parsed.error().next);
  }
  return addresses;
}

// What a person has to know of them: behind a gateway it may be right all the same.
boost::json::array WarningsOf(const store::ServerConfig& config) {
  boost::json::array warnings;
  if (!config.https) {
    warnings.emplace_back(
        "HTTPS is off here (https = false), and agents that speak TLS come by HTTPS: they stay "
        "where they are, unless something before this server takes them");
  }
  if (!config.http) {
    warnings.emplace_back(
        "HTTP is off here (http = false), and agents that speak no TLS come by HTTP: they stay "
        "where they are, unless something before this server takes them");
  }
  return warnings;
}

// Why this server would not admit an agent that comes; empty: it would. Announcing makes good
// neither what a person refused for ever nor a key that two machines have.
std::string WhyNotAdmitted(const store::AgentRow& row) {
  if (row.forgotten) return "forgotten";
  if (row.cloned) return "cloned";
  return {};
}

// SetAside takes those out of the list that would not be admitted, and names them.
Result<boost::json::array> SetAside(store::Registry& registry, std::vector<AgentId>& agents) {
  boost::json::array aside;
  std::vector<AgentId> kept;
  for (const AgentId& agent : agents) {
    const auto row = registry.FindAgent(agent);
    if (!row) return std::unexpected(row.error());
    const std::string why = *row ? WhyNotAdmitted(**row) : "";
    if (why.empty()) {
      kept.push_back(agent);
      continue;
    }
    const bool is_forgotten = (*row)->forgotten;
    aside.push_back(boost::json::object{
        {"agent", agent.Text()},
        {"host", (*row)->host},
        {"reason", why},
        {"reason_text",
         is_forgotten ? "it was forgotten here: its key is refused for ever" : ReasonText(why)},
        {"next_step", is_forgotten ? kInstallAnew : NextStep(kQuarantined, why, agent)}});
  }
  agents = std::move(kept);
  return aside;
}

Result<Expectation> ReadExpectation(const AdminMessage& request, const IdentityBook& book,
                                    Instant now) {
  Expectation expectation;
  auto agents = AgentsMember(request);
  if (!agents) return std::unexpected(std::move(agents).error());
  if (agents->empty()) return Fail(Code::kUsage, "at least one agent id is needed");
  expectation.agents = *std::move(agents);
  const auto from = TextMember(request, "from_server", "");
  if (!from) return std::unexpected(from.error());
  const auto server = ServerId::ParseText(*from);
  if (!server) return Fail(Code::kUsage, "from_server: the id of the server that they come from");
  expectation.from = *server;
  if (book.IsOurs(*server)) {
    return Fail(Code::kRefused,
                "the list is of this server's own agents, and it is announced to the server that "
                "they go to",
                "countersign move expect LIST -o target.json (on that server)");
  }
  const auto days = NumberMember(request, "days", 30, kMostDays);
  if (!days) return std::unexpected(days.error());
  if (*days == 0) return Fail(Code::kUsage, "days: at least 1 is needed");
  expectation.until = now + std::chrono::hours(24 * static_cast<std::int64_t>(*days));
  return expectation;
}

}  // namespace

Admin::Answer Admin::ExpectAgents(const AdminMessage& request, Instant now) {
  auto wanted = ReadExpectation(request, server_.book(), now);
  if (!wanted) return std::unexpected(std::move(wanted).error());
  Expectation expectation = *std::move(wanted);
  auto aside = SetAside(server_.world().registry, expectation.agents);
  if (!aside) return std::unexpected(std::move(aside).error());
  if (expectation.agents.empty()) {
    return Fail(Code::kRefused,
                "none of these agents would be admitted here: they were forgotten, or cloned. "
                "Nothing was changed",
                std::string(kInstallAnew));
  }
  auto addresses = AddressesOf(request, server_.config());
  if (!addresses) return std::unexpected(std::move(addresses).error());
  auto announcement = AnnouncementOf(server_.book(), *std::move(addresses));
  if (!announcement) return std::unexpected(std::move(announcement).error());
  const std::string text = wire::FormatMoveAnnouncement(*announcement);
  // What the other side would not read is not given out.
  if (const auto read = wire::ParseMoveAnnouncement(text); !read) {
    return std::unexpected(read.error());
  }
  COUNTERSIGN_RETURN_IF_ERROR(server::ExpectAgents(server_.world(), expectation, now));
  AdminMessage answer;
  answer.json = {{"target", text},
                 {"server", announcement->target.server.Text()},
                 {"owner", HexLower(announcement->target.owner)},
                 {"generation", announcement->target.generation},
                 {"addresses", TextsJson(announcement->target.addresses)},
                 {"warnings", WarningsOf(server_.config())},
                 {"agents", expectation.agents.size()},
                 {"left_out", *std::move(aside)},
                 {"until", FormatUtc(expectation.until)}};
  return answer;
}

}  // namespace countersign::server
