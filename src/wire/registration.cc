#include "wire/registration.h"

#include <utility>

namespace countersign::wire {

Held HeldOf(const trust::TrustState& state) {
  return {.thumbprint = state.certificate.thumbprint(),
          .generation = state.generation,
          .owner = state.owner,
          .server = state.server};
}

Report MakeReport(const AgentProfile& profile, const trust::TrustState& state, ReportDraft draft) {
  Report report{.x5c = {},
                .iss = draft.agent,
                .aud = state.server,
                .challenge = std::move(draft.challenge),
                .echo = draft.echo,
                .held = HeldOf(state),
                .time = static_cast<std::uint64_t>(std::max<std::int64_t>(0, ToUnix(draft.time))),
                .seq = draft.seq,
                .instance = draft.instance,
                .host = profile.host,
                .addresses = profile.addresses,
                .port = profile.port,
                .domain = profile.domain,
                .version = profile.version,
                .platform = profile.platform,
                .batch = false,
                .failures = std::move(draft.failures),
                .enrol = std::nullopt};
  report.tls = profile.tls;
  report.pinned = draft.pinned;
  if (draft.with_bundle) {
    for (const auto& certificate : state.bundle) report.x5c.push_back(certificate.der());
    if (report.x5c.empty()) report.x5c.push_back(state.certificate.der());
  }
  if (profile.enrol) {
    report.enrol = Enrol{profile.enrol->id, EnrolProof(profile.enrol->secret, report.iss,
                                                       report.aud, report.challenge)};
  }
  return report;
}

}  // namespace countersign::wire
