#include "server/standing.h"

#include <array>
#include <optional>
#include <utility>

#include "server/next_steps.h"
#include "trust/verdict.h"

namespace countersign::server {
namespace {

using trust::Verdict;

// The rollouts' certificates, beside the active one: nothing where `held` is none of them.
std::optional<Standing> ByRollout(const store::AgentRow& row, const IdentityBook& book) {
  const auto* const held = book.FindServer(row.held_thumbprint);
  if (held == nullptr) return std::nullopt;
  switch (held->row.state) {
    case store::CertificateState::kPending:
      return Standing{kVerified, ""};
    case store::CertificateState::kAborted:
      if (held->identity.generation < book.Active()->identity.generation) return std::nullopt;
      return Standing{kBehind, "aborted"};
    case store::CertificateState::kReplaced:
      if (held->identity.generation < book.Active()->identity.generation) return std::nullopt;
      return Standing{kMismatched, "stranded"};
    case store::CertificateState::kReserve:
    case store::CertificateState::kActive:
    case store::CertificateState::kRevoked:
      return std::nullopt;
  }
  return std::nullopt;
}

// What `held` says, admitted or not.
Standing ByHeld(const store::AgentRow& row, const IdentityBook& book) {
  const auto* const active = book.Active();
  if (active == nullptr) return {kMismatched, "no-certificate"};
  if (row.want_bundle) return {kMismatched, "unproved"};
  if (row.held_thumbprint == active->certificate.thumbprint()) {
    return row.last_refusal == VerdictName(Verdict::kDistrusted)
               ? Standing{kMismatched, row.last_refusal}
               : Standing{kVerified, ""};
  }
  if (const auto by_rollout = ByRollout(row, book)) return *by_rollout;
  if (!book.KnowsOwner(row.held_owner)) return {kMismatched, "other-owner"};
  if (!book.IsOurs(row.held_server)) {
    // An owner of this server's past is not its owner: a replaced identity's agents are cut off.
    const bool is_of_owner = row.held_owner == active->identity.owner;
    return {kMismatched, is_of_owner ? "wrong-server" : "other-owner"};
  }
  if (row.held_generation > active->identity.generation) return {kMismatched, "ahead"};
  if (row.held_generation == active->identity.generation) return {kMismatched, "fork"};
  if (!book.BundleFor(*active, row.held_owner, row.held_server)) {
    return {kMismatched, "no-succession"};
  }
  const auto refusal = trust::ParseVerdict(row.last_refusal);
  if (refusal && trust::RefusesBundle(*refusal)) return {kMismatched, row.last_refusal};
  return {kBehind, ""};
}

struct Words {
  std::string_view reason;
  std::string_view text;
  std::string_view next;
};

constexpr std::string_view kUseMover = "IpXfer -e OfcNTCer.dat (on the agent)";

constexpr std::array<Words, 20> kWords = {{
    {"reinstalled", "its machine was installed anew, as another agent",
     "nothing; countersign agents forget ID removes the row for good"},
    {kMoved, "it belongs to another server now",
     "nothing; countersign agents forget ID removes the row for good"},
    {kStray, "it had moved to another server, and an older copy of it is back here",
     "nothing while its warrant is good: it is ordered away again; then IpXfer -s NEW_SERVER -p "
     "PORT -sp PORT -c PORT -e OfcNTCer.dat of the new server (on the agent), or countersign "
     "agents approve ID to keep it"},
    {"revoked", "it has not heard yet that the key which it obeys was stolen",
     "nothing: it takes the new certificate over at its next contact; to reach it sooner, switch "
     "it "
     "on, or IpXfer -e OfcNTCer.dat (on the agent)"},
    {"other-owner", "it trusts a certificate of another owner", kUseMover},
    {"wrong-server", "it trusts a certificate of this owner for another server", kUseMover},
    {"ahead", "it holds a newer certificate than this server: the server was restored",
     kReplaceCommand},
    {"unproved", "it says that it holds a newer certificate than this server, and has not shown it",
     "nothing: it is asked for it; if it stays so, IpXfer -e OfcNTCer.dat (on the agent)"},
    {"aborted", "it holds the certificate of an aborted rollout, whose key is kept for it",
     "nothing: it takes the next certificate over"},
    {"stranded", "it holds the certificate of an aborted rollout, whose key was given up",
     kReplaceCommand},
    {"not-taken", "it was sent the certificate, has answered five times, and does not hold it",
     "look into its log; then countersign rollout resume asks it anew"},
    {"no-succession", "no succession leads from its certificate to the active one",
     kReplaceCommand},
    {"no-certificate", "the server has no certificate", kReplaceCommand},
    {"fork", "it holds another certificate of the same generation: two servers issue for one owner",
     kUseMover},
    {"distrusted", "a certificate or key of this server is in its distrust list",
     "remove it from the distrust list on the agent, if the key is not stolen"},
    {"chain", "it cannot verify the certificates offered", kUseMover},
    {"older-generation", "it has held a newer generation than the one offered", kReplaceCommand},
    {kForgotten, "it was forgotten: its key is refused for ever", kInstallAnew},
    {"not-admitted", "it is not admitted", "countersign agents approve ID"},
    {"cloned", "two machines run with one agent key (a cloned disk image)",
     "countersign-agentd install (anew, on each clone), then countersign agents forget ID"},
}};

const Words* FindWords(std::string_view reason) {
  for (const auto& words : kWords) {
    if (words.reason == reason) return &words;
  }
  return nullptr;
}

}  // namespace

Standing StandingOf(const store::AgentRow& row, const IdentityBook& book) {
  if (!row.successor.is_nil()) return {kRetired, "reinstalled"};
  if (row.cloned) return {kQuarantined, "cloned"};
  if (row.arriving) return {kArriving, ""};
  if (!row.moved_to.empty() && row.admitted) {
    const bool is_back = book.IsOurs(row.held_server) && book.KnowsOwner(row.held_owner);
    return is_back ? Standing{kMismatched, std::string(kStray)} : Standing{kMoved, ""};
  }
  const bool exposed = row.admitted && IsExposed(row, book);
  if (!row.held_known && !row.want_bundle) {
    if (exposed) return {kExposed, "revoked"};
    return {kNew, row.admitted ? "" : "not-admitted"};
  }
  Standing by_held = ByHeld(row, book);
  if (by_held.standing == kMismatched) return by_held;
  if (!row.admitted) return {kNew, "not-admitted"};
  return exposed ? Standing{kExposed, "revoked"} : by_held;
}

bool IsExposed(const store::AgentRow& row, const IdentityBook& book) {
  const std::uint64_t safe = book.SafeGeneration();
  if (safe == 0 || !row.successor.is_nil()) return false;
  // Two machines share this row, and one of them does not speak for both.
  if (!row.held_known || row.cloned) return true;
  return row.held_generation < safe && book.KnowsOwner(row.held_owner) &&
         book.IsOurs(row.held_server);
}

bool HoldsEarlierOwner(const store::AgentRow& row, const IdentityBook& book) {
  const auto* const active = book.Active();
  const bool is_counted = row.admitted && row.successor.is_nil();
  if (active == nullptr || !is_counted || book.EarlierOwners().empty()) return false;
  if (!row.held_known) return true;
  return row.held_owner != active->identity.owner && book.KnowsOwner(row.held_owner) &&
         book.IsOurs(row.held_server);
}

std::string ReasonText(std::string_view reason) {
  const auto* const words = FindWords(reason);
  return words == nullptr ? std::string() : std::string(words->text);
}

std::string NextStep(std::string_view standing, std::string_view reason, const AgentId& agent) {
  constexpr std::string_view kPlaceholder = " ID";
  const auto* const words = FindWords(reason);
  if (words != nullptr) {
    std::string next(words->next);
    const auto at = next.find(kPlaceholder);
    if (at != std::string::npos) next.replace(at + 1, kPlaceholder.size() - 1, agent.Text());
    return next;
  }
  if (standing == kBehind) return "nothing: it takes the certificate over at its next contact";
  if (standing == kArriving) return "nothing: it is admitted when its next report proves it";
  if (standing == kMoved) return "nothing: it belongs to the server that moved_to names";
  return "";
}

bool HasClockFault(const store::AgentRow& row) {
  return row.held_known && std::abs(row.clock_offset) > kClockFault.count();
}

}  // namespace countersign::server
