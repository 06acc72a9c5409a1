#include "server/unload.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "server/server.h"
#include "trust/rollout.h"

namespace countersign::server {
namespace {

constexpr std::string_view kDomain = "domain:";
constexpr std::string_view kAgent = "agent:";
constexpr Seconds kOrderLasts = std::chrono::hours(24 * 7);
constexpr std::size_t kManyOrders = 1'000;

}  // namespace

std::string UnloadArgs(const std::string& verifier) {
  return boost::json::serialize(boost::json::object{{"verifier", verifier}});
}

std::string ScopeOfDomain(std::string_view domain) {
  return std::string(kDomain) + std::string(domain);
}

std::string ScopeOfAgent(const AgentId& agent) { return std::string(kAgent) + agent.Text(); }

bool Covers(std::string_view scope, const AgentId& agent, std::string_view domain) {
  if (scope == kAllAgents) return true;
  if (scope.starts_with(kDomain)) return trust::IsInDomain(domain, scope.substr(kDomain.size()));
  return scope == ScopeOfAgent(agent);
}

bool Overrides(std::string_view wider, std::string_view narrower) {
  if (wider == kAllAgents || wider == narrower) return true;
  return wider.starts_with(kDomain) && narrower.starts_with(kDomain) &&
         trust::IsInDomain(narrower.substr(kDomain.size()), wider.substr(kDomain.size()));
}

Status Server::LoadUnload() {
  auto wishes = world_.registry.ListUnloadWishes();
  if (!wishes) return std::unexpected(std::move(wishes).error());
  unload_wishes_ = *std::move(wishes);
  return {};
}

const store::UnloadWishRow* Server::UnloadWishFor(const AgentId& agent,
                                                  std::string_view domain) const {
  const auto newest =
      std::ranges::find_if(unload_wishes_.rbegin(), unload_wishes_.rend(),
                           [&](const auto& wish) { return Covers(wish.scope, agent, domain); });
  return newest == unload_wishes_.rend() ? nullptr : &*newest;
}

// An earlier one that is still under way ends here: brought after this one it would undo it.
Status Server::AskUnload(const store::AgentRow& row, Instant now) {
  const auto* const wish = UnloadWishFor(row.id, row.domain);
  if (wish == nullptr) return {};
  const auto state = world_.registry.FindUnloadState(row.id);
  if (!state) return std::unexpected(state.error());
  const bool was_asked = *state && (*state)->wish == wish->id;
  if (was_asked && !(*state)->verdict.empty()) return {};
  auto open = world_.registry.OpenOrders(row.id, kManyOrders);
  if (!open) return std::unexpected(std::move(open).error());
  const std::string args = UnloadArgs(wish->verifier);
  bool is_under_way = false;
  for (auto& order : *open) {
    if (order.act != kSetUnload) continue;
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
      {.agent = row.id, .wish = wish->id, .order = order.jti, .verdict = {}, .since = now});
}

// `interrupted` says nothing of what the agent has now: it is asked once more.
Status Server::NoteUnload(const store::OrderRow& order, Instant now) {
  if (order.act != kSetUnload || order.state != store::OrderState::kDone) return {};
  auto state = world_.registry.FindUnloadState(order.agent);
  if (!state) return std::unexpected(std::move(state).error());
  if (!*state) return {};
  const auto wish = std::ranges::find(unload_wishes_, (*state)->wish, &store::UnloadWishRow::id);
  if (wish == unload_wishes_.end() || UnloadArgs(wish->verifier) != order.args) return {};
  const std::string& verdict = order.earlier.empty() ? order.verdict : order.earlier;
  if (verdict == trust::VerdictName(trust::Verdict::kInterrupted)) return {};
  store::UnloadStateRow next = **state;
  next.order = order.jti;
  next.verdict = verdict;
  next.since = now;
  return world_.registry.PutUnloadState(next);
}

}  // namespace countersign::server
