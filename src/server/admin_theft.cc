#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "server/admin.h"
#include "server/admin_request.h"
#include "server/offline.h"
#include "server/present.h"
#include "server/standing.h"

// After a theft, and the owner's part on another machine (protocol section 9).
namespace countersign::server {
namespace {

constexpr std::size_t kMaxExposedShown = 1'000;
constexpr Seconds kPushFor = std::chrono::hours(24 * 30);

boost::json::object ExposedJson(const store::AgentRow& row) {
  return {{"agent", row.id.Text()},
          {"host", row.host},
          {"domain", row.domain},
          {"last_contact", row.last_contact ? FormatUtc(*row.last_contact) : ""}};
}

}  // namespace

Admin::Answer Admin::OnlyOffline() {
  return Fail(
      Code::kRefused,
      "after a theft the thief may still be on this server and could read the password of "
      "the automatic backup, which is worth more than the stolen key. Do the owner's part "
      "on another machine. Nothing was changed. If you are sure that nobody else is on this "
      "server, say so: -on-this-server",
      "CertificateManager -c -offline REQUEST -compromised");
}

Status Admin::ForEachExposed(const std::function<void(const store::AgentRow&)>& take) {
  store::AgentQuery query;
  for (;;) {
    const auto rows = server_.world().registry.ListAgents(query);
    if (!rows) return std::unexpected(rows.error());
    for (const auto& row : *rows) {
      if (IsExposed(row, server_.book())) take(row);
    }
    if (rows->size() < query.limit) return {};
    query.after = rows->back().id;
  }
}

// Everybody who can be reached hears of it at once; the others are named.
Admin::Answer Admin::PushToAll(AdminMessage answer, Instant now) {
  Server::OrderRequest order;
  order.act = kUpdateNow;
  order.expires_after = kPushFor;
  std::uint64_t count = 0;
  boost::json::array exposed;
  COUNTERSIGN_RETURN_IF_ERROR(ForEachExposed([&](const store::AgentRow& row) {
    ++count;
    if (exposed.size() < kMaxExposedShown) exposed.push_back(ExposedJson(row));
    if (Server::MayCommand(row)) order.agents.push_back(row.id);
  }));
  if (!order.agents.empty()) {
    // The certificates are changed already; agents hear of it at their next report anyway.
    const auto queued = server_.AddOrders(order, now);
    if (!queued) {
      answer.json["unfinished"] = "not pushed: " + queued.error().message;
      answer.json["next"] = "countersign order send --all update-now";
      order.agents.clear();
    }
  }
  answer.json["exposed"] = count;
  answer.json["exposed_agents"] = std::move(exposed);
  const auto until = server_.book().RevokedUntil();
  answer.json["exposed_until"] = until ? FormatUtc(*until) : "";
  answer.json["pushed"] = order.agents.size();
  return answer;
}

Admin::Answer Admin::AskOwner(const AdminMessage& request, Instant now) {
  const auto options = ReadReplaceOptions(request);
  if (!options) return std::unexpected(options.error());
  const auto asked = MakeOwnerRequest(server_.world(), server_.config(), *options, now);
  if (!asked) return std::unexpected(asked.error());
  AdminMessage answer;
  answer.json = OwnerRequestJson(*asked);
  answer.blobs.push_back(ToBytes(wire::FormatOwnerRequest(*asked)));
  return answer;
}

Admin::Answer Admin::InstallOwner(const AdminMessage& request, Instant now) {
  if (request.blobs.size() != 1) return Fail(Code::kUsage, "one file is needed");
  const auto owner = wire::ParseOwnerAnswer(AsText(request.blobs.front()));
  if (!owner) return std::unexpected(owner.error());
  auto answer = Changed(InstallOwnerAnswer(server_.world(), *owner, now), now);
  if (!answer || server_.book().RevokedGeneration() == 0) return answer;
  return PushToAll(*std::move(answer), now);
}

}  // namespace countersign::server
