#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"

namespace countersign::testing {

// Acknowledged is what a server said that it has, and so must have after any kill. Thread-safe.
class Acknowledged {
 public:
  void Known(const AgentId& agent);      // a report was answered with 200
  void Approved(const AgentId& agent);   // the administrator was told ok
  void Forgotten(const AgentId& agent);  // the same
  void Queued(const Jti& order);         // the same
  void Ended(const Jti& order);          // a receipt was answered with 204
  // What was asked for, whether it was answered or not.
  void AskedForOrder();
  void AskedToForget(const AgentId& agent);
  void SentReceipt(const Jti& order);

  [[nodiscard]] std::vector<AgentId> KnownOnly() const;     // neither approved nor forgotten
  [[nodiscard]] std::vector<AgentId> ApprovedOnly() const;  // nor was it asked to forget them
  [[nodiscard]] bool IsForgotten(const AgentId& agent) const;

  // Lost compares with a server's registry that nobody has open, and returns what it lacks or has
  // twice. Only what was acknowledged since the last time, unless `all`.
  enum class Which { kNew, kAll };
  [[nodiscard]] std::vector<std::string> Lost(const std::filesystem::path& registry, Which which);
  struct Counts {
    std::size_t known, approved, forgotten, queued, ended;
  };
  [[nodiscard]] Counts counts() const;

 private:
  struct Facts {
    std::set<AgentId> known, approved, forgotten;
    std::set<Jti> queued, ended;
  };
  [[nodiscard]] Facts TakeNew();

  mutable std::mutex mutex_;
  Facts all_;
  Facts new_;
  std::size_t orders_asked_ = 0;
  std::set<AgentId> to_forget_;
  std::map<Jti, std::size_t> receipts_sent_;
};

}  // namespace countersign::testing
