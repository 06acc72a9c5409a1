#include "tests/durability/judge.h"

#include <cerrno>
#include <optional>

namespace countersign::testing {
namespace {

namespace fs = std::filesystem;
using Problems = std::vector<std::string>;

constexpr Instant kStartTime = kProbeNow + 2 * kProbeDay;
constexpr Instant kLaterTime = kProbeNow + 3 * kProbeDay;

std::string_view CodeFor(int error_number) {
  switch (error_number) {
    case ENOSPC:
      return "exhausted";
    case EACCES:
    case EROFS:
      return "permission-denied";
    default:
      return "io";
  }
}

// An error that the system answered is told with its code and the file.
void JudgeError(const Told& told, const Fault& fault, const fs::path& root, Problems& problems) {
  const bool failed = told.kind == Told::Kind::kFailed || told.kind == Told::Kind::kUnknown;
  if (!failed || fault.error_number == 0) return;
  if (told.code != CodeFor(fault.error_number)) {
    problems.push_back("the code is " + told.code + ": " + told.message);
  }
  if (told.message.find(root.string()) == std::string::npos) {
    problems.push_back("no file is named: " + told.message);
  }
}

// What failed by one fault alone takes back what it did, at once.
void JudgeTakenBack(const Before& before, const Outcome& outcome, const Fault& fault,
                    const fs::path& root, Problems& problems) {
  const bool alone = fault.kind == Fault::Kind::kFail || fault.kind == Fault::Kind::kFailAfter;
  if (!alone || outcome.told.kind != Told::Kind::kFailed) return;
  if (outcome.again.kind != Told::Kind::kNothing) return;
  if (Fingerprint(root) == before.files) return;
  std::string names;
  for (const auto& [name, digest] : Fingerprint(root)) {
    const auto old = before.files.find(name);
    if (old == before.files.end() || old->second != digest) names += " " + name;
  }
  problems.push_back("it failed, and yet changed files:" + names);
}

// Whether the new state is there; nothing where neither is.
std::optional<bool> IsNew(const Operation& operation, const Before& before, const Seen& seen) {
  if (!before.is_there) return true;
  using Tells = Operation::Tells;
  if (operation.tells == Tells::kActive) return seen.active != before.seen.active;
  if (seen.active != before.seen.active) return std::nullopt;
  if (operation.tells == Tells::kRollout) return seen.rollout != before.seen.rollout;
  return seen.password != before.seen.password;
}

void JudgeTold(const Told& told, bool is_new, Problems& problems) {
  const bool says_new = told.kind == Told::Kind::kDone || told.kind == Told::Kind::kUnfinished;
  if (says_new && !is_new) problems.emplace_back("it was told as done, and is not");
  if (told.kind == Told::Kind::kFailed && is_new) {
    problems.push_back("it was told as failed, and is done: " + told.message);
  }
}

// A folder that is not there yet: the same command makes it.
void JudgeAbsent(const Operation& operation, const Before& before, const Outcome& outcome,
                 const fs::path& root, Thorough thorough, Problems& problems) {
  if (before.is_there) return problems.push_back("the server's folder is gone");
  JudgeTold(outcome.told, false, problems);
  if (thorough == Thorough::kNo) return;
  std::unique_ptr<server::Host> none;
  const Told again = operation.act(none, root / "server");
  if (again.kind != Told::Kind::kDone)
    problems.push_back("it cannot be repeated: " + again.message);
  const Seen seen = Start(root / "server", operation.backup_keys, kStartTime);
  problems.insert(problems.end(), seen.problems.begin(), seen.problems.end());
}

}  // namespace

Before LookBefore(const Operation& operation, const fs::path& root) {
  Before before;
  before.is_there = fs::exists(root / "server");
  if (!before.is_there) return before;
  before.seen = Start(root / "server", BackupKeys::kInUse, kProbeNow);
  Check(before.seen.problems.empty(), "what is prepared for " + std::string(operation.name));
  before.files = Fingerprint(root);
  return before;
}

Problems Judge(const Operation& operation, const Before& before, const Outcome& outcome,
               const Fault& fault, const fs::path& root, Thorough thorough) {
  Problems problems;
  if (!outcome.died_of.empty()) problems.push_back("the process died of " + outcome.died_of);
  JudgeError(outcome.told, fault, root, problems);
  JudgeTakenBack(before, outcome, fault, root, problems);
  Told told = outcome.told;
  if (outcome.again.kind != Told::Kind::kNothing) {
    // A second try goes through, where the first did not and there is something left to do.
    const bool repeats = told.kind == Told::Kind::kFailed;
    if (repeats && outcome.again.kind != Told::Kind::kDone) {
      problems.push_back("the second try fails: " + outcome.again.message);
    }
    if (repeats) told = outcome.again;
  }
  if (!fs::exists(root / "server")) {
    JudgeAbsent(operation, before, outcome, root, thorough, problems);
    return problems;
  }
  const Seen seen = Start(root / "server", operation.backup_keys, kStartTime);
  problems.insert(problems.end(), seen.problems.begin(), seen.problems.end());
  const auto is_new = IsNew(operation, before, seen);
  if (!is_new) problems.emplace_back("it is neither the old state nor the new one");
  if (is_new) JudgeTold(told, *is_new, problems);
  for (const auto& name : Leftovers(root)) problems.push_back(name + " was left");
  if (!problems.empty() || thorough == Thorough::kNo) return problems;
  return ReplaceAfterwards(root / "server", seen, kLaterTime);
}

}  // namespace countersign::testing
