#include "server/rollout_request.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "server/admin_request.h"

namespace countersign::server {
namespace {

constexpr std::uint64_t kMostSoak = 366 * 86'400;
constexpr std::uint64_t kMostPerHour = std::numeric_limits<std::uint32_t>::max();

}  // namespace

Result<trust::RolloutTerms> ReadTerms(const AdminMessage& request) {
  const trust::RolloutTerms usual;
  const auto share = NumberMember(request, "canary_share", 0, trust::kEverybody);
  if (!share) return std::unexpected(share.error());
  auto domains = TextsMember(request, "domains");
  if (!domains) return std::unexpected(std::move(domains).error());
  const auto rate = NumberMember(request, "rate", 0, kMostPerHour);
  if (!rate) return std::unexpected(rate.error());
  const auto halt_at = NumberMember(request, "halt_at", usual.halt_at, trust::kEverybody);
  if (!halt_at) return std::unexpected(halt_at.error());
  const auto soak = NumberMember(request, "soak_seconds",
                                 static_cast<std::uint64_t>(usual.soak.count()), kMostSoak);
  if (!soak) return std::unexpected(soak.error());
  trust::RolloutTerms terms{.canary_share = static_cast<trust::BasisPoints>(*share),
                            .domains = *std::move(domains),
                            .rate_per_hour = *rate,
                            .halt_at = static_cast<trust::BasisPoints>(*halt_at),
                            .soak = Seconds(*soak)};
  COUNTERSIGN_RETURN_IF_ERROR(trust::CheckTerms(terms));
  return terms;
}

Result<ResumeOptions> ReadResumeOptions(const AdminMessage& request) {
  ResumeOptions options;
  if (request.json.contains("halt_at")) {
    const auto halt_at = NumberMember(request, "halt_at", 0, trust::kEverybody);
    if (!halt_at) return std::unexpected(halt_at.error());
    options.halt_at = static_cast<trust::BasisPoints>(*halt_at);
  }
  if (request.json.contains("rate")) {
    const auto rate = NumberMember(request, "rate", 0, kMostPerHour);
    if (!rate) return std::unexpected(rate.error());
    options.rate_per_hour = *rate;
  }
  return options;
}

Result<std::optional<Prospect>> ReadClass(const AdminMessage& request) {
  const auto name = TextMember(request, "class", "");
  if (!name) return std::unexpected(name.error());
  if (name->empty()) return std::nullopt;
  const auto* const found = std::ranges::find(kProspects, *name, ProspectName);
  if (found != kProspects.end()) return *found;
  return Fail(Code::kUsage, "\"" + *name +
                                "\" is no class of agents; there are taken, at-once, "
                                "next-contact, unseen, hands");
}

}  // namespace countersign::server
