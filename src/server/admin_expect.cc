#include <utility>

#include "base/encoding.h"
#include "base/process.h"
#include "server/admin.h"
#include "server/admin_request.h"
#include "server/move.h"
#include "server/present.h"

// What the server that agents are to move to does: it announces them, and tells where it is.
namespace countersign::server {
namespace {

constexpr std::uint64_t kMostDays = 365;

}  // namespace

Admin::Answer Admin::ExpectAgents(const AdminMessage& request, Instant now) {
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
  if (server_.book().IsOurs(*server)) {
    return Fail(Code::kRefused,
                "the list is of this server's own agents: run this on the server that they go to");
  }
  const auto days = NumberMember(request, "days", 30, kMostDays);
  if (!days) return std::unexpected(days.error());
  if (*days == 0) return Fail(Code::kUsage, "days: at least 1 is needed");
  expectation.until = now + std::chrono::hours(24 * static_cast<std::int64_t>(*days));
  auto addresses = TextsMember(request, "addresses");
  if (!addresses) return std::unexpected(std::move(addresses).error());
  if (addresses->empty()) {
    const store::ServerConfig& config = server_.config();
    const std::string host = config.public_host.empty() ? HostName() : config.public_host;
    addresses->push_back(wire::FormatMoveAddress({host, config.http_port, config.https_port}));
  }
  for (const std::string& address : *addresses) {
    if (const auto read = wire::ParseMoveAddress(address); !read) {
      return std::unexpected(read.error());
    }
  }
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
                 {"agents", expectation.agents.size()},
                 {"until", FormatUtc(expectation.until)}};
  return answer;
}

}  // namespace countersign::server
