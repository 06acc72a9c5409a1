#include "tests/support/memory_storage.h"

#include <algorithm>
#include <string>

namespace countersign::testing {
namespace {

Result<Bytes> Read(const std::optional<Bytes>& file, std::string_view name) {
  if (file) return *file;
  return Fail(Code::kNotFound, std::string(name) + " is not there");
}

Status Write(const FaultSwitch& fault, std::string_view name, const std::function<void()>& effect) {
  const WriteFault fails = fault ? fault(name) : WriteFault::kNone;
  if (fails != WriteFault::kBefore) effect();
  if (fails == WriteFault::kNone) return {};
  return Fail(Code::kIo, "injected failure of " + std::string(name));
}

}  // namespace

Result<Bytes> MemoryServerStorage::ReadBackup() { return Read(content.backup, "the backup"); }

Result<Bytes> MemoryServerStorage::ReadStagedBackup() {
  return Read(content.staged, "the staged backup");
}

Status MemoryServerStorage::StageBackup(ByteView file) {
  return Write(fault, "StageBackup", [&] { content.staged = ToBytes(file); });
}

Status MemoryServerStorage::CommitStagedBackup() {
  if (!content.staged) return Fail(Code::kNotFound, "no staged backup");
  return Write(fault, "CommitStagedBackup", [&] {
    content.backup = std::move(content.staged);
    content.staged.reset();
  });
}

Status MemoryServerStorage::DiscardStagedBackup() {
  return Write(fault, "DiscardStagedBackup", [&] { content.staged.reset(); });
}

Result<std::string> MemoryServerStorage::KeepBackup() {
  if (!content.backup) return Fail(Code::kNotFound, "the backup is not there");
  const auto kept = Write(fault, "KeepBackup", [&] { content.kept.push_back(*content.backup); });
  if (!kept) return std::unexpected(kept.error());
  return "kept-" + std::to_string(content.kept.size()) + ".dat";
}

Result<std::vector<std::string>> MemoryServerStorage::KeptBackups() {
  std::vector<std::string> names;
  for (std::size_t i = 1; i <= content.kept.size(); ++i) {
    names.push_back("kept-" + std::to_string(i) + ".dat");
  }
  return names;
}

bool MemoryServerStorage::HasPublicCertificate(ByteView der) {
  return content.public_certificate == ToBytes(der);
}

bool MemoryServerStorage::HasStored(const store::StoredCertificate& certificate) {
  return std::ranges::any_of(content.stores, [&](const auto& other) {
    return other.store == certificate.store && other.name == certificate.name &&
           other.der == certificate.der;
  });
}

Status MemoryServerStorage::WriteStores(const std::vector<store::StoredCertificate>& certificates) {
  return Write(fault, "WriteStores", [&] { content.stores = certificates; });
}

Status MemoryServerStorage::WritePublicCertificate(ByteView der) {
  return Write(fault, "WritePublicCertificate", [&] { content.public_certificate = ToBytes(der); });
}

Result<Bytes> MemoryAgentStorage::LoadTrust() { return Read(content.trust, "the trust state"); }

Status MemoryAgentStorage::StoreTrust(const trust::TrustState& state) {
  ++num_writes;
  return Write(fault, "StoreTrust", [&] {
    content.trust = trust::EncodeTrustState(state);
    content.certificate = state.certificate.der();
  });
}

Result<Bytes> MemoryAgentStorage::LoadOrders() { return content.orders; }

Status MemoryAgentStorage::AppendOrders(ByteView record) {
  ++num_writes;
  return Write(fault, "AppendOrders",
               [&] { content.orders.insert(content.orders.end(), record.begin(), record.end()); });
}

Status MemoryAgentStorage::ReplaceOrders(ByteView whole) {
  ++num_writes;
  return Write(fault, "ReplaceOrders", [&] { content.orders = ToBytes(whole); });
}

Result<Bytes> MemoryAgentStorage::LoadCounters() { return content.counters; }

Status MemoryAgentStorage::StoreCounters(ByteView whole) {
  ++num_writes;
  return Write(fault, "StoreCounters", [&] { content.counters = ToBytes(whole); });
}

}  // namespace countersign::testing
