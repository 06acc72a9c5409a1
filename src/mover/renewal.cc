#include "mover/renewal.h"

#include <utility>

namespace countersign::mover {

countersign::Result<std::unique_ptr<Renewal>> Renewal::Begin(const trust::TrustState& held,
                                                             const crypto::Certificate& certificate,
                                                             const wire::AgentProfile& profile,
                                                             const crypto::Signer& key,
                                                             RandomSource& random) {
  auto to_be = trust::FirstTrust(certificate, &held);
  if (!to_be) return std::unexpected(std::move(to_be).error());
  return std::unique_ptr<Renewal>(
      new Renewal(held.server, *std::move(to_be), profile, key, random));
}

Renewal::Renewal(const ServerId& held, trust::TrustState to_be, const wire::AgentProfile& profile,
                 const crypto::Signer& key, RandomSource& random)
    : held_(held), exchange_(std::move(to_be), profile, key, random) {}

countersign::Result<std::string> Renewal::MakeReport(store::AgentCounters& counters,
                                                     const Instance& instance, Times now) {
  return exchange_.MakeReport(counters, instance, now);
}

Renewal::Outcome Renewal::TakeReply(std::string_view message, const trust::DistrustList& distrust,
                                    Times now) const {
  auto answer = exchange_.TakeReply(message, distrust, now);
  if (answer.refused) {
    return {Result::kOtherKey,
            "the server's reply does not fit the certificate: " +
                std::string(VerdictName(*answer.refused)),
            "is this the certificate of the server that the agent reports to? -no-verify installs "
            "it all the same",
            std::nullopt};
  }
  // Authentic but expired by this clock: the trust is right, and the clock or the certificate is
  // told by the agent's own reports.
  return {Result::kVerified, "the server answered with the key of this certificate", "",
          std::move(answer.state)};
}

Renewal::Outcome Renewal::NotReached(std::string_view why) const {
  const std::string silent = "the server could not be asked: " + std::string(why);
  if (to_be().server == held_) return {Result::kNotVerified, silent, "", to_be()};
  return {Result::kNotVerified,
          "the certificate is for the server " + to_be().server.Text() +
              ", and the agent belonged to " + held_.Text() + "; " + silent,
          "countersign-agentd check, when the server can be reached. If it is not the one that was "
          "meant: IpXfer -e with its file; to move the agent: IpXfer -s SERVER -p PORT -sp PORT -e "
          "FILE",
          to_be()};
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
  return {Renewal::Result::kNotVerified, outcome.why + "; installed all the same, as told", "",
          renewal.to_be()};
}

}  // namespace countersign::mover
