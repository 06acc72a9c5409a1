#include "server/rollout.h"

#include "server/events.h"

namespace countersign::server {

std::unexpected<Error> NoRollout() {
  return Fail(Code::kNotFound, "no rollout is under way", "countersign rollout start");
}

Result<std::optional<store::RolloutRow>> RolloutUnderWay(store::Registry& registry) {
  auto rows = registry.ListRollouts(1);
  if (!rows) return std::unexpected(std::move(rows).error());
  if (rows->empty() || !trust::IsUnderWay(rows->front().rollout.state)) return std::nullopt;
  return std::move(rows->front());
}

Status PutRollout(World& world, const store::RolloutRow& row, std::string_view event,
                  const std::string& text, Instant now) {
  return world.registry.Transact([&]() -> Status {
    COUNTERSIGN_RETURN_IF_ERROR(world.registry.PutRollout(row));
    return RecordEvent(world, {.id = 0,
                               .at = now,
                               .kind = std::string(event),
                               .agent = {},
                               .text = "generation " + std::to_string(row.rollout.generation) +
                                       (text.empty() ? "" : ": " + text)});
  });
}

Status PauseRollout(World& world, Instant now) {
  auto row = RolloutUnderWay(world.registry);
  if (!row) return std::unexpected(std::move(row).error());
  if (!*row) return NoRollout();
  COUNTERSIGN_RETURN_IF_ERROR(trust::Pause((*row)->rollout, now));
  return PutRollout(world, **row, "rollout-paused", "", now);
}

Status ResumeRollout(World& world, const ResumeOptions& options, Instant now) {
  auto row = RolloutUnderWay(world.registry);
  if (!row) return std::unexpected(std::move(row).error());
  if (!*row) return NoRollout();
  trust::Rollout& rollout = (*row)->rollout;
  rollout.terms.halt_at = options.halt_at.value_or(rollout.terms.halt_at);
  rollout.terms.rate_per_hour = options.rate_per_hour.value_or(rollout.terms.rate_per_hour);
  COUNTERSIGN_RETURN_IF_ERROR(trust::CheckTerms(rollout.terms));
  COUNTERSIGN_RETURN_IF_ERROR(trust::Resume(rollout, now));
  (*row)->asked_to = {};
  (*row)->all_asked = false;
  return world.registry.Transact([&]() -> Status {
    COUNTERSIGN_RETURN_IF_ERROR(world.registry.RetryRefused(rollout.generation, now));
    COUNTERSIGN_RETURN_IF_ERROR(world.registry.PutRollout(**row));
    return RecordEvent(
        world, {.id = 0,
                .at = now,
                .kind = "rollout-resumed",
                .agent = {},
                .text = "generation " + std::to_string(rollout.generation) + " goes on as " +
                        std::string(trust::RolloutStateName(rollout.state))});
  });
}

}  // namespace countersign::server
