#include "tests/support/agent_disk.h"

#include <algorithm>
#include <utility>

namespace countersign::testing {

Result<Bytes> AgentDisk::LoadTrust() {
  if (trust_.empty()) return Fail(Code::kNotFound, "there is no trust state");
  return trust_;
}

Status AgentDisk::StoreTrust(const trust::TrustState& state) {
  kept_trust_ = trust_;
  return Write(AgentFile::kTrust, trust_, trust::EncodeTrustState(state), 0);
}

Status AgentDisk::AppendOrders(ByteView record) {
  Bytes next = orders_;
  next.insert(next.end(), record.begin(), record.end());
  return Write(AgentFile::kOrdersAppend, orders_, std::move(next), record.size());
}

Status AgentDisk::ReplaceOrders(ByteView whole) {
  Status written = Write(AgentFile::kOrdersReplace, orders_, ToBytes(whole), 0);
  if (written) synced_ = orders_.size();
  return written;
}

Status AgentDisk::StoreCounters(ByteView whole) {
  return Write(AgentFile::kCounters, counters_, ToBytes(whole), 0);
}

Status AgentDisk::Write(AgentFile file, Bytes& content, Bytes next, std::size_t num_appended) {
  const Fate fate = plan_ ? plan_(file, next.size()) : Fate::kSucceeds;
  if (fate == Fate::kSucceeds || fate == Fate::kFailsNew || fate == Fate::kDiesNew) {
    content = std::move(next);
  } else if ((fate == Fate::kFailsTorn || fate == Fate::kDiesTorn) && num_appended > 0) {
    const std::size_t kept = tear_ ? tear_(num_appended) : num_appended / 2;
    next.resize(next.size() - num_appended + std::min(kept, num_appended));
    content = std::move(next);
  }
  if (fate == Fate::kDiesOld || fate == Fate::kDiesNew || fate == Fate::kDiesTorn) {
    Cut();
    throw PowerCut();
  }
  if (fate != Fate::kSucceeds) return Fail(Code::kIo, "the disk fails");
  writes_.push_back(file);
  return {};
}

void AgentDisk::Cut() {
  if (loses_trust_ && !kept_trust_.empty()) trust_ = kept_trust_;
  if (loses_synced_) orders_.resize(std::min(orders_.size(), synced_));
}

void AgentDisk::Restore(const Files& files) {
  trust_ = files.trust;
  orders_ = files.orders;
  counters_ = files.counters;
  synced_ = orders_.size();
}

}  // namespace countersign::testing
