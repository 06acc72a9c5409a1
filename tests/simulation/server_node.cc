#include "tests/simulation/server_node.h"

#include <utility>

#include "keys/backup.h"
#include "tests/support/must.h"

namespace countersign::simulation {
namespace {

using testing::Must;

constexpr SimTime kPollEvery = 5 * kSecond;
constexpr SimTime kChallengeTimeout = 10 * kSecond;
constexpr SimTime kOrderTimeout = 30 * kSecond;

SecretBytes Password() { return SecretBytes::OwnText("correct horse battery"); }

}  // namespace

ServerNode::ServerNode(World world, std::uint64_t seed)
    : world_(world), log_(world.trace, "server"), random_(seed) {
  config_.report_interval = Seconds(300);
  config_.long_poll = store::LongPoll::kOff;  // nobody waits here: time goes in steps
  token_ = {"token", ToBytes(random_.Array<32>())};
  Must(registry_.PutToken({.id = token_.id,
                           .secret = token_.secret,
                           .expires = std::nullopt,
                           .uses_left = std::nullopt,
                           .note = {}}));
  auto given = Given();
  (void)Must(server::CreateIdentity(given, config_, Password(), Now()));
  Start();
}

server::World ServerNode::Given() {
  return {registry_, *ring_, storage_, random_, log_, kIterations};
}

void ServerNode::Start() {
  if (server_) return;
  ++life_;
  auto given = Given();
  Must(server::FinishIdentityChange(given));
  server_.emplace(Must(server::Server::Create(Given(), config_)));
  world_.trace.Add("server is up");
  TellChecker();
  world_.network.Listen(kServerNode, [this](const Request& request, Network::Respond respond) {
    Take(request, respond);
  });
  Poll();
  Tick();
}

void ServerNode::Kill() {
  if (!server_) return;
  world_.trace.Add("server is killed");
  world_.network.StopListening(kServerNode);
  server_.reset();
  busy_.clear();
  ++life_;
}

void ServerNode::StartAfter(SimTime delay) {
  world_.scheduler.After(delay, [this, life = life_] {
    if (life == life_) Start();
  });
}

void ServerNode::TellChecker() {
  for (const auto& entry : book().entries()) {
    if (entry.row.role == store::CertificateRole::kServer) {
      world_.checker.Certified(entry.certificate);
    }
  }
}

void ServerNode::ReplaceCertificate() {
  if (!server_) return;
  auto given = Given();
  const auto issued = server::ReplaceCertificate(given, config_, Password(),
                                                 {.clock = server::ClockIsRight::kYes}, Now());
  if (!issued) {
    world_.trace.Add("-c fails: " + issued.error().message);
    return;
  }
  if (!server_->Reload(Now())) {
    Kill();
    Start();
  }
  TellChecker();
  ++num_replacements_;
  world_.trace.Add("server replaces its certificate: generation " +
                   std::to_string(book().Active()->identity.generation));
}

StolenKey ServerNode::StealKey() {
  const auto& active = *book().Active();
  return {Must(ring_->Export(active.certificate.key().digest(), KeyExportToken())),
          active.certificate,
          book().BundleFor(active, active.identity.owner, book().server_ids().front()).value()};
}

StolenKey ServerNode::StealOwner() {
  auto backup = Must(keys::OpenBackup(storage_.content.backup.value(), Password()));
  const auto& owner = *book().OwnerCertificate();
  return {backup.owner_key.value(), owner, {owner.der()}};
}

std::optional<std::int64_t> ServerNode::AddOrder(const AgentId& agent, const std::string& act,
                                                 Seconds expires_after) {
  if (!server_) return std::nullopt;
  const auto added = server_->AddOrders(
      {.agents = {agent}, .act = act, .args = {}, .expires_after = expires_after}, Now());
  if (!added) return std::nullopt;
  world_.trace.Add("server queues " + act + " " + added->front().Text());
  return Must(registry_.FindOrder(added->front())).value().id;
}

void ServerNode::Take(const Request& request, const Network::Respond& respond) {
  const auto source = net::IpAddress::Parse(AddressOf(request.from)).value();
  if (request.route == Route::kReport) {
    auto answer = server_->TakeReport(request.body, source, Now());
    respond({.status = answer.status,
             .body = std::move(answer.reply),
             .nonce = std::move(answer.nonce),
             .retry_after = answer.retry_after});
  } else if (request.route == Route::kReceipt) {
    respond({.status = server_->TakePostedReceipt(request.body, Now())});
  } else {
    respond({.status = 404});
  }
}

void ServerNode::Tick() {
  server_->Tick(Now());
  TellChecker();
  world_.scheduler.After(kMinute, [this, life = life_] {
    if (life == life_) Tick();
  });
}

void ServerNode::Poll() {
  auto due = server_->DueCalls(Now(), 100, busy_);
  for (auto& call : due.value_or(std::vector<server::Call>())) {
    busy_.insert(call.agent);
    const int node = nodes_.at(call.agent);
    FetchChallenge(std::make_shared<Calling>(Calling{std::move(call), node}));
  }
  world_.scheduler.After(kPollEvery, [this, life = life_] {
    if (life == life_) Poll();
  });
}

void ServerNode::Fail(const Calling& calling, std::string_view why) {
  server_->CallFailed(calling.call, why, Now());
  busy_.erase(calling.call.agent);
}

void ServerNode::FetchChallenge(const std::shared_ptr<Calling>& calling) {
  world_.network.Send({.route = Route::kChallenge, .from = kServerNode, .to = calling->node},
                      kChallengeTimeout,
                      [this, calling, life = life_](const std::optional<Response>& response) {
                        if (life != life_) return;
                        if (!response || response->status != 200) {
                          Fail(*calling, "no challenge");
                        } else {
                          SendOrder(calling, *response);
                        }
                      });
}

void ServerNode::SendOrder(const std::shared_ptr<Calling>& calling, const Response& response) {
  const auto challenge = wire::ParseChallengeAnswer(response.body);
  if (!challenge) return Fail(*calling, "no challenge");
  const auto order = server_->SignCall(calling->call, *challenge, Now());
  if (!order) return Fail(*calling, order.error().message);
  world_.network.Send(
      {.route = Route::kOrder, .from = kServerNode, .to = calling->node, .body = *order},
      kOrderTimeout, [this, calling, life = life_](const std::optional<Response>& answer) {
        if (life != life_) return;
        if (!answer || answer->status != 200) {
          Fail(*calling, "no receipt");
        } else {
          TakeReceipt(calling, *answer);
        }
      });
}

void ServerNode::TakeReceipt(const std::shared_ptr<Calling>& calling, const Response& response) {
  const auto next = server_->TakeReceipt(calling->call, response.body, Now());
  if (next == server::CallNext::kOnceMore) return FetchChallenge(calling);
  busy_.erase(calling->call.agent);
}

}  // namespace countersign::simulation
