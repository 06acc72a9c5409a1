#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/move_table.h"
#include "store/registry.h"

namespace countersign::testing {

// MemoryRegistry is an engine of the registry that keeps everything in maps: fast, and its Content
// can be copied (a backup, or what a thief of the disk has) and put back. It passes
// store/registry_conformance.h. What is thrown out of a transaction rolls it back.
class MemoryRegistry final : public store::Registry, private store::MoveTable {
 public:
  struct Content {
    std::map<AgentId, store::AgentRow> agents;
    std::map<std::int64_t, store::OrderRow> orders;
    std::map<Jti, std::int64_t> order_ids;
    std::map<std::pair<AgentId, std::int64_t>, bool> open_orders;
    std::map<Jti, std::vector<std::string>> receipts;
    std::map<AgentId, store::ProofRow> proofs;
    std::map<std::uint64_t, store::RolloutRow> rollouts;
    std::map<std::pair<std::uint64_t, AgentId>, store::OfferRow> offers;
    std::map<std::int64_t, store::MoveRow> moves;
    std::map<std::pair<std::int64_t, std::uint32_t>, std::string> warrants;
    std::map<std::pair<AgentId, std::int64_t>, store::MovingRow> moving;
    std::map<AgentId, store::ExpectedRow> expected;
    std::map<Digest, store::CertificateRow> certificates;
    std::map<std::string, store::TokenRow, std::less<>> tokens;
    std::map<std::int64_t, store::UnloadWishRow> unload_wishes;
    std::int64_t last_unload_wish = 0;  // no number is given twice
    std::map<AgentId, store::UnloadStateRow> unload_states;
    std::map<std::int64_t, store::EventRow> events;
    std::map<std::int64_t, store::HistoryRow> history;
    std::map<std::string, std::string, std::less<>> meta;
  };

  MemoryRegistry() = default;
  explicit MemoryRegistry(Content content) : content_(std::move(content)) {}

  [[nodiscard]] const Content& content() const { return content_; }
  // PutBack is a restore: REQUIRES: no transaction is open.
  void PutBack(Content content) { content_ = std::move(content); }

  [[nodiscard]] Status Transact(const std::function<Status()>& body) override;

  [[nodiscard]] Result<std::optional<store::AgentRow>> FindAgent(const AgentId& id) override;
  [[nodiscard]] Status PutAgent(const store::AgentRow& row) override;
  [[nodiscard]] Status DeleteAgent(const AgentId& id) override;
  [[nodiscard]] Result<std::vector<store::AgentRow>> ListAgents(
      const store::AgentQuery& query) override;
  [[nodiscard]] Result<std::vector<store::AgentRow>> AgentsFrom(std::string_view source,
                                                                std::size_t limit) override;
  [[nodiscard]] Result<std::vector<store::StandingCount>> CountAgents() override;
  [[nodiscard]] Result<store::ReachCounts> CountReach(Instant served) override;
  [[nodiscard]] Result<std::uint64_t> CountUnadmitted(std::string_view source,
                                                      Instant since) override;
  [[nodiscard]] Result<std::uint64_t> DropSilentUnadmitted(Instant before) override;

  [[nodiscard]] Result<std::int64_t> AddOrder(const store::OrderRow& row) override;
  [[nodiscard]] Status PutOrder(const store::OrderRow& row) override;
  [[nodiscard]] Result<std::optional<store::OrderRow>> FindOrder(const Jti& jti) override;
  [[nodiscard]] Result<std::vector<store::OrderRow>> OpenOrders(const AgentId& agent,
                                                                std::size_t limit) override;
  [[nodiscard]] Result<std::vector<store::OrderRow>> AllOpenOrders(const AgentId& agent,
                                                                   std::string_view act) override;
  [[nodiscard]] Result<std::vector<store::OrderRow>> DueOrders(Instant now,
                                                               std::size_t limit) override;
  [[nodiscard]] Result<std::optional<Instant>> NextAttempt() override;
  [[nodiscard]] Result<std::uint64_t> LapseOrders(Instant now) override;
  [[nodiscard]] Status AddReceipt(const AgentId& agent, const Jti& order, std::string_view receipt,
                                  Instant at) override;
  [[nodiscard]] Result<std::vector<std::string>> ReceiptsOf(const Jti& order) override;

  [[nodiscard]] Status PutProof(const store::ProofRow& row) override;
  [[nodiscard]] Result<std::optional<store::ProofRow>> FindProof(const AgentId& agent) override;
  [[nodiscard]] Status DeleteProof(const AgentId& agent) override;

  [[nodiscard]] Status PutRollout(const store::RolloutRow& row) override;
  [[nodiscard]] Result<std::vector<store::RolloutRow>> ListRollouts(std::size_t limit) override;
  [[nodiscard]] Status PutOffer(const store::OfferRow& row) override;
  [[nodiscard]] Result<std::optional<store::OfferRow>> FindOffer(const AgentId& agent,
                                                                 std::uint64_t generation) override;
  [[nodiscard]] Result<store::OfferCounts> CountOffers(std::uint64_t generation) override;
  [[nodiscard]] Result<std::vector<store::OfferRow>> ListOffers(std::uint64_t generation,
                                                                const std::optional<AgentId>& after,
                                                                std::size_t limit) override;
  [[nodiscard]] Status RetryRefused(std::uint64_t generation, Instant now) override;
  [[nodiscard]] Status DropOffersBelow(const AgentId& agent, std::uint64_t generation) override;
  [[nodiscard]] Status DropOffersOf(std::uint64_t generation) override;

  [[nodiscard]] store::MoveTable& moves() override { return *this; }

  [[nodiscard]] Status PutCertificate(const store::CertificateRow& row) override;
  [[nodiscard]] Result<std::vector<store::CertificateRow>> ListCertificates() override;
  [[nodiscard]] Status PutToken(const store::TokenRow& row) override;
  [[nodiscard]] Result<std::optional<store::TokenRow>> FindToken(std::string_view id) override;
  [[nodiscard]] Result<std::vector<store::TokenRow>> ListTokens(std::string_view after,
                                                                std::size_t limit) override;
  [[nodiscard]] Status DeleteToken(std::string_view id) override;
  [[nodiscard]] Result<std::int64_t> AddUnloadWish(const store::UnloadWishRow& row) override;
  [[nodiscard]] Status DropUnloadWishes(std::string_view scope) override;
  [[nodiscard]] Status DropUnloadWishesFrom(std::string_view beginning) override;
  [[nodiscard]] Result<std::optional<store::UnloadWishRow>> FindUnloadWish(
      std::int64_t id) override;
  [[nodiscard]] Result<std::optional<store::UnloadWishRow>> NewestUnloadWish(
      const std::vector<std::string>& scopes) override;
  [[nodiscard]] Result<std::vector<store::UnloadWishRow>> ListUnloadWishes(
      std::int64_t after, std::size_t limit) override;
  [[nodiscard]] Status PutUnloadState(const store::UnloadStateRow& row) override;
  [[nodiscard]] Result<std::optional<store::UnloadStateRow>> FindUnloadState(
      const AgentId& agent) override;
  [[nodiscard]] Status AddEvent(const store::EventRow& row) override;
  [[nodiscard]] Result<std::vector<store::EventRow>> ListEvents(std::int64_t after,
                                                                std::size_t limit) override;
  [[nodiscard]] Status AddHistory(const store::HistoryRow& row) override;
  [[nodiscard]] Result<std::vector<store::HistoryRow>> ListHistory(std::int64_t after,
                                                                   std::size_t limit) override;
  [[nodiscard]] Result<std::optional<store::HistoryRow>> LastHistory() override;
  [[nodiscard]] Result<std::optional<std::string>> GetMeta(std::string_view key) override;
  [[nodiscard]] Status PutMeta(std::string_view key, std::string_view value) override;

 private:
  // Of MoveTable (memory_moves.cc).
  [[nodiscard]] Result<std::int64_t> AddMove(const store::MoveRow& row) override;
  [[nodiscard]] Status PutMove(const store::MoveRow& row) override;
  [[nodiscard]] Result<std::optional<store::MoveRow>> FindMove(std::int64_t id) override;
  [[nodiscard]] Result<std::vector<store::MoveRow>> ListMoves(std::size_t limit) override;
  [[nodiscard]] Status PutWarrant(std::int64_t move, std::uint32_t number,
                                  std::string_view warrant) override;
  [[nodiscard]] Result<std::optional<std::string>> FindWarrant(std::int64_t move,
                                                               std::uint32_t number) override;
  [[nodiscard]] Status PutMoving(const store::MovingRow& row) override;
  [[nodiscard]] Result<std::optional<store::MovingRow>> FindMoving(const AgentId& agent) override;
  [[nodiscard]] Result<std::vector<store::MovingRow>> ListMoving(
      std::int64_t move, std::optional<store::MovingState> state,
      const std::optional<AgentId>& after, std::size_t limit) override;
  [[nodiscard]] Result<store::MovingCounts> CountMoving(std::int64_t move) override;
  [[nodiscard]] Result<std::vector<store::ReasonCount>> CountReasons(std::int64_t move) override;
  [[nodiscard]] Status RetryFailed(std::int64_t move, std::string_view but, Instant now) override;
  [[nodiscard]] Status PutExpected(const store::ExpectedRow& row) override;
  [[nodiscard]] Result<std::optional<store::ExpectedRow>> FindExpected(
      const AgentId& agent) override;
  [[nodiscard]] Result<std::vector<store::ExpectedRow>> ListExpected(
      const std::optional<AgentId>& after, std::size_t limit) override;
  [[nodiscard]] Result<store::ExpectedCounts> CountExpected(Instant now) override;
  [[nodiscard]] Result<std::uint64_t> DropExpected(Instant before) override;

  // Set and Erase change one entry of one map of content_, and note how to take it back.
  template <class Map>
  void Set(Map& map, const typename Map::key_type& key, typename Map::mapped_type value);
  template <class Map>
  void Erase(Map& map, const typename Map::key_type& key);
  template <class Map>
  void NoteUndo(Map& map, const typename Map::key_type& key);
  void TakeBack();
  void EraseMoving(const AgentId& agent);
  // EraseWishes erases those whose scope is such a one.
  void EraseWishes(const std::function<bool(const std::string& scope)>& is_one);
  // EraseOffers erases those for which `is_one` holds.
  void EraseOffers(const std::function<bool(const store::OfferRow&)>& is_one);
  void SetOrder(const store::OrderRow& row);
  // Failed dooms the transaction that is open.
  [[nodiscard]] std::unexpected<Error> Failed(Code code, std::string message);

  Content content_;
  bool in_transaction_ = false;
  std::vector<std::function<void()>> undo_;
  std::optional<Error> doomed_;
};

template <class Map>
void MemoryRegistry::NoteUndo(Map& map, const typename Map::key_type& key) {
  if (!in_transaction_) return;
  const auto at = map.find(key);
  undo_.push_back([&map, key, old = at == map.end() ? std::nullopt : std::optional(at->second)] {
    if (old) {
      map.insert_or_assign(key, *old);
    } else {
      map.erase(key);
    }
  });
}

template <class Map>
void MemoryRegistry::Set(Map& map, const typename Map::key_type& key,
                         typename Map::mapped_type value) {
  NoteUndo(map, key);
  map.insert_or_assign(key, std::move(value));
}

template <class Map>
void MemoryRegistry::Erase(Map& map, const typename Map::key_type& key) {
  NoteUndo(map, key);
  map.erase(key);
}

}  // namespace countersign::testing
