#pragma once

#include "store/registry.h"

namespace countersign::testing {

// ForwardingRegistry passes every call on to another registry; tests override what they want to
// stop or to watch. `registry` must outlive it.
class ForwardingRegistry : public store::Registry {
 public:
  explicit ForwardingRegistry(store::Registry& registry) : registry_(registry) {}

  [[nodiscard]] Status Transact(const std::function<Status()>& body) override {
    return registry_.Transact(body);
  }
  [[nodiscard]] Result<std::optional<store::AgentRow>> FindAgent(const AgentId& id) override {
    return registry_.FindAgent(id);
  }
  [[nodiscard]] Status PutAgent(const store::AgentRow& row) override {
    return registry_.PutAgent(row);
  }
  [[nodiscard]] Status DeleteAgent(const AgentId& id) override { return registry_.DeleteAgent(id); }
  [[nodiscard]] Result<std::vector<store::AgentRow>> ListAgents(
      const store::AgentQuery& query) override {
    return registry_.ListAgents(query);
  }
  [[nodiscard]] Result<std::vector<store::AgentRow>> AgentsFrom(std::string_view source,
                                                                std::size_t limit) override {
    return registry_.AgentsFrom(source, limit);
  }
  [[nodiscard]] Result<std::vector<store::StandingCount>> CountAgents() override {
    return registry_.CountAgents();
  }
  [[nodiscard]] Result<store::ReachCounts> CountReach(Instant served) override {
    return registry_.CountReach(served);
  }
  [[nodiscard]] Result<std::uint64_t> CountUnadmitted(std::string_view source,
                                                      Instant since) override {
    return registry_.CountUnadmitted(source, since);
  }
  [[nodiscard]] Result<std::uint64_t> DropSilentUnadmitted(Instant before) override {
    return registry_.DropSilentUnadmitted(before);
  }
  [[nodiscard]] Result<std::int64_t> AddOrder(const store::OrderRow& row) override {
    return registry_.AddOrder(row);
  }
  [[nodiscard]] Status PutOrder(const store::OrderRow& row) override {
    return registry_.PutOrder(row);
  }
  [[nodiscard]] Result<std::optional<store::OrderRow>> FindOrder(const Jti& jti) override {
    return registry_.FindOrder(jti);
  }
  [[nodiscard]] Result<std::vector<store::OrderRow>> OpenOrders(const AgentId& agent,
                                                                std::size_t limit) override {
    return registry_.OpenOrders(agent, limit);
  }
  [[nodiscard]] Result<std::vector<store::OrderRow>> AllOpenOrders(const AgentId& agent,
                                                                   std::string_view act) override {
    return registry_.AllOpenOrders(agent, act);
  }
  [[nodiscard]] Result<std::vector<store::OrderRow>> DueOrders(Instant now,
                                                               std::size_t limit) override {
    return registry_.DueOrders(now, limit);
  }
  [[nodiscard]] Result<std::optional<Instant>> NextAttempt() override {
    return registry_.NextAttempt();
  }
  [[nodiscard]] Result<std::uint64_t> LapseOrders(Instant now) override {
    return registry_.LapseOrders(now);
  }
  [[nodiscard]] Status AddReceipt(const AgentId& agent, const Jti& order, std::string_view receipt,
                                  Instant at) override {
    return registry_.AddReceipt(agent, order, receipt, at);
  }
  [[nodiscard]] Result<std::vector<std::string>> ReceiptsOf(const Jti& order) override {
    return registry_.ReceiptsOf(order);
  }
  [[nodiscard]] Status PutProof(const store::ProofRow& row) override {
    return registry_.PutProof(row);
  }
  [[nodiscard]] Result<std::optional<store::ProofRow>> FindProof(const AgentId& agent) override {
    return registry_.FindProof(agent);
  }
  [[nodiscard]] Status DeleteProof(const AgentId& agent) override {
    return registry_.DeleteProof(agent);
  }
  [[nodiscard]] Status PutCertificate(const store::CertificateRow& row) override {
    return registry_.PutCertificate(row);
  }
  [[nodiscard]] Result<std::vector<store::CertificateRow>> ListCertificates() override {
    return registry_.ListCertificates();
  }
  [[nodiscard]] Status PutRollout(const store::RolloutRow& row) override {
    return registry_.PutRollout(row);
  }
  [[nodiscard]] Result<std::vector<store::RolloutRow>> ListRollouts(std::size_t limit) override {
    return registry_.ListRollouts(limit);
  }
  [[nodiscard]] Status PutOffer(const store::OfferRow& row) override {
    return registry_.PutOffer(row);
  }
  [[nodiscard]] Result<std::optional<store::OfferRow>> FindOffer(
      const AgentId& agent, std::uint64_t generation) override {
    return registry_.FindOffer(agent, generation);
  }
  [[nodiscard]] Result<store::OfferCounts> CountOffers(std::uint64_t generation) override {
    return registry_.CountOffers(generation);
  }
  [[nodiscard]] Result<std::vector<store::OfferRow>> ListOffers(std::uint64_t generation,
                                                                const std::optional<AgentId>& after,
                                                                std::size_t limit) override {
    return registry_.ListOffers(generation, after, limit);
  }
  [[nodiscard]] Status RetryRefused(std::uint64_t generation, Instant now) override {
    return registry_.RetryRefused(generation, now);
  }
  [[nodiscard]] Status DropOffersBelow(const AgentId& agent, std::uint64_t generation) override {
    return registry_.DropOffersBelow(agent, generation);
  }
  [[nodiscard]] Status DropOffersOf(std::uint64_t generation) override {
    return registry_.DropOffersOf(generation);
  }
  [[nodiscard]] store::MoveTable& moves() override { return registry_.moves(); }
  [[nodiscard]] Status PutToken(const store::TokenRow& row) override {
    return registry_.PutToken(row);
  }
  [[nodiscard]] Result<std::optional<store::TokenRow>> FindToken(std::string_view id) override {
    return registry_.FindToken(id);
  }
  [[nodiscard]] Result<std::vector<store::TokenRow>> ListTokens(std::string_view after,
                                                                std::size_t limit) override {
    return registry_.ListTokens(after, limit);
  }
  [[nodiscard]] Status DeleteToken(std::string_view id) override {
    return registry_.DeleteToken(id);
  }
  [[nodiscard]] Result<std::int64_t> AddUnloadWish(const store::UnloadWishRow& row) override {
    return registry_.AddUnloadWish(row);
  }
  [[nodiscard]] Status DropUnloadWishes(std::string_view scope) override {
    return registry_.DropUnloadWishes(scope);
  }
  [[nodiscard]] Status DropUnloadWishesFrom(std::string_view beginning) override {
    return registry_.DropUnloadWishesFrom(beginning);
  }
  [[nodiscard]] Result<std::optional<store::UnloadWishRow>> FindUnloadWish(
      std::int64_t id) override {
    return registry_.FindUnloadWish(id);
  }
  [[nodiscard]] Result<std::optional<store::UnloadWishRow>> NewestUnloadWish(
      const std::vector<std::string>& scopes) override {
    return registry_.NewestUnloadWish(scopes);
  }
  [[nodiscard]] Result<std::vector<store::UnloadWishRow>> ListUnloadWishes(
      std::int64_t after, std::size_t limit) override {
    return registry_.ListUnloadWishes(after, limit);
  }
  [[nodiscard]] Status PutUnloadState(const store::UnloadStateRow& row) override {
    return registry_.PutUnloadState(row);
  }
  [[nodiscard]] Result<std::optional<store::UnloadStateRow>> FindUnloadState(
      const AgentId& agent) override {
    return registry_.FindUnloadState(agent);
  }
  [[nodiscard]] Status AddEvent(const store::EventRow& row) override {
    return registry_.AddEvent(row);
  }
  [[nodiscard]] Result<std::vector<store::EventRow>> ListEvents(std::int64_t after,
                                                                std::size_t limit) override {
    return registry_.ListEvents(after, limit);
  }
  [[nodiscard]] Status AddHistory(const store::HistoryRow& row) override {
    return registry_.AddHistory(row);
  }
  [[nodiscard]] Result<std::vector<store::HistoryRow>> ListHistory(std::int64_t after,
                                                                   std::size_t limit) override {
    return registry_.ListHistory(after, limit);
  }
  [[nodiscard]] Result<std::optional<store::HistoryRow>> LastHistory() override {
    return registry_.LastHistory();
  }
  [[nodiscard]] Result<std::optional<std::string>> GetMeta(std::string_view key) override {
    return registry_.GetMeta(key);
  }
  [[nodiscard]] Status PutMeta(std::string_view key, std::string_view value) override {
    return registry_.PutMeta(key, value);
  }

 private:
  store::Registry& registry_;
};

}  // namespace countersign::testing
