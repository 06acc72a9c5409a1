#include <boost/json/array.hpp>
#include <set>
#include <utility>

#include "tests/simulation/decade_world.h"

// Rollouts: begun, steered, finished and aborted through the administrator's own door, whose gate
// names who would be stranded.
namespace countersign::simulation {
namespace {

using boost::json::object;

bool IsDone(const std::optional<server::AdminMessage>& answer) {
  if (!answer || !answer->json.at("ok").as_bool()) return false;
  const auto* const done = answer->json.if_contains("done");
  return done == nullptr || done->as_bool();
}

std::set<std::string> NamesIn(const std::optional<server::AdminMessage>& answer) {
  std::set<std::string> names;
  if (!answer || !answer->json.contains("names")) return names;
  for (const auto& name : answer->json.at("names").as_array()) {
    names.emplace(name.at("agent").as_string());
  }
  return names;
}

}  // namespace

void Decade::BeginRollout() {
  if (!site_.is_up() || site_.server().rollout()) return;
  const bool by_share = chance_.Of(50);
  object request{{"command", "rollout-start"},
                 {"clock_is_right", true},
                 {"from_reserve", chance_.Of(25)},
                 {"rate", chance_.Of(30) ? 1 : 0},
                 {"halt_at", chance_.Of(30) ? 200 : 6'000},
                 {"soak_seconds", chance_.Below(10) * 86'400}};
  if (by_share) request["canary_share"] = chance_.Of(50) ? 2'000 : 5'000;
  if (!by_share && chance_.Of(60)) request["domains"] = boost::json::array{"eu"};
  if (chance_.Of(20)) site_.CutPowerAt(1 + chance_.Below(24));
  if (IsDone(site_.Ask(std::move(request)))) ++outcome_.rollouts;
  site_.CutPowerAt(0);
  CheckAll();
}

void Decade::SteerRollout() {
  if (!site_.is_up()) return;
  if (chance_.Of(20)) site_.CutPowerAt(1 + chance_.Below(16));
  const auto chosen = chance_.Below(8);
  if (!site_.server().rollout()) {
    if (!site_.book().Aborted().empty() && chosen < 4) GiveAbortedUp();
  } else if (chosen < 2) {
    FinishRollout();
  } else if (chosen < 4) {
    (void)site_.Ask({{"command", "rollout-resume"}});
  } else if (chosen == 4) {
    (void)site_.Ask({{"command", "rollout-pause"}});
  } else if (chosen < 7) {
    AbortRollout();
  } else if (chosen == 7) {
    if (IsDone(site_.Ask({{"command", "rollout-rollback"}, {"clock_is_right", true}}))) {
      ++outcome_.rollbacks;
    }
  }
  site_.CutPowerAt(0);
  CheckAll();
}

// The gate is shown first, unless everybody has it.
void Decade::FinishRollout() {
  auto answer = site_.Ask({{"command", "rollout-finish"}, {"accept", false}});
  if (!IsDone(answer)) answer = site_.Ask({{"command", "rollout-finish"}, {"accept", true}});
  if (IsDone(answer)) ++outcome_.finished;
}

void Decade::AbortRollout() {
  if (!IsDone(site_.Ask({{"command", "rollout-abort"}, {"accept", false}}))) return;
  ++outcome_.aborted;
  if (options_.broken == DecadeBroken::kKeyOfAbortedDestroyed) site_.LoseKeysOfAborted();
}

// Exactly those that the gate named are stranded, and of these nobody who has proved to be beyond.
void Decade::GiveAbortedUp() {
  std::uint64_t highest = 0;
  for (const auto* const entry : site_.book().Aborted()) {
    highest = std::max(highest, entry->identity.generation);
  }
  auto named = NamesIn(site_.Ask({{"command", "rollout-abort"}, {"accept", false}}));
  if (options_.broken == DecadeBroken::kGateNamesTooFew) named.clear();
  // The power may go after it was done.
  (void)site_.Ask({{"command", "rollout-abort"}, {"accept", true}});
  for (const auto& member : members_) {
    const bool is_named = named.contains(member->machine->id().Text());
    if (IsStranded(*member)) {
      ++outcome_.stranded;
      member->may_be_stranded = member->may_be_stranded || is_named;
    } else if (is_named && !member->cloned && !member->set_back && member->HasTold() &&
               member->machine->trust().generation > highest) {
      checker_.Violated("the gate named " + member->machine->Name() +
                        ", which has proved to be beyond what was aborted");
    }
  }
}

// IsStranded: it holds what the server can not sign for any more, and takes nothing over that the
// server has.
bool Decade::IsStranded(const Member& member) const {
  if (!site_.is_up()) return false;
  const auto& trust = member.machine->trust();
  const auto* const held = site_.book().FindServer(trust.certificate.thumbprint());
  if (held == nullptr || site_.HasKey(held->certificate)) return false;
  return site_.book().Active()->identity.generation <= trust.generation;
}

void Decade::CheckNotStranded(Member& member) {
  if (!site_.is_up()) return;
  const bool is_stranded = IsStranded(member);
  if (!is_stranded) member.may_be_stranded = false;
  // What was set back, or is one of two, may hold what the server rightly took for left behind.
  // A thief may have led it to a reserve that was replaced since.
  const bool is_known = !rewound_ && !member.set_back && !member.cloned && !member.led_astray;
  if (!is_stranded || !is_known || member.may_be_stranded) return;
  checker_.Violated(member.machine->Name() + " is stranded with generation " +
                    std::to_string(member.machine->trust().generation) + ", and no gate named it");
}

}  // namespace countersign::simulation
