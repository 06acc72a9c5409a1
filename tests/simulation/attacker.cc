#include "tests/simulation/attacker.h"

#include <utility>

namespace countersign::simulation {
namespace {

constexpr std::size_t kMaxRecorded = 200;
constexpr std::uint64_t kHugeGeneration = 9'000'000'000'000;

template <class T>
void Keep(std::vector<T>& list, T entry, Chance& chance) {
  if (list.size() < kMaxRecorded) {
    list.push_back(std::move(entry));
  } else {
    list[chance.Index(list.size())] = std::move(entry);
  }
}

}  // namespace

Attacker::Attacker(World world, std::uint64_t seed, const ServerId& server)
    : world_(world),
      authority_(seed),
      server_(server),
      own_server_(authority_.MakeServer(own_owner_,
                                        {.server_ids = {server}, .generation = kHugeGeneration})) {
  world_.network.set_watch(
      [this](const Request& request, const Response* response) { Record(request, response); });
}

void Attacker::Record(const Request& request, const Response* response) {
  if (request.from == kAttackerNode) return;
  if (response != nullptr) {
    Keep(responses_, std::pair(request.route, *response), world_.chance);
    return;
  }
  if (request.body.empty()) return;
  if (request.route == Route::kOrder) {
    if (const auto order = wire::ParseOrder(request.body)) {
      Keep(jtis_, order->order.jti, world_.chance);
    }
  }
  Keep(requests_, request, world_.chance);
}

void Attacker::Act() {
  ++num_acts_;
  switch (world_.chance.Below(4)) {
    case 0:
      return ReplayRequest();
    case 1:
      return ReplayResponse();
    case 2:
      return ForgeOrder();
    default:
      return ForgeReply();
  }
}

std::string Attacker::Changed(std::string message) {
  if (!message.empty()) message[world_.chance.Index(message.size())] ^= 1;
  return message;
}

// Somebody's message again, as it was or changed, to its addressee or to another agent.
void Attacker::ReplayRequest() {
  if (requests_.empty()) return;
  Request request = requests_[world_.chance.Index(requests_.size())];
  request.from = kAttackerNode;
  if (request.to != kServerNode && world_.chance.Of(30)) {
    request.to = agents_[world_.chance.Index(agents_.size())].second;
  }
  if (world_.chance.Of(20)) request.body = Changed(std::move(request.body));
  world_.trace.Add("attacker sends a recorded request");
  world_.network.Send(request, kMinute, [](const std::optional<Response>&) {});
}

// A recorded answer in the place of the true one.
void Attacker::ReplayResponse() {
  const auto open = world_.network.AnyOpen();
  if (!open || responses_.empty()) return;
  auto [route, response] = responses_[world_.chance.Index(responses_.size())];
  if (route != open->request.route) return;
  if (world_.chance.Of(20)) response.body = Changed(std::move(response.body));
  world_.trace.Add("attacker answers with a recorded response");
  world_.network.Answer(open->id, response);
}

// A key for a certificate that the thief made itself under the stolen one.
Attacker::Signing Attacker::ByFakeOf(const StolenKey& stolen) {
  const auto key = authority_.MakeKey();
  const auto fake =
      authority_.IssueServer({stolen.key, stolen.certificate}, key.public_key(),
                             {.server_ids = {server_}, .generation = kHugeGeneration});
  std::vector<Bytes> bundle = {fake.der()};
  bundle.insert(bundle.end(), stolen.bundle.begin(), stolen.bundle.end());
  return {key, fake.thumbprint(), bundle};
}

Attacker::Signing Attacker::ChooseSigning() {
  const Bytes own = own_server_.certificate.der();
  if (stolen_.empty() || world_.chance.Of(20)) {
    return {
        own_server_.key, own_server_.certificate.thumbprint(), {own, own_owner_.certificate.der()}};
  }
  const StolenKey& stolen = stolen_[world_.chance.Index(stolen_.size())];
  const Digest held = stolen.certificate.thumbprint();
  switch (world_.chance.Below(5)) {
    case 0:  // the true certificate, another key
      return {own_server_.key, held, stolen.bundle};
    case 1:  // its own certificate under the true owner's name
      return {own_server_.key, own_server_.certificate.thumbprint(), {own, stolen.bundle.back()}};
    case 2:
      return ByFakeOf(stolen);
    default:
      return {stolen.key, held, stolen.bundle};
  }
}

std::optional<std::string> Attacker::SignOrder(const Signing& by, const AgentId& agent,
                                               const std::string& challenge, bool in_reply) {
  constexpr const char* kActs[] = {"ping", "report", "update-now", "make-coffee"};
  const bool known = !jtis_.empty() && world_.chance.Of(30);
  const auto order = wire::SignOrder(
      {.x5t = by.x5t,
       .x5c = in_reply ? std::vector<Bytes>() : by.bundle,
       .iss = server_,
       .aud = agent,
       .jti = known ? jtis_[world_.chance.Index(jtis_.size())] : world_.chance.random().Token(),
       .iat = 1,
       .challenge = challenge,
       .act = kActs[world_.chance.Index(std::size(kActs))],
       .args = {}},
      by.key);
  return order ? std::optional(*order) : std::nullopt;
}

void Attacker::ForgeOrder() {
  const auto& victim = agents_[world_.chance.Index(agents_.size())];
  world_.network.Send({.route = Route::kChallenge, .from = kAttackerNode, .to = victim.second},
                      kMinute, [this, victim](const std::optional<Response>& response) {
                        if (!response) return;
                        const auto challenge = wire::ParseChallengeAnswer(response->body);
                        if (challenge) SendForgedOrder(victim.first, victim.second, *challenge);
                      });
}

void Attacker::SendForgedOrder(const AgentId& agent, int node, const std::string& challenge) {
  const auto order = SignOrder(ChooseSigning(), agent, challenge, false);
  if (!order) return;
  world_.trace.Add("attacker sends an order of its own");
  world_.network.Send({.route = Route::kOrder, .from = kAttackerNode, .to = node, .body = *order},
                      kMinute, [](const std::optional<Response>&) {});
}

// An answer of its own to a report that it sees.
void Attacker::ForgeReply() {
  const auto open = world_.network.AnyOpen();
  if (!open || open->request.route != Route::kReport) return;
  const auto report = wire::ParseReport(open->request.body);
  if (!report) return;
  const Signing by = ChooseSigning();
  wire::Reply reply{.x5t = by.x5t,
                    .x5c = by.bundle,
                    .iss = server_,
                    .aud = report->report.iss,
                    .challenge = report->report.challenge,
                    .iat = 1,
                    .nonce = world_.chance.random().Token(),
                    .interval = 60 + static_cast<std::uint64_t>(world_.chance.Below(600)),
                    .head = "head",
                    .jump = std::nullopt,
                    .want_bundle = world_.chance.Of(50),
                    .accepted = false,
                    .orders = {}};
  if (world_.chance.Of(30)) reply.jump = static_cast<std::uint64_t>(world_.chance.Below(1 << 30));
  if (const auto order = SignOrder(by, reply.aud, reply.challenge, true)) {
    reply.orders.push_back(*order);
  }
  const auto message = wire::SignReply(reply, by.key);
  if (!message) return;
  world_.trace.Add("attacker answers a report");
  world_.network.Answer(open->id, {.status = 200, .body = *message, .nonce = reply.nonce.Text()});
}

}  // namespace countersign::simulation
