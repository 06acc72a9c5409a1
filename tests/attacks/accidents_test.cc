#include <gtest/gtest.h>

#include "server/standing.h"
#include "tests/attacks/scene.h"

// The accidents of section 1: nothing locks an agent out, nothing goes unnoticed, nothing is left
// half done. After each, the agent holds the active certificate, is verified, and obeys (but for a
// clone, which hands have to mend).
namespace countersign::attacks {
namespace {

std::string ReasonOf(Scene& scene) {
  return scene.bench.registry->FindAgent(scene.victim->id).value()->reason;
}

constexpr Attack kAccidents[] = {
    {"F1", "an agent is put back to a backup, through two replacements", "reported",
     [](Scene& scene) {
       const auto backup = scene.victim->disk.Snapshot();
       for (const std::uint64_t generation : {11U, 12U}) {
         scene.bench.Replace(scene.bench.Issue(generation));
         (void)scene.Exchange(*scene.victim);
         (void)scene.Exchange(*scene.victim);
       }
       // Beyond the block of numbers that the backup has reserved.
       for (int i = 0; i < 1'100; ++i) (void)scene.victim->agent->counters().NextSeq();
       (void)scene.Exchange(*scene.victim);
       scene.victim->disk.Restore(backup);
       scene.Start(*scene.victim);
       for (int i = 0; i < 4; ++i) (void)scene.Exchange(*scene.victim);
       const auto row = scene.bench.registry->FindAgent(scene.victim->id).value().value();
       if (row.jump != 0 || row.cloned) return std::string("not recovered");
       return std::string(scene.bench.Events("agent-restored") == 1 ? "reported" : "unnoticed");
     }},
    {"F1", "the server is put back to before its last replacement", "ahead",
     [](Scene& scene) {
       // Generation 20 was issued after the backup that the server's registry comes from.
       const auto lost = scene.bench.Issue(20);
       if (scene.Forge({lost.key, scene.BundleOf(lost)}) != "done") return std::string("?");
       for (int i = 0; i < 3; ++i) {
         if (scene.Exchange(*scene.victim) != "older-generation") return std::string("went back");
       }
       const std::string reason = ReasonOf(scene);
       if (scene.bench.Events("server-rewound") != 1) return std::string("unnoticed");
       // `-c` issues above what was proved.
       if (scene.bench.registry->GetMeta("proved_generation").value() != "20")
         return std::string("?");
       scene.bench.Replace(scene.bench.Issue(21));
       (void)scene.Exchange(*scene.victim);
       (void)scene.Exchange(*scene.victim);
       return reason;
     }},
    {"F1", "the owner changes twice while the agent is away", "one exchange",
     [](Scene& scene) {
       for (const std::uint64_t generation : {11U, 12U}) {
         const testing::Identity earlier = scene.bench.owner;
         scene.bench.owner = scene.bench.authority.MakeOwner();
         scene.bench.Put(scene.bench.owner.certificate, store::CertificateRole::kOwner,
                         store::CertificateState::kActive);
         scene.bench.Put(scene.bench.authority.IssueSuccession(earlier, scene.bench.owner,
                                                               {scene.bench.server_id}),
                         store::CertificateRole::kSuccession, store::CertificateState::kActive);
         scene.bench.Replace(scene.bench.Issue(generation));
       }
       const std::string refused = scene.Exchange(*scene.victim);
       if (!refused.empty()) return refused;
       const Digest owner = scene.bench.owner.certificate.key().digest();
       const bool follows = scene.victim->agent->trust().owner == owner;
       return std::string(follows ? "one exchange" : "left behind");
     }},
    {"F2", "the agent's clock stands years ahead, while the certificate is replaced", "reported",
     [](Scene& scene) {
       const Times right = scene.victim->now;
       scene.victim->now.wall = testing::kTestEnd + Seconds(1'000'000);
       scene.bench.Replace(scene.bench.Issue(11));
       if (scene.Exchange(*scene.victim) != "certificate-expired") return std::string("obeyed");
       (void)scene.Exchange(*scene.victim);
       const auto row = scene.bench.registry->FindAgent(scene.victim->id).value().value();
       if (scene.HeldBy(*scene.victim) != "the owner's") return std::string("locked out");
       scene.victim->now = right;
       (void)scene.Exchange(*scene.victim);
       return std::string(server::HasClockFault(row) ? "reported" : "unnoticed");
     }},
    {"F2", "the agent's clock stands in 1970", "done",
     [](Scene& scene) {
       scene.victim->now.wall = FromUnix(0);
       scene.bench.Replace(scene.bench.Issue(11));
       return scene.Command(*scene.victim);
     }},
    {"F2", "the server's clock goes back by ten years", "done",
     [](Scene& scene) {
       scene.bench.now -= std::chrono::hours(24 * 3'650);
       if (!scene.Exchange(*scene.victim).empty()) return std::string("locked out");
       return scene.Command(*scene.victim);
     }},
    {"F2", "the server's clock goes ahead by nine years and back", "done",
     [](Scene& scene) {
       scene.bench.now += std::chrono::hours(24 * 3'285);
       (void)scene.Exchange(*scene.victim);
       scene.bench.server().Tick(scene.bench.now);
       scene.bench.now -= std::chrono::hours(24 * 3'285);
       (void)scene.Exchange(*scene.victim);
       return scene.Command(*scene.victim);
     }},
};

class AccidentTest : public ::testing::TestWithParam<Attack> {};

TEST_P(AccidentTest, HealsAndIsNoticed) {
  Scene scene;
  EXPECT_EQ(GetParam().attempt(scene), GetParam().expected) << GetParam();
  EXPECT_EQ(scene.HeldBy(*scene.victim), "the owner's");
  (void)scene.Exchange(*scene.victim);
  (void)scene.Exchange(*scene.victim);
  const auto row = scene.bench.registry->FindAgent(scene.victim->id).value().value();
  EXPECT_EQ(row.standing, server::kVerified) << row.reason;
  EXPECT_EQ(row.jump, 0U);
  EXPECT_EQ(scene.Command(*scene.victim), "done");
}

INSTANTIATE_TEST_SUITE_P(Each, AccidentTest, ::testing::ValuesIn(kAccidents));

// F3: a cloned disk image. Hands have to mend it; until then, trust updates only.
TEST(CloneTest, IsFoundAndGetsTrustUpdatesOnly) {
  Scene scene;
  SceneAgent& one = *scene.victim;
  SceneAgent two{.key = one.key,
                 .id = one.id,
                 .profile = one.profile,
                 .disk = {},
                 .log = {},
                 .now = one.now,
                 .agent = nullptr};
  two.disk.Restore(one.disk.Snapshot());
  scene.Start(two);
  for (int i = 0; i < 6; ++i) {
    (void)scene.Exchange(one);
    (void)scene.Exchange(two);
  }
  const auto row = scene.bench.registry->FindAgent(one.id).value().value();
  EXPECT_TRUE(row.cloned);
  EXPECT_EQ(row.standing, server::kQuarantined);
  EXPECT_EQ(scene.bench.Events("agent-cloned"), 1U);
  EXPECT_EQ(scene.Command(one), "refused");
  scene.bench.Replace(scene.bench.Issue(11));
  EXPECT_EQ(scene.Exchange(one), "");
  EXPECT_EQ(scene.Exchange(two), "");
  EXPECT_EQ(scene.HeldBy(one), "the owner's");
  EXPECT_EQ(scene.HeldBy(two), "the owner's");
}

// F4: a power cut at any instruction. What can be told apart are the writes.
class PowerCutTest : public ::testing::TestWithParam<std::tuple<std::size_t, testing::Fate>> {};

TEST_P(PowerCutTest, LeavesNothingHalfDone) {
  Scene scene;
  SceneAgent& agent = *scene.victim;
  const std::size_t write = std::get<0>(GetParam());
  const testing::Fate fate = std::get<1>(GetParam());
  scene.bench.Replace(scene.bench.Issue(11));
  agent.disk.set_plan(
      [count = std::size_t{0}, write, fate](testing::AgentFile, std::size_t) mutable {
        return count++ == write ? fate : testing::Fate::kSucceeds;
      });
  const auto jtis = scene.bench.server().AddOrders(
      {.agents = {agent.id}, .act = "ping", .args = {}, .expires_after = Seconds(9'000)},
      scene.bench.now);
  bool died = false;
  try {
    (void)scene.Exchange(agent);
    (void)scene.Exchange(agent);
  } catch (const testing::PowerCut&) {
    died = true;
  }
  EXPECT_TRUE(died) << "there is no such write";
  agent.disk.set_plan({});
  scene.Start(agent);
  const std::uint64_t generation = agent.agent->trust().generation;
  EXPECT_TRUE(generation == 10 || generation == 11);
  for (int i = 0; i < 4; ++i) {
    scene.Pass(Seconds(61));
    (void)scene.Exchange(agent);
  }
  EXPECT_EQ(scene.HeldBy(agent), "the owner's");
  EXPECT_EQ(scene.bench.Order(jtis.value().front()).state, store::OrderState::kDone);
  EXPECT_LE(agent.log.Count("order " + jtis->front().Text() + ": "), 1U);
  EXPECT_EQ(scene.Command(agent), "done");
}

INSTANTIATE_TEST_SUITE_P(EachWrite, PowerCutTest,
                         ::testing::Combine(::testing::Values(0U, 1U, 2U),  // trust, started, done
                                            ::testing::Values(testing::Fate::kDiesOld,
                                                              testing::Fate::kDiesTorn,
                                                              testing::Fate::kDiesNew)));

}  // namespace
}  // namespace countersign::attacks
