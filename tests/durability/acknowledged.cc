#include "tests/durability/acknowledged.h"

#include <sqlite3.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "store/registry.h"
#include "tests/support/must.h"

namespace countersign::testing {
namespace {

namespace fs = std::filesystem;
using store::OrderState;

std::vector<AgentId> Without(const std::set<AgentId>& from, const std::set<AgentId>& which) {
  std::vector<AgentId> rest;
  std::ranges::set_difference(from, which, std::back_inserter(rest));
  return rest;
}

// Ask is the first column of a statement's first row, as text.
std::string Ask(const fs::path& registry, const char* sql) {
  sqlite3* database = nullptr;
  sqlite3_stmt* statement = nullptr;
  Check(sqlite3_open_v2(registry.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK,
        "the registry");
  Check(sqlite3_prepare_v2(database, sql, -1, &statement, nullptr) == SQLITE_OK, sql);
  Check(sqlite3_step(statement) == SQLITE_ROW, sql);
  std::string value = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));  // NOLINT
  sqlite3_finalize(statement);
  sqlite3_close(database);
  return value;
}

}  // namespace

void Acknowledged::Known(const AgentId& agent) {
  const std::lock_guard lock(mutex_);
  if (all_.known.insert(agent).second) new_.known.insert(agent);
}
void Acknowledged::Approved(const AgentId& agent) {
  const std::lock_guard lock(mutex_);
  if (all_.approved.insert(agent).second) new_.approved.insert(agent);
}
void Acknowledged::Forgotten(const AgentId& agent) {
  const std::lock_guard lock(mutex_);
  if (all_.forgotten.insert(agent).second) new_.forgotten.insert(agent);
}
void Acknowledged::Queued(const Jti& order) {
  const std::lock_guard lock(mutex_);
  if (all_.queued.insert(order).second) new_.queued.insert(order);
}
void Acknowledged::Ended(const Jti& order) {
  const std::lock_guard lock(mutex_);
  if (all_.ended.insert(order).second) new_.ended.insert(order);
}
void Acknowledged::AskedForOrder() {
  const std::lock_guard lock(mutex_);
  ++orders_asked_;
}
void Acknowledged::AskedToForget(const AgentId& agent) {
  const std::lock_guard lock(mutex_);
  to_forget_.insert(agent);
}
void Acknowledged::SentReceipt(const Jti& order) {
  const std::lock_guard lock(mutex_);
  ++receipts_sent_[order];
}

std::vector<AgentId> Acknowledged::KnownOnly() const {
  const std::lock_guard lock(mutex_);
  std::set<AgentId> handled = all_.approved;
  handled.insert(to_forget_.begin(), to_forget_.end());
  return Without(all_.known, handled);
}
std::vector<AgentId> Acknowledged::ApprovedOnly() const {
  const std::lock_guard lock(mutex_);
  return Without(all_.approved, to_forget_);
}
bool Acknowledged::IsForgotten(const AgentId& agent) const {
  const std::lock_guard lock(mutex_);
  return all_.forgotten.contains(agent);
}

Acknowledged::Facts Acknowledged::TakeNew() {
  const std::lock_guard lock(mutex_);
  return std::exchange(new_, {});
}

std::vector<std::string> Acknowledged::Lost(const fs::path& registry, Which which) {
  Facts facts = TakeNew();
  std::map<Jti, std::size_t> sent;
  std::size_t asked = 0;
  std::set<AgentId> to_forget;
  {
    const std::lock_guard lock(mutex_);
    if (which == Which::kAll) facts = all_;
    sent = receipts_sent_;
    asked = orders_asked_;
    to_forget = to_forget_;
  }
  std::vector<std::string> lost;
  const auto expect = [&](bool is_so, const std::string& what) {
    if (!is_so) lost.push_back(what);
  };
  {
    const auto rows = Must(store::OpenSqlite(registry.string()));
    for (const AgentId& agent : facts.known) {
      expect(Must(rows->FindAgent(agent)).has_value(), "known agent " + agent.Text());
    }
    for (const AgentId& agent : facts.approved) {
      const auto row = Must(rows->FindAgent(agent));
      const bool stands = row && (row->admitted || (row->forgotten && to_forget.contains(agent)));
      expect(stands, "approval of " + agent.Text());
    }
    for (const AgentId& agent : facts.forgotten) {
      const auto row = Must(rows->FindAgent(agent));
      expect(row && row->forgotten, "that " + agent.Text() + " is forgotten");
    }
    for (const Jti& order : facts.queued) {
      expect(Must(rows->FindOrder(order)).has_value(), "order " + order.Text());
    }
    for (const Jti& order : facts.ended) {
      const auto row = Must(rows->FindOrder(order));
      expect(row && row->state == OrderState::kDone, "the end of order " + order.Text());
      const auto receipts = Must(rows->ReceiptsOf(order)).size();
      expect(receipts >= 1 && receipts <= sent[order],
             "one receipt of order " + order.Text() + ", there are " + std::to_string(receipts));
    }
  }
  const std::string verdict = Ask(registry, "PRAGMA integrity_check");
  expect(verdict == "ok", "integrity: " + verdict);
  const std::string orders = Ask(registry, "SELECT count(*) FROM orders");
  expect(std::stoul(orders) <= asked, "orders are there twice: " + orders);
  const std::string twice =
      Ask(registry, "SELECT count(*) - count(DISTINCT args) FROM orders WHERE args <> ''");
  expect(twice == "0", "orders are there twice: " + twice);
  return lost;
}

Acknowledged::Counts Acknowledged::counts() const {
  const std::lock_guard lock(mutex_);
  return {all_.known.size(), all_.approved.size(), all_.forgotten.size(), all_.queued.size(),
          all_.ended.size()};
}

}  // namespace countersign::testing
