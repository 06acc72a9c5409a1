#include "tests/simulation/attacker.h"

#include <utility>

namespace countersign::simulation {
namespace {

constexpr std::size_t kMaxRecorded = 200;

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
    : world_(world), forger_(world, seed, server) {
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
    if (const auto order = wire::ParseOrder(request.body)) forger_.Saw(order->order.jti);
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
  const auto order =
      forger_.Order(forger_.ChooseSigning(), agent, challenge, Forger::Place::kAlone);
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
  const auto reply = forger_.Reply(forger_.ChooseSigning(), report->report);
  if (!reply) return;
  world_.trace.Add("attacker answers a report");
  world_.network.Answer(open->id, {.status = 200, .body = reply->message, .nonce = reply->nonce});
}

}  // namespace countersign::simulation
