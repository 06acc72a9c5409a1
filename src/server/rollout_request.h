#pragma once

#include <optional>

#include "server/admin.h"
#include "server/fleet.h"
#include "server/rollout.h"

// Reading the members of a request about a rollout. All fail with kUsage naming the member.
namespace countersign::server {

// ReadTerms reads canary_share, domains, rate, halt_at, soak_seconds; the usual ones if absent.
[[nodiscard]] Result<trust::RolloutTerms> ReadTerms(const AdminMessage& request);
// ReadResumeOptions reads halt_at and rate.
[[nodiscard]] Result<ResumeOptions> ReadResumeOptions(const AdminMessage& request);
// ReadClass reads class, the name of a Prospect; nothing if absent or empty.
[[nodiscard]] Result<std::optional<Prospect>> ReadClass(const AdminMessage& request);

}  // namespace countersign::server
