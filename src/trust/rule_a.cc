#include "trust/rule_a.h"

#include <algorithm>
#include <optional>

namespace countersign::trust {
namespace {

using crypto::Certificate;

// Clause 2 but for the signatures: every encoding and algorithm (Certificate::Parse refuses what
// section 2 does not allow), and the role of each certificate by its place.
std::optional<std::vector<Certificate>> ParseChain(std::span<const Bytes> bundle) {
  if (bundle.size() < kMinBundle || bundle.size() > kMaxBundle) return std::nullopt;
  std::size_t total_len = 0;
  for (const Bytes& der : bundle) total_len += der.size();
  if (total_len > kMaxBundleLen) return std::nullopt;
  std::vector<Certificate> chain;
  chain.reserve(bundle.size());
  for (const Bytes& der : bundle) {
    auto certificate = Certificate::Parse(der);
    if (!certificate) return std::nullopt;
    chain.push_back(*std::move(certificate));
  }
  return chain;
}

bool RolesAreRight(const std::vector<Certificate>& chain) {
  const Certificate& server = chain.front();
  if (server.is_ca() || !server.generation()) return false;
  if (server.authority_key_id() != chain[1].key().digest()) return false;
  return std::all_of(chain.begin() + 1, chain.end() - 1,
                     [](const Certificate& between) { return between.may_sign_certificates(); });
}

// From the last to the first, so that nothing below a signature that does not hold is looked at.
bool SignaturesHold(const std::vector<Certificate>& chain) {
  for (std::size_t i = chain.size() - 1; i > 0; --i) {
    if (!chain[i - 1].IsSignedBy(chain[i].key())) return false;
  }
  return true;
}

bool AllName(const std::vector<Certificate>& chain, Names names, const ServerId& server) {
  if (names == Names::kServerCertificate) return chain.front().Names(server);
  return std::all_of(chain.begin(), chain.end() - 1,
                     [&](const Certificate& certificate) { return certificate.Names(server); });
}

std::optional<Verdict> GenerationRefused(const TrustState& held, const Certificate& certificate) {
  const auto* const highest = held.FindHighest(held.server);
  if (highest == nullptr) return std::nullopt;  // not reached: a state remembers its own
  // Clause 2 has seen to it that there is one; 0 would be refused.
  const std::uint64_t generation = certificate.generation().value_or(0);
  if (generation < highest->generation) return Verdict::kOlderGeneration;
  if (generation == highest->generation && certificate.thumbprint() != highest->thumbprint) {
    return Verdict::kFork;
  }
  return std::nullopt;
}

}  // namespace

std::expected<Accepted, Verdict> RuleA(const TrustState& held, std::span<const Bytes> bundle,
                                       const DistrustList& distrust, Names names) {
  if (bundle.empty()) return std::unexpected(Verdict::kChain);
  // Clause 1. Only the last certificate is read, whatever else is sent.
  const auto carrier = Certificate::Parse(bundle.back());
  if (!carrier || carrier->key().digest() != held.owner) {
    return std::unexpected(Verdict::kOtherOwner);
  }
  // Clause 2.
  auto chain = ParseChain(bundle);
  if (!chain || !RolesAreRight(*chain) || !SignaturesHold(*chain)) {
    return std::unexpected(Verdict::kChain);
  }
  // Clause 3.
  if (!AllName(*chain, names, held.server)) return std::unexpected(Verdict::kWrongServer);
  // Clause 4.
  if (const auto refused = GenerationRefused(held, chain->front())) {
    return std::unexpected(*refused);
  }
  // Clause 5.
  if (std::any_of(chain->begin(), chain->end(),
                  [&](const Certificate& c) { return distrust.HasEither(c); })) {
    return std::unexpected(Verdict::kDistrusted);
  }
  return Accepted{*std::move(chain)};
}

TrustState Moved(const TrustState& held, const Accepted& accepted) {
  const Certificate& certificate = accepted.certificate();
  if (certificate == held.certificate) return held;
  TrustState next{.certificate = certificate,
                  .bundle = accepted.bundle,
                  .owner = accepted.owner(),
                  .server = held.server,
                  .generation = certificate.generation().value_or(0),
                  .highest = held.highest,
                  .spent = held.spent};
  for (auto& entry : next.highest) {
    if (entry.server == next.server) {
      entry.generation = next.generation;
      entry.thumbprint = certificate.thumbprint();
    }
  }
  return next;
}

}  // namespace countersign::trust
