#include "mover/transfer.h"

#include <utility>

#include "store/config_edit.h"
#include "store/settle_move.h"

namespace countersign::mover {
namespace {

store::FormerServer FormerOf(const store::AgentConfig& config, const trust::TrustState& held) {
  return {.server = held.server,
          .certificate = held.certificate.der(),
          .host = config.server_host,
          .http_port = config.http_port,
          .https_port = config.https_port,
          .tries = 0,
          .tls = config.tls};
}

// A server that was installed anew answers where the earlier one did: nobody is left to be told.
bool IsSamePlace(const store::AgentConfig& one, const store::AgentConfig& other) {
  return one.server_host == other.server_host && one.http_port == other.http_port &&
         one.https_port == other.https_port;
}

store::PlannedMove PlanOf(const store::AgentFolder& folder, const Transfer& transfer,
                          const trust::TrustState& proved) {
  // Its administrator's comments stay, if it can be read.
  const std::string text = folder.LoadConfig().value_or("");
  store::PlannedMove planned{.from = store::SideOf(transfer.held),
                             .to = store::SideOf(proved),
                             .config = store::RewriteAgentConfig(text, transfer.config),
                             .leaves = std::nullopt};
  if (transfer.kind == Transfer::Kind::kMove && !IsSamePlace(transfer.now, transfer.config)) {
    planned.leaves = FormerOf(transfer.now, transfer.held);
  }
  return planned;
}

}  // namespace

Result<Transfer> PlanTransfer(const Place& place, const store::AgentConfig& now,
                              const trust::TrustState& held, trust::TrustState to_be) {
  const auto kind = to_be.server == held.server ? Transfer::Kind::kRepair : Transfer::Kind::kMove;
  store::AgentConfig config = now;
  config.server_host = place.host;
  config.http_port = place.http_port;
  config.https_port = place.https_port;
  if (place.listen_port) config.listen_port = *place.listen_port;
  if (place.domain) config.domain = *place.domain;
  if (place.tls) config.tls = *place.tls;
  if (kind == Transfer::Kind::kMove) {
    // Both are of the server that is left.
    config.enrol.reset();
    config.web_keys.clear();
  }
  if (place.enrol) config.enrol = place.enrol;
  if (!place.web_keys.empty()) config.web_keys = place.web_keys;
  const auto again = store::ParseAgentConfig(store::FormatAgentConfig(config));
  if (!again) {
    return Fail(Code::kUsage, "this cannot stand in agent.toml: " + again.error().message);
  }
  return Transfer{kind, now, std::move(config), held, std::move(to_be)};
}

Result<Committed> CommitTransfer(store::AgentFolder& folder, const Transfer& transfer,
                                 const trust::TrustState& proved, const Adopt& adopt) {
  // An earlier plan whose end could not be written is ended first.
  if (const auto earlier = store::SettleMove(folder); !earlier) {
    return std::unexpected(earlier.error());
  }
  auto journal = store::LoadJournal(folder);
  if (!journal) return std::unexpected(std::move(journal).error());
  auto planned = PlanOf(folder, transfer, proved);
  // Where trust stays with the same certificate the plan is the step: what is used up by it (a
  // warrant) is written before.
  if (planned.from == planned.to) COUNTERSIGN_RETURN_IF_ERROR(adopt(proved));
  journal->planned = std::move(planned);
  Status stepped = store::StoreJournal(folder, *journal);
  if (stepped) stepped = adopt(proved);
  // A failed replacement may have happened all the same, and where trust stays as it is the plan
  // itself is the step: what is on the disk decides.
  const auto settled = store::SettleMove(folder);
  const bool happened = settled ? settled->happened : stepped.has_value();
  if (!happened) {
    return std::unexpected(stepped ? Error{Code::kInternal, "the trust state did not change", ""}
                                   : stepped.error());
  }
  // Written, but its answer was lost: who runs shall know it too. It is on the disk already.
  if (!stepped) (void)adopt(proved);
  Committed committed;
  if (!settled) committed.unfinished = settled.error().message;
  if (settled && settled->config) committed.unfinished = settled->failure;
  return committed;
}

std::string_view KindName(Transfer::Kind kind) {
  return kind == Transfer::Kind::kRepair ? "repair" : "move";
}

}  // namespace countersign::mover
