#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <set>

#include "crypto/argon2.h"
#include "server/admin.h"
#include "server/admin_request.h"
#include "server/events.h"
#include "server/standing.h"
#include "server/unload.h"

// countersign agents unload-password: which one agents shall have, and who has got it.
namespace countersign::server {
namespace {

// What a request is about, as scopes of wishes: agents, or one other.
struct About {
  std::set<AgentId> agents = {};
  std::vector<std::string> scopes = {};
};

Result<About> ReadAbout(const AdminMessage& request) {
  const auto agents = AgentsMember(request);
  if (!agents) return std::unexpected(agents.error());
  const auto domain = ScopeMember(request);
  if (!domain) return std::unexpected(domain.error());
  const auto all = FlagMember(request, "all");
  if (!all) return std::unexpected(all.error());
  const int ways = (agents->empty() ? 0 : 1) + (domain->empty() ? 0 : 1) + (*all ? 1 : 0);
  if (ways != 1) {
    return Fail(Code::kUsage, "one of --agent ID, --domain DOMAIN and --all is needed",
                "countersign agents unload-password --help");
  }
  About about{.agents = {agents->begin(), agents->end()}};
  if (*all) about.scopes.emplace_back(kAllAgents);
  if (!domain->empty()) about.scopes.push_back(ScopeOfDomain(*domain));
  for (const AgentId& id : about.agents) about.scopes.push_back(ScopeOfAgent(id));
  return about;
}

Result<std::string> VerifierOf(const AdminMessage& request) {
  if (request.secrets.empty()) return std::string();
  std::string verifier(request.secrets.front().text());
  COUNTERSIGN_RETURN_IF_ERROR(crypto::CheckVerifierForm(verifier));
  return verifier;
}

// What became of agents at once.
struct Asked {
  std::uint64_t covered = 0;
  std::uint64_t asked = 0;
  std::uint64_t no_private_way = 0;
  std::uint64_t left_out = 0;  // who gets nothing of this server any more
  bool goes_on = false;        // there are more
};

// The standing of who gets nothing of this server any more; else empty.
std::string_view Gone(const store::AgentRow& row) {
  if (!row.successor.is_nil()) return kRetired;
  return row.standing == kMoved ? kMoved : std::string_view();
}

void Count(const store::AgentRow& row, Asked& asked) {
  if (!Gone(row).empty()) {
    ++asked.left_out;
    return;
  }
  ++asked.covered;
  if (!row.tls) ++asked.no_private_way;
  if (row.tls && Server::MayCommand(row)) ++asked.asked;
}

Status AskNamed(Server& server, const std::set<AgentId>& agents, Asked& asked, Instant now) {
  for (const AgentId& id : agents) {
    const auto row = server.world().registry.FindAgent(id);
    if (!row) return std::unexpected(row.error());
    if (!*row || (*row)->forgotten) {
      return Fail(Code::kNotFound, "no agent " + id.Text() + " is registered",
                  "countersign agents list");
    }
    Count(**row, asked);
    if (!(*row)->tls || !Server::MayCommand(**row)) continue;
    COUNTERSIGN_RETURN_IF_ERROR(server.AskUnload(**row, now));
  }
  return {};
}

// Of a fleet only the first are counted: the others are asked by and by.
Status AskMany(Server& server, const std::string& scope, Asked& asked) {
  store::Registry& registry = server.world().registry;
  COUNTERSIGN_RETURN_IF_ERROR(BeginAskingUnload(registry));
  store::AgentQuery query;
  query.limit = kAskUnloadAtOnce;
  const auto rows = registry.ListAgents(query);
  if (!rows) return std::unexpected(rows.error());
  for (const auto& row : *rows) {
    const auto scopes = ScopesOf(row.id, row.domain);
    if (std::ranges::find(scopes, scope) != scopes.end()) Count(row, asked);
  }
  asked.goes_on = rows->size() == query.limit;
  return {};
}

// In the words of docs/unload-password.md.
Result<std::string> StateOf(store::Registry& registry, const store::AgentRow& row,
                            const std::optional<store::UnloadWishRow>& wish) {
  if (const std::string_view gone = Gone(row); !gone.empty()) return std::string(gone);
  // Who came by a move has what its earlier server gave it, if that gave it any.
  if (!wish) return std::string(row.admitted_by == "move" ? "unknown" : "nothing-said");
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

// All that was said: with the last page of agents only.
Result<boost::json::array> WishesJson(store::Registry& registry) {
  boost::json::array said;
  std::int64_t after = 0;
  for (;;) {
    const auto wishes = registry.ListUnloadWishes(after, kMaxPage);
    if (!wishes) return std::unexpected(wishes.error());
    for (const auto& wish : *wishes) {
      said.push_back(boost::json::object{{"scope", wish.scope},
                                         {"set", !wish.verifier.empty()},
                                         {"by", wish.by},
                                         {"since", FormatUtc(wish.since)}});
    }
    if (wishes->size() < kMaxPage) return said;
    after = wishes->back().id;
  }
}

}  // namespace

Admin::Answer Admin::SetUnload(const AdminMessage& request, Instant now) {
  const auto about = ReadAbout(request);
  if (!about) return std::unexpected(about.error());
  const auto verifier = VerifierOf(request);
  if (!verifier) return std::unexpected(verifier.error());
  auto& world = server_.world();
  const auto& scopes = about->scopes;
  Asked asked;
  const auto done = world.registry.Transact([&]() -> Status {
    COUNTERSIGN_RETURN_IF_ERROR(WishUnload(world.registry, scopes,
                                           {.scope = {},
                                            .verifier = *verifier,
                                            .by = world.by ? ActorText(*world.by) : "",
                                            .since = now}));
    COUNTERSIGN_RETURN_IF_ERROR(about->agents.empty()
                                    ? AskMany(server_, scopes.front(), asked)
                                    : AskNamed(server_, about->agents, asked, now));
    return RecordEvent(
        world,
        {.id = 0,
         .at = now,
         .kind = verifier->empty() ? "unload-password-cleared" : "unload-password-set",
         .agent = {},
         .text = scopes.size() == 1 ? scopes.front() : std::to_string(scopes.size()) + " agents"});
  });
  if (!done) return std::unexpected(done.error());
  server_.AdvanceUnload(now);
  AdminMessage answer;
  answer.json = {{"set", !verifier->empty()},  {"covered", asked.covered},
                 {"asked", asked.asked},       {"no_private_way", asked.no_private_way},
                 {"left_out", asked.left_out}, {"goes_on", asked.goes_on}};
  return answer;
}

Admin::Answer Admin::ShowUnload(const AdminMessage& request, Instant) {
  const auto limit = NumberMember(request, "limit", 1'000, kMaxPage);
  if (!limit) return std::unexpected(limit.error());
  const auto after = TextMember(request, "after", "");
  if (!after) return std::unexpected(after.error());
  auto& registry = server_.world().registry;
  const auto rows = registry.ListAgents({.standings = {},
                                         .after = AgentId::ParseText(*after),
                                         .limit = *limit,
                                         .with_forgotten = false});
  if (!rows) return std::unexpected(rows.error());
  boost::json::array agents;
  for (const auto& row : *rows) {
    const auto wish = server_.UnloadWishFor(row.id, row.domain);
    if (!wish) return std::unexpected(wish.error());
    const auto state = StateOf(registry, row, *wish);
    if (!state) return std::unexpected(state.error());
    agents.push_back(boost::json::object{{"agent", row.id.Text()},
                                         {"host", row.host},
                                         {"domain", row.domain},
                                         {"set", *wish && !(*wish)->verifier.empty()},
                                         {"state", *state}});
  }
  const bool is_last = rows->empty() || rows->size() < *limit;
  auto said = is_last ? WishesJson(registry) : Result<boost::json::array>();
  if (!said) return std::unexpected(std::move(said).error());
  AdminMessage answer;
  answer.json["wishes"] = *std::move(said);
  answer.json["next_after"] = is_last ? "" : rows->back().id.Text();
  answer.json["agents"] = std::move(agents);
  return answer;
}

}  // namespace countersign::server
