#pragma once

#include <optional>

#include "base/error.h"
#include "base/secret.h"
#include "base/time.h"
#include "server/issuing.h"
#include "server/world.h"
#include "trust/rollout.h"

// Rollouts: a new certificate for the fleet in waves (protocol section 9). trust/rollout.h says
// what one may do and when; here it is begun and ended. Each function is one step that happens
// wholly or not at all; Server::Reload afterwards. Between the steps, Server offers the pending
// certificate and moves the rollout on by itself.
namespace countersign::server {

// RolloutUnderWay finds the one that is neither finished nor aborted.
[[nodiscard]] Result<std::optional<store::RolloutRow>> RolloutUnderWay(store::Registry& registry);
// NoRollout is the error where there must be one.
[[nodiscard]] std::unexpected<Error> NoRollout();

// StartRollout issues a pending certificate and a new reserve, as `-c` does, but the active one
// stays in use. Without a password the reserve becomes the pending certificate, and then there is
// none. kRefused: a rollout is under way, there is no active certificate with its key, a follower,
// the clock, or the keys of too many aborted rollouts are kept; kUsage: the terms; kNotFound: no
// reserve; about the password as ReplaceCertificate. Issued::certificate is the pending one.
[[nodiscard]] Result<Issued> StartRollout(World& world, const store::ServerConfig& config,
                                          const SecretBytes* backup_password,
                                          const trust::RolloutTerms& terms, ClockIsRight clock,
                                          Instant now);

// PauseRollout offers the certificate to nobody else. Both: kNotFound: no rollout is under way;
// kRefused: it is in another state.
[[nodiscard]] Status PauseRollout(World& world, Instant now);

// ResumeRollout goes on; agents that refused are asked anew.
struct ResumeOptions {
  std::optional<trust::BasisPoints> halt_at;
  std::optional<std::uint64_t> rate_per_hour;
};
[[nodiscard]] Status ResumeRollout(World& world, const ResumeOptions& options, Instant now);

// FinishRollout makes the pending certificate the active one, for everybody. The key of the one
// before is destroyed (in the automatic backup when its password is next given). Whom this leaves
// behind is the gate's matter (fleet.h), which a person has to have seen.
[[nodiscard]] Result<Issued> FinishRollout(World& world, Instant now);

// AbortRollout offers the pending certificate to nobody any more. Agents that it was sent to may
// hold it: its key is kept for them until each has proved a higher generation (ReleaseAborted), or
// until kYes, which destroys at once the keys of all aborted rollouts: agents that hold such a
// certificate obey nobody until the next one is issued, which they take over as all others do.
// kNotFound: no rollout is under way, and none is kept.
enum class Strand { kNo, kYes };
[[nodiscard]] Status AbortRollout(World& world, Strand strand, Instant now);

// RollBack issues a certificate of a new generation for the active key, at once for everybody, and
// aborts the rollout. Fails as StartRollout; kRefused where the active certificate is imported, its
// own owner (abort instead).
[[nodiscard]] Result<Issued> RollBack(World& world, const store::ServerConfig& config,
                                      const SecretBytes& backup_password, ClockIsRight clock,
                                      Instant now);

// ReleaseAborted destroys the keys of aborted rollouts that nobody can hold any more. Returns true
// if there was one.
[[nodiscard]] Result<bool> ReleaseAborted(World& world, Instant now);

// PutRollout writes a rollout and the event that says what became of it, in one transaction.
[[nodiscard]] Status PutRollout(World& world, const store::RolloutRow& row, std::string_view event,
                                const std::string& text, Instant now);

}  // namespace countersign::server
