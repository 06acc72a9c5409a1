#include <gtest/gtest.h>

#include "keys/backup.h"
#include "tests/attacks/scene.h"

// What section 1 of the protocol says that attackers must not succeed in, at an agent: making it
// act, or moving its trust. After each attempt the agent holds what the owner made active, and
// obeys the rightful server.
namespace countersign::attacks {
namespace {

using testing::Identity;

// A certificate and key that the attacker makes under its own owner key.
Identity OwnServer(Scene& scene, const Identity& own_owner) {
  return scene.bench.authority.MakeServer(
      own_owner, {.server_ids = {scene.bench.server_id}, .generation = 999});
}

constexpr Attack kNetworkAttackerAtAgents[] = {
    {"N", "plays a recorded order again", "stale",
     [](Scene& scene) {
       const std::string order = scene.NextOrder(*scene.victim);
       (void)scene.Give(*scene.victim, order);
       return scene.Give(*scene.victim, order);
     }},
    {"N", "delays an order by more than 300 s", "stale",
     [](Scene& scene) {
       const std::string order = scene.NextOrder(*scene.victim);
       scene.Pass(Seconds(301));
       return scene.Give(*scene.victim, order);
     }},
    {"N", "redirects an order to another agent", "stale",
     [](Scene& scene) {
       const auto other = scene.NewAgent();
       return scene.Give(*other, scene.NextOrder(*scene.victim));
     }},
    {"N", "lets the server sign a challenge of another agent into an order", "wrong-agent",
     [](Scene& scene) {
       const auto other = scene.NewAgent();
       (void)scene.Exchange(*other);
       (void)scene.Exchange(*other);
       auto draft = wire::ParseOrder(scene.NextOrder(*other)).value().order;
       draft.challenge = scene.Challenge(*scene.victim);
       return scene.Give(*scene.victim, wire::SignOrder(draft, scene.bench.active.key).value());
     }},
    {"N", "alters the signature of an order", "bad-signature",
     [](Scene& scene) {
       std::string order = scene.NextOrder(*scene.victim);
       char& c = order[order.rfind('.') + 5];
       c = c == 'A' ? 'B' : 'A';
       return scene.Give(*scene.victim, order);
     }},
    {"N", "signs an order with its own key under the held certificate's name", "bad-signature",
     [](Scene& scene) {
       return scene.Forge(
           {scene.bench.authority.MakeKey(), {scene.bench.active.certificate.der()}});
     }},
    {"N", "signs an order by an owner of its own", "other-owner",
     [](Scene& scene) {
       const Identity owner = scene.bench.authority.MakeOwner();
       const Identity own = OwnServer(scene, owner);
       return scene.Forge({own.key, {own.certificate.der(), owner.certificate.der()}});
     }},
    {"N", "puts the true owner's certificate at the end of its own chain", "chain",
     [](Scene& scene) {
       const Identity own = OwnServer(scene, scene.bench.authority.MakeOwner());
       return scene.Forge({own.key, scene.BundleOf(own)});
     }},
    {"N", "moves the agent by a captured bundle, without its key", "bad-signature",
     [](Scene& scene) {
       return scene.Forge({scene.bench.authority.MakeKey(), scene.BundleOf(scene.bench.Issue(50))});
     }},
    {"N", "gives the agent a newer certificate of the owner's for another server", "wrong-server",
     [](Scene& scene) {
       const Identity other = scene.bench.authority.MakeServer(
           scene.bench.owner,
           {.server_ids = {scene.bench.authority.MakeServerId()}, .generation = 50});
       return scene.Forge({other.key, scene.BundleOf(other)});
     }},
    {"N", "sends octets that are no order", "malformed",
     [](Scene& scene) { return scene.Give(*scene.victim, "{}.{}.{}"); }},
    {"N", "answers a report by an owner of its own", "other-owner",
     [](Scene& scene) {
       const Identity owner = scene.bench.authority.MakeOwner();
       const Identity own = OwnServer(scene, owner);
       return scene.ForgeReply({own.key, {own.certificate.der(), owner.certificate.der()}});
     }},
    {"N", "answers a report with a recorded reply", "stale",
     [](Scene& scene) {
       const auto answer =
           scene.bench.Give(scene.victim->agent->MakeReport(scene.victim->now).value());
       (void)scene.victim->agent->MakeReport(scene.victim->now);
       const auto outcome = scene.victim->agent->TakeReply(answer.reply, "", scene.victim->now);
       return std::string(VerdictName(outcome.refused.value_or(trust::Verdict::kDone)));
     }},
    {"N", "sets the agent's clock years ahead", "certificate-expired",
     [](Scene& scene) {
       const Times right = scene.victim->now;
       scene.victim->now.wall = testing::kTestEnd + Seconds(1);
       const std::string verdict = scene.Command(*scene.victim);
       scene.victim->now = right;
       return verdict;
     }},
    {"N", "floods the listener from a thousand addresses", "429",
     [](Scene& scene) {
       std::string last;
       for (int i = 0; i < 1'000; ++i) {
         last = scene.Give(*scene.victim, "x", "198.18.0." + std::to_string(i));
       }
       return last;
     }},
    {"N", "drops every receipt", "done-before",
     [](Scene& scene) {
       const std::size_t before = scene.Runs();
       const std::string order = scene.NextOrder(*scene.victim);
       (void)scene.Give(*scene.victim, order);
       scene.Pass(Seconds(900));
       const auto due = scene.bench.Due();
       const auto again = scene.bench.server().SignCall(due.at(0), scene.Challenge(*scene.victim),
                                                        scene.bench.now);
       const std::string verdict = scene.Give(*scene.victim, again.value());
       return scene.Runs() == before + 1 ? verdict : "ran twice";
     }},
};

constexpr Attack kThiefOfTheServerKey[] = {
    {"T1", "makes a certificate under the stolen server key", "chain",
     [](Scene& scene) {
       const Identity fake = scene.bench.authority.MakeServer(
           scene.bench.active, {.server_ids = {scene.bench.server_id}, .generation = 999});
       return scene.Forge({fake.key,
                           {fake.certificate.der(), scene.bench.active.certificate.der(),
                            scene.bench.owner.certificate.der()}});
     }},
    {"T1", "signs a succession to its own owner with the stolen server key", "chain",
     [](Scene& scene) {
       const Identity own_owner = scene.bench.authority.MakeOwner();
       const Identity own = OwnServer(scene, own_owner);
       const auto succession = scene.bench.authority.IssueSuccession(scene.bench.active, own_owner,
                                                                     {scene.bench.server_id});
       return scene.Forge(
           {own.key,
            {own.certificate.der(), succession.der(), scene.bench.active.certificate.der(),
             scene.bench.owner.certificate.der()}});
     }},
    {"T1", "signs a new certificate for the stolen key by the stolen key", "other-owner",
     [](Scene& scene) {
       testing::OddOptions options;
       options.dn_qualifier = "999";
       options.uris = {scene.bench.server_id.Urn()};
       const auto own = scene.bench.authority.IssueOdd(options, scene.bench.active.key.public_key(),
                                                       scene.bench.active.key);
       return scene.Forge({scene.bench.active.key, {own.der(), own.der()}});
     }},
    {"T1", "orders the agent to move, without a warrant", "bad-warrant",
     [](Scene& scene) {
       return scene.Forge({scene.bench.active.key, {scene.bench.active.certificate.der()}}, "move");
     }},
    {"T1", "orders the agent to run a command", "not-allowed",
     [](Scene& scene) {
       return scene.Forge({scene.bench.active.key, {scene.bench.active.certificate.der()}}, "run");
     }},
    {"T1", "commands with the stolen key after the replacement has come", "unknown-key",
     [](Scene& scene) {
       const Identity stolen = scene.bench.active;
       scene.bench.Replace(scene.bench.Issue(11));
       (void)scene.Exchange(*scene.victim);
       return scene.Forge({stolen.key, {stolen.certificate.der()}});
     }},
    {"T1", "brings its old bundle along after the replacement has come", "older-generation",
     [](Scene& scene) {
       const Identity stolen = scene.bench.active;
       scene.bench.Replace(scene.bench.Issue(11));
       (void)scene.Exchange(*scene.victim);
       return scene.Forge({stolen.key, scene.BundleOf(stolen)});
     }},
    {"T1", "answers reports with the stolen key after the replacement has come", "older-generation",
     [](Scene& scene) {
       const Identity stolen = scene.bench.active;
       scene.bench.Replace(scene.bench.Issue(11));
       (void)scene.Exchange(*scene.victim);
       return scene.ForgeReply({stolen.key, scene.BundleOf(stolen)});
     }},
    {"T1", "fills the order memory before the replacement comes", "done",
     [](Scene& scene) {
       trust::OrderMemory junk;
       const Digest held = scene.bench.active.certificate.thumbprint();
       for (std::size_t i = 0; i < trust::OrderMemory::kMaxHeld; ++i) {
         (void)junk.Start(scene.bench.random.Token(), held, scene.victim->now.wall);
       }
       scene.victim->disk.orders() = junk.Encode();
       scene.Start(*scene.victim);
       if (scene.Command(*scene.victim) != "busy") return std::string("not full");
       scene.bench.Replace(scene.bench.Issue(11));
       scene.Pass(Seconds(60));
       return scene.Command(*scene.victim);
     }},
    {"T1", "puts the next report off for ever", "a day at most",
     [](Scene& scene) {
       wire::Reply reply;
       reply.interval = 86'400;
       (void)scene.ForgeReply({scene.bench.active.key, {scene.bench.active.certificate.der()}},
                              reply);
       (void)scene.ForgeReply({scene.bench.active.key, {scene.bench.active.certificate.der()}},
                              reply);
       const Uptime wait = scene.victim->agent->NextReportAt() - scene.victim->now.boot;
       return std::string(wait <= agent::Agent::kMaxSilence ? "a day at most" : "longer");
     }},
    {"T1", "uses the agent's sequence numbers up", "refused",
     [](Scene& scene) {
       wire::Reply reply;
       reply.jump = (std::uint64_t{1} << 53) - 2;
       (void)scene.ForgeReply({scene.bench.active.key, {scene.bench.active.certificate.der()}},
                              reply);
       return std::string(scene.Report(*scene.victim).report.seq < 10'000 ? "refused" : "jumped");
     }},
};

constexpr Attack kThiefOfTheServerDisk[] = {
    {"T2", "opens the backup without the password", "wrong-password",
     [](Scene& scene) {
       const auto file = keys::SealBackup(
           {.owner_key = scene.bench.owner.key,
            .server_keys = {scene.bench.active.key},
            .certificates = {scene.bench.owner.certificate, scene.bench.active.certificate},
            .manifest = std::nullopt},
           SecretBytes::OwnText("correct horse battery"), 1'000);
       const auto opened =
           keys::OpenBackup(file.value(), SecretBytes::OwnText("correct horse batterx"));
       return std::string(opened ? "opened" : CodeName(opened.error().code));
     }},
    {"T2", "forks: another certificate of the same generation, which the owner signed elsewhere",
     "fork",
     [](Scene& scene) {
       const Identity twin = scene.bench.Issue(10);
       return scene.Forge({twin.key, scene.BundleOf(twin)});
     }},
    {"T2", "stays in control by the stolen reserve", "older-generation",
     [](Scene& scene) {
       const Identity reserve = scene.bench.Issue(11);
       // It is certified by the owner: until the replacement comes the agent obeys it.
       if (scene.Forge({reserve.key, scene.BundleOf(reserve)}) != "done") return std::string("?");
       scene.bench.Replace(scene.bench.Issue(12));  // `-c` replaces both
       if (!scene.Exchange(*scene.victim).empty()) return std::string("locked out");
       return scene.Forge({reserve.key, scene.BundleOf(reserve)});
     }},
};

class AgentAttackTest : public ::testing::TestWithParam<Attack> {};

TEST_P(AgentAttackTest, DoesNotSucceed) {
  Scene scene;
  EXPECT_EQ(GetParam().attempt(scene), GetParam().expected) << GetParam();
  EXPECT_EQ(scene.HeldBy(*scene.victim), "the owner's");
  scene.Pass(Seconds(1'000));
  EXPECT_EQ(scene.Command(*scene.victim), "done") << "the rightful server is not obeyed any more";
}

INSTANTIATE_TEST_SUITE_P(N, AgentAttackTest, ::testing::ValuesIn(kNetworkAttackerAtAgents));
INSTANTIATE_TEST_SUITE_P(T1, AgentAttackTest, ::testing::ValuesIn(kThiefOfTheServerKey));
INSTANTIATE_TEST_SUITE_P(T2, AgentAttackTest, ::testing::ValuesIn(kThiefOfTheServerDisk));

}  // namespace
}  // namespace countersign::attacks
