#include <utility>

#include "tests/simulation/decade_world.h"

// The thief: first the key, then the whole disk, but never the password.
namespace countersign::simulation {
namespace {

constexpr std::string_view kThiefAddress = "203.0.113.9";

}  // namespace

void Decade::StealKey() {
  if (!site_.is_up() || site_.book().Active()->identity.self_signed) return;
  trace_.Add("a thief takes the server key");
  stolen_ = true;
  ++outcome_.thefts;
  for (auto& key : site_.KeysNow()) {
    const bool signs = key.certificate == site_.book().Active()->certificate;
    if (signs) forger_.Steal(std::move(key));
  }
  if (options_.broken == DecadeBroken::kOwnerIsRobbed) forger_.Steal(site_.OwnerKey());
  Every(60 * kDay, [this] { ThiefActs(); });
  const SimTime until = kDay + chance_.Below(kYear);
  scheduler_.After(chance_.Below(until), [this] {
    if (at_fault_) StealDisk();
  });
  scheduler_.After(until, [this] {
    if (at_fault_ && !discovered_) Discover();
  });
}

void Decade::StealDisk() {
  if (!site_.is_up() || discovered_) return;
  trace_.Add("the thief takes the whole disk");
  for (auto& key : site_.KeysNow()) forger_.Steal(std::move(key));
  thief_ = std::make_unique<Site>(ground_, options_.seed ^ 0x7e7, site_.Take());
}

bool Decade::HasHeard(const Member& member) const {
  // A server that was set back may have issued the replacement below what was stolen since.
  const std::uint64_t held = member.machine->trust().generation;
  return revoked_ever_ > 0 && held > revoked_ever_ && held > stolen_ever_;
}

void Decade::ThiefActs() {
  Member& member = Any();
  member.machine->Start();
  if (member.machine->is_up()) Attack(member);
}

// Whatever the thief does to an agent that has heard of the replacement is in vain.
void Decade::Attack(Member& member) {
  const auto before = member.machine->trust();
  const std::size_t runs = checker_.num_runs();
  const bool had_heard = HasHeard(member);
  ++outcome_.attacks;
  switch (chance_.Below(thief_ ? 4 : 3)) {
    case 0:
      ForgedOrder(member);
      break;
    case 1:
      ForgedReply(member);
      break;
    case 2:
      Replay(member);
      break;
    default:
      StolenServer(member);
  }
  const bool moved = !(member.machine->trust() == before);
  if (!moved && checker_.num_runs() == runs && !obeyed_) return;
  obeyed_ = false;
  ++outcome_.successes;
  trace_.Add("the thief commands " + member.machine->Name());
  if (had_heard) {
    checker_.Violated(member.machine->Name() +
                      " follows the thief, though it has heard of the replacement");
  }
  member.good_in_row = 0;
  member.led_astray = member.led_astray || moved;
  CheckExposure(member);
}

void Decade::ForgedOrder(Member& member) {
  Machine& machine = *member.machine;
  const auto order = forger_.Order(forger_.ChooseSigning(), machine.id(), machine.DrawChallenge(),
                                   Forger::Place::kAlone);
  if (order) (void)machine.TakeOrder(*order, std::string(kThiefAddress));
}

void Decade::ForgedReply(Member& member) {
  Machine& machine = *member.machine;
  const auto report = machine.Report();
  if (!report) return;
  const auto reply =
      forger_.Reply(forger_.ChooseSigning(), wire::ParseReport(*report).value().report);
  if (reply) obeyed_ = !machine.TakeReply(reply->message, reply->nonce).refused;
}

// The shipping server on the stolen disk, with everything that it knew.
void Decade::StolenServer(Member& member) {
  Machine& machine = *member.machine;
  if (chance_.Of(30)) thief_->Tick();  // the reserve takes over there too
  const auto report = machine.Report();
  if (!report) return;
  const auto answer = thief_->TakeReport(*report, machine.Address());
  if (!answer || answer->status != 200) return machine.ReportFailed();
  obeyed_ = !machine.TakeReply(answer->reply, answer->nonce).refused;
}

// Somebody's message again, to the server or to an agent.
void Decade::Replay(Member& member) {
  Machine& machine = *member.machine;
  const auto any = [&](const std::vector<std::string>& list) {
    return list[chance_.Index(list.size())];
  };
  if (!orders_.empty()) (void)machine.TakeOrder(any(orders_), std::string(kThiefAddress));
  if (!machine.is_up() || reports_.empty() || replies_.empty()) return;
  (void)site_.TakeReport(any(reports_), std::string(kThiefAddress));
  if (machine.Report()) obeyed_ = !machine.TakeReply(any(replies_), "").refused;
}

}  // namespace countersign::simulation
