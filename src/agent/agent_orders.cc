#include <utility>

#include "agent/agent.h"
#include "wire/judge.h"

// Orders: steps 1 to 10 of protocol section 5.
namespace countersign::agent {
namespace {

using trust::Verdict;

}  // namespace

OrderAnswer Agent::TakeOrder(std::string_view message, std::string_view source, Times now) {
  const OrderAnswer later{
      .status = 429, .receipt = {}, .retry_after = RateLimiter::RetryAfterSeconds(), .pending = {}};
  // Bounded before any work: what is refused here costs no signature.
  if (!limiter_.MayTry(source, now.boot)) return later;
  const auto answer = [&](const std::optional<Jti>& jti, const Digest& oh, Verdicts verdicts) {
    auto receipt = Receipt(jti, oh, std::move(verdicts), now);
    if (!receipt) return OrderAnswer{.status = 503, .receipt = {}, .retry_after = 0, .pending = {}};
    return OrderAnswer{
        .status = 200, .receipt = *std::move(receipt), .retry_after = 0, .pending = {}};
  };
  const auto refuse = [&](const std::optional<Jti>& jti, const Digest& oh, Verdict verdict) {
    const bool may_answer = limiter_.Failed(source, now.boot);
    CountFailure(verdict, source, "order", now);
    return may_answer ? answer(jti, oh, {verdict}) : later;
  };

  // Step 1.
  const auto order = wire::ParseOrder(message);
  if (!order) return refuse(std::nullopt, wire::HashOfOrder(message), Verdict::kMalformed);
  const Jti& jti = order->order.jti;
  const Digest& oh = order->envelope.oh;

  // Steps 2 to 7.
  const bool challenge_is_good =
      challenges_.IsGood(order->order.challenge, trust::ChallengeUse::kListener, now.boot);
  const auto judgement =
      wire::JudgeOrder({trust_, world_.distrust, id_, now.wall}, *order, challenge_is_good);
  if (const auto refused = Settle(judgement, order->order.challenge, now)) {
    return refuse(jti, oh, *refused);
  }

  // Steps 8 to 10.
  limiter_.Succeeded(source, now.boot);
  auto verdicts = RunOnce(*order, Way::kListener, now);
  if (!verdicts) return {.status = 200, .receipt = {}, .retry_after = 0, .pending = jti};
  return answer(jti, oh, *std::move(verdicts));
}

std::optional<Verdict> Agent::Settle(const wire::Judgement& judgement, std::string_view challenge,
                                     Times now) {
  if (!judgement.authentic) return judgement.refused;
  challenges_.Spend(challenge, now.boot);
  if (judgement.moved) {
    if (const auto committed = CommitTrust(*judgement.moved); !committed) {
      world_.log.Write(LogLevel::kError, committed.error().message);
      return Verdict::kCannotRecord;
    }
  }
  return judgement.refused;
}

std::optional<Agent::Verdicts> Agent::RunOnce(const wire::SignedOrder& order, Way way, Times now) {
  const Jti& jti = order.order.jti;
  // Step 8.
  if (const auto before = memory_.Seen(jti)) {
    Verdicts verdicts{before->verdict};
    if (before->verdict == Verdict::kDoneBefore) {
      verdicts.earlier = {before->entry->verdict, before->entry->result};
    }
    return verdicts;
  }
  // What has no room now is not recorded: it may come again.
  if (IsFull(order.order.act)) return Verdicts{Verdict::kBusy};
  const auto record = memory_.Start(jti, trust_.certificate.thumbprint(), now.wall);
  if (!record) return Verdicts{Verdict::kBusy};
  if (const auto written = AppendOrderRecord(*record); !written) {
    memory_.Forget(jti);
    world_.log.Write(LogLevel::kError, written.error().message);
    return Verdicts{Verdict::kCannotRecord};
  }
  return Act(order, way, now);
}

Agent::Verdicts Agent::Finish(const Jti& jti, Verdict verdict, std::string result, Times now) {
  Verdicts verdicts{verdict, std::nullopt, result};
  const Bytes record = memory_.Finish(jti, verdict, std::move(result), now.wall);
  if (const auto written = AppendOrderRecord(record); !written) {
    // It stays `started` on the disk, so a later process says `interrupted`: true, and not run
    // again.
    world_.log.Write(LogLevel::kError, written.error().message);
  }
  return verdicts;
}

// Ends the acts that waited for the report made last.
void Agent::FinishRunning(Verdict verdict, const std::string& result, Times now) {
  for (auto at = running_.begin(); at != running_.end();) {
    auto& [jti, running] = *at;
    bool may_go = false;
    if (!running.receipt.empty()) {
      may_go = now.boot - running.ended_at > kAnswerWithin;  // its asker has gone away without it
    } else if (running.after_report && *running.after_report < report_number_) {
      may_go = EndOne(jti, running, verdict, result, now);
    }
    at = may_go ? running_.erase(at) : std::next(at);
  }
}

void Agent::EndAct(const Jti& jti, Verdict verdict, const std::string& result, Times now) {
  const auto at = running_.find(jti);
  if (at == running_.end() || !at->second.receipt.empty()) return;
  if (EndOne(jti, at->second, verdict, result, now)) running_.erase(at);
}

bool Agent::EndOne(const Jti& jti, Running& running, Verdict verdict, const std::string& result,
                   Times now) {
  Verdicts verdicts = Finish(jti, verdict, result, now);
  if (running.way == Way::kNobody) return true;
  auto receipt = ReceiptFor(running.server, jti, running.oh, std::move(verdicts), now);
  if (!receipt) return true;
  if (running.way == Way::kReply) {
    receipts_.push_back(*std::move(receipt));
    return true;
  }
  running.receipt = *std::move(receipt);
  running.ended_at = now.boot;
  return false;
}

std::optional<std::string> Agent::PendingReceipt(const Jti& jti, Times) {
  const auto at = running_.find(jti);
  if (at == running_.end() || at->second.receipt.empty()) return std::nullopt;
  std::string receipt = std::move(at->second.receipt);
  running_.erase(at);
  return receipt;
}

std::optional<std::string> Agent::RunningReceipt(const Jti& jti, Times now) {
  if (auto ended = PendingReceipt(jti, now)) return ended;
  const auto at = running_.find(jti);
  if (at == running_.end()) return std::nullopt;
  // Its end still has to be stored: it stays, and its receipt is nobody's.
  at->second.way = Way::kNobody;
  return ReceiptFor(at->second.server, jti, at->second.oh, {Verdict::kRunning}, now);
}

std::vector<std::string> Agent::TakeReceipts() { return std::exchange(receipts_, {}); }

}  // namespace countersign::agent
