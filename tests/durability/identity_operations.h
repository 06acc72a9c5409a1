#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "server/host.h"
#include "tests/durability/server_probe.h"

namespace countersign::testing {

// Told is what an operation said of itself.
struct Told {
  enum class Kind {
    kNothing,  // it was killed before it could
    kDone,
    kUnfinished,  // the change is made, and something that follows from it is not
    kUnknown,     // the next start will know
    kFailed,
  };
  Kind kind = Kind::kNothing;
  std::string code;
  std::string message;
};

// Operation is one that changes a server's identity: what is there before it, and how it is made.
struct Operation {
  std::string_view name;
  void (*prepare)(const std::filesystem::path& folder);  // with Watch not yet begun
  // `host` is open, if the operation needs one.
  Told (*act)(std::unique_ptr<server::Host>& host, const std::filesystem::path& folder);
  bool needs_host = true;
  enum class Tells { kActive, kPassword, kRollout } tells = Tells::kActive;  // the new state
  BackupKeys backup_keys = BackupKeys::kInUse;
  // In how many ways it is stopped: the more alike it is to another, the fewer.
  enum class Ways { kKills, kMost, kAll } ways = Ways::kMost;
};
[[nodiscard]] const std::vector<Operation>& Operations();
[[nodiscard]] const Operation& OperationNamed(std::string_view name);

}  // namespace countersign::testing
