#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <set>
#include <utility>

#include "base/process.h"
#include "server/admin.h"
#include "server/admin_request.h"
#include "server/events.h"
#include "server/move.h"
#include "server/next_steps.h"
#include "server/present.h"
#include "server/standing.h"

// Agents, orders and packages.
namespace countersign::server {
namespace {

constexpr std::uint64_t kMaxDays = 3'650;
constexpr Seconds kMaxExpiry = std::chrono::hours(24 * 365);

std::unexpected<Error> NoAgent(const AgentId& id) {
  return Fail(Code::kNotFound, "no agent " + id.Text() + " is registered",
              "countersign agents list");
}

std::string TokenText(const store::TokenRow& token) {
  std::string text = "token " + token.id + ", valid until " + FormatUtc(*token.expires);
  if (token.uses_left) text += ", for agents: " + std::to_string(*token.uses_left);
  return text;
}

// What could never be signed is refused before it is queued.
Status CheckGiven(std::string_view act, std::string_view args) {
  const bool is_act =
      !act.empty() && act.size() <= 32 &&
      act.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
  if (!is_act) {
    return Fail(Code::kUsage, "\"" + std::string(act) + "\" is no act (a-z, 0-9 and -, at most 32)",
                "countersign order send --help");
  }
  // A campaign's own orders alone are sent with its warrants.
  if (act == kMoveAct && args.empty()) {
    return Fail(Code::kUsage, "an order to move needs a warrant of the owner as its arguments",
                "countersign move start, which makes them");
  }
  const auto good = wire::CheckOrder(act, args);
  if (good) return {};
  return Fail(Code::kUsage, "the arguments cannot be signed: " + good.error().message,
              "docs/actions.md says what arguments may hold");
}

// A file of arguments ends with a line feed.
std::string_view WithoutSpaceAround(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

// One that is named twice gets one order.
std::vector<AgentId> NamedOnce(const std::vector<AgentId>& agents) {
  std::set<AgentId> seen;
  std::vector<AgentId> once;
  for (const AgentId& agent : agents) {
    if (seen.insert(agent).second) once.push_back(agent);
  }
  return once;
}

boost::json::object Shown(const Server& server, const store::AgentRow& row, Instant now) {
  boost::json::object agent = AgentJson(row, server.book());
  AddReach(agent, row, server.reach().Of(row, now), server.waiting().Contains(row.id));
  return agent;
}

}  // namespace

Admin::Answer Admin::ListAgents(const AdminMessage& request, Instant now) {
  const auto standings = TextsMember(request, "standings");
  if (!standings) return std::unexpected(standings.error());
  const auto limit = NumberMember(request, "limit", 1'000, kMaxPage);
  if (!limit) return std::unexpected(limit.error());
  const auto after = TextMember(request, "after", "");
  if (!after) return std::unexpected(after.error());
  const auto rows = server_.world().registry.ListAgents({.standings = *standings,
                                                         .after = AgentId::ParseText(*after),
                                                         .limit = *limit,
                                                         .with_forgotten = false});
  if (!rows) return std::unexpected(rows.error());
  boost::json::array agents;
  for (const auto& row : *rows) agents.push_back(Shown(server_, row, now));
  AdminMessage answer;
  answer.json["next_after"] = rows->size() == *limit ? rows->back().id.Text() : "";
  answer.json["agents"] = std::move(agents);
  return answer;
}

Admin::Answer Admin::ShowAgent(const AdminMessage& request, Instant now) {
  const auto agents = AgentsMember(request);
  if (!agents) return std::unexpected(agents.error());
  if (agents->size() != 1) return Fail(Code::kUsage, "one agent id is needed");
  const auto row = server_.world().registry.FindAgent(agents->front());
  if (!row) return std::unexpected(row.error());
  if (!*row) return NoAgent(agents->front());
  const auto open = server_.world().registry.OpenOrders(agents->front(), 100);
  if (!open) return std::unexpected(open.error());
  boost::json::array orders;
  for (const auto& order : *open) orders.push_back(OrderJson(order));
  AdminMessage answer;
  answer.json["agent"] = Shown(server_, **row, now);
  answer.json["open_orders"] = std::move(orders);
  return answer;
}

Admin::Answer Admin::ChangeAgents(const AdminMessage& request,
                                  const std::function<Status(store::AgentRow&)>& change,
                                  std::string_view event, Instant now) {
  const auto agents = AgentsMember(request);
  if (!agents) return std::unexpected(agents.error());
  if (agents->empty()) return Fail(Code::kUsage, "at least one agent id is needed");
  auto& registry = server_.world().registry;
  const auto changed = registry.Transact([&]() -> Status {
    for (const AgentId& id : *agents) {
      auto row = registry.FindAgent(id);
      if (!row) return std::unexpected(std::move(row).error());
      if (!*row) return NoAgent(id);
      COUNTERSIGN_RETURN_IF_ERROR(change(**row));
      COUNTERSIGN_RETURN_IF_ERROR(server_.Rejudge(**row, now));
      COUNTERSIGN_RETURN_IF_ERROR(registry.PutAgent(**row));
      COUNTERSIGN_RETURN_IF_ERROR(RecordEvent(server_.world(), {.id = 0,
                                                                .at = now,
                                                                .kind = std::string(event),
                                                                .agent = id.Text(),
                                                                .text = (*row)->host}));
    }
    return {};
  });
  if (!changed) return std::unexpected(changed.error());
  AdminMessage answer;
  answer.json["changed"] = agents->size();
  return answer;
}

Admin::Answer Admin::Approve(const AdminMessage& request, Instant now) {
  return ChangeAgents(
      request,
      [&](store::AgentRow& row) -> Status {
        if (row.forgotten) {
          return Fail(Code::kRefused,
                      "agent " + row.id.Text() + " was forgotten: its key is refused for ever",
                      std::string(kInstallAnew));
        }
        row.admitted = true;
        if (row.admitted_by.empty()) row.admitted_by = "approved";
        COUNTERSIGN_RETURN_IF_ERROR(KeepStray(server_.world().registry, row, now));
        return server_.RetireEarlier(row, now);
      },
      "agent-approved", now);
}

Admin::Answer Admin::Forget(const AdminMessage& request, Instant now) {
  return ChangeAgents(
      request,
      [&](store::AgentRow& row) -> Status {
        row.forgotten = true;
        row.admitted = false;
        store::Registry& registry = server_.world().registry;
        COUNTERSIGN_RETURN_IF_ERROR(registry.DropOffersBelow(row.id, INT64_MAX));
        return registry.DeleteProof(row.id);
      },
      "agent-forgotten", now);
}

Result<std::optional<store::TokenRow>> Admin::NewToken(const AdminMessage& request,
                                                       std::string_view domain, Instant now) {
  const auto without = FlagMember(request, "without_token");
  if (!without) return std::unexpected(without.error());
  if (*without) return std::nullopt;
  const auto days = NumberMember(request, "days", 30, kMaxDays);
  if (!days) return std::unexpected(days.error());
  const auto until = NumberMember(request, "until", 0, UINT32_MAX);
  if (!until) return std::unexpected(until.error());
  const auto uses = NumberMember(request, "uses", 0, UINT32_MAX);
  if (!uses) return std::unexpected(uses.error());
  store::TokenRow token;
  token.expires = *until > 0 ? FromUnix(static_cast<std::int64_t>(*until))
                             : now + std::chrono::hours(24 * *days);
  if (*token.expires <= now || *token.expires > now + std::chrono::hours(24 * kMaxDays)) {
    return Fail(Code::kUsage,
                "a token that is good until " + FormatUtc(*token.expires) +
                    " admits nobody, or is good for over ten years",
                "countersign agents package --days 30, or --until with a day to come");
  }
  token.id = server_.world().random.Token().Text();
  token.secret = ToBytes(server_.world().random.Array<32>());
  if (*uses > 0) token.uses_left = static_cast<std::uint32_t>(*uses);
  token.note = "package for domain \"" + std::string(domain) + "\"";
  return token;
}

Admin::Answer Admin::MakePackage(const AdminMessage& request, Instant now) {
  const auto* const active = server_.book().Active();
  if (active == nullptr) {
    return Fail(Code::kNotFound, "this server has no certificate to put into a package",
                std::string(kReplaceCommand));
  }
  const auto domain = TextMember(request, "domain", "");
  if (!domain) return std::unexpected(domain.error());
  const std::string& configured = server_.config().public_host;
  const auto host = TextMember(request, "host", configured.empty() ? HostName() : configured);
  if (!host) return std::unexpected(host.error());
  if (!wire::IsMoveHost(*host)) {
    return Fail(Code::kUsage,
                "agents cannot be told to report to \"" + *host +
                    "\": it is no host name and no address, or has a port or letters beyond ASCII",
                "--host NAME, without a port (those of the server are in the package)");
  }
  const auto wish = server_.UnloadWishFor(AgentId(), *domain);
  if (!wish) return std::unexpected(wish.error());
  const auto token = NewToken(request, *domain, now);
  if (!token) return std::unexpected(token.error());
  auto& world = server_.world();
  const auto made = world.registry.Transact([&]() -> Status {
    if (*token) COUNTERSIGN_RETURN_IF_ERROR(world.registry.PutToken(**token));
    return RecordEvent(world, {.id = 0,
                               .at = now,
                               .kind = "package-made",
                               .agent = {},
                               .text = *token ? TokenText(**token) : "without a token"});
  });
  if (!made) return std::unexpected(made.error());
  store::PackageConfig package{.server_host = *host,
                               .http_port = server_.config().http_port,
                               .https_port = server_.config().https_port,
                               .tls = server_.config().https,
                               .web_keys = server_.web_keys(),
                               .domain = *domain,
                               .unload_verifier = *wish ? (*wish)->verifier : "",
                               .enrol = std::nullopt};
  AdminMessage answer;
  if (*token) {
    package.enrol = wire::EnrolToken{(*token)->id, (*token)->secret};
    answer.json["token"] = (*token)->id;
    answer.json["token_expires"] = FormatUtc(*(*token)->expires);
  }
  if (!package.unload_verifier.empty()) answer.json["secret"] = true;
  answer.json["made_at"] = ToUnix(now);
  answer.blobs.push_back(active->certificate.der());
  answer.blobs.push_back(ToBytes(store::FormatPackageConfig(package)));
  return answer;
}

Admin::Answer Admin::SendOrder(const AdminMessage& request, Instant now) {
  Server::OrderRequest order;
  const auto agents = AgentsMember(request);
  if (!agents) return std::unexpected(agents.error());
  order.agents = NamedOnce(*agents);
  const auto all = FlagMember(request, "all");
  if (!all) return std::unexpected(all.error());
  if (*all) {
    store::AgentQuery query{.standings = {}, .after = std::nullopt, .limit = kMaxPage};
    for (;;) {
      const auto rows = server_.world().registry.ListAgents(query);
      if (!rows) return std::unexpected(rows.error());
      if (rows->empty()) break;
      query.after = rows->back().id;
      for (const auto& row : *rows) {
        if (Server::MayCommand(row)) order.agents.push_back(row.id);
      }
    }
  }
  if (order.agents.empty()) {
    return Fail(Code::kNotFound, "there is no admitted agent to send an order to",
                "countersign agents list");
  }
  const auto act = TextMember(request, "act", "");
  const auto args = TextMember(request, "args", "");
  const auto expires = NumberMember(request, "expires_seconds", 7 * 86'400,
                                    static_cast<std::uint64_t>(kMaxExpiry.count()));
  if (!act) return std::unexpected(act.error());
  if (!args) return std::unexpected(args.error());
  if (!expires) return std::unexpected(expires.error());
  order.act = *act;
  order.args = WithoutSpaceAround(*args);
  COUNTERSIGN_RETURN_IF_ERROR(CheckGiven(order.act, order.args));
  order.expires_after = Seconds(*expires);
  const auto jtis = server_.AddOrders(order, now);
  if (!jtis) return std::unexpected(jtis.error());
  boost::json::array orders;
  for (std::size_t i = 0; i < jtis->size(); ++i) {
    orders.push_back(
        boost::json::object{{"order", (*jtis)[i].Text()}, {"agent", order.agents[i].Text()}});
  }
  AdminMessage answer;
  answer.json["orders"] = std::move(orders);
  return answer;
}

Admin::Answer Admin::ShowOrders(const AdminMessage& request, Instant) {
  const auto ids = TextsMember(request, "orders");
  if (!ids) return std::unexpected(ids.error());
  boost::json::array orders;
  for (const auto& text : *ids) {
    const auto jti = Jti::Parse(text);
    if (!jti) return Fail(Code::kUsage, "\"" + text + "\" is no order id");
    const auto row = server_.world().registry.FindOrder(*jti);
    if (!row) return std::unexpected(row.error());
    if (!*row) return Fail(Code::kNotFound, "no order " + text + " is known");
    orders.push_back(OrderJson(**row));
  }
  AdminMessage answer;
  answer.json["orders"] = std::move(orders);
  return answer;
}

}  // namespace countersign::server
