#include <algorithm>

#include "server/standing.h"
#include "tests/simulation/decade_world.h"
#include "trust/rule_a.h"

// What must be true at every step, and at the end.
namespace countersign::simulation {
namespace {

constexpr int kMostMends = 4;

}  // namespace

// --- the list of exposed agents ---

bool Decade::WorstCommands(const Member& member, std::uint64_t revoked) const {
  const trust::TrustState& trust = member.machine->trust();
  for (const auto& [thumbprint, key] : site_.keys_ever()) {
    if (key.certificate.generation().value_or(0) > revoked) continue;
    if (thumbprint == trust.certificate.thumbprint()) return true;
    // It would take over a newer one, if it is of its owner.
    if (key.certificate.generation().value_or(0) > trust.generation && BundleTo(key, trust)) {
      return true;
    }
  }
  return false;
}

// The certificates are public: whoever has the key can show the way to it.
std::optional<std::vector<Bytes>> Decade::BundleTo(const StolenKey& key,
                                                   const trust::TrustState& trust) const {
  const auto& book = site_.book();
  const auto* const entry = book.FindServer(key.certificate.thumbprint());
  if (entry == nullptr) return std::nullopt;
  return book.BundleFor(*entry, trust.owner, trust.server);
}

// It tries what is most likely to work: the key of the certificate that the agent holds, or else
// the newest.
bool Decade::TryWorst(const Member& member, std::uint64_t revoked) {
  const trust::TrustState& trust = member.machine->trust();
  const StolenKey* best = nullptr;
  for (const auto& [thumbprint, key] : site_.keys_ever()) {
    const auto generation = key.certificate.generation().value_or(0);
    if (generation > revoked) continue;
    if (key.certificate == trust.certificate) {
      best = &key;
      break;
    }
    if (best == nullptr || best->certificate.generation().value_or(0) < generation) best = &key;
  }
  if (best == nullptr) return false;
  const Forger::Signing by{best->key, best->certificate.thumbprint(),
                           BundleTo(*best, trust).value_or(best->bundle)};
  const Instant honest = best->certificate.not_after() - std::chrono::hours(1);
  return member.machine->WouldRun(honest, [&](const std::string& challenge) {
    return forger_.Ping(by, trust.server, member.machine->id(), challenge);
  });
}

void Decade::CheckExposure(Member& member) {
  if (!site_.is_up()) return;
  const std::uint64_t revoked = site_.book().RevokedGeneration();
  if (revoked == 0 && options_.broken != DecadeBroken::kReplacedNotRevoked) return;
  const auto row = site_.registry().FindAgent(member.machine->id()).value();
  if (!row || !row->admitted || revoked_ever_ == 0) return;
  bool listed = server::IsExposed(*row, site_.book());
  if (options_.broken == DecadeBroken::kListTooShort && member.machine->number() == 1) {
    listed = false;
  }
  if (options_.broken == DecadeBroken::kListTooLong) listed = true;
  const bool commanded = WorstCommands(member, std::max(revoked, revoked == 0 ? revoked_ever_ : 0));
  const std::string name = member.machine->Name();
  if (commanded) ++outcome_.exposures;
  // Of two machines with one key the server knows when it has noticed.
  const bool is_known = !member.set_back && (!member.cloned || row->cloned);
  if (commanded && !listed && is_known) {
    checker_.Violated(
        name + " could still be commanded by the thief, and is not on the list (revoked " +
        std::to_string(revoked) + ", held " + std::to_string(member.machine->trust().generation) +
        ", proved " + (row->held_known ? std::to_string(row->held_generation) : "nothing") + ", " +
        row->standing + " " + row->reason + ")");
  }
  // A server that was set back may not know that there was a later theft.
  const bool covers = std::ranges::all_of(forger_.stolen(), [&](const StolenKey& key) {
    return key.certificate.generation().value_or(0) < site_.book().SafeGeneration();
  });
  if (discovered_ && covers && ThiefCommands(member) && !listed && is_known) {
    checker_.Violated(
        name + " could be commanded by the thief of today, and is not on the list (revoked " +
        std::to_string(revoked) + ", held " + std::to_string(member.machine->trust().generation) +
        ")");
  }
  // What the server does not know counts when it has been shown (section 6).
  const bool shown = !row->want_bundle;
  if (listed && shown && !commanded && !member.cloned && !rewound_ && member.HasTold()) {
    checker_.Violated(
        name + " has heard and said so, and is still on the list of exposed agents (revoked " +
        std::to_string(revoked) + ", held " + std::to_string(member.machine->trust().generation) +
        ", proved " + (row->held_known ? std::to_string(row->held_generation) : "nothing") + ", " +
        row->standing + " " + row->reason + ")");
  }
  if (chance_.Of(10) && revoked > 0 && member.machine->IsOnDisk() &&
      TryWorst(member, revoked) != commanded) {
    checker_.Violated(name + (commanded ? " could not be commanded" : " could be commanded") +
                      " with the revoked keys, against expectation");
  }
}

bool Decade::ThiefCommands(const Member& member) const {
  const trust::TrustState& trust = member.machine->trust();
  return std::ranges::any_of(forger_.stolen(), [&](const StolenKey& key) {
    return key.certificate == trust.certificate ||
           (key.certificate.generation().value_or(0) > trust.generation && BundleTo(key, trust));
  });
}

void Decade::CheckAll() {
  for (const auto& member : members_) {
    CheckExposure(*member);
    CheckNotStranded(*member);
  }
}

// --- the end ---

void Decade::EndFaults() {
  trace_.Add("the faults stop");
  at_fault_ = false;
  frozen_ = false;
  site_.SetClock(Seconds(0));
  site_.CutPowerAt(0);
  site_.Start();
  if (stolen_ && !discovered_) Discover();
  if (site_.server().rollout()) FinishRollout();
  for (const auto& member : members_) {
    member->machine->SetClock(Seconds(chance_.Below(200) - 100));
    member->machine->Start();
  }
}

bool Decade::AllUpToDate() {
  const Digest active = site_.book().Active()->certificate.thumbprint();
  return std::ranges::all_of(members_, [&](const auto& member) {
    return member->machine->trust().certificate.thumbprint() == active ||
           (member->foreign && !fleet_is_in_);
  });
}

// The owner follows the procedures until all is well; agents talk to the server as they always do.
void Decade::Mend() {
  for (int round = 0; round < kMostMends && !checker_.violation(); ++round) {
    site_.Tick();
    for (int i = 0; i < 3; ++i) {
      for (const auto& member : members_) {
        if (!checker_.violation()) Exchange(*member, Net::kGood);
      }
    }
    const bool has_ended = site_.book().Active()->certificate.not_after() < site_.Now();
    if (AllUpToDate() && !has_ended) return;
    MendServer();
  }
}

void Decade::CheckEnd() {
  CheckAll();
  for (const auto& member : members_) {
    if (checker_.violation()) return;
    if (member->foreign && !fleet_is_in_) continue;
    const Machine& machine = *member->machine;
    const std::string name = machine.Name();
    const auto row = site_.registry().FindAgent(machine.id()).value();
    if (machine.trust().certificate != site_.book().Active()->certificate) {
      return checker_.Violated(name + " is lost: it does not hold the active certificate");
    }
    if (!row) return checker_.Violated(name + " is unknown to the server");
    if (row->cloned && !member->cloned) checker_.Violated(name + " is called cloned and is not");
    if (member->dueled && !row->cloned) checker_.Violated(name + " was cloned unnoticed");
    if (row->cloned) continue;
    if (!member->cloned && row->standing != server::kVerified) {
      checker_.Violated(name + " is " + row->standing + " " + row->reason);
    }
    if (!member->cloned) CheckObeys(*member);
  }
  for (const auto& member : members_) {
    for (int i = 0; stolen_ && i < 4 && !checker_.violation(); ++i) Attack(*member);
  }
}

void Decade::CheckObeys(Member& member) {
  const std::size_t runs = checker_.num_runs();
  const std::size_t failures = disk_failures_;
  Order(member, "ping");
  Call(member);
  for (int i = 0; i < 2 && checker_.num_runs() == runs; ++i) Exchange(member, Net::kGood);
  if (checker_.num_runs() == runs && disk_failures_ == failures) {
    checker_.Violated(member.machine->Name() + " does not obey its server");
  }
}

}  // namespace countersign::simulation
