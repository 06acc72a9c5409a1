#include "tests/simulation/agent_node.h"

#include <utility>

namespace countersign::simulation {
namespace {

constexpr SimTime kReportTimeout = 30 * kSecond;
constexpr SimTime kPostTimeout = 10 * kSecond;

}  // namespace

AgentNode::AgentNode(World world, int number, crypto::PrivateKey key, wire::AgentProfile profile,
                     const trust::TrustState& first_trust)
    : world_(world),
      number_(number),
      key_(std::move(key)),
      id_(Uuid::FromDigest(key_.public_key().digest())),
      profile_(std::move(profile)),
      log_(world.trace, "agent " + std::to_string(number)),
      witness_(world.checker, number, id_) {
  log_.on_line = [this](std::string_view line) { witness_.TakeLogLine(line); };
  Check(disk_.StoreTrust(first_trust).has_value(), "first trust");
}

Times AgentNode::Now() const {
  return {world_.WallClock(clock_error_), Uptime(world_.scheduler.now() - booted_at_)};
}

template <class What>
void AgentNode::Do(What what) {
  try {
    what();
  } catch (const testing::PowerCut&) {
    world_.trace.Add("agent " + std::to_string(number_) + " dies while it writes");
    booted_at_ = world_.scheduler.now();
    Died();
    StartAfter(world_.chance.Below(10 * kMinute));
    return;
  }
  world_.checker.SawTrust(number_, agent_->trust());
  WakeLater();
}

void AgentNode::Died() {
  agent_.reset();
  ++life_;
  ++num_deaths_;
  reporting_ = false;
  held_.clear();
  witness_.Died();
  world_.network.StopListening(number_);
}

void AgentNode::Start() {
  if (agent_ != nullptr) return;
  auto made = agent::Agent::Create({.storage = disk_,
                                    .key = key_,
                                    .random = world_.chance.random(),
                                    .log = log_,
                                    .distrust = {}},
                                   profile_, Now());
  if (!made) {
    world_.checker.Violated("agent " + std::to_string(number_) +
                            " cannot start: " + made.error().message);
    return;
  }
  agent_ = *std::move(made);
  ++life_;
  world_.trace.Add("agent " + std::to_string(number_) + " is up");
  world_.checker.SawTrust(number_, agent_->trust());
  world_.network.Listen(number_, [this](const Request& request, Network::Respond respond) {
    Take(request, std::move(respond));
  });
  WakeLater();
  SaveLater();
}

void AgentNode::Kill() {
  if (agent_ == nullptr) return;
  world_.trace.Add("agent " + std::to_string(number_) + " is killed");
  Died();
}

void AgentNode::PowerCut() {
  Kill();
  disk_.Cut();
  booted_at_ = world_.scheduler.now();
}

void AgentNode::StartAfter(SimTime delay) {
  world_.scheduler.After(delay, [this, life = life_] {
    if (life == life_) Start();
  });
}

void AgentNode::RestoreBackup(const testing::AgentDisk::Files& backup) {
  PowerCut();
  world_.trace.Add("agent " + std::to_string(number_) + " is put back to a backup");
  disk_.Restore(backup);
  world_.checker.Restored(number_);
  Start();
}

void AgentNode::Take(const Request& request, Network::Respond respond) {
  if (request.route == Route::kOrder) {
    TakeOrder(request, respond);
  } else if (request.route == Route::kChallenge) {
    const std::string challenge = agent_->DrawChallenge(Now());
    witness_.Drew(challenge, Now().boot);
    respond({.status = 200, .body = wire::FormatChallengeAnswer(challenge)});
  } else {
    respond({.status = 404});
  }
}

void AgentNode::TakeOrder(const Request& request, const Network::Respond& respond) {
  Do([&] {
    witness_.Judges(*agent_, request.body, Now().boot);
    auto answer = agent_->TakeOrder(request.body, AddressOf(request.from), Now());
    if (!answer.pending) {
      respond({.status = answer.status,
               .body = std::move(answer.receipt),
               .retry_after = answer.retry_after});
      return;
    }
    const Jti jti = *answer.pending;
    held_[jti] = respond;
    world_.scheduler.After(agent::Agent::kAnswerWithin.count(), [this, jti, life = life_] {
      if (life != life_) return;
      const auto held = held_.find(jti);
      if (held == held_.end()) return;
      Do([&] {
        const auto receipt = agent_->RunningReceipt(jti, Now());
        held->second({.status = receipt ? 200 : 503, .body = receipt.value_or("")});
        held_.erase(held);
      });
    });
  });
}

void AgentNode::Report() {
  Do([&] {
    const auto message = agent_->MakeReport(Now());
    if (!message) {
      agent_->ReportFailed(message.error().message, 0, Now());
      AnswerHeld();
      return;
    }
    reporting_ = true;
    witness_.Reported(*message);
    world_.network.Send(
        {.route = Route::kReport, .from = number_, .to = kServerNode, .body = *message},
        kReportTimeout, [this, life = life_](const std::optional<Response>& response) {
          if (life == life_) TakeAnswer(response);
        });
  });
}

void AgentNode::TakeAnswer(const std::optional<Response>& response) {
  reporting_ = false;
  Do([&] {
    std::vector<std::string> receipts;
    if (response && response->status == 200) {
      witness_.Judges(*agent_, response->body, Now().boot);
      auto outcome = agent_->TakeReply(response->body, response->nonce, Now());
      if (!outcome.refused) witness_.TookReply();
      witness_.ReportEnded();
      receipts = std::move(outcome.receipts);
    } else {
      agent_->ReportFailed(response ? "status " + std::to_string(response->status) : "no answer",
                           response ? response->retry_after : 0, Now());
    }
    AnswerHeld();
    PostReceipts(std::move(receipts));
    PostReceipts(agent_->TakeReceipts());
  });
}

void AgentNode::AnswerHeld() {
  for (auto at = held_.begin(); at != held_.end();) {
    const auto receipt = agent_->PendingReceipt(at->first, Now());
    if (receipt) at->second({.status = 200, .body = *receipt});
    at = receipt ? held_.erase(at) : std::next(at);
  }
}

void AgentNode::PostReceipts(std::vector<std::string> receipts) {
  for (auto& receipt : receipts) {
    world_.network.Send(
        {.route = Route::kReceipt, .from = number_, .to = kServerNode, .body = std::move(receipt)},
        kPostTimeout, [](const std::optional<Response>&) {});
  }
}

void AgentNode::WakeLater() {
  const SimTime at = agent_->NextReportAt().count() + booted_at_;
  world_.scheduler.After(at - world_.scheduler.now(), [this, life = life_, wake = ++wake_] {
    if (life == life_ && wake == wake_ && !reporting_) Report();
  });
}

void AgentNode::SaveLater() {
  world_.scheduler.After(kMinute, [this, life = life_] {
    if (life != life_) return;
    Do([&] { (void)agent_->Save(); });
    if (life == life_) SaveLater();
  });
}

}  // namespace countersign::simulation
