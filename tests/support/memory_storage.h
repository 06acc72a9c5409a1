#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "store/agent_files.h"
#include "store/server_files.h"

namespace countersign::testing {

// What a storage does at one write: goes through, fails before anything was written, or fails after
// it was (the answer was lost).
enum class WriteFault { kNone, kBefore, kAfter };

// FaultSwitch decides about each write by its name ("StoreTrust"). Empty: all go through. It may
// also throw what the test stands a power cut for.
using FaultSwitch = std::function<WriteFault(std::string_view write)>;

// MemoryServerStorage is a server's disk in memory, for the simulator and for tests. A copy of its
// Content is what a power cut leaves.
class MemoryServerStorage final : public store::ServerStorage {
 public:
  struct Content {
    std::optional<Bytes> backup;
    std::optional<Bytes> staged;
    std::vector<Bytes> kept;
    std::vector<store::StoredCertificate> stores;
    std::optional<Bytes> public_certificate;
  };

  [[nodiscard]] Result<Bytes> ReadBackup() override;
  [[nodiscard]] std::string BackupPlace() const override { return "/server/OfficeScanAuth.dat"; }
  [[nodiscard]] Result<Bytes> ReadStagedBackup() override;
  [[nodiscard]] Status StageBackup(ByteView file) override;
  [[nodiscard]] Status CommitStagedBackup() override;
  [[nodiscard]] Status DiscardStagedBackup() override;
  [[nodiscard]] Result<std::string> KeepBackup() override;
  [[nodiscard]] Result<std::vector<std::string>> KeptBackups() override;
  [[nodiscard]] bool HasPublicCertificate(ByteView der) override;
  [[nodiscard]] bool HasStored(const store::StoredCertificate& certificate) override;
  [[nodiscard]] Status WriteStores(
      const std::vector<store::StoredCertificate>& certificates) override;
  [[nodiscard]] Status WritePublicCertificate(ByteView der) override;

  Content content;
  FaultSwitch fault;
};

// MemoryAgentStorage is an agent's disk in memory. A copy of its Content is what a power cut leaves
// of whole writes; torn appends are for the caller to make (cut `orders` short).
class MemoryAgentStorage final : public store::AgentStorage {
 public:
  struct Content {
    std::optional<Bytes> trust;
    std::optional<Bytes> certificate;  // OfcNTCer.dat
    Bytes orders;
    Bytes counters;
  };

  [[nodiscard]] Result<Bytes> LoadTrust() override;
  [[nodiscard]] Status StoreTrust(const trust::TrustState& state) override;
  [[nodiscard]] Result<Bytes> LoadOrders() override;
  [[nodiscard]] Status AppendOrders(ByteView record) override;
  [[nodiscard]] Status ReplaceOrders(ByteView whole) override;
  [[nodiscard]] Result<Bytes> LoadCounters() override;
  [[nodiscard]] Status StoreCounters(ByteView whole) override;

  Content content;
  FaultSwitch fault;
  std::size_t num_writes = 0;  // attempted
};

}  // namespace countersign::testing
