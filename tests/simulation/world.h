#pragma once

#include "base/log.h"
#include "base/time.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/network.h"
#include "tests/simulation/scheduler.h"
#include "tests/simulation/trace.h"

namespace countersign::simulation {

// 2026-07-01: when the simulation begins, by clocks that are right.
inline constexpr Instant kBegin{Seconds{1'782'864'000}};

// Passwords of backups and files are stretched this little: nobody guesses them here.
inline constexpr int kIterations = 10;

// Ground is what everything in a simulation stands on, and outlives it.
struct Ground {
  Scheduler& scheduler;
  Chance& chance;
  Checker& checker;
  Trace& trace;

  // WallClock shows the right time and `error` more.
  [[nodiscard]] Instant WallClock(Seconds error) const {
    return kBegin + Seconds(scheduler.now() / 1'000) + error;
  }
};

// World is what all nodes of the short world share.
struct World : Ground {
  Network& network;
};

// TraceLog puts a node's log into the trace.
class TraceLog final : public Log {
 public:
  TraceLog(Trace& trace, std::string name) : trace_(trace), name_(std::move(name)) {}
  void Write(LogLevel /*level*/, std::string_view text) override {
    if (on_line) on_line(text);
    trace_.Add(name_ + ": " + std::string(text));
  }
  std::function<void(std::string_view)> on_line;

 private:
  Trace& trace_;
  std::string name_;
};

// The address that a node's connections come from.
[[nodiscard]] inline std::string AddressOf(int node) {
  if (node == kAttackerNode) return "203.0.113.9";
  return node == kServerNode ? "198.51.100.1" : "192.0.2." + std::to_string(node);
}

}  // namespace countersign::simulation
