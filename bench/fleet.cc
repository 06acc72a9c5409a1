#include "bench/fleet.h"

#include <utility>

#include "base/error.h"

namespace countersign {

Fleet::Fleet(const std::string& name, int agents, const Change& change)
    : path_(std::filesystem::temp_directory_path() / ("countersign-" + name + "-bench.db")) {
  Remove();
  auto registry = store::OpenSqlite(path_.string());
  Check(registry.has_value(), "a registry");
  const auto certificates = bench_.registry->ListCertificates().value();
  for (const auto& row : certificates) {
    Check((*registry)->PutCertificate(row).has_value(), "a certificate");
  }
  bench_.registry = *std::move(registry);
  reserve_ = bench_.Issue(11);
  bench_.Put(reserve_->certificate, store::CertificateRole::kServer,
             store::CertificateState::kReserve);
  Check(bench_.ring->Add(reserve_->key, keys::Exportable::kNo).has_value(), "a key");
  bench_.Restart();
  agent_.emplace(bench_.KnownAgent());
  Fill(agents, change);
}

Fleet::~Fleet() {
  bench_.registry = store::OpenSqlite(":memory:").value();
  Remove();
}

void Fleet::Report(bool pinned) {
  auto report = agent_->Report(bench_.now);
  report.pinned = pinned;
  static_cast<void>(bench_.Tell(*agent_, report));
}

void Fleet::Remove() const {
  for (const char* const ending : {"", "-wal", "-shm"}) {
    std::filesystem::remove(path_.string() + ending);
  }
}

void Fleet::Fill(int agents, const Change& change) {
  const auto like = bench_.Row(*agent_);
  const auto filled = bench_.registry->Transact([&]() -> Status {
    for (int i = 0; i < agents; ++i) {
      auto row = like;
      row.id = AgentId(bench_.random.Array<16>());
      change(row, i);
      ids_.push_back(row.id);
      COUNTERSIGN_RETURN_IF_ERROR(bench_.registry->PutAgent(row));
    }
    return {};
  });
  Check(filled.has_value(), "a fleet");
}

}  // namespace countersign
