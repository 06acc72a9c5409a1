#include "daemon/ordered_move.h"

#include <string>
#include <utility>

#include "agent/move_order.h"
#include "wire/move_target.h"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;

// Words of docs/moves.md.
std::string_view ReasonOf(TransferEnd end) {
  switch (end) {
    case TransferEnd::kUnreachable:
      return "target-not-reached";
    case TransferEnd::kNotTaken:
      return "not-accepted";
    case TransferEnd::kOtherKey:
      return "not-proved";
    case TransferEnd::kFailed:
    case TransferEnd::kDone:
      break;
  }
  return "not-committed";
}

// What says more than that nobody answered at another address.
bool SaysMore(TransferEnd one, TransferEnd than) {
  return one != TransferEnd::kUnreachable || than == TransferEnd::kUnreachable;
}

OrderedMove Failed(TransferEnd end, std::string_view why) {
  OrderedMove failed;
  failed.ended = {trust::Verdict::kFailed, agent::MoveFailedResult(ReasonOf(end), why)};
  return failed;
}

}  // namespace

asio::awaitable<OrderedMove> MoveByOrder(AgentInUse use, agent::MoveAgent move) {
  OrderedMove outcome = Failed(TransferEnd::kUnreachable, "the warrant names no address");
  TransferEnd worst = TransferEnd::kUnreachable;
  const auto config = agent::ReadAgentConfig(use.installation.folder->path());
  if (!config) co_return Failed(TransferEnd::kFailed, config.error().message);
  for (const std::string& text : move.addresses) {
    const auto address = wire::ParseMoveAddress(text);
    if (!address) continue;
    mover::Place place;
    place.host = address->host;
    place.http_port = address->http_port;
    place.https_port = address->https_port;
    const auto transfer =
        mover::PlanTransfer(place, *config, move.held, trust::TrustState(move.to_be));
    if (!transfer) {
      outcome = Failed(TransferEnd::kFailed, transfer.error().message);
      worst = TransferEnd::kFailed;
      continue;
    }
    const auto carried = co_await CarryOut(use, *transfer, /*need_accepted=*/true);
    if (carried.end == TransferEnd::kDone) {
      outcome.ended = {trust::Verdict::kDone, agent::MovedResult(use.agent.trust(), text)};
      outcome.begin_anew = true;
      co_return outcome;
    }
    if (SaysMore(carried.end, worst)) {
      worst = carried.end;
      outcome = Failed(carried.end, carried.why);
    }
  }
  use.log.Write(LogLevel::kWarning,
                "the order to move was not carried out: " + outcome.ended.result);
  co_return outcome;
}

}  // namespace countersign::daemon
