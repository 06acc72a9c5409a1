#include "tests/support/server_bench.h"

#include <utility>

#include "trust/rule_a.h"

namespace countersign::testing {
namespace {

using store::CertificateRole;
using store::CertificateState;

template <class T>
T Must(Result<T> result) {
  Check(result.has_value(), result ? "" : result.error().message);
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace

ServerBench::ServerBench(std::uint64_t seed) : authority(seed), random(seed ^ 0xbe7c4) {
  Put(owner.certificate, CertificateRole::kOwner, CertificateState::kActive);
  Put(active.certificate, CertificateRole::kServer, CertificateState::kActive);
  Must(ring->Add(active.key, keys::Exportable::kNo));
  Restart();
}

void ServerBench::Restart() {
  server_.reset();
  server_.emplace(Must(server::Server::Create(
      {*registry, *ring, storage, random, log, /*backup_iterations=*/1'000}, config)));
}

void ServerBench::Configure(const store::ServerConfig& next) {
  config = next;
  server_->set_config(config, Must(net::NetworkSet::Parse(config.call_networks)),
                      Must(net::NetworkSet::Parse(config.unreachable_networks)));
}

Identity ServerBench::Issue(std::uint64_t generation) {
  return authority.MakeServer(owner, {.server_ids = {server_id}, .generation = generation});
}

void ServerBench::Put(const crypto::Certificate& certificate, CertificateRole role,
                      CertificateState state) {
  Must(registry->PutCertificate({.thumbprint = certificate.thumbprint(),
                                 .der = certificate.der(),
                                 .role = role,
                                 .state = state,
                                 .generation = certificate.generation().value_or(0),
                                 .since = kTestBegin}));
}

void ServerBench::Replace(const Identity& next) {
  Put(active.certificate, CertificateRole::kServer, CertificateState::kReplaced);
  Put(next.certificate, CertificateRole::kServer, CertificateState::kActive);
  Must(ring->Add(next.key, keys::Exportable::kNo));
  active = next;
  Must(server_->Reload(now));
}

trust::TrustState ServerBench::FirstTrustOf(const Identity& identity) const {
  return Must(trust::FirstTrust(identity.certificate, nullptr));
}

trust::TrustState ServerBench::AcceptedStateOf(const Identity& identity) const {
  trust::TrustState state = FirstTrustOf(identity);
  state.bundle = {identity.certificate, owner.certificate};
  return state;
}

FakeAgent ServerBench::NewAgent() {
  FakeAgent agent(authority.MakeKey());
  agent.instance = random.Token();
  agent.Hold(FirstTrustOf(active));
  return agent;
}

FakeAgent ServerBench::KnownAgent() {
  FakeAgent agent = NewAgent();
  Tell(agent);
  auto row = Row(agent);
  row.admitted = true;
  row.admitted_by = "approved";
  Put(row);
  Tell(agent);
  return agent;
}

server::ReportAnswer ServerBench::Give(std::string_view report, std::string_view source) {
  return server_->TakeReport(report, net::IpAddress::Parse(source).value(), now);
}

wire::Reply ServerBench::Tell(FakeAgent& agent) { return Tell(agent, agent.Report(now)); }

wire::Reply ServerBench::Tell(FakeAgent& agent, const wire::Report& report) {
  const auto answer = Give(agent.Sign(report));
  Check(answer.status == 200, "the report is not taken: " + std::to_string(answer.status) +
                                  (log.lines.empty() ? "" : " " + log.lines.back().text));
  const auto reply = Must(wire::ParseReply(answer.reply));
  Check(wire::IsSignedBy(reply.envelope, active.key.public_key()), "who signed this reply?");
  Check(answer.nonce == reply.reply.nonce.Text(), "two nonces");
  agent.nonce = reply.reply.nonce;
  return reply.reply;
}

store::AgentRow ServerBench::Row(const FakeAgent& agent) {
  auto row = Must(registry->FindAgent(agent.id));
  Check(row.has_value(), "no such agent");
  return *std::move(row);
}

bool ServerBench::Knows(const FakeAgent& agent) {
  return Must(registry->FindAgent(agent.id)).has_value();
}

void ServerBench::Put(const store::AgentRow& row) { Must(registry->PutAgent(row)); }

std::size_t ServerBench::Events(std::string_view kind) {
  std::size_t count = 0;
  for (const auto& event : Must(registry->ListEvents(0, 1'000))) {
    count += event.kind == kind ? 1U : 0U;
  }
  return count;
}

Jti ServerBench::AddOrder(const FakeAgent& agent, std::string act) {
  return Must(server_->AddOrders({.agents = {agent.id},
                                  .act = std::move(act),
                                  .args = {},
                                  .expires_after = std::chrono::hours(24 * 7)},
                                 now))
      .front();
}

std::vector<server::Call> ServerBench::Due() { return Must(server_->DueCalls(now, 100, {})); }

std::string ServerBench::Sign(const server::Call& call) {
  return Must(server_->SignCall(call, random.Token().Text(), now));
}

store::OrderRow ServerBench::Order(const Jti& jti) {
  auto row = Must(registry->FindOrder(jti));
  Check(row.has_value(), "no such order");
  return *std::move(row);
}

}  // namespace countersign::testing
