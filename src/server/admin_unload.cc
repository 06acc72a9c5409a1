#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "crypto/argon2.h"
#include "server/admin.h"
#include "server/admin_request.h"
#include "server/events.h"
#include "server/unload.h"

// countersign agents unload-password: which one agents shall have, and who has got it.
namespace countersign::server {
namespace {

constexpr std::uint64_t kMaxPage = 10'000;

// What a request is about, as scopes of wishes.
Result<std::vector<std::string>> ScopesOf(const AdminMessage& request) {
  const auto agents = AgentsMember(request);
  if (!agents) return std::unexpected(agents.error());
  const auto domain = TextMember(request, "domain", "");
  if (!domain) return std::unexpected(domain.error());
  const auto all = FlagMember(request, "all");
  if (!all) return std::unexpected(all.error());
  const int ways = (agents->empty() ? 0 : 1) + (domain->empty() ? 0 : 1) + (*all ? 1 : 0);
  if (ways != 1) {
    return Fail(Code::kUsage, "one of --agent ID, --domain DOMAIN and --all is needed",
                "countersign agents unload-password --help");
  }
  std::vector<std::string> scopes;
  if (*all) scopes.emplace_back(kAllAgents);
  if (!domain->empty()) scopes.push_back(ScopeOfDomain(*domain));
  for (const AgentId& id : *agents) scopes.push_back(ScopeOfAgent(id));
  return scopes;
}

Result<std::string> VerifierOf(const AdminMessage& request) {
  if (request.secrets.empty()) return std::string();
  std::string verifier(request.secrets.front().text());
  COUNTERSIGN_RETURN_IF_ERROR(crypto::CheckVerifierForm(verifier));
  return verifier;
}

bool IsCovered(const std::vector<std::string>& scopes, const store::AgentRow& row) {
  return std::ranges::any_of(
      scopes, [&](const std::string& scope) { return Covers(scope, row.id, row.domain); });
}

Status ReplaceWishes(store::Registry& registry, const std::vector<std::string>& scopes,
                     const store::UnloadWishRow& wish) {
  const auto before = registry.ListUnloadWishes();
  if (!before) return std::unexpected(before.error());
  for (const auto& old : *before) {
    const bool is_over = std::ranges::any_of(
        scopes, [&](const std::string& scope) { return Overrides(scope, old.scope); });
    if (is_over) COUNTERSIGN_RETURN_IF_ERROR(registry.DeleteUnloadWish(old.id));
  }
  for (const std::string& scope : scopes) {
    store::UnloadWishRow row = wish;
    row.scope = scope;
    if (const auto id = registry.AddUnloadWish(row); !id) return std::unexpected(id.error());
  }
  return {};
}

// Every agent that is covered, in pages.
Status ForEachCovered(store::Registry& registry, const std::vector<std::string>& scopes,
                      const std::function<Status(const store::AgentRow&)>& take) {
  store::AgentQuery query{.standings = {}, .after = std::nullopt, .limit = kMaxPage};
  for (;;) {
    const auto rows = registry.ListAgents(query);
    if (!rows) return std::unexpected(rows.error());
    if (rows->empty()) return {};
    query.after = rows->back().id;
    for (const auto& row : *rows) {
      if (IsCovered(scopes, row)) COUNTERSIGN_RETURN_IF_ERROR(take(row));
    }
  }
}

// In the words of docs/unload-password.md.
Result<std::string> StateOf(store::Registry& registry, const store::AgentRow& row,
                            const store::UnloadWishRow* wish) {
  if (wish == nullptr) return std::string("nothing-said");
  const auto state = registry.FindUnloadState(row.id);
  if (!state) return std::unexpected(state.error());
  const bool was_asked = *state && (*state)->wish == wish->id;
  if (!was_asked || (*state)->verdict.empty()) {
    if (!row.tls) return std::string("no-private-way");
    return std::string(was_asked ? "under-way" : "waits");
  }
  if ((*state)->verdict == "done") return std::string("done");
  return "refused: " + (*state)->verdict;
}

}  // namespace

Admin::Answer Admin::SetUnload(const AdminMessage& request, Instant now) {
  const auto scopes = ScopesOf(request);
  if (!scopes) return std::unexpected(scopes.error());
  const auto verifier = VerifierOf(request);
  if (!verifier) return std::unexpected(verifier.error());
  auto& world = server_.world();
  std::uint64_t covered = 0;
  std::uint64_t asked = 0;
  std::uint64_t no_private_way = 0;
  const auto done = world.registry.Transact([&]() -> Status {
    COUNTERSIGN_RETURN_IF_ERROR(ReplaceWishes(world.registry, *scopes,
                                              {.scope = {},
                                               .verifier = *verifier,
                                               .by = world.by ? ActorText(*world.by) : "",
                                               .since = now}));
    COUNTERSIGN_RETURN_IF_ERROR(server_.LoadUnload());
    COUNTERSIGN_RETURN_IF_ERROR(
        ForEachCovered(world.registry, *scopes, [&](const store::AgentRow& row) -> Status {
          ++covered;
          if (!row.tls) ++no_private_way;
          if (!row.tls || !Server::MayCommand(row)) return {};
          ++asked;
          return server_.AskUnload(row, now);
        }));
    const std::string about =
        scopes->size() == 1 ? scopes->front() : std::to_string(scopes->size()) + " agents";
    return RecordEvent(
        world, {.id = 0,
                .at = now,
                .kind = verifier->empty() ? "unload-password-cleared" : "unload-password-set",
                .agent = {},
                .text = about});
  });
  if (!done) {
    // What was loaded in a transaction that failed is not what the registry says.
    COUNTERSIGN_RETURN_IF_ERROR(server_.LoadUnload());
    return std::unexpected(done.error());
  }
  AdminMessage answer;
  answer.json = {{"set", !verifier->empty()},
                 {"covered", covered},
                 {"asked", asked},
                 {"no_private_way", no_private_way}};
  return answer;
}

Admin::Answer Admin::ShowUnload(const AdminMessage& request, Instant) {
  const auto limit = NumberMember(request, "limit", 1'000, kMaxPage);
  if (!limit) return std::unexpected(limit.error());
  const auto after = TextMember(request, "after", "");
  if (!after) return std::unexpected(after.error());
  auto& registry = server_.world().registry;
  const auto wishes = registry.ListUnloadWishes();
  if (!wishes) return std::unexpected(wishes.error());
  boost::json::array said;
  for (const auto& wish : *wishes) {
    said.push_back(boost::json::object{{"scope", wish.scope},
                                       {"set", !wish.verifier.empty()},
                                       {"by", wish.by},
                                       {"since", FormatUtc(wish.since)}});
  }
  const auto rows = registry.ListAgents({.standings = {},
                                         .after = AgentId::ParseText(*after),
                                         .limit = *limit,
                                         .with_forgotten = false});
  if (!rows) return std::unexpected(rows.error());
  boost::json::array agents;
  for (const auto& row : *rows) {
    const auto* const wish = server_.UnloadWishFor(row.id, row.domain);
    const auto state = StateOf(registry, row, wish);
    if (!state) return std::unexpected(state.error());
    agents.push_back(boost::json::object{{"agent", row.id.Text()},
                                         {"host", row.host},
                                         {"domain", row.domain},
                                         {"set", wish != nullptr && !wish->verifier.empty()},
                                         {"state", *state}});
  }
  AdminMessage answer;
  answer.json["wishes"] = std::move(said);
  answer.json["next_after"] = rows->size() == *limit ? rows->back().id.Text() : "";
  answer.json["agents"] = std::move(agents);
  return answer;
}

}  // namespace countersign::server
