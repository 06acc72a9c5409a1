#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/simulation/trace.h"

namespace countersign::simulation {

// DecadeBroken makes something wrong on purpose, so that each check is known to be able to fail.
enum class DecadeBroken {
  kNothing,
  kOwnerIsRobbed,          // the thief has the owner key, which is outside every promise
  kDiskLosesTrust,         // a new trust state is told to be durable and is not
  kReplacedNotRevoked,     // after the theft the owner runs the plain -c
  kThiefStays,             // the thief steals again, after the replacement
  kListTooShort,           // one exposed agent is left out of the list
  kListTooLong,            // one that has heard stays on it
  kLosesContact,           // an agent refuses its server's replies
  kClonesUnnoticed,        // the server forgets that an agent was cloned
  kKeyOfAbortedDestroyed,  // while agents may hold its certificate
  kGateNamesTooFew,
};

struct DecadeOptions {
  std::uint64_t seed = 1;
  int agents = 0;  // to begin with; 0: a few, by the seed
  DecadeBroken broken = DecadeBroken::kNothing;
  Trace::Print print = Trace::Print::kNo;
};

struct DecadeOutcome {
  std::optional<std::string> violation;  // the first
  std::uint64_t trace_hash = 0;
  // What happened, so that a run in which nothing did is seen.
  std::size_t agents = 0;
  std::size_t exchanges = 0;
  std::size_t moves = 0;  // of trust
  std::size_t runs = 0;   // orders
  std::size_t replacements = 0;
  std::size_t promotions = 0;  // of the reserve, by itself
  std::size_t thefts = 0;
  std::size_t exposures = 0;  // times an agent was seen exposed
  std::size_t attacks = 0;
  std::size_t successes = 0;  // of the thief, over agents that had not heard
  std::size_t server_restores = 0;
  std::size_t agent_restores = 0;
  std::size_t clones = 0;
  std::size_t owner_changes = 0;
  std::size_t rollouts = 0;
  std::size_t finished = 0;  // of these, by a person
  std::size_t aborted = 0;
  std::size_t rollbacks = 0;
  std::size_t stranded = 0;  // agents, after the gate
  std::size_t deaths = 0;
  DecadeOutcome& operator+=(const DecadeOutcome& other);
};

// SimulateDecade is ten years under one seed: a server, its owner, machines that are off for days
// or years, and a thief, who once takes the server's keys and later the whole disk. Meanwhile
// certificates are replaced and run out, backups of server and agents are put back, disks cloned,
// clocks wrong, the network bad or dead, and power goes at any write. Then everything works again,
// and the owner does what the procedures say.
//
// Watched at every step: no agent trusts what the owner did not certify, follows what answers no
// challenge of its own, runs an order twice, or goes back; each exchange that works leaves the
// agent on the active certificate, or on that of a rollout; no agent is stranded but those that the
// gate named; whoever has every key up to the revoked ones commands exactly
// the agents on the list of exposed ones; nothing of the thief's succeeds with an agent that has
// heard of the replacement; nobody is called cloned who was not. At the end every agent is up to
// date, verified, obeys, and obeys the thief no more; clones are in quarantine.
[[nodiscard]] DecadeOutcome SimulateDecade(const DecadeOptions& options);

}  // namespace countersign::simulation
