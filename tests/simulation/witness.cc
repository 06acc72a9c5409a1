#include "tests/simulation/witness.h"

#include <algorithm>

namespace countersign::simulation {

void Witness::Reported(std::string_view report) {
  report_challenge_ = wire::ParseReport(report).value().report.challenge;
}

void Witness::Judges(const agent::Agent& agent, std::string_view message, Uptime now) {
  agent_ = &agent;
  message_ = message;
  now_ = now;
}

void Witness::TakeLogLine(std::string_view line) {
  constexpr std::string_view kOrder = "order ";
  if (!line.starts_with(kOrder)) return;
  const auto jti = Jti::Parse(line.substr(kOrder.size(), line.find(':') - kOrder.size()));
  if (jti) checker_.Ran(machine_, *jti, ProofOf(*jti));
}

void Witness::TookReply() {
  const auto reply = wire::ParseReply(message_);
  checker_.Applied(machine_, reply ? ProofOfReply(*reply) : Proof());
}

void Witness::Died() {
  agent_ = nullptr;
  drawn_.clear();
  report_challenge_.clear();
}

bool Witness::IsOurs(const wire::SignedOrder& order) const {
  return order.order.aud == id_ && wire::IsSignedBy(order.envelope, trusted_key());
}

Proof Witness::ProofOfReply(const wire::SignedReply& reply) const {
  return {.is_signed = reply.reply.aud == id_ && wire::IsSignedBy(reply.envelope, trusted_key()),
          .is_fresh = reply.reply.challenge == report_challenge_};
}

Proof Witness::ProofOf(const Jti& jti) {
  if (const auto order = wire::ParseOrder(message_)) {
    const auto drawn = drawn_.extract(order->order.challenge);  // good once
    return {
        .is_signed = order->order.jti == jti && IsOurs(*order),
        .is_fresh = !drawn.empty() && now_ - drawn.mapped() <= trust::ChallengeKeeper::kLifetime};
  }
  const auto reply = wire::ParseReply(message_);
  if (!reply) return {};
  Proof proof = ProofOfReply(*reply);
  const auto is_it = [&](const std::string& text) {
    const auto order = wire::ParseOrder(text);
    return order && order->order.jti == jti && IsOurs(*order) &&
           order->order.challenge == reply->reply.challenge;
  };
  proof.is_signed = proof.is_signed && std::ranges::any_of(reply->reply.orders, is_it);
  return proof;
}

}  // namespace countersign::simulation
