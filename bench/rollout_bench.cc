#include <benchmark/benchmark.h>

#include "base/error.h"
#include "bench/fleet.h"
#include "server/fleet.h"
#include "server/rollout.h"
#include "server/server.h"

// What a rollout costs a server of many agents: a report of one that the wave has not reached,
// beside the same report without a rollout (two signatures and a commit in both); asking the next
// agents; and looking at the whole fleet, as plan and gate do. The registry is a file, so that a
// commit is a commit.
namespace countersign {
namespace {

constexpr int kFleet = 100'000;

class RolloutFleet : public Fleet {
 public:
  RolloutFleet() : Fleet("rollout", kFleet) {}
  void Start(const trust::RolloutTerms& terms) {
    Check(server::StartRollout(bench().server().world(), bench().config, nullptr, terms,
                               server::ClockIsRight::kNo, bench().now)
              .has_value(),
          "a rollout");
    Check(bench().server().Reload(bench().now).has_value(), "loaded");
  }
};

void ReportWithoutRollout(benchmark::State& state) {
  RolloutFleet fleet;
  for (auto _ : state) fleet.Report();
}
BENCHMARK(ReportWithoutRollout)->Unit(benchmark::kMicrosecond)->UseRealTime();

void ReportDuringRollout(benchmark::State& state) {
  RolloutFleet fleet;
  fleet.Start({.domains = {"elsewhere"}});
  for (auto _ : state) fleet.Report();
}
BENCHMARK(ReportDuringRollout)->Unit(benchmark::kMicrosecond)->UseRealTime();

// Of 500 agents each time, with one commit.
void AskSome(benchmark::State& state) {
  RolloutFleet fleet;
  fleet.Start({});
  for (auto _ : state) fleet.bench().server().AdvanceRollout(fleet.bench().now);
  state.SetItemsProcessed(state.iterations() * 500);
}
BENCHMARK(AskSome)->Unit(benchmark::kMillisecond)->Iterations(150)->UseRealTime();

void LookAtFleet(benchmark::State& state) {
  RolloutFleet fleet;
  fleet.Start({});
  for (int i = 0; i < 250; ++i) fleet.bench().server().AdvanceRollout(fleet.bench().now);
  for (auto _ : state) {
    benchmark::DoNotOptimize(server::LookAtFleet(fleet.bench().server(), fleet.bench().now));
  }
  state.SetItemsProcessed(state.iterations() * kFleet);
}
BENCHMARK(LookAtFleet)->Unit(benchmark::kMillisecond)->Iterations(5)->UseRealTime();

void CountRollout(benchmark::State& state) {
  RolloutFleet fleet;
  fleet.Start({});
  for (int i = 0; i < 250; ++i) fleet.bench().server().AdvanceRollout(fleet.bench().now);
  for (auto _ : state) benchmark::DoNotOptimize(fleet.bench().server().CountRollout());
}
BENCHMARK(CountRollout)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace countersign

BENCHMARK_MAIN();
