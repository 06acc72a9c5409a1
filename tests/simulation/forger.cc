#include "tests/simulation/forger.h"

#include <utility>

namespace countersign::simulation {
namespace {

constexpr std::size_t kMaxJtis = 200;
constexpr std::uint64_t kHugeGeneration = 9'000'000'000'000;

}  // namespace

Forger::Forger(Ground ground, std::uint64_t seed, const ServerId& server)
    : ground_(ground),
      authority_(seed),
      server_(server),
      own_server_(authority_.MakeServer(own_owner_,
                                        {.server_ids = {server}, .generation = kHugeGeneration})) {}

void Forger::Saw(const Jti& jti) {
  if (jtis_.size() < kMaxJtis) {
    jtis_.push_back(jti);
  } else {
    jtis_[ground_.chance.Index(jtis_.size())] = jti;
  }
}

// A key for a certificate that the thief made itself under the stolen one.
Forger::Signing Forger::ByFakeOf(const StolenKey& stolen) {
  const auto key = authority_.MakeKey();
  const auto fake =
      authority_.IssueServer({stolen.key, stolen.certificate}, key.public_key(),
                             {.server_ids = {server_}, .generation = kHugeGeneration});
  std::vector<Bytes> bundle = {fake.der()};
  bundle.insert(bundle.end(), stolen.bundle.begin(), stolen.bundle.end());
  return {key, fake.thumbprint(), bundle};
}

Forger::Signing Forger::ChooseSigning() {
  const Bytes own = own_server_.certificate.der();
  if (stolen_.empty() || ground_.chance.Of(20)) {
    return {
        own_server_.key, own_server_.certificate.thumbprint(), {own, own_owner_.certificate.der()}};
  }
  const StolenKey& stolen = stolen_[ground_.chance.Index(stolen_.size())];
  switch (ground_.chance.Below(5)) {
    case 0:  // the true certificate, another key
      return {own_server_.key, stolen.certificate.thumbprint(), stolen.bundle};
    case 1:  // its own certificate under the true owner's name
      return {own_server_.key, own_server_.certificate.thumbprint(), {own, stolen.bundle.back()}};
    case 2:
      return ByFakeOf(stolen);
    default:
      return By(stolen);
  }
}

std::optional<std::string> Forger::Order(const Signing& by, const AgentId& agent,
                                         const std::string& challenge, Place place) {
  constexpr const char* kActs[] = {"ping", "report", "update-now", "make-coffee"};
  Chance& chance = ground_.chance;
  const bool known = !jtis_.empty() && chance.Of(30);
  const auto order = wire::SignOrder(
      {.x5t = by.x5t,
       .x5c = place == Place::kInReply ? std::vector<Bytes>() : by.bundle,
       .iss = chance.Of(5) ? own_id_ : server_,  // to move it to a server of its own
       .aud = agent,
       .jti = known ? jtis_[chance.Index(jtis_.size())] : chance.random().Token(),
       .iat = 1,
       .challenge = challenge,
       .act = kActs[chance.Index(std::size(kActs))],
       .args = {}},
      by.key);
  return order ? std::optional(*order) : std::nullopt;
}

std::optional<std::string> Forger::Ping(const Signing& by, const ServerId& server,
                                        const AgentId& agent, const std::string& challenge) {
  const auto order = wire::SignOrder({.x5t = by.x5t,
                                      .x5c = by.bundle,
                                      .iss = server,
                                      .aud = agent,
                                      .jti = authority_.random().Token(),
                                      .iat = 1,
                                      .challenge = challenge,
                                      .act = "ping",
                                      .args = {}},
                                     by.key);
  return order ? std::optional(*order) : std::nullopt;
}

std::optional<Forger::SignedReply> Forger::Reply(const Signing& by, const wire::Report& report) {
  Chance& chance = ground_.chance;
  wire::Reply reply{.x5t = by.x5t,
                    .x5c = by.bundle,
                    .iss = chance.Of(5) ? own_id_ : server_,
                    .aud = report.iss,
                    .challenge = report.challenge,
                    .iat = 1,
                    .nonce = chance.random().Token(),
                    .interval = 60 + static_cast<std::uint64_t>(chance.Below(600)),
                    .head = "head",
                    .jump = std::nullopt,
                    .want_bundle = chance.Of(50),
                    .accepted = chance.Of(20),
                    .orders = {}};
  if (chance.Of(30)) reply.jump = static_cast<std::uint64_t>(chance.Below(1 << 30));
  if (const auto order = Order(by, reply.aud, reply.challenge, Place::kInReply)) {
    reply.orders.push_back(*order);
  }
  const auto message = wire::SignReply(reply, by.key);
  if (!message) return std::nullopt;
  return SignedReply{*message, reply.nonce.Text()};
}

}  // namespace countersign::simulation
