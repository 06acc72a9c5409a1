// Every change of a server's identity, stopped at every system call that changes a file: by
// SIGKILL, by a power cut, and by the errors of full, read-only and failing disks and of file
// servers. What is left is the old identity or the new one, and the next start mends the rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <optional>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "tests/durability/call_kinds.h"
#include "tests/durability/fault_run.h"
#include "tests/durability/judge.h"
#include "tests/support/command.h"

namespace countersign::testing {
namespace {

namespace fs = std::filesystem;
using Kind = Fault::Kind;
using Ways = Operation::Ways;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What a full disk refuses.
bool NeedsRoom(CallKind kind) {
  return kind == CallKind::kWrite || kind == CallKind::kCreate || kind == CallKind::kAllocate ||
         kind == CallKind::kMakeFolder || kind == CallKind::kLink || kind == CallKind::kTruncate;
}

// Walk is one way to stop an operation, tried at the first call, the second, and so on.
struct Walk {
  std::string_view name;
  Kind kind;
  int error_number;
  Ending ending;
  bool (*counts)(CallKind);
  Operation::Ways from;  // for operations that are stopped in at least so many ways
};
constexpr std::array kWalks = {
    Walk{"Killed", Kind::kKill, 0, Ending::kClose, nullptr, Ways::kKills},
    Walk{"KilledInsideAWrite", Kind::kTornKill, 0, Ending::kClose, IsWrite, Ways::kAll},
    Walk{"IoErrorThenKilled", Kind::kFail, EIO, Ending::kKill, nullptr, Ways::kMost},
    Walk{"RefusedThenAgain", Kind::kFail, EACCES, Ending::kAgain, nullptr, Ways::kAll},
    Walk{"AnswerLostThenKilled", Kind::kFailAfter, EIO, Ending::kKill, nullptr, Ways::kAll},
    Walk{"DiskFull", Kind::kFailFromNow, ENOSPC, Ending::kClose, NeedsRoom, Ways::kMost},
    Walk{"DiskTurnsReadOnly", Kind::kFailFromNow, EROFS, Ending::kClose, nullptr, Ways::kAll},
    Walk{"ShortWrite", Kind::kShortWrite, 0, Ending::kClose, IsWrite, Ways::kAll},
    Walk{"RenameAcrossDevices", Kind::kFail, EXDEV, Ending::kClose, IsRename, Ways::kMost},
    Walk{"RenameStale", Kind::kFail, ESTALE, Ending::kKill, IsRename, Ways::kAll},
    Walk{"RenameInvalid", Kind::kFail, EINVAL, Ending::kAgain, IsRename, Ways::kAll},
};

// The next operation is tried after one point of these: all would take minutes.
constexpr std::size_t kThoroughEach = 8;

Thorough ThoroughAt(std::size_t at) {
  return at % kThoroughEach == 1 ? Thorough::kYes : Thorough::kNo;
}

// Scene is a server prepared for one operation, and copies of it to try on.
class Scene {
 public:
  explicit Scene(const Operation& operation) : operation_(operation) {
    fs::create_directory(Prepared());
    operation.prepare(Prepared() / "server");
    before_ = LookBefore(operation, Prepared());
  }
  // Copy is a fresh copy of what was prepared.
  [[nodiscard]] fs::path Copy() { return CopyOf(Prepared()); }
  [[nodiscard]] fs::path CopyOf(const fs::path& root) {
    const fs::path copy = folder_.path() / ("try" + std::to_string(++num_copies_));
    fs::copy(root, copy, fs::copy_options::recursive);
    return copy;
  }
  [[nodiscard]] const Before& before() const { return before_; }
  [[nodiscard]] const Operation& operation() const { return operation_; }
  [[nodiscard]] const fs::path& path() const { return folder_.path(); }

 private:
  [[nodiscard]] fs::path Prepared() const { return folder_.path() / "prepared"; }

  const Operation& operation_;
  TemporaryFolder folder_;
  Before before_;
  int num_copies_ = 0;
};

void PrintTo(const Walk& walk, std::ostream* out) { *out << walk.name; }

using Try = std::tuple<std::string_view, Walk>;  // the name of an operation, and a way to stop it

class FaultsTest : public ::testing::TestWithParam<Try> {};

TEST_P(FaultsTest, OldOrNew) {
  const auto& [name, walk] = GetParam();
  Scene scene(OperationNamed(name));
  std::size_t at = 0;
  for (bool happened = true; happened;) {
    const Fault fault{walk.kind, ++at, walk.error_number, walk.counts};
    const fs::path root = scene.Copy();
    const Outcome outcome = RunWithFault(scene.operation(), root, fault, walk.ending);
    happened = outcome.happened || outcome.killed;
    EXPECT_THAT(Judge(scene.operation(), scene.before(), outcome, fault, root, ThoroughAt(at)),
                IsEmpty())
        << walk.name << " at call " << at << "; told: " << outcome.told.message;
    if (HasFailure()) return;
    fs::remove_all(root);
  }
  EXPECT_GE(at, walk.counts == IsRename ? 2U : 8U) << "there are fewer calls than there should be";
}

std::vector<std::string_view> Names() {
  std::vector<std::string_view> names;
  for (const Operation& operation : Operations()) names.push_back(operation.name);
  return names;
}

std::vector<Try> Tries() {
  std::vector<Try> tries;
  for (const Operation& operation : Operations()) {
    for (const Walk& walk : kWalks) {
      if (operation.ways >= walk.from) tries.emplace_back(operation.name, walk);
    }
  }
  return tries;
}

INSTANTIATE_TEST_SUITE_P(Operations, FaultsTest, ::testing::ValuesIn(Tries()),
                         [](const auto& tested) {
                           return std::string(std::get<0>(tested.param)) + "_" +
                                  std::string(std::get<1>(tested.param).name);
                         });

// CutEverywhere returns what is wrong with what power cuts leave; `fault`: none but in a test of
// the test.
std::vector<std::string> CutEverywhere(Scene& scene, const Fault& fault) {
  const fs::path images = scene.path() / "images";
  const Outcome outcome = RunWithPowerCuts(scene.operation(), scene.Copy(), images, fault);
  std::vector<std::string> problems;
  if (outcome.told.kind != Told::Kind::kDone) problems.push_back("told: " + outcome.told.message);
  for (std::size_t at = 1; at <= outcome.num_images; ++at) {
    Outcome cut;
    cut.killed = true;
    if (at >= outcome.images_when_told) cut.told = outcome.told;
    for (const auto& problem : Judge(scene.operation(), scene.before(), cut, {},
                                     images / std::to_string(at), ThoroughAt(at))) {
      problems.push_back("power cut " + std::to_string(at) + " of " +
                         std::to_string(outcome.num_images) + ": " + problem);
    }
  }
  return problems;
}

class PowerCutTest : public ::testing::TestWithParam<std::string_view> {};

TEST_P(PowerCutTest, OldOrNewAndNewOnceTold) {
  Scene scene(OperationNamed(GetParam()));
  EXPECT_THAT(CutEverywhere(scene, {}), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Operations, PowerCutTest, ::testing::ValuesIn(Names()),
                         [](const auto& tested) { return std::string(tested.param); });

// --- the next start ---

// KilledServer is a server whose -c was killed at a call; it leaves its folder's root.
fs::path KilledServer(Scene& scene, const Fault& fault) {
  const fs::path root = scene.Copy();
  EXPECT_TRUE(RunWithFault(scene.operation(), root, fault, Ending::kClose).killed);
  return root;
}
// Two keys and the staged backup are in place before the commit; the fourth rename follows from it.
constexpr Fault kBeforeTheCommit{Kind::kKill, 3, 0, IsFolderSync};
constexpr Fault kAfterTheCommit{Kind::kKill, 4, 0, IsRename};

TEST(NextStartTest, SaysThatTheOldStateWasFound) {
  Scene scene(OperationNamed("Replace"));
  const Seen seen =
      Start(KilledServer(scene, kBeforeTheCommit) / "server", BackupKeys::kInUse, kProbeNow);
  EXPECT_THAT(seen.problems, IsEmpty());
  EXPECT_EQ(seen.active, scene.before().seen.active);
  EXPECT_THAT(seen.log,
              Contains("the automatic backup of a change that did not happen is discarded"));
  EXPECT_THAT(seen.log, Contains(HasSubstr("of no certificate in use is destroyed")).Times(2));
}

TEST(NextStartTest, SaysThatTheNewStateWasFound) {
  Scene scene(OperationNamed("Replace"));
  const Seen seen =
      Start(KilledServer(scene, kAfterTheCommit) / "server", BackupKeys::kInUse, kProbeNow);
  EXPECT_THAT(seen.problems, IsEmpty());
  EXPECT_NE(seen.active, scene.before().seen.active);
  EXPECT_THAT(seen.log,
              Contains("the new automatic backup of an interrupted change is put in place"));
}

// The start that mends is killed in its turn, and the next one, at every call.
TEST(NextStartTest, KilledWhileItMends) {
  Scene scene(OperationNamed("Replace"));
  for (const bool committed : {false, true}) {
    const fs::path killed = KilledServer(scene, committed ? kAfterTheCommit : kBeforeTheCommit);
    std::size_t at = 0;
    for (bool happened = true; happened;) {
      const fs::path root = scene.CopyOf(killed);
      happened = RunStart(root, {Kind::kKill, ++at, 0, nullptr}).killed;
      const Seen seen = Start(root / "server", BackupKeys::kInUse, kProbeNow);
      EXPECT_THAT(seen.problems, IsEmpty()) << "killed at call " << at << " of the start";
      EXPECT_EQ(seen.active != scene.before().seen.active, committed);
      if (HasFailure()) return;
    }
    EXPECT_GE(at, 5U);
  }
}

// The tests above can fail: a program that forgets to sync is found out.
TEST(FaultsSelfTest, UnsyncedFilesAreFound) {
  Scene scene(OperationNamed("Replace"));
  EXPECT_FALSE(CutEverywhere(scene, {Kind::kSkip, 1, 0, IsFileSync}).empty());
}
TEST(FaultsSelfTest, OneUnsyncedFileIsFound) {
  Scene scene(OperationNamed("Init"));
  EXPECT_FALSE(CutEverywhere(scene, {Kind::kSkip, 3, 0, IsFileSync}).empty());
}
TEST(FaultsSelfTest, UnsyncedFoldersAreFound) {
  Scene scene(OperationNamed("Replace"));
  EXPECT_FALSE(CutEverywhere(scene, {Kind::kSkip, 1, 0, IsFolderSync}).empty());
}
// So is one that says that it replaced a file, and did not.
TEST(FaultsSelfTest, RenameThatDoesNothingIsFound) {
  Scene scene(OperationNamed("Replace"));
  const Fault fault{Kind::kSkip, 1, 0, IsRename};
  const fs::path root = scene.Copy();
  const Outcome outcome = RunWithFault(scene.operation(), root, fault, Ending::kClose);
  EXPECT_TRUE(outcome.happened);
  EXPECT_FALSE(
      Judge(scene.operation(), scene.before(), outcome, fault, root, Thorough::kNo).empty());
}

}  // namespace
}  // namespace countersign::testing
