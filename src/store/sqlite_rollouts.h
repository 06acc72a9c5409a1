#pragma once

#include "store/registry.h"
#include "store/sqlite_connection.h"

namespace countersign::store {

// SqliteRollouts is the tables of rollouts and offers; its methods are those of Registry.
// `connection` must outlive it.
class SqliteRollouts {
 public:
  explicit SqliteRollouts(SqliteConnection& connection) : connection_(connection) {}

  [[nodiscard]] Status Put(const RolloutRow& row);
  [[nodiscard]] Result<std::vector<RolloutRow>> List(std::size_t limit);

  [[nodiscard]] Status PutOffer(const OfferRow& row);
  [[nodiscard]] Result<std::optional<OfferRow>> FindOffer(const AgentId& agent,
                                                          std::uint64_t generation);
  [[nodiscard]] Result<OfferCounts> CountOffers(std::uint64_t generation);
  [[nodiscard]] Result<std::vector<OfferRow>> ListOffers(std::uint64_t generation,
                                                         const std::optional<AgentId>& after,
                                                         std::size_t limit);
  [[nodiscard]] Status RetryRefused(std::uint64_t generation, Instant now);
  [[nodiscard]] Status DropOffersBelow(const AgentId& agent, std::uint64_t generation);
  [[nodiscard]] Status DropOffersOf(std::uint64_t generation);

 private:
  SqliteConnection& connection_;
};

}  // namespace countersign::store
