#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <vector>

#include "tests/support/forwarding_registry.h"

namespace countersign::simulation {

// WatchedRegistry finds an order by its number, whatever jti it has drawn since, and fails
// transactions as it is told to.
class WatchedRegistry final : public testing::ForwardingRegistry {
 public:
  explicit WatchedRegistry(store::Registry& registry) : ForwardingRegistry(registry) {}

  void set_fails(std::function<bool()> fails) { fails_ = std::move(fails); }

  Status Transact(const std::function<Status()>& body) override {
    const bool fails = fails_ && fails_();
    return ForwardingRegistry::Transact([&]() -> Status {
      COUNTERSIGN_RETURN_IF_ERROR(body());
      if (fails) return Fail(Code::kIo, "the registry's disk fails");
      return {};
    });
  }
  Result<std::int64_t> AddOrder(const store::OrderRow& row) override {
    auto id = ForwardingRegistry::AddOrder(row);
    if (id) jtis_[*id] = {row.jti};
    return id;
  }
  Status PutOrder(const store::OrderRow& row) override {
    auto& jtis = jtis_[row.id];
    if (std::ranges::find(jtis, row.jti) == jtis.end()) jtis.push_back(row.jti);
    return ForwardingRegistry::PutOrder(row);
  }
  // FindOrderById: a transaction that was rolled back may have drawn a jti for nothing.
  [[nodiscard]] std::optional<store::OrderRow> FindOrderById(std::int64_t id) {
    for (const Jti& jti : jtis_.at(id)) {
      auto row = FindOrder(jti).value();
      if (row) return row;
    }
    return std::nullopt;
  }

 private:
  std::function<bool()> fails_;
  std::map<std::int64_t, std::vector<Jti>> jtis_;
};

}  // namespace countersign::simulation
