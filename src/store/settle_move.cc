#include "store/settle_move.h"

#include <utility>

#include "store/config_edit.h"

namespace countersign::store {
namespace {

Status Follow(AgentFolder& folder, const std::string& config, const trust::TrustState& held) {
  // The second time it is what is planned already. One that cannot be read has nothing to keep.
  if (const auto before = folder.LoadConfig(); before && !IsEdited(*before, config)) {
    COUNTERSIGN_RETURN_IF_ERROR(folder.KeepConfig(*before));
  }
  COUNTERSIGN_RETURN_IF_ERROR(folder.StoreConfig(config));
  const auto restored = folder.RestoreCertificateFile(held);
  if (!restored) return std::unexpected(restored.error());
  return {};
}

}  // namespace

Result<MoveJournal> LoadJournal(const AgentFolder& folder) {
  const auto file = folder.LoadMove();
  if (!file) return std::unexpected(file.error());
  if (file->empty()) return MoveJournal();
  return ParseMoveJournal(*file);
}

Status StoreJournal(AgentFolder& folder, const MoveJournal& journal) {
  if (journal.empty()) return folder.StoreMove({});
  return folder.StoreMove(EncodeMoveJournal(journal));
}

Result<SettledMove> SettleMove(AgentFolder& folder) {
  auto journal = LoadJournal(folder);
  if (!journal) return std::unexpected(std::move(journal).error());
  if (!journal->planned) return SettledMove();
  const auto file = folder.LoadTrust();
  if (!file) return std::unexpected(file.error());
  const auto held = trust::ParseTrustState(*file);
  if (!held) return WithContext("file \"trust\"", held.error());
  const std::string config = journal->planned->config;
  SettledMove settled{.happened = HasHappened(*journal->planned, *held)};
  Status finished = settled.happened ? Follow(folder, config, *held) : Status();
  if (finished) {
    finished = StoreJournal(folder, Settled(*std::move(journal), settled.happened, held->server));
  }
  // A plan that is to be dropped and stays is dropped the next time: nothing depends on it.
  if (!finished && settled.happened) {
    settled.config = config;
    settled.failure = finished.error().message;
  }
  return settled;
}

}  // namespace countersign::store
