#include "mover/target_exchange.h"

#include <utility>

#include "wire/judge.h"

namespace countersign::mover {

TargetExchange::TargetExchange(trust::TrustState to_be, wire::AgentProfile profile,
                               const crypto::Signer& key, RandomSource& random)
    : to_be_(std::move(to_be)),
      profile_(std::move(profile)),
      key_(key),
      id_(Uuid::FromDigest(key.public_key().digest())),
      random_(random),
      challenges_(SecretBytes(random.Array<32>())) {}

Result<std::string> TargetExchange::MakeReport(store::AgentCounters& counters,
                                               const Instance& instance, Times now,
                                               const std::optional<Nonce>& echo) {
  const auto seq = counters.NextSeq();
  if (!seq) return std::unexpected(seq.error());
  challenge_ = challenges_.Draw(trust::ChallengeUse::kReport, random_.Array<16>(), now.boot);
  return wire::SignReport(wire::MakeReport(profile_, to_be_,
                                           {.agent = id_,
                                            .challenge = challenge_,
                                            .echo = echo,
                                            .seq = *seq,
                                            .instance = instance,
                                            .time = now.wall,
                                            .failures = {},
                                            .with_bundle = false}),
                          key_);
}

TargetExchange::Answer TargetExchange::TakeReply(std::string_view message,
                                                 const trust::DistrustList& distrust,
                                                 Times now) const {
  Answer answer;
  const auto reply = wire::ParseReply(message);
  if (!reply) {
    answer.refused = trust::Verdict::kMalformed;
    return answer;
  }
  const bool challenge_is_good =
      reply->reply.challenge == challenge_ &&
      challenges_.IsGood(challenge_, trust::ChallengeUse::kReport, now.boot);
  const auto judgement =
      wire::JudgeReply({to_be_, distrust, id_, now.wall}, *reply, challenge_is_good);
  if (!judgement.authentic) {
    answer.refused = judgement.refused.value_or(trust::Verdict::kMalformed);
    return answer;
  }
  answer.state = judgement.moved ? *judgement.moved : to_be_;
  answer.expired = judgement.refused == trust::Verdict::kCertificateExpired;
  // Step 7: of what an expired certificate signs nothing else is taken.
  answer.accepted = !answer.expired && reply->reply.accepted;
  answer.web = reply->reply.web;
  answer.nonce = reply->reply.nonce;
  return answer;
}

}  // namespace countersign::mover
