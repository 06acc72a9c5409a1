#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "store/agent_files.h"

namespace countersign::testing {

// PowerCut leaves a storage call in the middle: the process is gone. Catch it, drop the agent and
// make it anew from what the disk holds.
class PowerCut : public std::runtime_error {
 public:
  PowerCut() : std::runtime_error("power cut") {}
};

enum class AgentFile { kTrust, kOrdersAppend, kOrdersReplace, kCounters };

// What happens to one write. The promise of store::AgentStorage allows each of these.
enum class Fate {
  kSucceeds,
  kFailsOld,   // fails, and nothing was written
  kFailsNew,   // fails, and all of it was written
  kFailsTorn,  // fails, and a part was appended (another write: as kFailsOld)
  kDiesOld,    // PowerCut before anything was written
  kDiesNew,    // PowerCut after all of it was written
  kDiesTorn,   // PowerCut after a part was appended (another write: as kDiesOld)
};

// AgentDisk is an agent's disk in memory whose writes can be made to fail or to die. `Plan` decides
// on each write; without one all succeed.
class AgentDisk final : public store::AgentStorage {
 public:
  using Plan = std::function<Fate(AgentFile file, std::size_t len)>;

  void set_plan(Plan plan) { plan_ = std::move(plan); }
  // TearAt: how much of a torn append is written, of `len` octets (default: half).
  void set_tear(std::function<std::size_t(std::size_t len)> tear) { tear_ = std::move(tear); }
  // LoseSynced makes a broken disk: appends are told to be durable, and a power cut undoes them.
  void LoseSynced() { loses_synced_ = true; }
  // LoseTrust makes one that loses each new trust state at the next power cut.
  void LoseTrust() { loses_trust_ = true; }
  // Cut is a power cut while nothing is being written.
  void Cut();

  [[nodiscard]] Result<Bytes> LoadTrust() override;
  [[nodiscard]] Status StoreTrust(const trust::TrustState& state) override;
  [[nodiscard]] Result<Bytes> LoadOrders() override { return orders_; }
  [[nodiscard]] Status AppendOrders(ByteView record) override;
  [[nodiscard]] Status ReplaceOrders(ByteView whole) override;
  [[nodiscard]] Result<Bytes> LoadCounters() override { return counters_; }
  [[nodiscard]] Status StoreCounters(ByteView whole) override;

  // The writes that succeeded, oldest first.
  [[nodiscard]] const std::vector<AgentFile>& writes() const { return writes_; }
  void ForgetWrites() { writes_.clear(); }
  [[nodiscard]] Bytes& trust() { return trust_; }
  [[nodiscard]] Bytes& orders() { return orders_; }
  [[nodiscard]] Bytes& counters() { return counters_; }

  // Snapshot and Restore: the files as a backup takes them, and brings them back.
  struct Files {
    Bytes trust, orders, counters;
  };
  [[nodiscard]] Files Snapshot() const { return {trust_, orders_, counters_}; }
  void Restore(const Files& files);

 private:
  [[nodiscard]] Status Write(AgentFile file, Bytes& content, Bytes next, std::size_t num_appended);

  Plan plan_;
  std::function<std::size_t(std::size_t)> tear_;
  bool loses_synced_ = false;
  Bytes trust_, orders_, counters_;
  // On a disk that loses what it should not: what it keeps.
  std::size_t synced_ = 0;
  bool loses_trust_ = false;
  Bytes kept_trust_;
  std::vector<AgentFile> writes_;
};

}  // namespace countersign::testing
