#include "server/unload.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "server/server.h"

namespace countersign::server {
namespace {

constexpr std::string_view kDomain = "domain:";
constexpr std::string_view kAgent = "agent:";
constexpr Seconds kOrderLasts = std::chrono::hours(24 * 7);
// The agent that was asked last, where some are still to be asked; or empty.
constexpr std::string_view kMetaAsked = "unload-asked";

}  // namespace

std::string UnloadArgs(const std::string& verifier) {
  return boost::json::serialize(boost::json::object{{"verifier", verifier}});
}

std::string ScopeOfDomain(std::string_view domain) {
  return std::string(kDomain) + std::string(domain);
}

std::string ScopeOfAgent(const AgentId& agent) { return std::string(kAgent) + agent.Text(); }

std::vector<std::string> ScopesOf(const AgentId& agent, std::string_view domain) {
  std::vector<std::string> scopes = {std::string(kAllAgents), ScopeOfAgent(agent)};
  for (std::size_t i = 0; i < domain.size(); ++i) {
    if (domain[i] == '/') scopes.push_back(ScopeOfDomain(domain.substr(0, i)));
  }
  scopes.push_back(ScopeOfDomain(domain));
  return scopes;
}

Status WishUnload(store::Registry& registry, const std::vector<std::string>& scopes,
                  const store::UnloadWishRow& wish) {
  for (const std::string& scope : scopes) {
    if (scope == kAllAgents) {
      COUNTERSIGN_RETURN_IF_ERROR(registry.DropUnloadWishesFrom(""));
    } else if (scope.starts_with(kDomain)) {
      COUNTERSIGN_RETURN_IF_ERROR(registry.DropUnloadWishesFrom(scope + "/"));
    }
    COUNTERSIGN_RETURN_IF_ERROR(registry.DropUnloadWishes(scope));
    store::UnloadWishRow row = wish;
    row.scope = scope;
    if (const auto id = registry.AddUnloadWish(row); !id) return std::unexpected(id.error());
  }
  return {};
}

Result<bool> BringsEarlierWish(store::Registry& registry, const store::OrderRow& order,
                               const store::AgentRow& row) {
  if (order.act != kSetUnload) return false;
  const auto wish = registry.NewestUnloadWish(ScopesOf(row.id, row.domain));
  if (!wish) return std::unexpected(wish.error());
  return *wish && UnloadArgs((*wish)->verifier) != order.args;
}

Status BeginAskingUnload(store::Registry& registry) {
  return registry.PutMeta(kMetaAsked, AgentId().Text());
}

Result<std::optional<store::UnloadWishRow>> Server::UnloadWishFor(const AgentId& agent,
                                                                  std::string_view domain) const {
  return world_.registry.NewestUnloadWish(ScopesOf(agent, domain));
}

void Server::AdvanceUnload(Instant now) {
  const auto asked = world_.registry.GetMeta(kMetaAsked);
  Status done = asked ? Status() : std::unexpected(asked.error());
  if (done && *asked && !(*asked)->empty()) {
    done = world_.registry.Transact([&] { return AskUnloadAfter(**asked, now); });
  }
  if (done) return;
  world_.log.Write(LogLevel::kError,
                   "agents are not asked to take an unload password: " + done.error().message);
}

// Who cannot be asked now is asked with its next report, as those that join.
Status Server::AskUnloadAfter(std::string_view last, Instant now) {
  store::AgentQuery query;
  query.after = AgentId::ParseText(last);
  query.limit = kAskUnloadAtOnce;
  const auto rows = world_.registry.ListAgents(query);
  if (!rows) return std::unexpected(rows.error());
  for (const auto& row : *rows) {
    if (row.tls && MayCommand(row)) COUNTERSIGN_RETURN_IF_ERROR(AskUnload(row, now));
  }
  const bool is_last = rows->size() < query.limit;
  return world_.registry.PutMeta(kMetaAsked, is_last ? "" : rows->back().id.Text());
}

// An earlier one that is still under way ends here: brought after this one it would undo it.
Status Server::AskUnload(const store::AgentRow& row, Instant now) {
  const auto found = UnloadWishFor(row.id, row.domain);
  if (!found) return std::unexpected(found.error());
  if (!*found) return {};
  const store::UnloadWishRow& wish = **found;
  const auto state = world_.registry.FindUnloadState(row.id);
  if (!state) return std::unexpected(state.error());
  const bool was_asked = *state && (*state)->wish == wish.id;
  if (was_asked && !(*state)->verdict.empty()) return {};
  auto open = world_.registry.AllOpenOrders(row.id, kSetUnload);
  if (!open) return std::unexpected(std::move(open).error());
  const std::string args = UnloadArgs(wish.verifier);
  bool is_under_way = false;
  for (auto& order : *open) {
    if (was_asked && order.args == args) {
      is_under_way = true;
      continue;
    }
    const bool sent = order.state == store::OrderState::kSent;
    order.state = sent ? store::OrderState::kUnknown : store::OrderState::kLapsed;
    if (!sent) order.ended = now;
    COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutOrder(order));
  }
  if (is_under_way) return {};
  const auto order = NewOrder(row.id, std::string(kSetUnload), args, kOrderLasts, now);
  const auto added = world_.registry.AddOrder(order);
  if (!added) return std::unexpected(added.error());
  return world_.registry.PutUnloadState(
      {.agent = row.id, .wish = wish.id, .order = order.jti, .verdict = {}, .since = now});
}

// `interrupted` says nothing of what the agent has now: it is asked once more.
Status Server::NoteUnload(const store::OrderRow& order, Instant now) {
  if (order.act != kSetUnload || order.state != store::OrderState::kDone) return {};
  auto state = world_.registry.FindUnloadState(order.agent);
  if (!state) return std::unexpected(std::move(state).error());
  if (!*state) return {};
  const auto wish = world_.registry.FindUnloadWish((*state)->wish);
  if (!wish) return std::unexpected(wish.error());
  if (!*wish || UnloadArgs((*wish)->verifier) != order.args) return {};
  const std::string& verdict = order.earlier.empty() ? order.verdict : order.earlier;
  if (verdict == trust::VerdictName(trust::Verdict::kInterrupted)) return {};
  store::UnloadStateRow next = **state;
  next.order = order.jti;
  next.verdict = verdict;
  next.since = now;
  return world_.registry.PutUnloadState(next);
}

}  // namespace countersign::server
