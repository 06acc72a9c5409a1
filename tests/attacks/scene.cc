#include "tests/attacks/scene.h"

#include <utility>

namespace countersign::attacks {

Scene::Scene() {
  Check(bench.registry
            ->PutToken({.id = "token",
                        .secret = Bytes(32, 7),
                        .expires = std::nullopt,
                        .uses_left = std::nullopt,
                        .note = {}})
            .has_value(),
        "token");
  victim = NewAgent();
  Check(Exchange(*victim).empty() && Exchange(*victim).empty(), "the agent is not served");
  Check(bench.registry->FindAgent(victim->id).value()->admitted, "the agent is not admitted");
}

std::unique_ptr<SceneAgent> Scene::NewAgent() {
  const auto key = bench.authority.MakeKey();
  auto agent =
      std::make_unique<SceneAgent>(SceneAgent{.key = key,
                                              .id = Uuid::FromDigest(key.public_key().digest()),
                                              .profile = {},
                                              .disk = {},
                                              .log = {},
                                              .now = {bench.now, Uptime(1'000'000)},
                                              .agent = nullptr});
  agent->profile.host = "host";
  agent->profile.port = 21'112;
  agent->profile.enrol = wire::EnrolToken{"token", Bytes(32, 7)};
  Check(agent->disk.StoreTrust(bench.FirstTrustOf(bench.active)).has_value(), "first trust");
  Start(*agent);
  return agent;
}

void Scene::Start(SceneAgent& agent) {
  agent.agent.reset();
  auto made = agent::Agent::Create({.storage = agent.disk,
                                    .key = agent.key,
                                    .random = bench.random,
                                    .log = agent.log,
                                    .distrust = {}},
                                   agent.profile, agent.now);
  Check(made.has_value(), made ? "" : made.error().message);
  agent.agent = *std::move(made);
}

void Scene::Pass(Seconds time) {
  bench.now += time;
  victim->now.wall += time;
  victim->now.boot += time;
}

wire::SignedReport Scene::Report(SceneAgent& agent) {
  return wire::ParseReport(agent.agent->MakeReport(agent.now).value()).value();
}

std::string Scene::Exchange(SceneAgent& agent) {
  const auto answer = bench.Give(agent.agent->MakeReport(agent.now).value());
  if (answer.status != 200) {
    agent.agent->ReportFailed("status", 0, agent.now);
    return std::to_string(answer.status);
  }
  const auto outcome = agent.agent->TakeReply(answer.reply, answer.nonce, agent.now);
  for (const std::string& receipt : outcome.receipts) {
    (void)bench.server().TakePostedReceipt(receipt, bench.now);
  }
  return outcome.refused ? std::string(VerdictName(*outcome.refused)) : "";
}

std::string Scene::Challenge(SceneAgent& agent) { return agent.agent->DrawChallenge(agent.now); }

std::string Scene::Command(SceneAgent& agent, const std::string& act) {
  const auto jtis = bench.server().AddOrders(
      {.agents = {agent.id}, .act = act, .args = {}, .expires_after = Seconds(9'000)}, bench.now);
  if (!jtis) return std::string(CodeName(jtis.error().code));
  // Of one agent only the oldest order is due: those that an attacker left open come first.
  for (int round = 0; round < 5 && !bench.Order(jtis->front()).ended; ++round) {
    for (server::Call& call : bench.Due()) {
      if (call.agent == agent.id) Make(agent, call);
    }
  }
  return bench.Order(jtis->front()).verdict;
}

void Scene::Make(SceneAgent& agent, server::Call& call) {
  server::CallNext next = server::CallNext::kOnceMore;
  while (next == server::CallNext::kOnceMore) {
    const auto order = bench.server().SignCall(call, Challenge(agent), bench.now);
    if (!order) return;
    const auto answer = agent.agent->TakeOrder(*order, "198.51.100.1", agent.now);
    next = bench.server().TakeReceipt(call, answer.receipt, bench.now);
  }
}

std::string Scene::NextOrder(SceneAgent& agent, const std::string& act) {
  const auto jtis = bench.server().AddOrders(
      {.agents = {agent.id}, .act = act, .args = {}, .expires_after = Seconds(9'000)}, bench.now);
  for (const server::Call& call : bench.Due()) {
    if (call.jti == jtis.value().front()) {
      return bench.server().SignCall(call, Challenge(agent), bench.now).value();
    }
  }
  Check(false, "no order is due");
  return {};
}

std::string Scene::Give(SceneAgent& agent, std::string_view message, std::string_view source) {
  const auto answer = agent.agent->TakeOrder(message, source, agent.now);
  if (answer.status != 200) return std::to_string(answer.status);
  if (answer.pending) return "pending";
  return std::string(VerdictName(wire::ParseReceipt(answer.receipt).value().receipt.verdict));
}

std::string Scene::Forge(const Signing& by, const std::string& act) {
  const wire::Order order{.x5t = crypto::Certificate::Parse(by.bundle.front()).value().thumbprint(),
                          .x5c = by.bundle.size() > 1 ? by.bundle : std::vector<Bytes>(),
                          .iss = bench.server_id,
                          .aud = victim->id,
                          .jti = bench.random.Token(),
                          .iat = 1,
                          .challenge = Challenge(*victim),
                          .act = act,
                          .args = {}};
  return Give(*victim, wire::SignOrder(order, by.key).value());
}

std::string Scene::ForgeReply(const Signing& by, wire::Reply reply) {
  const auto report = Report(*victim).report;
  reply.x5t = crypto::Certificate::Parse(by.bundle.front()).value().thumbprint();
  if (by.bundle.size() > 1) reply.x5c = by.bundle;
  reply.iss = bench.server_id;
  reply.aud = victim->id;
  if (reply.challenge.empty()) reply.challenge = report.challenge;
  reply.nonce = bench.random.Token();
  if (reply.interval == 0) reply.interval = 900;
  const auto message = wire::SignReply(reply, by.key).value();
  const auto outcome = victim->agent->TakeReply(message, reply.nonce.Text(), victim->now);
  return outcome.refused ? std::string(VerdictName(*outcome.refused)) : "taken";
}

std::vector<Bytes> Scene::BundleOf(const testing::Identity& identity) const {
  return {identity.certificate.der(), bench.owner.certificate.der()};
}

// "order from ... refused", beside "order <jti>: <act>".
std::size_t Scene::Refusals() const {
  return victim->log.Count("order from ") + victim->log.Count("order in a reply");
}

std::string Scene::HeldBy(const SceneAgent& agent) const {
  return agent.agent->trust().certificate == bench.active.certificate ? "the owner's" : "another";
}

}  // namespace countersign::attacks
