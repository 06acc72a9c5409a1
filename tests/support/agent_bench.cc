#include "tests/support/agent_bench.h"

#include <utility>

namespace countersign::testing {

AgentBench::AgentBench(std::uint64_t seed) : authority(seed), random(seed ^ 0x5eed) {
  profile.host = "host-1";
  profile.addresses = {"192.0.2.7"};
  profile.port = 21'112;
  profile.version = "0.1.0";
  profile.platform = "test";
  Check(disk.StoreTrust(trust::FirstTrust(server.certificate, nullptr).value()).has_value(),
        "first trust");
  Start();
}

Status AgentBench::TryStart() {
  agent_.reset();
  auto made = agent::Agent::Create(
      {.storage = disk, .key = key, .random = random, .log = log, .distrust = distrust}, profile,
      now);
  if (!made) return std::unexpected(std::move(made).error());
  agent_ = *std::move(made);
  return {};
}

void AgentBench::Start() {
  const Status started = TryStart();
  Check(started.has_value(), started ? "" : started.error().message);
}

Identity AgentBench::Issue(std::uint64_t generation, std::optional<Instant> not_after) {
  return authority.MakeServer(owner, {.server_ids = {server_id},
                                      .generation = generation,
                                      .not_after = not_after.value_or(kTestEnd)});
}

std::vector<Bytes> AgentBench::BundleOf(const Identity& identity) const {
  return {identity.certificate.der(), owner.certificate.der()};
}

wire::Order AgentBench::Order(std::string act) {
  return {.x5t = server.certificate.thumbprint(),
          .x5c = {},
          .iss = server_id,
          .aud = id,
          .jti = random.Token(),
          .iat = 1,
          .challenge = agent().DrawChallenge(now),
          .act = std::move(act),
          .args = {}};
}

wire::Order AgentBench::By(const Identity& signer, wire::Order order) const {
  order.x5t = signer.certificate.thumbprint();
  order.x5c = BundleOf(signer);
  return order;
}

std::string AgentBench::Sign(const wire::Order& order, const crypto::Signer& signer) {
  return wire::SignOrder(order, signer).value();
}

agent::OrderAnswer AgentBench::Give(std::string_view message, std::string_view source) {
  return agent().TakeOrder(message, source, now);
}

wire::Receipt AgentBench::Send(const wire::Order& order) {
  return Read(Give(Sign(order, server.key)).receipt);
}

trust::Verdict AgentBench::Verdict(std::string_view message) {
  return Read(Give(message).receipt).verdict;
}

wire::Receipt AgentBench::Read(std::string_view receipt) const {
  const auto parsed = wire::ParseReceipt(receipt);
  Check(parsed.has_value(), "no receipt: " + (parsed ? "" : parsed.error().message));
  Check(wire::IsSignedBy(parsed->envelope, key.public_key()), "the agent did not sign the receipt");
  return parsed->receipt;
}

wire::Report AgentBench::Report() {
  const auto message = agent().MakeReport(now);
  Check(message.has_value(), "no report");
  const auto parsed = wire::ParseReport(*message);
  Check(parsed && wire::IsSignedBy(parsed->envelope, key.public_key()), "a bad report");
  return parsed->report;
}

wire::Reply AgentBench::Reply(const wire::Report& report) {
  return {.x5t = server.certificate.thumbprint(),
          .x5c = {},
          .iss = server_id,
          .aud = id,
          .challenge = report.challenge,
          .iat = 1,
          .nonce = random.Token(),
          .interval = 900,
          .head = {},
          .jump = std::nullopt,
          .want_bundle = false,
          .accepted = false,
          .orders = {}};
}

wire::Reply AgentBench::By(const Identity& signer, wire::Reply reply) const {
  reply.x5t = signer.certificate.thumbprint();
  reply.x5c = BundleOf(signer);
  return reply;
}

agent::Agent::ReplyOutcome AgentBench::Take(const wire::Reply& reply,
                                            const crypto::Signer& signer) {
  const auto message = wire::SignReply(reply, signer);
  Check(message.has_value(), "no reply");
  return agent().TakeReply(*message, reply.nonce.Text(), now);
}

agent::Agent::ReplyOutcome AgentBench::Exchange() { return Take(Reply(Report()), server.key); }

void AgentBench::Pass(Uptime time) {
  now.boot += time;
  now.wall += std::chrono::floor<Seconds>(time);
}

}  // namespace countersign::testing
