#include "mover/farewell.h"

#include <utility>

#include "wire/judge.h"

namespace countersign::mover {
namespace {

std::optional<trust::TrustState> KnewOf(const store::FormerServer& former) {
  const auto certificate = crypto::Certificate::Parse(former.certificate);
  if (!certificate) return std::nullopt;
  auto state = trust::FirstTrust(*certificate, nullptr);
  if (!state) return std::nullopt;
  return *std::move(state);
}

}  // namespace

Farewell::Farewell(const store::FormerServer& former, const trust::TrustState& now,
                   wire::AgentProfile profile, const crypto::Signer& key, RandomSource& random)
    : knew_(KnewOf(former)),
      now_(now),
      profile_(std::move(profile)),
      key_(key),
      id_(Uuid::FromDigest(key.public_key().digest())),
      random_(random) {}

Result<std::string> Farewell::MakeReport(store::AgentCounters& counters, const Instance& instance,
                                         Times now, const std::optional<Nonce>& echo) {
  const auto seq = counters.NextSeq();
  if (!seq) return std::unexpected(seq.error());
  challenge_ = random_.Token().Text();
  wire::Report report = wire::MakeReport(profile_, now_,
                                         {.agent = id_,
                                          .challenge = challenge_,
                                          .echo = echo,
                                          .seq = *seq,
                                          .instance = instance,
                                          .time = now.wall,
                                          .failures = {},
                                          .with_bundle = false});
  report.enrol.reset();
  report.leaving = true;
  return wire::SignReport(report, key_);
}

bool Farewell::IsAnswered(std::string_view message, const trust::DistrustList& distrust,
                          Times now) const {
  if (!knew_) return false;
  const auto reply = wire::ParseReply(message);
  if (!reply) return false;
  // To an agent of another server it speaks under the first of its server ids, where it has
  // several.
  trust::TrustState knew = *knew_;
  if (knew.certificate.Names(reply->reply.iss)) knew.server = reply->reply.iss;
  const bool challenge_is_good = reply->reply.challenge == challenge_;
  // Authentic is also what a certificate signs that is past its end by this clock.
  return wire::JudgeReply({knew, distrust, id_, now.wall}, *reply, challenge_is_good).authentic;
}

}  // namespace countersign::mover
