#include "store/registry.h"
#include "store/sqlite_agents.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_moves.h"
#include "store/sqlite_orders.h"
#include "store/sqlite_proofs.h"
#include "store/sqlite_records.h"
#include "store/sqlite_rollouts.h"
#include "store/sqlite_unload.h"

namespace countersign::store {
namespace {

// SqliteRegistry puts the tables of one connection together.
class SqliteRegistry final : public Registry {
 public:
  explicit SqliteRegistry(std::unique_ptr<SqliteConnection> connection)
      : connection_(std::move(connection)),
        agents_(*connection_),
        moves_(*connection_),
        orders_(*connection_),
        proofs_(*connection_),
        records_(*connection_),
        rollouts_(*connection_),
        unload_(*connection_) {}

  Status Transact(const std::function<Status()>& body) override {
    return connection_->Transact(body);
  }

  Result<std::optional<AgentRow>> FindAgent(const AgentId& id) override { return agents_.Find(id); }
  Status PutAgent(const AgentRow& row) override { return agents_.Put(row); }
  Status DeleteAgent(const AgentId& id) override { return agents_.Delete(id); }
  Result<std::vector<AgentRow>> ListAgents(const AgentQuery& query) override {
    return agents_.List(query);
  }
  Result<std::vector<AgentRow>> AgentsFrom(std::string_view source, std::size_t limit) override {
    return agents_.From(source, limit);
  }
  Result<std::vector<StandingCount>> CountAgents() override { return agents_.Count(); }
  Result<ReachCounts> CountReach(Instant served) override { return agents_.CountReach(served); }
  Result<std::uint64_t> CountUnadmitted(std::string_view source, Instant since) override {
    return agents_.CountUnadmitted(source, since);
  }
  Result<std::uint64_t> DropSilentUnadmitted(Instant before) override {
    return agents_.DropSilentUnadmitted(before);
  }

  Result<std::int64_t> AddOrder(const OrderRow& row) override { return orders_.Add(row); }
  Status PutOrder(const OrderRow& row) override { return orders_.Put(row); }
  Result<std::optional<OrderRow>> FindOrder(const Jti& jti) override { return orders_.Find(jti); }
  Result<std::vector<OrderRow>> OpenOrders(const AgentId& agent, std::size_t limit) override {
    return orders_.Open(agent, limit);
  }
  Result<std::vector<OrderRow>> AllOpenOrders(const AgentId& agent, std::string_view act) override {
    return orders_.AllOpen(agent, act);
  }
  Result<std::vector<OrderRow>> DueOrders(Instant now, std::size_t limit) override {
    return orders_.Due(now, limit);
  }
  Result<std::optional<Instant>> NextAttempt() override { return orders_.NextAttempt(); }
  Result<std::uint64_t> LapseOrders(Instant now) override { return orders_.Lapse(now); }
  Status AddReceipt(const AgentId& agent, const Jti& order, std::string_view receipt,
                    Instant at) override {
    return orders_.AddReceipt(agent, order, receipt, at);
  }
  Result<std::vector<std::string>> ReceiptsOf(const Jti& order) override {
    return orders_.ReceiptsOf(order);
  }

  Status PutProof(const ProofRow& row) override { return proofs_.Put(row); }
  Result<std::optional<ProofRow>> FindProof(const AgentId& agent) override {
    return proofs_.Find(agent);
  }
  Status DeleteProof(const AgentId& agent) override { return proofs_.Delete(agent); }

  Status PutCertificate(const CertificateRow& row) override { return records_.PutCertificate(row); }
  Result<std::vector<CertificateRow>> ListCertificates() override {
    return records_.ListCertificates();
  }
  Status PutRollout(const RolloutRow& row) override { return rollouts_.Put(row); }
  Result<std::vector<RolloutRow>> ListRollouts(std::size_t limit) override {
    return rollouts_.List(limit);
  }
  Status PutOffer(const OfferRow& row) override { return rollouts_.PutOffer(row); }
  Result<std::optional<OfferRow>> FindOffer(const AgentId& agent,
                                            std::uint64_t generation) override {
    return rollouts_.FindOffer(agent, generation);
  }
  Result<OfferCounts> CountOffers(std::uint64_t generation) override {
    return rollouts_.CountOffers(generation);
  }
  Result<std::vector<OfferRow>> ListOffers(std::uint64_t generation,
                                           const std::optional<AgentId>& after,
                                           std::size_t limit) override {
    return rollouts_.ListOffers(generation, after, limit);
  }
  Status RetryRefused(std::uint64_t generation, Instant now) override {
    return rollouts_.RetryRefused(generation, now);
  }
  Status DropOffersBelow(const AgentId& agent, std::uint64_t generation) override {
    return rollouts_.DropOffersBelow(agent, generation);
  }
  Status DropOffersOf(std::uint64_t generation) override {
    return rollouts_.DropOffersOf(generation);
  }
  MoveTable& moves() override { return moves_; }
  Status PutToken(const TokenRow& row) override { return records_.PutToken(row); }
  Result<std::optional<TokenRow>> FindToken(std::string_view id) override {
    return records_.FindToken(id);
  }
  Result<std::vector<TokenRow>> ListTokens(std::string_view after, std::size_t limit) override {
    return records_.ListTokens(after, limit);
  }
  Status DeleteToken(std::string_view id) override { return records_.DeleteToken(id); }
  Result<std::int64_t> AddUnloadWish(const UnloadWishRow& row) override {
    return unload_.AddWish(row);
  }
  Status DropUnloadWishes(std::string_view scope) override { return unload_.DropWishes(scope); }
  Status DropUnloadWishesFrom(std::string_view beginning) override {
    return unload_.DropWishesFrom(beginning);
  }
  Result<std::optional<UnloadWishRow>> FindUnloadWish(std::int64_t id) override {
    return unload_.FindWish(id);
  }
  Result<std::optional<UnloadWishRow>> NewestUnloadWish(
      const std::vector<std::string>& scopes) override {
    return unload_.NewestWish(scopes);
  }
  Result<std::vector<UnloadWishRow>> ListUnloadWishes(std::int64_t after,
                                                      std::size_t limit) override {
    return unload_.ListWishes(after, limit);
  }
  Status PutUnloadState(const UnloadStateRow& row) override { return unload_.PutState(row); }
  Result<std::optional<UnloadStateRow>> FindUnloadState(const AgentId& agent) override {
    return unload_.FindState(agent);
  }
  Status AddEvent(const EventRow& row) override { return records_.AddEvent(row); }
  Result<std::vector<EventRow>> ListEvents(std::int64_t after, std::size_t limit) override {
    return records_.ListEvents(after, limit);
  }
  Status AddHistory(const HistoryRow& row) override { return records_.AddHistory(row); }
  Result<std::vector<HistoryRow>> ListHistory(std::int64_t after, std::size_t limit) override {
    return records_.ListHistory(after, limit);
  }
  Result<std::optional<HistoryRow>> LastHistory() override { return records_.LastHistory(); }
  Result<std::optional<std::string>> GetMeta(std::string_view key) override {
    return records_.GetMeta(key);
  }
  Status PutMeta(std::string_view key, std::string_view value) override {
    return records_.PutMeta(key, value);
  }

 private:
  std::unique_ptr<SqliteConnection> connection_;
  SqliteAgents agents_;
  SqliteMoves moves_;
  SqliteOrders orders_;
  SqliteProofs proofs_;
  SqliteRecords records_;
  SqliteRollouts rollouts_;
  SqliteUnload unload_;
};

}  // namespace

Result<std::unique_ptr<Registry>> OpenSqlite(const std::string& path) {
  auto connection = SqliteConnection::Open(path, SqliteMigrations());
  if (!connection) return std::unexpected(std::move(connection).error());
  return std::make_unique<SqliteRegistry>(*std::move(connection));
}

}  // namespace countersign::store
