#include <algorithm>
#include <utility>

#include "agent/agent.h"
#include "agent/head_memory.h"
#include "wire/judge.h"

// Reports and replies: protocol section 6.
namespace countersign::agent {
namespace {

using trust::Verdict;

constexpr Uptime kFirstBackOff = Uptime(5'000);
constexpr unsigned kMaxRetryAfter = 3'600;
constexpr Seconds kAnswersWithin = std::chrono::minutes(1);  // after the time that it may hold it

}  // namespace

Uptime Agent::NextReportAt() const {
  Uptime at = next_report_at_;
  if (asked_report_at_) at = std::min(at, *asked_report_at_);
  if (failures_due_at_) at = std::min(at, *failures_due_at_);
  return at;
}

void Agent::ReportSoon(Times now, Uptime within) {
  const Uptime at = now.boot + Jitter(within);
  asked_report_at_ = asked_report_at_ ? std::min(*asked_report_at_, at) : at;
}

Result<std::string> Agent::MakeReport(Times now, Channel channel) {
  ++report_number_;
  // What an order asked for ends with the answer: that one is not to be held back.
  const auto may_wait = asked_report_at_ ? PollPlan::Wait::kNo : PollPlan::Wait::kMay;
  asked_report_at_.reset();
  failures_due_at_.reset();
  // Until the answer says otherwise.
  const Seconds wait = poll_.Begin(now.boot, may_wait);
  next_report_at_ = now.boot + std::max(interval(), wait + kAnswersWithin);
  const auto seq = counters_.NextSeq();
  if (!seq) return std::unexpected(seq.error());
  report_challenge_ =
      challenges_.Draw(trust::ChallengeUse::kReport, world_.random.Array<16>(), now.boot);
  // A verified nonce goes before one from the field. Either proves one report only.
  const auto echo = verified_nonce_ ? verified_nonce_ : field_nonce_;
  verified_nonce_.reset();
  field_nonce_.reset();
  report_had_echo_ = echo.has_value();
  report_failures_ = counters_.AllFailures();
  const wire::Report report = wire::MakeReport(profile_, trust_,
                                               {.agent = id_,
                                                .challenge = *report_challenge_,
                                                .echo = echo,
                                                .seq = *seq,
                                                .instance = instance_,
                                                .time = now.wall,
                                                .failures = counters_.FailuresToReport(),
                                                .with_bundle = want_bundle_,
                                                .pinned = channel == Channel::kPinned});
  return wire::SignReport(report, world_.key);
}

Agent::ReplyOutcome Agent::TakeReply(std::string_view message, std::string_view nonce_field,
                                     Times now) {
  ReplyOutcome outcome;
  const auto refuse = [&](Verdict verdict) {
    outcome.refused = verdict;
    CountFailure(verdict, wire::kServerSource, "reply", now);
    ReportFailed(VerdictName(verdict), 0, now);
    return outcome;
  };
  field_nonce_ = Nonce::Parse(nonce_field);

  const auto reply = wire::ParseReply(message);
  if (!reply) return refuse(Verdict::kMalformed);
  const std::string& challenge = reply->reply.challenge;
  const bool challenge_is_good =
      report_challenge_ == challenge &&
      challenges_.IsGood(challenge, trust::ChallengeUse::kReport, now.boot);
  const auto judgement =
      wire::JudgeReply({trust_, world_.distrust, id_, now.wall}, *reply, challenge_is_good);
  const Digest held = trust_.certificate.thumbprint();
  const auto refused = Settle(judgement, challenge, now);
  outcome.trust_moved = trust_.certificate.thumbprint() != held;
  if (refused) {
    // A server that was set back to a backup signs with a certificate that this agent has left
    // behind, and could not ask otherwise: the bundle is public, and sending it changes nothing
    // here.
    if (challenge_is_good) want_bundle_ = reply->reply.want_bundle;
    return refuse(*refused);
  }

  outcome.proved = report_had_echo_;
  outcome.accepted = reply->reply.accepted;
  ApplyReply(reply->reply, now);
  outcome.web = reply->reply.web;
  // Orders ended by this very reply come before those that it brings: an `update-now` in it wants a
  // report made from now on.
  FinishRunning(Verdict::kDone, R"({"generation":)" + std::to_string(trust_.generation) + "}", now);
  TakeReplyOrders(reply->reply, outcome, now);
  return outcome;
}

void Agent::ApplyReply(const wire::Reply& reply, Times now) {
  report_challenge_.reset();
  failed_reports_ = 0;
  field_nonce_.reset();
  verified_nonce_ = reply.nonce;
  server_interval_ = std::min(Seconds(reply.interval), kMaxSilence);
  // A report that echoed nothing was not proved new: the server took no failures from it.
  if (report_had_echo_) counters_.Reported(report_failures_);
  DateFailures(now);
  TakeHead(reply.head, now);
  if (reply.jump) {
    if (const auto jumped = counters_.Jump(*reply.jump); !jumped) {
      world_.log.Write(LogLevel::kWarning, jumped.error().message);
    }
  }
  // Without a nonce of its own the report proved nothing: again at once, which happens once, since
  // that one has the nonce of this reply. Also when the server has just asked for the bundle.
  const bool at_once = !report_had_echo_ || (reply.want_bundle && !want_bundle_);
  want_bundle_ = reply.want_bundle;
  // Jitter of a tenth keeps a fleet that was started together apart.
  const Uptime usual = interval() - Jitter(Uptime(interval()) / 10);
  const auto to_wait =
      poll_.Answered(Seconds(reply.wait), !reply.orders.empty(), now.boot, world_.random);
  next_report_at_ = now.boot + (at_once ? Uptime(0) : std::min(usual, to_wait.value_or(usual)));
}

void Agent::TakeHead(std::string_view head, Times now) {
  HeadMemory memory = HeadMemory::Parse(counters_.head());
  if (memory.Take(trust_.server, head, now.wall) && memory.step) {
    world_.log.Write(LogLevel::kWarning, StepText(*memory.step));
  }
  counters_.set_head(memory.Format());
}

void Agent::DateFailures(Times now) {
  failures_due_at_.reset();
  if (!counters_.AllFailures().empty()) failures_due_at_ = now.boot + kFailuresWithin;
}

void Agent::TakeReplyOrders(const wire::Reply& reply, ReplyOutcome& outcome, Times now) {
  for (const std::string& message : reply.orders) {
    const auto order = wire::ParseOrder(message);
    Verdicts verdicts{Verdict::kMalformed};
    if (order && order->order.x5c.empty()) {
      const bool same_challenge = order->order.challenge == reply.challenge;
      const auto judgement =
          wire::JudgeOrder({trust_, world_.distrust, id_, now.wall}, *order, same_challenge);
      if (judgement.refused) {
        verdicts.verdict = *judgement.refused;
      } else {
        auto ran = RunOnce(*order, Way::kReply, now);
        if (!ran) continue;  // its receipt comes through TakeReceipts
        verdicts = *std::move(ran);
        if (auto receipt =
                Receipt(order->order.jti, order->envelope.oh, std::move(verdicts), now)) {
          outcome.receipts.push_back(*std::move(receipt));
        }
        continue;
      }
    }
    CountFailure(verdicts.verdict, wire::kServerSource, "order in a reply", now);
    const auto jti = order ? std::optional(order->order.jti) : std::nullopt;
    const Digest oh = order ? order->envelope.oh : wire::HashOfOrder(message);
    if (auto receipt = Receipt(jti, oh, std::move(verdicts), now)) {
      outcome.receipts.push_back(*std::move(receipt));
    }
  }
}

void Agent::ReportRecalled(Times now) {
  report_challenge_.reset();
  poll_.Recalled();
  next_report_at_ = now.boot;
  DateFailures(now);
}

void Agent::ReportFailed(std::string_view why, unsigned retry_after, Times now) {
  report_challenge_.reset();
  poll_.Failed(now.boot);
  failed_reports_ = std::min(failed_reports_ + 1, 20U);
  // Doubling from five seconds to the interval, the second half of it random.
  const Uptime most = std::min<Uptime>(interval(), kFirstBackOff * (1LL << (failed_reports_ - 1)));
  Uptime wait = most / 2 + Jitter(most / 2);
  const Uptime asked = Seconds(std::min(retry_after, kMaxRetryAfter));
  wait = std::max(wait, asked);
  next_report_at_ = now.boot + wait;
  if (asked_report_at_) asked_report_at_ = std::max(*asked_report_at_, now.boot + asked);
  DateFailures(now);
  world_.log.Write(LogLevel::kWarning, "report failed: " + std::string(why) + "; again in " +
                                           FormatDuration(std::chrono::ceil<Seconds>(wait)));
  FinishRunning(Verdict::kFailed, R"({"error":"the report failed"})", now);
}

}  // namespace countersign::agent
