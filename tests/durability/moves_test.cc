// A move to another server, and a repair, stopped at every system call that changes a file: by
// SIGKILL, by a power cut, and by the errors of full, read-only and failing disks. What is left
// belongs to exactly one server, trust and address alike, and nothing of the agent is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ostream>
#include <string>
#include <tuple>

#include "agent/agent.h"
#include "agent/installation.h"
#include "base/encoding.h"
#include "keys/agent_key.h"
#include "mover/target_exchange.h"
#include "mover/transfer.h"
#include "store/settle_move.h"
#include "tests/durability/call_kinds.h"
#include "tests/durability/durable_image.h"
#include "tests/durability/system_calls.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/command.h"
#include "tests/support/memory_log.h"
#include "tests/support/must.h"

namespace countersign::testing {
namespace {

namespace fs = std::filesystem;
using Kind = Fault::Kind;

constexpr Times kNow{kTestBegin + Seconds(86'400), Uptime(5'000)};

bool WritesOrCreates(CallKind kind) {
  return kind == CallKind::kWrite || kind == CallKind::kCreate || kind == CallKind::kTruncate;
}

struct MoveWalk {
  std::string_view name;
  Kind kind;
  int error_number;
  bool (*counts)(CallKind);
};
constexpr std::array kMoveWalks = {
    MoveWalk{"Killed", Kind::kKill, 0, nullptr},
    MoveWalk{"KilledInsideAWrite", Kind::kTornKill, 0, IsWrite},
    MoveWalk{"IoError", Kind::kFail, EIO, nullptr},
    MoveWalk{"AnswerLost", Kind::kFailAfter, EIO, nullptr},
    MoveWalk{"DiskFull", Kind::kFailFromNow, ENOSPC, WritesOrCreates},
    MoveWalk{"DiskTurnsReadOnly", Kind::kFailFromNow, EROFS, nullptr},
    MoveWalk{"ShortWrite", Kind::kShortWrite, 0, IsWrite},
    MoveWalk{"RenameStale", Kind::kFail, ESTALE, IsRename},
};
void PrintTo(const MoveWalk& walk, std::ostream* out) { *out << walk.name; }

// What is done: to another server; on the spot with a newer certificate; on the spot with the one
// that is held, so that only the address changes; to another server, where agent.toml cannot be
// edited and is written anew.
enum class Way : std::uint8_t { kMove, kRepair, kAddressOnly, kMoveRewritten };
constexpr std::array kWays = {Way::kMove, Way::kRepair, Way::kAddressOnly, Way::kMoveRewritten};
std::string_view NameOf(Way way) {
  constexpr std::array<std::string_view, 4> kNames = {"Move", "Repair", "AddressOnly",
                                                      "MoveRewritten"};
  return kNames.at(static_cast<std::size_t>(way));
}
constexpr std::string_view kRemark = "# Ask the administrator before you touch this.\n";

// AgentScene is an installed agent of one server, and the servers to which it can go.
class AgentScene {
 public:
  explicit AgentScene(Way way) : way_(way) {
    fs::create_directory(Prepared());
    Must(MakePrivateFolder(Prepared() / "agent"));
    const fs::path folder = Prepared() / "agent";
    Must(WriteFileAtomically(folder / "agent.toml", AsBytes(Settings()), FileMode::kPrivate));
    Must(WriteFileAtomically(folder / "orders", {}, FileMode::kPrivate));
    id_ = Uuid::FromDigest(Must(keys::CreateAgentKey(folder / "agent.key")).public_key().digest());
    const auto opened = Must(store::AgentFolder::Open(folder));
    Must(opened->StoreTrust(Must(trust::FirstTrust(old_.certificate, nullptr))));
    auto counters = Must(store::AgentCounters::Load(*opened));
    seq_ = Must(counters.NextSeq());
    Must(counters.Save());
  }

  [[nodiscard]] fs::path Copy() { return CopyOf(Prepared()); }
  [[nodiscard]] fs::path CopyOf(const fs::path& root) {
    const fs::path copy = folder_.path() / ("try" + std::to_string(++num_copies_));
    fs::copy(root, copy, fs::copy_options::recursive);
    return copy;
  }
  [[nodiscard]] const fs::path& path() const { return folder_.path(); }

  // Act is the whole of it as daemon::CarryOut does it, with the network left out.
  [[nodiscard]] Status Act(const fs::path& root) {
    auto installation = agent::Installation::Open(root / "agent");
    if (!installation) return std::unexpected(std::move(installation).error());
    auto agent = agent::Agent::Create({*installation->folder, installation->key,
                                       authority_.random(), log_, installation->distrust},
                                      installation->profile, kNow);
    if (!agent) return std::unexpected(std::move(agent).error());
    const Identity& target = Target();
    auto to_be = trust::FirstTrust(target.certificate, &(*agent)->trust());
    if (!to_be) return std::unexpected(std::move(to_be).error());
    const auto transfer =
        mover::PlanTransfer(Place(), installation->config, (*agent)->trust(), *std::move(to_be));
    if (!transfer) return std::unexpected(transfer.error());
    mover::TargetExchange exchange(transfer->to_be, agent::ProfileOf(transfer->config),
                                   installation->key, authority_.random());
    const auto report = exchange.MakeReport((*agent)->counters(), (*agent)->instance(), kNow);
    if (!report) return std::unexpected(report.error());
    const auto proof = exchange.TakeReply(Reply(*report, target), installation->distrust, kNow);
    Check(proof.state.has_value(), "the target proves itself");
    const auto adopt = [&](const trust::TrustState& state) {
      return (*agent)->AdoptTrust(state, kNow);
    };
    const auto done = mover::CommitTransfer(*installation->folder, *transfer, *proof.state, adopt);
    if (!done) return std::unexpected(done.error());
    return {};
  }

  struct Seen {
    bool is_new = false;
    std::string problem;  // empty: none
  };
  // Look opens the folder as the next start does, and judges what it finds.
  [[nodiscard]] Seen Look(const fs::path& root) const {
    const auto installation = agent::Installation::Open(root / "agent");
    if (!installation) return {false, "it does not open: " + installation.error().message};
    store::AgentFolder& folder = *installation->folder;
    const auto held = trust::ParseTrustState(Must(folder.LoadTrust()));
    if (!held) return {false, held.error().message};
    Seen seen{installation->config.server_host == "new.example", ""};
    const Identity& expected = seen.is_new ? Target() : old_;
    if (held->certificate.thumbprint() != expected.certificate.thumbprint()) {
      seen.problem = "trust and address belong to two servers";
    } else if (Uuid::FromDigest(installation->key.public_key().digest()) != id_) {
      seen.problem = "another agent id";
    } else if (Must(ReadFile(root / "agent" / "OfcNTCer.dat", 10'000)) !=
               expected.certificate.der()) {
      seen.problem = "OfcNTCer.dat is of another certificate";
    } else if (installation->config.listen_port != (seen.is_new ? 12'346 : 12'345) ||
               installation->config.domain != (seen.is_new ? "new" : "old")) {
      seen.problem = "agent.toml is of both";
    } else if (!RemarkIsKept(root / "agent", seen.is_new)) {
      seen.problem = "what the administrator wrote is lost";
    } else {
      seen.problem = LookAtTheRest(folder, seen.is_new);
    }
    return seen;
  }

 private:
  [[nodiscard]] fs::path Prepared() const { return folder_.path() / "prepared"; }
  [[nodiscard]] const Identity& Target() const {
    return IsMove() ? new_ : way_ == Way::kRepair ? newer_ : old_;
  }
  [[nodiscard]] bool IsMove() const { return way_ == Way::kMove || way_ == Way::kMoveRewritten; }
  [[nodiscard]] std::string Settings() const {
    std::string text = std::string(kRemark) + store::FormatAgentConfig(before_);
    // The keys of a table that is to go, where nothing takes them away.
    if (way_ == Way::kMoveRewritten) {
      text += "enrol.token = \"t\"\nenrol.secret = \"" + Base64UrlEncode(Bytes(32, 7)) + "\"\n";
    }
    return text;
  }
  // In agent.toml, or where that was written anew beside it.
  [[nodiscard]] bool RemarkIsKept(const fs::path& folder, bool is_new) const {
    const fs::path old = folder / "agent.toml.old";
    if (is_new && way_ == Way::kMoveRewritten) {
      return fs::exists(old) && AsText(Must(ReadFile(old, 10'000))) == Settings();
    }
    const bool kept = AsText(Must(ReadFile(folder / "agent.toml", 10'000))).starts_with(kRemark);
    return kept && (way_ == Way::kMoveRewritten || !fs::exists(old));
  }
  [[nodiscard]] static mover::Place Place() {
    return {.host = "new.example",
            .http_port = 8081,
            .https_port = 4344,
            .tls = std::nullopt,
            .listen_port = 12'346,
            .domain = "new"};
  }
  [[nodiscard]] std::string LookAtTheRest(store::AgentFolder& folder, bool is_new) const {
    const auto journal = store::LoadJournal(folder);
    if (!journal || journal->planned) return "the plan is still there";
    const std::size_t left = is_new && IsMove() ? 1 : 0;
    if (journal->former.size() != left) return "who is to be told is wrong";
    auto counters = store::AgentCounters::Load(folder);
    if (!counters) return "counters: " + counters.error().message;
    if (Must(counters->NextSeq()) <= seq_) return "seq was used before";
    return trust::OrderMemory::Parse(Must(folder.LoadOrders())) ? "" : "the order memory";
  }
  [[nodiscard]] std::string Reply(const std::string& report, const Identity& signer) {
    const auto parsed = Must(wire::ParseReport(report));
    wire::Reply reply;
    reply.x5t = signer.certificate.thumbprint();
    reply.iss = parsed.report.aud;
    reply.aud = parsed.report.iss;
    reply.challenge = parsed.report.challenge;
    reply.iat = 1;
    reply.nonce = authority_.random().Token();
    reply.interval = 900;
    return Must(wire::SignReply(reply, signer.key));
  }
  static void Must(const Status& status) { Check(status.has_value(), "a step of the preparation"); }
  template <class T>
  static T Must(Result<T> result) {
    return testing::Must(std::move(result));
  }

  Way way_;
  TemporaryFolder folder_;
  TestAuthority authority_{11};
  MemoryLog log_;
  Identity owner_ = authority_.MakeOwner();
  Identity other_owner_ = authority_.MakeOwner();
  ServerId server_ = authority_.MakeServerId();
  Identity old_ = authority_.MakeServer(owner_, {.server_ids = {server_}, .generation = 7});
  Identity newer_ = authority_.MakeServer(owner_, {.server_ids = {server_}, .generation = 9});
  Identity new_ = authority_.MakeServer(
      other_owner_, {.server_ids = {authority_.MakeServerId()}, .generation = 4});
  store::AgentConfig before_{.server_host = "old.example",
                             .web_keys = {},
                             .listen = "127.0.0.1",
                             .listen_port = 12'345,
                             .domain = "old",
                             .enrol = std::nullopt};
  AgentId id_;
  std::uint64_t seq_ = 0;
  int num_copies_ = 0;
};

// How a child ended.
struct Ended {
  bool killed = false;
  bool happened = false;  // the fault did, if it lived to say so
  bool told_done = false;
};
constexpr int kDone = 1;
constexpr int kHappened = 2;

template <class Body>
Ended RunChild(const Body& body) {
  const pid_t child = fork();
  Check(child >= 0, "a process");
  if (child == 0) {
    const Status done = body();
    _exit((done ? kDone : 0) | (FaultHappened() ? kHappened : 0));
  }
  int status = 0;
  Check(waitpid(child, &status, 0) == child, "the end of the child");
  if (WIFSIGNALED(status)) return {.killed = WTERMSIG(status) == SIGKILL};
  const int code = WEXITSTATUS(status);
  return {.happened = (code & kHappened) != 0, .told_done = (code & kDone) != 0};
}

Ended ActWith(AgentScene& scene, const fs::path& root, const Fault& fault) {
  return RunChild([&] {
    Watch(root, fault);
    return scene.Act(root);
  });
}

class MoveFaultsTest : public ::testing::TestWithParam<std::tuple<Way, MoveWalk>> {};

TEST_P(MoveFaultsTest, BelongsToOneServer) {
  const auto& [way, walk] = GetParam();
  AgentScene scene(way);
  std::size_t at = 0;
  for (bool stopped = true; stopped;) {
    const fs::path root = scene.Copy();
    const Ended ended = ActWith(scene, root, {walk.kind, ++at, walk.error_number, walk.counts});
    stopped = ended.killed || ended.happened;
    const auto seen = scene.Look(root);
    ASSERT_EQ(seen.problem, "") << walk.name << " at call " << at;
    if (!ended.killed) {
      EXPECT_EQ(seen.is_new, ended.told_done) << walk.name << " at call " << at;
    }
    const Status again = scene.Act(root);
    ASSERT_TRUE(again.has_value()) << "again, after call " << at << ": " << again.error().message;
    const auto after = scene.Look(root);
    ASSERT_EQ(after.problem, "") << "again, after call " << at;
    EXPECT_TRUE(after.is_new);
    fs::remove_all(root);
  }
  EXPECT_GE(at, walk.counts == nullptr ? 12U : 4U) << "there are fewer calls than there should be";
}

INSTANTIATE_TEST_SUITE_P(Ways, MoveFaultsTest,
                         ::testing::Combine(::testing::ValuesIn(kWays),
                                            ::testing::ValuesIn(kMoveWalks)),
                         [](const auto& tested) {
                           return std::string(NameOf(std::get<0>(tested.param))) + "_" +
                                  std::string(std::get<1>(tested.param).name);
                         });

// The opening that ends the move is killed in its turn, at every call.
TEST(MoveRestartTest, KilledWhileItEndsTheMove) {
  AgentScene scene(Way::kMove);
  std::size_t num_new = 0;
  std::size_t at = 0;
  for (bool stopped = true; stopped;) {
    const fs::path killed = scene.Copy();
    stopped = ActWith(scene, killed, {Kind::kKill, ++at, 0, nullptr}).killed;
    for (std::size_t next = 1;; ++next) {
      const fs::path root = scene.CopyOf(killed);
      const Ended ended = RunChild([&]() -> Status {
        Watch(root, {Kind::kKill, next, 0, nullptr});
        const auto opened = agent::Installation::Open(root / "agent");
        return opened ? Status() : std::unexpected(opened.error());
      });
      const auto seen = scene.Look(root);
      ASSERT_EQ(seen.problem, "") << "killed at call " << at << ", then at " << next;
      num_new += seen.is_new ? 1 : 0;
      fs::remove_all(root);
      if (!ended.killed) break;
    }
    fs::remove_all(killed);
  }
  EXPECT_GT(num_new, 0U);
}

// CutEverywhere returns what is wrong with what power cuts leave.
std::vector<std::string> CutEverywhere(AgentScene& scene, const Fault& fault) {
  const fs::path root = scene.Copy();
  const fs::path images = scene.path() / "images";
  fs::create_directory(images);
  const Ended ended = RunChild([&] {
    DurableImage image(root);
    std::size_t num_images = 0;
    const auto cut = [&] { image.WriteTo(images / std::to_string(++num_images)); };
    Watch(root, fault, [&](CallKind kind, const fs::path& path, std::uint64_t inode) {
      image.Take(kind, path, inode);
      if (kind == CallKind::kSync || kind == CallKind::kSyncFolder) cut();
    });
    const Status done = scene.Act(root);
    cut();
    return done;
  });
  std::vector<std::string> problems;
  if (!ended.told_done) problems.emplace_back("it was not done");
  for (std::size_t at = 1; fs::exists(images / std::to_string(at)); ++at) {
    const auto seen = scene.Look(images / std::to_string(at));
    if (!seen.problem.empty()) {
      problems.push_back("power cut " + std::to_string(at) + ": " + seen.problem);
    }
    const bool is_last = !fs::exists(images / std::to_string(at + 1));
    if (is_last && !seen.is_new) problems.emplace_back("the end: told, and not durable");
  }
  return problems;
}

class MovePowerCutTest : public ::testing::TestWithParam<Way> {};

TEST_P(MovePowerCutTest, BelongsToOneServer) {
  AgentScene scene(GetParam());
  EXPECT_THAT(CutEverywhere(scene, {}), ::testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Ways, MovePowerCutTest, ::testing::ValuesIn(kWays),
                         [](const auto& tested) { return std::string(NameOf(tested.param)); });

// The tests above can fail.
TEST(MoveFaultsSelfTest, UnsyncedFilesAreFound) {
  AgentScene scene(Way::kMove);
  EXPECT_FALSE(CutEverywhere(scene, {Kind::kSkip, 1, 0, IsFileSync}).empty());
}

}  // namespace
}  // namespace countersign::testing
