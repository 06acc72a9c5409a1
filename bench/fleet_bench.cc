#include <benchmark/benchmark.h>

#include "base/error.h"
#include "bench/fleet.h"
#include "server/admin.h"
#include "server/unload.h"

// What must not grow with the fleet: how long the one thread of a server stands still for a word
// about everybody's unload password, for a second of a campaign that moves agents, and for a start.
namespace countersign {
namespace {

void Sizes(benchmark::internal::Benchmark* bench) {
  bench->Arg(100'000)->Arg(400'000)->Unit(benchmark::kMicrosecond)->UseRealTime();
}

void SetAll(Fleet& fleet) {
  server::AdminMessage request;
  request.json = {{"command", "unload-set"}, {"all", true}};
  request.secrets.push_back(
      SecretBytes::OwnText("$argon2id$v=19$m=65536,t=3,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"));
  testing::ServerBench& bench = fleet.bench();
  const auto answer = server::Admin(bench.server()).Handle(request, {}, bench.now);
  Check(answer.json.at("ok").as_bool(), "a word for all");
}

void UnloadSetAll(benchmark::State& state) {
  Fleet fleet("unload", static_cast<int>(state.range(0)), [](auto& row, int) { row.tls = true; });
  for (auto _ : state) SetAll(fleet);
}
BENCHMARK(UnloadSetAll)->Apply(Sizes)->Iterations(1);

// A report of an agent, where many others have words of their own.
void ReportAmongWishes(benchmark::State& state) {
  Fleet fleet("wishes", 0);
  const auto added = fleet.bench().registry->Transact([&]() -> Status {
    for (int i = 0; i < state.range(0); ++i) {
      const AgentId agent(fleet.bench().random.Array<16>());
      const auto id = fleet.bench().registry->AddUnloadWish({.scope = server::ScopeOfAgent(agent)});
      if (!id) return std::unexpected(id.error());
    }
    return {};
  });
  Check(added.has_value(), "wishes");
  fleet.bench().Restart();
  for (auto _ : state) fleet.Report(true);
}
BENCHMARK(ReportAmongWishes)->Apply(Sizes);

// Half of the campaign waits for a turn that does not come yet, the rest has answered.
void MoveSecond(benchmark::State& state) {
  Fleet fleet("move", static_cast<int>(state.range(0)));
  testing::ServerBench& bench = fleet.bench();
  store::MoveTable& moves = bench.registry->moves();
  const auto started = bench.registry->Transact([&]() -> Status {
    store::MoveRow move;
    move.rate_per_minute = 1;
    move.rate_since = bench.now;
    move.rate_used = 1;
    move.expires = bench.now + std::chrono::hours(24 * 30);
    const auto id = moves.AddMove(move);
    if (!id) return std::unexpected(id.error());
    int number = 0;
    for (const AgentId& agent : fleet.ids()) {
      const auto answered =
          number % 100 == 1 ? store::MovingState::kFailed : store::MovingState::kMoved;
      COUNTERSIGN_RETURN_IF_ERROR(
          moves.PutMoving({.move = *id,
                           .agent = agent,
                           .state = ++number % 2 == 0 ? store::MovingState::kWaiting : answered}));
    }
    return {};
  });
  Check(started.has_value(), "a campaign");
  for (auto _ : state) bench.server().AdvanceMove(bench.now);
}
BENCHMARK(MoveSecond)->Apply(Sizes);

// The first tick after an hour in which the server did not run.
void StartAfterAnHour(benchmark::State& state) {
  Fleet fleet("start", static_cast<int>(state.range(0)));
  testing::ServerBench& bench = fleet.bench();
  bench.server().Tick(bench.now);
  for (auto _ : state) {
    bench.now += std::chrono::hours(1);
    bench.Restart();
    bench.server().Tick(bench.now);
  }
}
BENCHMARK(StartAfterAnHour)->Apply(Sizes)->Iterations(3);

}  // namespace
}  // namespace countersign

BENCHMARK_MAIN();
