#include "tests/support/memory_registry.h"

#include <algorithm>

#include "base/error.h"

namespace countersign::testing {
namespace {

using store::AgentRow;
using store::OrderRow;
using store::OrderState;

bool IsOpen(const OrderRow& row) {
  return row.state == OrderState::kQueued || row.state == OrderState::kSent;
}

template <class Map>
std::int64_t NextId(const Map& map) {
  return map.empty() ? 1 : map.rbegin()->first + 1;
}

template <class Map, class Key>
auto Find(const Map& map, const Key& key) -> std::optional<typename Map::mapped_type> {
  const auto at = map.find(key);
  return at == map.end() ? std::nullopt : std::optional(at->second);
}

// From lists what comes after `after`, at most `limit`.
template <class Map>
auto From(const Map& map, std::int64_t after, std::size_t limit) {
  std::vector<typename Map::mapped_type> rows;
  for (auto at = map.upper_bound(after); at != map.end() && rows.size() < limit; ++at) {
    rows.push_back(at->second);
  }
  return rows;
}

}  // namespace

std::unexpected<Error> MemoryRegistry::Failed(Code code, std::string message) {
  Error error{code, std::move(message)};
  if (in_transaction_ && !doomed_) doomed_ = error;
  return std::unexpected(std::move(error));
}

void MemoryRegistry::TakeBack() {
  for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) (*undo)();
}

Status MemoryRegistry::Transact(const std::function<Status()>& body) {
  Check(!in_transaction_, "transactions do not nest");
  in_transaction_ = true;
  const auto end = [&] {
    in_transaction_ = false;
    undo_.clear();
    doomed_.reset();
  };
  Status done;
  try {
    done = body();
  } catch (...) {  // a power cut in the middle
    TakeBack();
    end();
    throw;
  }
  if (done && doomed_) done = std::unexpected(*doomed_);
  if (!done) TakeBack();
  end();
  return done;
}

// --- agents ---

Result<std::optional<AgentRow>> MemoryRegistry::FindAgent(const AgentId& id) {
  return Find(content_.agents, id);
}

Status MemoryRegistry::PutAgent(const AgentRow& row) {
  Set(content_.agents, row.id, row);
  return {};
}

Status MemoryRegistry::DeleteAgent(const AgentId& id) {
  Erase(content_.agents, id);
  Erase(content_.proofs, id);
  EraseMoving(id);
  Erase(content_.unload_states, id);
  EraseOffers([&](const store::OfferRow& row) { return row.agent == id; });
  return {};
}

Result<std::vector<AgentRow>> MemoryRegistry::ListAgents(const store::AgentQuery& query) {
  std::vector<AgentRow> rows;
  const auto& wanted = query.standings;
  for (auto at = content_.agents.upper_bound(query.after.value_or(AgentId()));
       at != content_.agents.end() && rows.size() < query.limit; ++at) {
    if (at->second.forgotten && !query.with_forgotten) continue;
    if (!wanted.empty() && std::ranges::find(wanted, at->second.standing) == wanted.end()) continue;
    rows.push_back(at->second);
  }
  return rows;
}

Result<std::vector<AgentRow>> MemoryRegistry::AgentsFrom(std::string_view source,
                                                         std::size_t limit) {
  std::vector<AgentRow> rows;
  for (const auto& [id, row] : content_.agents) {
    if (rows.size() < limit && !row.forgotten && row.source == source) rows.push_back(row);
  }
  return rows;
}

Result<std::vector<store::StandingCount>> MemoryRegistry::CountAgents() {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& [id, row] : content_.agents) {
    if (!row.forgotten) ++counts[row.standing];
  }
  std::vector<store::StandingCount> list;
  for (const auto& [standing, count] : counts) list.push_back({standing, count});
  return list;
}

Result<store::ReachCounts> MemoryRegistry::CountReach(Instant served) {
  store::ReachCounts counts;
  for (const auto& [id, row] : content_.agents) {
    if (row.forgotten) continue;
    ++(row.silent_at <= served ? counts.offline
                               : (row.unreachable ? counts.unreachable : counts.online));
  }
  return counts;
}

Result<std::uint64_t> MemoryRegistry::CountUnadmitted(std::string_view source, Instant since) {
  return static_cast<std::uint64_t>(std::ranges::count_if(content_.agents, [&](const auto& entry) {
    const AgentRow& row = entry.second;
    return !row.admitted && !row.forgotten && row.first_seen >= since &&
           (source.empty() || row.source == source);
  }));
}

Result<std::uint64_t> MemoryRegistry::DropSilentUnadmitted(Instant before) {
  std::vector<AgentId> silent;
  for (const auto& [id, row] : content_.agents) {
    if (row.admitted || row.forgotten || row.last_contact.value_or(row.first_seen) >= before) {
      continue;
    }
    silent.push_back(id);
  }
  for (const AgentId& id : silent) COUNTERSIGN_RETURN_IF_ERROR(DeleteAgent(id));
  return silent.size();
}

// --- orders ---

void MemoryRegistry::SetOrder(const OrderRow& row) {
  const auto old = content_.orders.find(row.id);
  if (old != content_.orders.end()) {
    const auto key = std::pair(old->second.agent, row.id);
    if (old->second.jti != row.jti) Erase(content_.order_ids, Jti(old->second.jti));
    if (content_.open_orders.contains(key)) Erase(content_.open_orders, key);
  }
  Set(content_.order_ids, row.jti, row.id);
  if (IsOpen(row)) Set(content_.open_orders, {row.agent, row.id}, true);
  Set(content_.orders, row.id, row);
}

Result<std::int64_t> MemoryRegistry::AddOrder(const OrderRow& row) {
  if (content_.order_ids.contains(row.jti)) {
    return Failed(Code::kAlreadyExists, "there is an order " + row.jti.Text() + " already");
  }
  OrderRow added = row;
  added.id = NextId(content_.orders);
  SetOrder(added);
  return added.id;
}

Status MemoryRegistry::PutOrder(const OrderRow& row) {
  if (!content_.orders.contains(row.id)) {
    return Failed(Code::kNotFound, "there is no order " + std::to_string(row.id));
  }
  const auto other = Find(content_.order_ids, row.jti);
  if (other && *other != row.id) {
    return Failed(Code::kAlreadyExists, "there is an order " + row.jti.Text() + " already");
  }
  SetOrder(row);
  return {};
}

Result<std::optional<OrderRow>> MemoryRegistry::FindOrder(const Jti& jti) {
  const auto id = Find(content_.order_ids, jti);
  if (!id) return std::nullopt;
  return Find(content_.orders, *id);
}

Result<std::vector<OrderRow>> MemoryRegistry::OpenOrders(const AgentId& agent, std::size_t limit) {
  std::vector<OrderRow> rows;
  for (auto at = content_.open_orders.lower_bound({agent, 0});
       at != content_.open_orders.end() && at->first.first == agent && rows.size() < limit; ++at) {
    rows.push_back(content_.orders.at(at->first.second));
  }
  return rows;
}

Result<std::vector<OrderRow>> MemoryRegistry::AllOpenOrders(const AgentId& agent,
                                                            std::string_view act) {
  auto rows = OpenOrders(agent, content_.open_orders.size());
  if (!rows || act.empty()) return rows;
  std::erase_if(*rows, [&](const OrderRow& row) { return row.act != act; });
  return rows;
}

Result<std::vector<OrderRow>> MemoryRegistry::DueOrders(Instant now, std::size_t limit) {
  std::vector<OrderRow> rows;
  for (const auto& [key, open] : content_.open_orders) {  // by agent, then by id
    const OrderRow& row = content_.orders.at(key.second);
    if (row.next_attempt > now || (!rows.empty() && rows.back().agent == row.agent)) continue;
    rows.push_back(row);
  }
  std::ranges::sort(rows, {},
                    [](const OrderRow& row) { return std::pair(row.next_attempt, row.id); });
  if (rows.size() > limit) rows.resize(limit);
  return rows;
}

Result<std::optional<Instant>> MemoryRegistry::NextAttempt() {
  std::optional<Instant> next;
  for (const auto& [key, open] : content_.open_orders) {
    const Instant at = content_.orders.at(key.second).next_attempt;
    if (!next || at < *next) next = at;
  }
  return next;
}

Result<std::uint64_t> MemoryRegistry::LapseOrders(Instant now) {
  std::vector<OrderRow> ended;
  for (const auto& [key, open] : content_.open_orders) {
    OrderRow row = content_.orders.at(key.second);
    if (row.expires > now) continue;
    if (row.state == OrderState::kQueued) row.ended = now;
    row.state = row.state == OrderState::kQueued ? OrderState::kLapsed : OrderState::kUnknown;
    ended.push_back(std::move(row));
  }
  for (const OrderRow& row : ended) SetOrder(row);
  return ended.size();
}

Status MemoryRegistry::AddReceipt(const AgentId& /*agent*/, const Jti& order,
                                  std::string_view receipt, Instant /*at*/) {
  auto receipts = Find(content_.receipts, order).value_or(std::vector<std::string>());
  receipts.emplace_back(receipt);
  Set(content_.receipts, order, std::move(receipts));
  return {};
}

Result<std::vector<std::string>> MemoryRegistry::ReceiptsOf(const Jti& order) {
  return Find(content_.receipts, order).value_or(std::vector<std::string>());
}

Status MemoryRegistry::PutProof(const store::ProofRow& row) {
  Set(content_.proofs, row.agent, row);
  return {};
}

Result<std::optional<store::ProofRow>> MemoryRegistry::FindProof(const AgentId& agent) {
  return Find(content_.proofs, agent);
}

Status MemoryRegistry::DeleteProof(const AgentId& agent) {
  Erase(content_.proofs, agent);
  return {};
}

// --- rollouts ---

Status MemoryRegistry::PutRollout(const store::RolloutRow& row) {
  Set(content_.rollouts, row.rollout.generation, row);
  return {};
}

Result<std::vector<store::RolloutRow>> MemoryRegistry::ListRollouts(std::size_t limit) {
  std::vector<store::RolloutRow> rows;
  for (const bool under_way : {true, false}) {
    for (auto at = content_.rollouts.rbegin(); at != content_.rollouts.rend(); ++at) {
      const bool wanted = trust::IsUnderWay(at->second.rollout.state) == under_way;
      if (wanted && rows.size() < limit) rows.push_back(at->second);
    }
  }
  return rows;
}

Status MemoryRegistry::PutOffer(const store::OfferRow& row) {
  Set(content_.offers, {row.generation, row.agent}, row);
  return {};
}

Result<std::optional<store::OfferRow>> MemoryRegistry::FindOffer(const AgentId& agent,
                                                                 std::uint64_t generation) {
  return Find(content_.offers, std::pair(generation, agent));
}

Result<store::OfferCounts> MemoryRegistry::CountOffers(std::uint64_t generation) {
  store::OfferCounts counts;
  for (auto at = content_.offers.lower_bound({generation, AgentId()});
       at != content_.offers.end() && at->first.first == generation; ++at) {
    const auto state = at->second.state;
    counts.sent += state == store::OfferState::kSent ? 1U : 0U;
    counts.taken += state == store::OfferState::kTaken ? 1U : 0U;
    counts.refused += state == store::OfferState::kRefused ? 1U : 0U;
  }
  return counts;
}

Result<std::vector<store::OfferRow>> MemoryRegistry::ListOffers(std::uint64_t generation,
                                                                const std::optional<AgentId>& after,
                                                                std::size_t limit) {
  std::vector<store::OfferRow> rows;
  for (auto at = content_.offers.upper_bound({generation, after.value_or(AgentId())});
       at != content_.offers.end() && at->first.first == generation && rows.size() < limit; ++at) {
    rows.push_back(at->second);
  }
  return rows;
}

Status MemoryRegistry::RetryRefused(std::uint64_t generation, Instant now) {
  std::vector<store::OfferRow> refused;
  for (const auto& [key, row] : content_.offers) {
    if (row.generation == generation && row.state == store::OfferState::kRefused) {
      refused.push_back(row);
    }
  }
  for (const auto& row : refused) {
    COUNTERSIGN_RETURN_IF_ERROR(
        PutOffer({.agent = row.agent, .generation = generation, .since = now}));
  }
  return {};
}

void MemoryRegistry::EraseOffers(const std::function<bool(const store::OfferRow&)>& is_one) {
  std::vector<std::pair<std::uint64_t, AgentId>> keys;
  for (const auto& [key, row] : content_.offers) {
    if (is_one(row)) keys.push_back(key);
  }
  for (const auto& key : keys) Erase(content_.offers, key);
}

Status MemoryRegistry::DropOffersBelow(const AgentId& agent, std::uint64_t generation) {
  EraseOffers([&](const store::OfferRow& row) {
    return row.agent == agent && row.generation < generation;
  });
  return {};
}

Status MemoryRegistry::DropOffersOf(std::uint64_t generation) {
  EraseOffers([&](const store::OfferRow& row) { return row.generation == generation; });
  return {};
}

// --- everything else ---

Status MemoryRegistry::PutCertificate(const store::CertificateRow& row) {
  Set(content_.certificates, row.thumbprint, row);
  return {};
}

Result<std::vector<store::CertificateRow>> MemoryRegistry::ListCertificates() {
  std::vector<store::CertificateRow> rows;
  for (const auto& [thumbprint, row] : content_.certificates) rows.push_back(row);
  std::ranges::stable_sort(rows, {}, &store::CertificateRow::since);
  return rows;
}

Status MemoryRegistry::PutToken(const store::TokenRow& row) {
  Set(content_.tokens, row.id, row);
  return {};
}

Result<std::optional<store::TokenRow>> MemoryRegistry::FindToken(std::string_view id) {
  return Find(content_.tokens, id);
}

Result<std::vector<store::TokenRow>> MemoryRegistry::ListTokens(std::string_view after,
                                                                std::size_t limit) {
  std::vector<store::TokenRow> rows;
  for (auto at = content_.tokens.upper_bound(std::string(after));
       at != content_.tokens.end() && rows.size() < limit; ++at) {
    rows.push_back(at->second);
  }
  return rows;
}

Status MemoryRegistry::DeleteToken(std::string_view id) {
  Erase(content_.tokens, std::string(id));
  return {};
}

Result<std::int64_t> MemoryRegistry::AddUnloadWish(const store::UnloadWishRow& row) {
  store::UnloadWishRow added = row;
  added.id = ++content_.last_unload_wish;
  Set(content_.unload_wishes, added.id, added);
  return added.id;
}

void MemoryRegistry::EraseWishes(const std::function<bool(const std::string& scope)>& is_one) {
  std::vector<std::int64_t> ids;
  for (const auto& [id, row] : content_.unload_wishes) {
    if (is_one(row.scope)) ids.push_back(id);
  }
  for (const std::int64_t id : ids) Erase(content_.unload_wishes, id);
}

Status MemoryRegistry::DropUnloadWishes(std::string_view scope) {
  EraseWishes([&](const std::string& of) { return of == scope; });
  return {};
}

Status MemoryRegistry::DropUnloadWishesFrom(std::string_view beginning) {
  EraseWishes([&](const std::string& of) { return of.starts_with(beginning); });
  return {};
}

Result<std::optional<store::UnloadWishRow>> MemoryRegistry::FindUnloadWish(std::int64_t id) {
  return Find(content_.unload_wishes, id);
}

Result<std::optional<store::UnloadWishRow>> MemoryRegistry::NewestUnloadWish(
    const std::vector<std::string>& scopes) {
  std::optional<store::UnloadWishRow> newest;
  for (const auto& [id, row] : content_.unload_wishes) {
    if (std::ranges::find(scopes, row.scope) != scopes.end()) newest = row;
  }
  return newest;
}

Result<std::vector<store::UnloadWishRow>> MemoryRegistry::ListUnloadWishes(std::int64_t after,
                                                                           std::size_t limit) {
  return From(content_.unload_wishes, after, limit);
}

Status MemoryRegistry::PutUnloadState(const store::UnloadStateRow& row) {
  Set(content_.unload_states, row.agent, row);
  return {};
}

Result<std::optional<store::UnloadStateRow>> MemoryRegistry::FindUnloadState(const AgentId& agent) {
  return Find(content_.unload_states, agent);
}

Status MemoryRegistry::AddEvent(const store::EventRow& row) {
  store::EventRow added = row;
  added.id = NextId(content_.events);
  Set(content_.events, added.id, added);
  return {};
}

Result<std::vector<store::EventRow>> MemoryRegistry::ListEvents(std::int64_t after,
                                                                std::size_t limit) {
  return From(content_.events, after, limit);
}

Status MemoryRegistry::AddHistory(const store::HistoryRow& row) {
  if (content_.history.contains(row.number)) {
    return Failed(Code::kAlreadyExists,
                  "the history has a line " + std::to_string(row.number) + " already");
  }
  Set(content_.history, row.number, row);
  return {};
}

Result<std::vector<store::HistoryRow>> MemoryRegistry::ListHistory(std::int64_t after,
                                                                   std::size_t limit) {
  return From(content_.history, after, limit);
}

Result<std::optional<store::HistoryRow>> MemoryRegistry::LastHistory() {
  if (content_.history.empty()) return std::nullopt;
  return content_.history.rbegin()->second;
}

Result<std::optional<std::string>> MemoryRegistry::GetMeta(std::string_view key) {
  return Find(content_.meta, key);
}

Status MemoryRegistry::PutMeta(std::string_view key, std::string_view value) {
  Set(content_.meta, std::string(key), std::string(value));
  return {};
}

}  // namespace countersign::testing
