#include "mover/renewal.h"

#include <utility>

#include "wire/judge.h"

namespace countersign::mover {

countersign::Result<std::unique_ptr<Renewal>> Renewal::Begin(const trust::TrustState& held,
                                                             const crypto::Certificate& certificate,
                                                             const wire::AgentProfile& profile,
                                                             const crypto::Signer& key,
                                                             RandomSource& random) {
  auto to_be = trust::FirstTrust(certificate, &held);
  if (!to_be) return std::unexpected(std::move(to_be).error());
  return std::unique_ptr<Renewal>(new Renewal(*std::move(to_be), profile, key, random));
}

Renewal::Renewal(trust::TrustState to_be, const wire::AgentProfile& profile,
                 const crypto::Signer& key, RandomSource& random)
    : to_be_(std::move(to_be)),
      profile_(profile),
      key_(key),
      id_(Uuid::FromDigest(key.public_key().digest())),
      challenge_random_(random.Array<16>()),
      challenges_(SecretBytes(random.Array<32>())) {}

countersign::Result<std::string> Renewal::MakeReport(store::AgentCounters& counters,
                                                     const Instance& instance, Times now) {
  const auto seq = counters.NextSeq();
  if (!seq) return std::unexpected(seq.error());
  challenge_ = challenges_.Draw(trust::ChallengeUse::kReport, challenge_random_, now.boot);
  return wire::SignReport(wire::MakeReport(profile_, to_be_,
                                           {.agent = id_,
                                            .challenge = challenge_,
                                            .echo = std::nullopt,
                                            .seq = *seq,
                                            .instance = instance,
                                            .time = now.wall,
                                            .failures = {},
                                            .with_bundle = false}),
                          key_);
}

Renewal::Outcome Renewal::TakeReply(std::string_view message, const trust::DistrustList& distrust,
                                    Times now) const {
  const auto refuse = [](trust::Verdict verdict) {
    return Outcome{
        Result::kOtherKey,
        "the server's reply does not fit the certificate: " + std::string(VerdictName(verdict)),
        std::nullopt};
  };
  const auto reply = wire::ParseReply(message);
  if (!reply) return refuse(trust::Verdict::kMalformed);
  const bool challenge_is_good =
      reply->reply.challenge == challenge_ &&
      challenges_.IsGood(challenge_, trust::ChallengeUse::kReport, now.boot);
  const auto judgement =
      wire::JudgeReply({to_be_, distrust, id_, now.wall}, *reply, challenge_is_good);
  if (!judgement.authentic) return refuse(judgement.refused.value_or(trust::Verdict::kMalformed));
  // Authentic but expired by this clock: the trust is right, and the clock or the certificate is
  // told by the agent's own reports.
  return {Result::kVerified, "the server answered with the key of this certificate",
          judgement.moved ? *judgement.moved : to_be_};
}

Renewal::Outcome Renewal::NotReached(std::string_view why) const {
  return {Result::kNotVerified, "the server could not be asked: " + std::string(why), to_be_};
}

std::string_view ResultName(Renewal::Result result) {
  switch (result) {
    case Renewal::Result::kVerified:
      return "verified";
    case Renewal::Result::kNotVerified:
      return "installed-not-verified";
    case Renewal::Result::kOtherKey:
      break;
  }
  return "other-key";
}

Renewal::Outcome Decide(Renewal::Outcome outcome, const Renewal& renewal, bool verify) {
  if (outcome.result != Renewal::Result::kOtherKey || verify) return outcome;
  return renewal.NotReached(outcome.why + "; installed all the same, as told");
}

}  // namespace countersign::mover
