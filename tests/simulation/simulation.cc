#include "tests/simulation/simulation.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "server/standing.h"
#include "tests/simulation/agent_node.h"
#include "tests/simulation/attacker.h"
#include "tests/simulation/seeded_openssl.h"
#include "tests/simulation/server_node.h"

namespace countersign::simulation {
namespace {

constexpr int kNumAgents = 5;
constexpr SimTime kFaultyFor = 2 * kHour;
constexpr SimTime kCalmAfter = 65 * kMinute;  // the longest wait between two attempts to report
constexpr SimTime kLastOrders = 20 * kMinute;

class Simulation {
 public:
  explicit Simulation(const Options& options);
  Outcome Run();

 private:
  [[nodiscard]] AgentNode& AnyAgent() { return *agents_[chance_.Index(agents_.size())]; }
  void MakeAgents();
  void Break();
  void Until(SimTime end);
  // Every calls `what` now and then, on average each `mean`, until the faults stop.
  void Every(SimTime mean, const std::function<void()>& what);
  void BeginFaults();
  void EndFaults();
  void OrderSomething();
  void HurtAnAgent();
  void HurtTheServer();
  void CutANodeOff();
  [[nodiscard]] testing::Fate DiskFate();
  void GiveLastOrders();
  void CheckEnd();
  void CheckOrder(const store::OrderRow& order, int node);

  Options options_;
  SeededOpenSsl openssl_;
  Chance chance_;
  Scheduler scheduler_;
  Trace trace_;
  Checker checker_;
  Network network_;
  World world_;
  ServerNode server_;
  Attacker attacker_;
  std::vector<std::unique_ptr<AgentNode>> agents_;
  std::vector<std::pair<std::int64_t, int>> orders_;  // by id in the registry, for which node
  std::vector<std::int64_t> last_orders_;
  bool faulty_ = true;
};

Simulation::Simulation(const Options& options)
    : options_(options),
      openssl_(options.seed ^ 0x0b5e55ed),
      chance_(options.seed),
      trace_(scheduler_, options.print),
      checker_(trace_),
      network_(scheduler_, chance_),
      world_{{scheduler_, chance_, checker_, trace_}, network_},
      server_(world_, options.seed ^ 0x5e7),
      attacker_(world_, options.seed ^ 0xbad, server_.book().server_ids().front()) {
  MakeAgents();
}

void Simulation::MakeAgents() {
  testing::TestAuthority authority(options_.seed);
  const auto first = trust::FirstTrust(server_.book().Active()->certificate, nullptr).value();
  for (int number = 1; number <= kNumAgents; ++number) {
    wire::AgentProfile profile;
    profile.host = "host-" + std::to_string(number);
    profile.port = 21'112;
    profile.enrol = server_.token();
    agents_.push_back(
        std::make_unique<AgentNode>(world_, number, authority.MakeKey(), profile, first));
    server_.Know(agents_.back()->id(), number);
    attacker_.Knows(agents_.back()->id(), number);
    agents_.back()->StartAfter(chance_.Below(kMinute));
  }
}

void Simulation::Break() {
  for (const auto& agent : agents_) {
    if (options_.broken == Broken::kDiskLosesOrders) agent->disk().LoseSynced();
    if (options_.broken == Broken::kDiskLosesTrust) agent->disk().LoseTrust();
  }
  if (options_.broken == Broken::kOwnerIsRobbed) attacker_.Steal(server_.StealOwner());
}

void Simulation::Until(SimTime end) {
  while (scheduler_.RunOne(end) && !checker_.violation()) {
  }
}

void Simulation::Every(SimTime mean, const std::function<void()>& what) {
  scheduler_.After(1 + chance_.Below(2 * mean), [this, mean, what] {
    if (!faulty_) return;
    what();
    Every(mean, what);
  });
}

testing::Fate Simulation::DiskFate() {
  using testing::Fate;
  constexpr Fate kFates[] = {Fate::kFailsOld, Fate::kFailsNew, Fate::kFailsTorn,
                             Fate::kDiesOld,  Fate::kDiesNew,  Fate::kDiesTorn};
  return faulty_ && chance_.Of(2) ? kFates[chance_.Index(std::size(kFates))] : Fate::kSucceeds;
}

void Simulation::BeginFaults() {
  network_.set_faults({.loss = static_cast<double>(chance_.Below(15)),
                       .duplicate = static_cast<double>(chance_.Below(10)),
                       .slow = static_cast<double>(chance_.Below(20)),
                       .slowest = 1 + chance_.Below(40 * kSecond)});
  for (const auto& agent : agents_) {
    agent->disk().set_plan([this](testing::AgentFile, std::size_t) { return DiskFate(); });
    agent->disk().set_tear([this](std::size_t len) { return chance_.Index(len + 1); });
  }
  server_.registry().set_fails([this] { return faulty_ && chance_.Of(1); });
  Every(2 * kMinute, [this] { OrderSomething(); });
  Every(10 * kMinute, [this] { HurtAnAgent(); });
  Every(30 * kMinute, [this] { HurtTheServer(); });
  Every(15 * kMinute, [this] { CutANodeOff(); });
  Every(30 * kMinute, [this] { server_.ReplaceCertificate(); });
  Every(40 * kMinute, [this] {
    if (server_.is_up()) attacker_.Steal(server_.StealKey());
  });
  Every(30 * kSecond, [this] { attacker_.Act(); });
}

void Simulation::OrderSomething() {
  constexpr const char* kActs[] = {"ping", "ping", "report", "update-now", "make-coffee"};
  constexpr Seconds kExpires[] = {std::chrono::minutes(10), std::chrono::hours(1),
                                  std::chrono::hours(24 * 7)};
  const AgentNode& agent = AnyAgent();
  const auto id = server_.AddOrder(agent.id(), kActs[chance_.Index(std::size(kActs))],
                                   kExpires[chance_.Index(std::size(kExpires))]);
  if (id) orders_.emplace_back(*id, agent.number());
}

void Simulation::HurtAnAgent() {
  // A little, over a day back, so far ahead that all has expired, and 1970.
  const Seconds errors[] = {Seconds(0), Seconds(400), -std::chrono::hours(30),
                            std::chrono::hours(24 * 365 * 12), FromUnix(0) - kBegin};
  AgentNode& agent = AnyAgent();
  switch (chance_.Below(6)) {
    case 0:
    case 1:
      agent.Kill();
      return agent.StartAfter(chance_.Below(20 * kMinute));
    case 2:
    case 3:
      agent.PowerCut();
      return agent.StartAfter(chance_.Below(20 * kMinute));
    case 4:
      return agent.SetClock(errors[chance_.Index(std::size(errors))]);
    default:
      if (!chance_.Of(40)) return;
      // A backup now, and back to it later.
      scheduler_.After(chance_.Below(30 * kMinute),
                       [this, &agent, backup = agent.disk().Snapshot()] {
                         if (faulty_) agent.RestoreBackup(backup);
                       });
  }
}

void Simulation::HurtTheServer() {
  constexpr Seconds kErrors[] = {Seconds(0), Seconds(-7'200), Seconds(7'200),
                                 std::chrono::hours(24 * 30)};
  if (chance_.Of(70)) {
    server_.Kill();
    return server_.StartAfter(chance_.Below(10 * kMinute));
  }
  server_.SetClock(kErrors[chance_.Index(std::size(kErrors))]);
}

void Simulation::CutANodeOff() {
  const int node = static_cast<int>(chance_.Below(kNumAgents + 1));
  network_.Cut(node);
  scheduler_.After(chance_.Below(25 * kMinute), [this, node] { network_.Heal(node); });
}

void Simulation::EndFaults() {
  trace_.Add("the faults stop");
  faulty_ = false;
  network_.set_faults({});
  network_.set_watch({});
  server_.SetClock(Seconds(0));
  server_.Start();
  for (int node = 0; node <= kNumAgents; ++node) network_.Heal(node);
  for (const auto& agent : agents_) {
    agent->SetClock(Seconds(chance_.Below(200) - 100));
    agent->Start();
  }
}

void Simulation::GiveLastOrders() {
  for (const auto& agent : agents_) {
    const auto id = server_.AddOrder(agent->id(), "ping", std::chrono::hours(1));
    if (!id) {
      checker_.Violated("agent " + std::to_string(agent->number()) + " may not have an order");
      continue;
    }
    orders_.emplace_back(*id, agent->number());
    last_orders_.push_back(*id);
  }
}

void Simulation::CheckEnd() {
  const Digest active = server_.book().Active()->certificate.thumbprint();
  for (const auto& agent : agents_) {
    const std::string name = "agent " + std::to_string(agent->number());
    if (!agent->is_up()) return checker_.Violated(name + " is down");
    if (agent->trust().certificate.thumbprint() != active) {
      checker_.Violated(name + " does not hold the active certificate");
    }
    const auto row = server_.registry().FindAgent(agent->id()).value();
    if (!row || row->standing != server::kVerified) {
      checker_.Violated(name + " is " + (row ? row->standing + " " + row->reason : "unknown"));
    }
  }
  for (const auto& [id, node] : orders_) {
    const auto order = server_.registry().FindOrderById(id);
    if (!order) return checker_.Violated("an order is gone");
    CheckOrder(*order, node);
  }
}

void Simulation::CheckOrder(const store::OrderRow& order, int node) {
  using store::OrderState;
  const std::size_t runs = checker_.Runs(node, order.jti);
  const std::string name = "order " + order.jti.Text() + " for agent " + std::to_string(node) +
                           " (" + std::string(OrderStateName(order.state)) + " " + order.verdict +
                           ", ran " + std::to_string(runs) + " times): ";
  const bool is_last = std::ranges::find(last_orders_, order.id) != last_orders_.end();
  // A report of its own may have brought it first.
  const bool is_done = order.verdict == "done" || order.earlier == "done";
  if (is_last && (order.state != OrderState::kDone || !is_done)) {
    checker_.Violated(name + "it was given when all was well");
  }
  if (order.state == OrderState::kQueued || order.state == OrderState::kSent) {
    checker_.Violated(name + "it has not ended");
  }
  if (checker_.WasRestored(node)) return;  // its memory of orders was set back too
  const bool ran_for_sure = order.state == OrderState::kDone && order.verdict != "interrupted";
  if (ran_for_sure && runs != 1) checker_.Violated(name + "told otherwise");
  if (order.state == OrderState::kLapsed && runs != 0) checker_.Violated(name + "lapsed");
}

Outcome Simulation::Run() {
  Break();
  BeginFaults();
  Until(kFaultyFor);
  if (!checker_.violation()) {
    EndFaults();
    Until(kFaultyFor + kCalmAfter);
    GiveLastOrders();
    Until(kFaultyFor + kCalmAfter + kLastOrders);
  }
  if (!checker_.violation()) CheckEnd();
  std::size_t deaths = 0;
  for (const auto& agent : agents_) deaths += agent->num_deaths();
  return {.violation = checker_.violation(),
          .trace_hash = trace_.hash(),
          .runs = checker_.num_runs(),
          .moves = checker_.num_moves(),
          .deaths = deaths,
          .replacements = server_.num_replacements(),
          .attacks = attacker_.num_acts()};
}

}  // namespace

Outcome Simulate(const Options& options) { return Simulation(options).Run(); }

}  // namespace countersign::simulation
