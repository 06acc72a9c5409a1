#include "tests/simulation/decade.h"

#include <utility>

#include "tests/simulation/decade_world.h"

namespace countersign::simulation {
namespace {

constexpr SimTime kFaultyDecade = 10 * kYear;
constexpr SimTime kCalmFor = 60 * kDay;
constexpr std::size_t kMostAdded = 3;

}  // namespace

DecadeOutcome& DecadeOutcome::operator+=(const DecadeOutcome& other) {
  agents += other.agents;
  exchanges += other.exchanges;
  moves += other.moves;
  runs += other.runs;
  replacements += other.replacements;
  promotions += other.promotions;
  thefts += other.thefts;
  exposures += other.exposures;
  attacks += other.attacks;
  successes += other.successes;
  server_restores += other.server_restores;
  agent_restores += other.agent_restores;
  clones += other.clones;
  owner_changes += other.owner_changes;
  rollouts += other.rollouts;
  finished += other.finished;
  aborted += other.aborted;
  rollbacks += other.rollbacks;
  stranded += other.stranded;
  deaths += other.deaths;
  return *this;
}

Decade::Decade(const DecadeOptions& options)
    : options_(options),
      openssl_(options.seed ^ 0xdecade),
      chance_(options.seed ^ 0x10'000),
      trace_(scheduler_, options.print),
      checker_(trace_),
      ground_{scheduler_, chance_, checker_, trace_},
      authority_(options.seed ^ 0xa9e175),
      site_(ground_, options.seed ^ 0x5e7,
            chance_.Of(25) ? Site::Origin::kImported : Site::Origin::kCreated),
      forger_(ground_, options.seed ^ 0xbad, site_.book().server_ids().front()) {
  const int agents = options.agents > 0 ? options.agents : 2 + static_cast<int>(chance_.Below(4));
  for (int i = 0; i < agents; ++i) Install(site_.book().Active()->certificate);
}

// A package may be as old as the certificate in it.
void Decade::Install(const crypto::Certificate& certificate) {
  constexpr SimTime kSleeps[] = {150 * kDay, 300 * kDay, 300 * kDay, 900 * kDay};
  const int number = static_cast<int>(members_.size()) + 1;
  wire::AgentProfile profile;
  profile.host = "host-" + std::to_string(number);
  profile.port = 21'112;
  profile.domain = number % 2 == 0 ? "eu/paris" : "us";
  profile.enrol = site_.token();
  const auto first = trust::FirstTrust(certificate, nullptr).value();
  auto member = std::make_unique<Member>();
  member->machine =
      std::make_unique<Machine>(ground_, number, authority_.MakeKey(), profile, first);
  member->mean_sleep = kSleeps[chance_.Index(std::size(kSleeps))];
  member->machine->disk().set_plan([this](testing::AgentFile, std::size_t) { return DiskFate(); });
  if (options_.broken == DecadeBroken::kDiskLosesTrust) member->machine->disk().LoseTrust();
  members_.push_back(std::move(member));
  SleepAndWake(members_.size() - 1);
}

void Decade::InstallOne() {
  const auto& packages = site_.packages();
  if (site_.is_up()) Install(packages[chance_.Index(packages.size())]);
}

void Decade::Until(SimTime end) {
  while (scheduler_.RunOne(end) && !checker_.violation()) {
  }
}

void Decade::Every(SimTime mean, const std::function<void()>& what) {
  scheduler_.After(1 + chance_.Below(2 * mean), [this, mean, what] {
    if (!at_fault_) return;
    what();
    Every(mean, what);
  });
}

void Decade::Once(SimTime from, SimTime to, const std::function<void()>& what) {
  scheduler_.After(from + chance_.Below(to - from), [this, what] {
    if (at_fault_) what();
  });
}

void Decade::SleepAndWake(std::size_t member) {
  const SimTime mean = members_[member]->mean_sleep;
  scheduler_.After(1 + chance_.Below(2 * mean), [this, member] {
    if (!at_fault_) return;
    Session(*members_[member], 1 + static_cast<int>(chance_.Below(4)));
    SleepAndWake(member);
  });
}

testing::Fate Decade::DiskFate() {
  using testing::Fate;
  constexpr Fate kFates[] = {Fate::kFailsOld, Fate::kFailsNew, Fate::kFailsTorn,
                             Fate::kDiesOld,  Fate::kDiesNew,  Fate::kDiesTorn};
  if (!at_fault_ || !chance_.Of(1)) return Fate::kSucceeds;
  disk_failed_ = true;
  ++disk_failures_;
  return kFates[chance_.Index(std::size(kFates))];
}

void Decade::MakeStory() {
  const SimTime year = kYear;
  Every(40 * kDay, [this] { site_.Tick(); });
  Every(900 * kDay, [this] { OwnerActs(); });
  Every(900 * kDay, [this] { BeginRollout(); });
  Every(130 * kDay, [this] { SteerRollout(); });
  Every(200 * kDay, [this] { HurtAgent(); });
  Every(400 * kDay, [this] { SetSomeClock(); });
  Every(500 * kDay, [this] { Freeze(); });
  Every(120 * kDay, [this] { Order(Any(), chance_.Of(50) ? "ping" : "update-now"); });
  Every(900 * kDay, [this] { BackUpServer(); });
  for (std::size_t i = 0; i < kMostAdded; ++i)
    Once(0, 3 * kFaultyDecade / 2, [this] { InstallOne(); });
  Once(year, 2 * kFaultyDecade, [this] { RestoreServer(); });
  Once(year, 2 * kFaultyDecade, [this] { CloneSomebody(); });
  Once(year, 3 * kFaultyDecade, [this] { BringFleetIn(); });
  Once(year, 8 * year, [this] { StealKey(); });
}

DecadeOutcome Decade::Run() {
  MakeStory();
  Until(kFaultyDecade);
  if (!checker_.violation()) {
    EndFaults();
    Until(kFaultyDecade + kCalmFor);
  }
  if (!checker_.violation()) Mend();
  if (!checker_.violation()) CheckEnd();
  outcome_.violation = checker_.violation();
  outcome_.trace_hash = trace_.hash();
  outcome_.agents = members_.size();
  outcome_.runs = checker_.num_runs();
  outcome_.moves = checker_.num_moves();
  outcome_.replacements = site_.num_replacements();
  outcome_.promotions = site_.num_promotions();
  for (const auto& member : members_) outcome_.deaths += member->machine->num_deaths();
  return outcome_;
}

DecadeOutcome SimulateDecade(const DecadeOptions& options) { return Decade(options).Run(); }

}  // namespace countersign::simulation
