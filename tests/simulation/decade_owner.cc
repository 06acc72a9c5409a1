#include <algorithm>
#include <utility>

#include "tests/simulation/decade_world.h"

// What the owner does, and what befalls server and machines.
namespace countersign::simulation {

void Decade::OwnerActs() {
  if (!site_.is_up()) return;
  if (chance_.Of(30)) site_.CutPowerAt(1 + chance_.Below(24));
  if (chance_.Of(15)) {
    site_.ChangePassword();
  } else {
    Replace(false);
  }
  site_.CutPowerAt(0);
  CheckAll();
}

void Decade::Replace(bool compromised) {
  const bool was_imported = site_.book().Active()->identity.self_signed;
  const bool forgets = options_.broken == DecadeBroken::kReplacedNotRevoked;
  // An imported identity has no owner key yet that could sign elsewhere.
  const bool offline = !was_imported && chance_.Of(compromised ? 70 : 25);
  // After a restore, what was done since is done again first (docs/owner.md): an earlier owner that
  // does not know a fleet any more cannot vouch for its successor there.
  const bool new_owner = !was_imported && !offline && chance_.Of(15) && !rewound_;
  const bool done = site_.Replace(
      {.compromised = compromised && !forgets, .offline = offline, .new_owner = new_owner});
  // What an agent told a server that was set back may have been beyond its knowledge.
  if (done && std::exchange(rewound_, false)) {
    for (const auto& member : members_) member->good_in_row = 0;
  }
  if (done && (was_imported || new_owner)) ++outcome_.owner_changes;
  revoked_ever_ = std::max(revoked_ever_, site_.book().RevokedGeneration());
}

// The theft is noticed: the owner does what docs/after-a-theft.md says.
void Decade::Discover() {
  if (!site_.is_up()) site_.Start();
  trace_.Add("the theft is noticed");
  discovered_ = true;
  const auto stolen = forger_.stolen().size();
  for (const StolenKey& key : forger_.stolen()) {
    stolen_ever_ = std::max(stolen_ever_, key.certificate.generation().value_or(0));
  }
  while (site_.book().RevokedGeneration() == 0 && !checker_.violation()) {
    Replace(true);
    if (options_.broken == DecadeBroken::kReplacedNotRevoked) {
      revoked_ever_ = site_.book().Active()->identity.generation - 1;
      break;
    }
  }
  if (options_.broken == DecadeBroken::kThiefStays) {
    for (auto& key : site_.KeysNow()) forger_.Steal(std::move(key));
  }
  trace_.Add("the thief has " + std::to_string(stolen) + " keys of before");
  CheckAll();
}

// A fleet with an imported identity is brought to this owner.
void Decade::BringFleetIn() {
  if (!site_.is_up() || site_.book().Active()->identity.self_signed) return;
  if (!foreign_) {
    foreign_ = authority_.MakeImported(crypto::KeyKind::kP256);
    checker_.Certified(foreign_->certificate);
    Install(foreign_->certificate);
    members_.back()->foreign = true;
  }
  if (site_.ImportBeside(Site::FileOf(*foreign_))) {
    fleet_is_in_ = true;
    ++outcome_.owner_changes;
  }
  CheckAll();
}

void Decade::BackUpServer() {
  if (!site_.is_up()) return;
  trace_.Add("the server is backed up");
  backup_ = site_.Take();
}

// The machine is lost, and made again from an older backup of it. The owner notices after a while.
void Decade::RestoreServer() {
  if (!backup_ || !site_.is_up()) return;
  ++outcome_.server_restores;
  trace_.Add("the server is put back to a backup");
  const auto part = chance_.Of(30) ? Site::Part::kRegistry : Site::Part::kAll;
  // The owner key is in the automatic backup, of which the owner keeps the newest copy elsewhere.
  const auto kept = site_.Take().files.backup;
  const auto owner = site_.book().OwnerCertificate()->key().digest();
  site_.PutBack(*backup_, part);
  rewound_ = true;
  if (chance_.Of(50) || site_.book().OwnerCertificate()->key().digest() != owner) {
    site_.PutBackupBack(kept);
  }
  for (const auto& member : members_) {
    member->good_in_row = 0;
    member->dueled = false;
  }
  scheduler_.After(chance_.Below(60 * kDay), [this] {
    if (at_fault_) MendServer();
  });
}

// What the procedures say after a restore: a new certificate, and what was done since done again.
void Decade::MendServer() {
  if (!site_.is_up()) site_.Start();
  if (site_.TakeOverLaterOwner()) rewound_ = false;
  Replace(discovered_ && site_.book().RevokedGeneration() == 0);
  if (fleet_is_in_ &&
      !site_.book().IsOurs(trust::FirstTrust(foreign_->certificate, nullptr).value().server)) {
    BringFleetIn();
  }
  CheckAll();
}

void Decade::CloneSomebody() {
  Member& original = Any();
  auto clone = std::make_unique<Member>();
  clone->machine = original.machine->Clone(static_cast<int>(members_.size()) + 1);
  clone->mean_sleep = original.mean_sleep;
  clone->foreign = original.foreign;
  original.cloned = clone->cloned = true;
  original.set_back = clone->set_back = true;
  trace_.Add(original.machine->Name() + " is cloned");
  ++outcome_.clones;
  Member& second = *clone;
  members_.push_back(std::move(clone));
  SleepAndWake(members_.size() - 1);
  scheduler_.After(chance_.Below(kYear), [this, &original, &second] {
    if (at_fault_ && !frozen_ && site_.is_up()) Duel(original, second);
  });
}

void Decade::HurtAgent() {
  Member& member = Any();
  Machine& machine = *member.machine;
  switch (chance_.Below(4)) {
    case 0:
      machine.PowerCut();
      return machine.Start();
    case 1:
      member.backup = machine.disk().Snapshot();
      return;
    default:
      if (!member.backup) return;
      ++outcome_.agent_restores;
      machine.RestoreBackup(*member.backup);
      member.set_back = true;
      member.good_in_row = 0;
  }
}

// A little, over a day back, so far ahead that all has expired, and 1970.
void Decade::SetSomeClock() {
  const Seconds now = Seconds(scheduler_.now() / 1'000);
  const Seconds errors[] = {Seconds(0),
                            Seconds(0),
                            Seconds(400),
                            -std::chrono::hours(30),
                            std::chrono::hours(24 * 365 * 12),
                            FromUnix(0) - kBegin - now};
  if (chance_.Of(70)) return Any().machine->SetClock(errors[chance_.Index(std::size(errors))]);
  site_.SetClock(chance_.Of(60) ? Seconds(0) : errors[chance_.Index(std::size(errors))] / 4);
  for (const auto& member : members_) member->good_in_row = 0;
}

void Decade::Freeze() {
  const bool is_network = chance_.Of(50);
  trace_.Add(is_network ? "the network freezes" : "the server is switched off");
  if (is_network) {
    frozen_ = true;
  } else {
    site_.Stop();
  }
  scheduler_.After(chance_.Below(90 * kDay), [this] {
    frozen_ = false;
    site_.Start();
  });
}

}  // namespace countersign::simulation
