#include <algorithm>

#include "server/move.h"
#include "server/server.h"

// Receipts: what a server believes of an order's end (protocol section 6).
namespace countersign::server {
namespace {

constexpr Seconds kAskAgainAfter = Seconds(5);  // after `running`
constexpr unsigned kMaxTries = 2;

// Verdicts after which a bundle may help: the agent holds something else than was thought.
bool WantsBundle(trust::Verdict verdict) {
  return verdict == trust::Verdict::kUnknownKey || verdict == trust::Verdict::kOlderGeneration;
}

}  // namespace

CallNext Server::TakeReceipt(Call& call, std::string_view message, Instant now) {
  ++call.tries;
  const auto receipt = wire::ParseReceipt(message);
  if (!receipt) {
    CallFailed(call, "its answer is no receipt: " + receipt.error().message, now);
    return CallNext::kEnded;
  }
  bool believed = false;
  const auto stored = world_.registry.Transact([&]() -> Status {
    auto order = world_.registry.FindOrder(call.jti);
    if (!order) return std::unexpected(std::move(order).error());
    auto row = world_.registry.FindAgent(call.agent);
    if (!row) return std::unexpected(std::move(row).error());
    if (!*order || !*row) return {};
    auto answer = BelieveReceipt(*receipt, message, **order, **row, ReachPolicy::Way::kCall, now);
    if (!answer) return std::unexpected(std::move(answer).error());
    believed = *answer;
    return {};
  });
  if (!stored) {
    CallDropped(call, stored.error().message, now);
    return CallNext::kEnded;
  }
  if (!believed) {
    CallFailed(call, "its receipt is not believed: wrong key, wrong agent, or for another order",
               now);
    return CallNext::kEnded;
  }
  const trust::Verdict verdict = receipt->receipt.verdict;
  // One that refuses the pending certificate is commanded with the active one.
  const bool refuses = rollout_.has_value() && trust::RefusesBundle(verdict);
  const bool again = WantsBundle(verdict) || refuses || verdict == trust::Verdict::kStale;
  return again && call.tries < kMaxTries ? CallNext::kOnceMore : CallNext::kEnded;
}

Result<bool> Server::BelieveReceipt(const wire::SignedReceipt& message, std::string_view text,
                                    store::OrderRow& order, store::AgentRow& row,
                                    ReachPolicy::Way way, Instant now) {
  const wire::Receipt& receipt = message.receipt;
  if (receipt.iss != row.id || order.agent != row.id || row.forgotten) return false;
  if (receipt.order && *receipt.order != order.jti) return false;
  // An agent that could not read the order's id did not come as far as a final verdict.
  if (!receipt.order && trust::IsFinal(receipt.verdict)) return false;
  const auto key = crypto::PublicKey::FromSpki(row.key);
  if (!key) return std::unexpected(key.error());
  if (!wire::IsSignedBy(message.envelope, *key)) return false;
  const auto version = std::find_if(order.versions.begin(), order.versions.end(),
                                    [&](const auto& one) { return one.oh == receipt.oh; });
  if (version == order.versions.end()) return false;
  // A moved agent's sign-off may have ended its order before the receipt came.
  const bool signed_off = order.act == kMoveAct && order.result.empty() && !receipt.result.empty();
  if (order.state == store::OrderState::kDone && !signed_off) return false;
  const Proof proof{version->noted_seq, version->epoch};

  row.last_contact = now;
  row.last_verified = now;
  reach_.TakeReceipt(row, way, now);
  const bool overtaken = IsOvertaken(row, receipt.seq, proof);
  if (!overtaken) {
    row.aud = receipt.aud;
    row.last_refusal.clear();
    if (!trust::IsFinal(receipt.verdict) && receipt.verdict != trust::Verdict::kRunning) {
      row.last_refusal = VerdictName(receipt.verdict);
    }
  }
  COUNTERSIGN_RETURN_IF_ERROR(
      ApplyProved(row, receipt.held, receipt.seq, receipt.instance, receipt.time, proof, now));
  if (!overtaken) {
    COUNTERSIGN_RETURN_IF_ERROR(JudgeOffer(row, Answered::kByReceipt, now));
  }
  COUNTERSIGN_RETURN_IF_ERROR(KeepProof(row, receipt.held, store::ProofKind::kReceipt, text, now));
  EndVersion(order, receipt, now);
  COUNTERSIGN_RETURN_IF_ERROR(NoteUnload(order, now));
  COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutOrder(order));
  COUNTERSIGN_RETURN_IF_ERROR(world_.registry.AddReceipt(row.id, order.jti, text, now));
  if (order.act == kMoveAct && order.state == store::OrderState::kDone) {
    COUNTERSIGN_RETURN_IF_ERROR(TakeMoveAnswer(world_, order, row, now));
  }
  if (!overtaken) COUNTERSIGN_RETURN_IF_ERROR(NoteWhereabouts(row, false, now));
  COUNTERSIGN_RETURN_IF_ERROR(Rejudge(row, now));
  COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutAgent(row));
  return true;
}

// The first final verdict counts; any other ends only the version that it names.
void Server::EndVersion(store::OrderRow& order, const wire::Receipt& receipt, Instant now) {
  order.verdict = VerdictName(receipt.verdict);
  if (trust::IsFinal(receipt.verdict)) {
    order.state = store::OrderState::kDone;
    order.result = receipt.result;
    if (receipt.earlier) {
      order.earlier = VerdictName(receipt.earlier->verdict);
      order.result = receipt.earlier->result;
    }
    order.ended = now;
    return;
  }
  std::erase_if(order.versions, [&](const auto& one) { return one.oh == receipt.oh; });
  if (receipt.verdict == trust::Verdict::kRunning) {
    order.next_attempt = now + kAskAgainAfter;
    if (order.attempts > 0) --order.attempts;
  }
}

int Server::TakePostedReceipt(std::string_view message, Instant now) {
  const auto receipt = wire::ParseReceipt(message);
  if (!receipt || !receipt->receipt.order) return 400;
  int status = 400;
  const auto stored = world_.registry.Transact([&]() -> Status {
    auto order = world_.registry.FindOrder(*receipt->receipt.order);
    if (!order) return std::unexpected(std::move(order).error());
    auto row = world_.registry.FindAgent(receipt->receipt.iss);
    if (!row) return std::unexpected(std::move(row).error());
    if (!*order || !*row) return {};
    const bool known = (*order)->agent == (*row)->id && (*order)->state == store::OrderState::kDone;
    auto believed =
        BelieveReceipt(*receipt, message, **order, **row, ReachPolicy::Way::kPosted, now);
    if (!believed) return std::unexpected(std::move(believed).error());
    if (*believed || known) status = 204;
    return {};
  });
  if (stored) return status;
  world_.log.Write(LogLevel::kError, "receipt not taken: " + stored.error().message);
  return 503;
}

}  // namespace countersign::server
