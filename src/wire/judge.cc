#include "wire/judge.h"

#include <optional>
#include <utility>

#include "trust/rule_a.h"

namespace countersign::wire {
namespace {

Judgement Refused(trust::Verdict verdict) { return {.refused = verdict, .moved = {}}; }

// SignedBy is the certificate that step 3 found, with the owner it belongs to; `accepted` holds
// them if they are not the held ones.
struct SignedBy {
  const crypto::Certificate& certificate;
  const Digest& owner;
};

bool IsDistrusted(const Judge& judge, const SignedBy& signed_by) {
  return judge.distrust.HasEither(signed_by.certificate) || judge.distrust.Has(signed_by.owner) ||
         judge.distrust.Has(judge.held.owner);
}

// Whether the certificate names the stored server id. What rule A accepts names it in so many words
// (its clause 3). A held certificate may name it by derivation instead: an imported identity
// without server id or generation (section 2). That such a certificate verifies under its own key,
// which makes the derivation hold, was established when it became the trust state
// (trust::IdentityOf) and cannot change with it: asking again would double the cost of every
// message.
bool NamesServer(const Judge& judge, const crypto::Certificate& certificate) {
  const ServerId& server = judge.held.server;
  if (certificate.Names(server)) return true;
  const bool is_held = certificate.thumbprint() == judge.held.certificate.thumbprint();
  return is_held && server == Uuid::FromDigest(certificate.key().digest());
}

// Message is an Order or a Reply: what steps 2 to 7 look at has the same names in both.
template <class Message>
Judgement JudgeMessage(const Judge& judge, const Envelope& envelope, const Message& message,
                       bool challenge_is_good) {
  // 2. The challenge is this agent's, made for this use, in time, and unused.
  if (!challenge_is_good) return Refused(trust::Verdict::kStale);

  // 3. `x5t#S256` is the held certificate (then `x5c` is ignored), or rule A accepts `x5c`.
  std::optional<trust::Accepted> accepted;
  if (message.x5t != judge.held.certificate.thumbprint()) {
    if (message.x5c.empty()) return Refused(trust::Verdict::kUnknownKey);
    auto answer = trust::RuleA(judge.held, message.x5c, judge.distrust);
    if (!answer) return Refused(answer.error());
    accepted = *std::move(answer);
  }
  const SignedBy signed_by = accepted ? SignedBy{accepted->certificate(), accepted->owner()}
                                      : SignedBy{judge.held.certificate, judge.held.owner};

  // 4. Neither the certificate, nor its key, nor the owner's digest is in a distrust list.
  if (IsDistrusted(judge, signed_by)) return Refused(trust::Verdict::kDistrusted);

  // 5. Signature, with the algorithm that the key allows.
  if (!IsSignedBy(envelope, signed_by.certificate.key())) {
    return Refused(trust::Verdict::kBadSignature);
  }

  // 6. `iss` is the stored server id and named by the certificate; `aud` is this agent. Then the
  //    challenge is used up and trust that moved is committed: the caller's part, told by
  //    `authentic` and `moved`. Clauses 4 and 5 of rule A, due again at that moment, were judged
  //    above against this same state.
  if (message.iss != judge.held.server || !NamesServer(judge, signed_by.certificate)) {
    return Refused(trust::Verdict::kWrongServer);
  }
  if (message.aud != judge.self) return Refused(trust::Verdict::kWrongAgent);
  Judgement judgement{.refused = {}, .authentic = true, .moved = {}};
  if (accepted) judgement.moved = trust::Moved(judge.held, *accepted);

  // 7. The certificate is not past its `notAfter` by the agent's clock.
  if (judge.now > signed_by.certificate.not_after()) {
    judgement.refused = trust::Verdict::kCertificateExpired;
  }
  return judgement;
}

}  // namespace

Judgement JudgeOrder(const Judge& judge, const SignedOrder& order, bool challenge_is_good) {
  return JudgeMessage(judge, order.envelope, order.order, challenge_is_good);
}

Judgement JudgeReply(const Judge& judge, const SignedReply& reply, bool challenge_is_good) {
  return JudgeMessage(judge, reply.envelope, reply.reply, challenge_is_good);
}

}  // namespace countersign::wire
