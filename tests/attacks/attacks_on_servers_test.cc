#include <gtest/gtest.h>

#include "server/standing.h"
#include "tests/attacks/scene.h"

// Attackers in the network and compromised endpoints, at the server: making it believe an answer,
// speaking for another agent, harming it or others. After each attempt it knows of the victim what
// it knew, and commands it.
namespace countersign::attacks {
namespace {

using testing::FakeAgent;

// A compromised endpoint with a valid key of its own, admitted.
FakeAgent Endpoint(Scene& scene) { return scene.bench.KnownAgent(); }

std::string Status(Scene& scene, const std::string& report, std::string_view source) {
  return std::to_string(scene.bench.Give(report, source).status);
}

// The state of the victim's order after a receipt was given in its call.
std::string AfterReceipt(Scene& scene, const std::string& order, const std::string& receipt) {
  const Jti jti = wire::ParseOrder(order).value().order.jti;
  server::Call call{scene.victim->id, jti, {}, 21'112, 0};
  (void)scene.bench.server().TakeReceipt(call, receipt, scene.bench.now);
  return std::string(OrderStateName(scene.bench.Order(jti).state));
}

constexpr Attack kNetworkAttackerAtServers[] = {
    {"N", "plays a recorded report again, from its own address", "nothing changed",
     [](Scene& scene) {
       const std::string report = scene.victim->agent->MakeReport(scene.victim->now).value();
       const auto answer = scene.bench.Give(report);
       (void)scene.victim->agent->TakeReply(answer.reply, answer.nonce, scene.victim->now);
       auto before = scene.bench.registry->FindAgent(scene.victim->id).value().value();
       for (int i = 0; i < 20; ++i) {
         scene.Pass(Seconds(61));
         (void)scene.bench.Give(report, "203.0.113.9");
       }
       auto after = scene.bench.registry->FindAgent(scene.victim->id).value().value();
       before.nonces.clear();
       after.nonces.clear();
       return std::string(before == after ? "nothing changed" : "changed");
     }},
    {"N", "alters a report", "400",
     [](Scene& scene) {
       std::string report = scene.victim->agent->MakeReport(scene.victim->now).value();
       (void)scene.bench.Give(report);
       report[report.size() / 2] ^= 1;
       return Status(scene, report, "203.0.113.9");
     }},
    {"N", "answers an order in the agent's place", "sent",
     [](Scene& scene) {
       const std::string order = scene.NextOrder(*scene.victim);
       FakeAgent forger(scene.bench.authority.MakeKey());
       forger.Hold(scene.bench.FirstTrustOf(scene.bench.active));
       auto receipt = forger.Receipt(order, trust::Verdict::kDone, scene.bench.now);
       receipt.iss = scene.victim->id;
       return AfterReceipt(scene, order, forger.Sign(receipt));
     }},
    {"N", "answers an order with the receipt of an earlier one", "sent",
     [](Scene& scene) {
       const std::string first = scene.NextOrder(*scene.victim);
       const auto answer = scene.victim->agent->TakeOrder(first, "198.51.100.1", scene.victim->now);
       (void)AfterReceipt(scene, first, answer.receipt);
       return AfterReceipt(scene, scene.NextOrder(*scene.victim), answer.receipt);
     }},
    {"N", "answers with a challenge that is none", "refused",
     [](Scene& scene) {
       const auto parsed = wire::ParseChallengeAnswer(R"({"challenge":"\u0000 or 1=1"})");
       (void)scene;
       return std::string(parsed ? "taken" : "refused");
     }},
};

constexpr Attack kEndpoint[] = {
    {"T4", "answers an order to another agent", "sent",
     [](Scene& scene) {
       const std::string order = scene.NextOrder(*scene.victim);
       FakeAgent endpoint = Endpoint(scene);
       auto receipt = endpoint.Receipt(order, trust::Verdict::kDone, scene.bench.now);
       const std::string own = AfterReceipt(scene, order, endpoint.Sign(receipt));
       receipt.iss = scene.victim->id;
       const std::string other = AfterReceipt(scene, order, endpoint.Sign(receipt));
       return own == other ? own : "believed";
     }},
    {"T4", "posts the receipt of an order to another agent", "400",
     [](Scene& scene) {
       const std::string order = scene.NextOrder(*scene.victim);
       FakeAgent endpoint = Endpoint(scene);
       const auto receipt = endpoint.Receipt(order, trust::Verdict::kDone, scene.bench.now);
       return std::to_string(
           scene.bench.server().TakePostedReceipt(endpoint.Sign(receipt), scene.bench.now));
     }},
    {"T4", "echoes the nonce of another agent", "unproved",
     [](Scene& scene) {
       FakeAgent endpoint = Endpoint(scene);
       const auto row = scene.bench.registry->FindAgent(scene.victim->id).value().value();
       endpoint.nonce = row.nonces.back().nonce;
       endpoint.profile.host = "changed";
       (void)scene.bench.Tell(endpoint);
       const bool kept =
           scene.bench.registry->FindAgent(scene.victim->id).value()->nonces == row.nonces;
       return std::string(kept && scene.bench.Row(endpoint).host != "changed" ? "unproved"
                                                                              : "proved");
     }},
    {"T4", "says that a newer certificate of the server exists", "unproved",
     [](Scene& scene) {
       FakeAgent endpoint = Endpoint(scene);
       const auto own = scene.bench.authority.MakeServer(
           scene.bench.authority.MakeOwner(),
           {.server_ids = {scene.bench.server_id}, .generation = 999});
       endpoint.Hold(scene.bench.AcceptedStateOf(own));
       endpoint.show_bundle = true;
       (void)scene.bench.Tell(endpoint);
       (void)scene.bench.Tell(endpoint);
       if (scene.bench.Events("server-rewound") != 0) return std::string("rewound");
       return scene.bench.Row(endpoint).reason;
     }},
    {"T4", "enrols a second key with a proof that it saw", "not admitted",
     [](Scene& scene) {
       const auto seen = scene.Report(*scene.victim).report;
       FakeAgent second = scene.bench.NewAgent();
       for (int i = 0; i < 2; ++i) {
         auto report = second.Report(scene.bench.now);
         report.enrol = seen.enrol;
         (void)scene.bench.Tell(second, report);
       }
       return std::string(scene.bench.Row(second).admitted ? "admitted" : "not admitted");
     }},
    {"T4", "names addresses that the server shall call", "its own only",
     [](Scene& scene) {
       FakeAgent endpoint = Endpoint(scene);
       endpoint.profile.addresses = {"127.0.0.1", "169.254.169.254", "10.0.0.1", "224.0.0.1"};
       (void)scene.bench.Tell(endpoint);
       (void)scene.bench.AddOrder(endpoint);
       for (const auto& call : scene.bench.Due()) {
         if (call.address.Text() != testing::ServerBench::kAgentAddress) return call.address.Text();
       }
       return std::string("its own only");
     }},
    {"T4", "registers a thousand keys", "429",
     [](Scene& scene) {
       std::string last;
       for (int i = 0; i < 11; ++i) {
         FakeAgent fresh = scene.bench.NewAgent();
         last = Status(scene, fresh.Sign(fresh.Report(scene.bench.now)), "203.0.113.9");
       }
       return last;
     }},
    {"T4", "comes back after its key was refused for ever", "403",
     [](Scene& scene) {
       FakeAgent endpoint = Endpoint(scene);
       auto row = scene.bench.Row(endpoint);
       row.forgotten = true;
       scene.bench.Put(row);
       return Status(scene, endpoint.Sign(endpoint.Report(scene.bench.now)), "192.0.2.7");
     }},
    {"T4", "makes its sequence numbers run backwards for ever", "told to jump",
     [](Scene& scene) {
       FakeAgent endpoint = Endpoint(scene);
       wire::Reply reply;
       for (int i = 0; i < 50; ++i) {
         endpoint.seq = 0;
         reply = scene.bench.Tell(endpoint);
       }
       return std::string(reply.jump && scene.bench.Events("agent-restored") == 1 ? "told to jump"
                                                                                  : "noisy");
     }},
};

class ServerAttackTest : public ::testing::TestWithParam<Attack> {};

TEST_P(ServerAttackTest, DoesNotSucceed) {
  Scene scene;
  EXPECT_EQ(GetParam().attempt(scene), GetParam().expected) << GetParam();
  const auto row = scene.bench.registry->FindAgent(scene.victim->id).value().value();
  EXPECT_EQ(row.standing, server::kVerified);
  EXPECT_TRUE(row.admitted);
  EXPECT_FALSE(row.cloned);
  EXPECT_EQ(scene.Command(*scene.victim), "done");
}

INSTANTIATE_TEST_SUITE_P(N, ServerAttackTest, ::testing::ValuesIn(kNetworkAttackerAtServers));
INSTANTIATE_TEST_SUITE_P(T4, ServerAttackTest, ::testing::ValuesIn(kEndpoint));

}  // namespace
}  // namespace countersign::attacks
