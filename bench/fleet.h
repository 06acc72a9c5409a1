#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "tests/support/server_bench.h"

namespace countersign {

// Fleet is a server of `agents` agents whose registry is a file, so that a commit is a commit, and
// one agent more that talks to it. All rows are like that one's.
class Fleet {
 public:
  // `change` makes the rows different from it, by their number.
  using Change = std::function<void(store::AgentRow&, int)>;
  Fleet(const std::string& name, int agents, const Change& change = [](auto&, int) {});
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;
  ~Fleet();

  // Report is one exchange: with the web host's key known beforehand, or not.
  void Report(bool pinned = false);
  [[nodiscard]] testing::ServerBench& bench() { return bench_; }
  [[nodiscard]] const std::optional<testing::Identity>& reserve() const { return reserve_; }
  [[nodiscard]] const std::vector<AgentId>& ids() const { return ids_; }

 private:
  void Remove() const;
  void Fill(int agents, const Change& change);

  std::filesystem::path path_;
  testing::ServerBench bench_;
  std::optional<testing::Identity> reserve_;
  std::optional<testing::FakeAgent> agent_;
  std::vector<AgentId> ids_;
};

}  // namespace countersign
