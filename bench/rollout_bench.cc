#include <benchmark/benchmark.h>

#include <filesystem>

#include "base/error.h"
#include "server/fleet.h"
#include "server/rollout.h"
#include "server/server.h"
#include "tests/support/server_bench.h"

// What a rollout costs a server of many agents: a report of one that the wave has not reached,
// beside the same report without a rollout (two signatures and a commit in both); asking the next
// agents; and looking at the whole fleet, as plan and gate do. The registry is a file, so that a
// commit is a commit.
namespace countersign {
namespace {

constexpr int kFleet = 100'000;

class Fleet {
 public:
  Fleet() : path_(std::filesystem::temp_directory_path() / "countersign-rollout-bench.db") {
    Remove();
    auto registry = store::OpenSqlite(path_.string());
    Check(registry.has_value(), "a registry");
    for (const auto& row : bench_.registry->ListCertificates().value()) {
      Check((*registry)->PutCertificate(row).has_value(), "a certificate");
    }
    bench_.registry = *std::move(registry);
    reserve_ = bench_.Issue(11);
    bench_.Put(reserve_->certificate, store::CertificateRole::kServer,
               store::CertificateState::kReserve);
    Check(bench_.ring->Add(reserve_->key, keys::Exportable::kNo).has_value(), "a key");
    bench_.Restart();
    agent_.emplace(bench_.KnownAgent());
    Fill();
  }
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;
  ~Fleet() {
    bench_.registry = store::OpenSqlite(":memory:").value();
    Remove();
  }

  void Start(const trust::RolloutTerms& terms) {
    Check(server::StartRollout(bench_.server().world(), bench_.config, nullptr, terms,
                               server::ClockIsRight::kNo, bench_.now)
              .has_value(),
          "a rollout");
    Check(bench_.server().Reload(bench_.now).has_value(), "loaded");
  }
  void Report() { benchmark::DoNotOptimize(bench_.Tell(*agent_)); }
  [[nodiscard]] testing::ServerBench& bench() { return bench_; }

 private:
  void Remove() const {
    for (const char* const ending : {"", "-wal", "-shm"}) {
      std::filesystem::remove(path_.string() + ending);
    }
  }
  void Fill() {
    const auto like = bench_.Row(*agent_);
    const auto filled = bench_.registry->Transact([&]() -> Status {
      for (int i = 0; i < kFleet; ++i) {
        auto row = like;
        row.id = AgentId(bench_.random.Array<16>());
        COUNTERSIGN_RETURN_IF_ERROR(bench_.registry->PutAgent(row));
      }
      return {};
    });
    Check(filled.has_value(), "a fleet");
  }

  std::filesystem::path path_;
  testing::ServerBench bench_;
  std::optional<testing::Identity> reserve_;
  std::optional<testing::FakeAgent> agent_;
};

void ReportWithoutRollout(benchmark::State& state) {
  Fleet fleet;
  for (auto _ : state) fleet.Report();
}
BENCHMARK(ReportWithoutRollout)->Unit(benchmark::kMicrosecond)->UseRealTime();

void ReportDuringRollout(benchmark::State& state) {
  Fleet fleet;
  fleet.Start({.domains = {"elsewhere"}});
  for (auto _ : state) fleet.Report();
}
BENCHMARK(ReportDuringRollout)->Unit(benchmark::kMicrosecond)->UseRealTime();

// Of 500 agents each time, with one commit.
void AskSome(benchmark::State& state) {
  Fleet fleet;
  fleet.Start({});
  for (auto _ : state) fleet.bench().server().AdvanceRollout(fleet.bench().now);
  state.SetItemsProcessed(state.iterations() * 500);
}
BENCHMARK(AskSome)->Unit(benchmark::kMillisecond)->Iterations(150)->UseRealTime();

void LookAtFleet(benchmark::State& state) {
  Fleet fleet;
  fleet.Start({});
  for (int i = 0; i < 250; ++i) fleet.bench().server().AdvanceRollout(fleet.bench().now);
  for (auto _ : state) {
    benchmark::DoNotOptimize(server::LookAtFleet(fleet.bench().server(), fleet.bench().now));
  }
  state.SetItemsProcessed(state.iterations() * kFleet);
}
BENCHMARK(LookAtFleet)->Unit(benchmark::kMillisecond)->Iterations(5)->UseRealTime();

void CountRollout(benchmark::State& state) {
  Fleet fleet;
  fleet.Start({});
  for (int i = 0; i < 250; ++i) fleet.bench().server().AdvanceRollout(fleet.bench().now);
  for (auto _ : state) benchmark::DoNotOptimize(fleet.bench().server().CountRollout());
}
BENCHMARK(CountRollout)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace countersign

BENCHMARK_MAIN();
