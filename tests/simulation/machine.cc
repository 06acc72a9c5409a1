#include "tests/simulation/machine.h"

#include <utility>

namespace countersign::simulation {
namespace {

// SilentLog is for what is only tried.
class SilentLog final : public Log {
 public:
  void Write(LogLevel /*level*/, std::string_view /*text*/) override {}
};

}  // namespace

Machine::Machine(Ground ground, int number, crypto::PrivateKey key, wire::AgentProfile profile,
                 const trust::TrustState& first_trust)
    : ground_(ground),
      number_(number),
      key_(std::move(key)),
      id_(Uuid::FromDigest(key_.public_key().digest())),
      profile_(std::move(profile)),
      log_(ground.trace, Name()),
      witness_(ground.checker, number, id_),
      trust_(first_trust) {
  log_.on_line = [this](std::string_view line) { witness_.TakeLogLine(line); };
  Check(disk_.StoreTrust(first_trust).has_value(), "first trust");
}

std::unique_ptr<Machine> Machine::Clone(int number) const {
  auto clone = std::make_unique<Machine>(ground_, number, key_, profile_, trust_);
  clone->disk_.Restore(disk_.Snapshot());
  return clone;
}

std::string Machine::Address() const {
  return "10.0." + std::to_string(number_ / 250) + "." + std::to_string(1 + number_ % 250);
}

bool Machine::IsOnDisk() const { return disk_.Snapshot().trust == trust::EncodeTrustState(trust_); }

Times Machine::Now() const {
  return {ground_.WallClock(clock_error_), Uptime(ground_.scheduler.now() - booted_at_)};
}

void Machine::Start() {
  if (agent_ != nullptr) return;
  auto made = agent::Agent::Create({.storage = disk_,
                                    .key = key_,
                                    .random = ground_.chance.random(),
                                    .log = log_,
                                    .distrust = {}},
                                   profile_, Now());
  if (!made) {
    ground_.checker.Violated(Name() + " cannot start: " + made.error().message);
    return;
  }
  agent_ = *std::move(made);
  trust_ = agent_->trust();
  ground_.checker.SawTrust(number_, trust_);
}

void Machine::Kill() {
  if (agent_ == nullptr) return;
  agent_.reset();
  witness_.Died();
  ++num_deaths_;
}

void Machine::PowerCut() {
  Kill();
  disk_.Cut();
  booted_at_ = ground_.scheduler.now();
}

void Machine::RestoreBackup(const testing::AgentDisk::Files& backup) {
  PowerCut();
  ground_.trace.Add(Name() + " is put back to a backup");
  disk_.Restore(backup);
  ground_.checker.Restored(number_);
  Start();
}

template <class What>
void Machine::Do(What what) {
  try {
    what();
  } catch (const testing::PowerCut&) {
    ground_.trace.Add(Name() + " dies while it writes");
    PowerCut();
    Start();
    return;
  }
  if (trust_ == agent_->trust()) return;
  trust_ = agent_->trust();
  ground_.checker.SawTrust(number_, trust_);
}

std::optional<std::string> Machine::Report() {
  std::optional<std::string> report;
  Do([&] {
    auto made = agent_->MakeReport(Now());
    if (!made) return agent_->ReportFailed(made.error().message, 0, Now());
    witness_.Reported(*made);
    report = *std::move(made);
  });
  return report;
}

void Machine::ReportFailed() {
  Do([&] { agent_->ReportFailed("no answer", 0, Now()); });
  witness_.ReportEnded();
}

Machine::Took Machine::TakeReply(const std::string& message, const std::string& nonce) {
  Took took;
  Do([&] {
    witness_.Judges(*agent_, message, Now().boot);
    auto outcome = agent_->TakeReply(message, nonce, Now());
    if (!outcome.refused) witness_.TookReply();
    took = {.refused = outcome.refused.has_value(), .receipts = std::move(outcome.receipts)};
  });
  witness_.ReportEnded();
  return took;
}

std::string Machine::DrawChallenge() {
  const std::string challenge = agent_->DrawChallenge(Now());
  witness_.Drew(challenge, Now().boot);
  return challenge;
}

agent::OrderAnswer Machine::TakeOrder(const std::string& message, const std::string& source) {
  agent::OrderAnswer answer{.status = 503, .receipt = {}, .retry_after = 0, .pending = {}};
  Do([&] {
    witness_.Judges(*agent_, message, Now().boot);
    answer = agent_->TakeOrder(message, source, Now());
  });
  return answer;
}

std::optional<std::string> Machine::EndPending(const Jti& jti) {
  std::optional<std::string> receipt;
  Do([&] {
    receipt = agent_->PendingReceipt(jti, Now());
    if (!receipt) receipt = agent_->RunningReceipt(jti, Now());
  });
  return receipt;
}

std::vector<std::string> Machine::TakeReceipts() {
  std::vector<std::string> receipts;
  Do([&] { receipts = agent_->TakeReceipts(); });
  return receipts;
}

bool Machine::WouldRun(Instant by, const Forge& forge) const {
  testing::AgentDisk disk;
  disk.Restore(disk_.Snapshot());
  SilentLog log;
  testing::SeededRandom random(1);
  const Times now{by, Uptime(1'000'000)};
  auto made = agent::Agent::Create(
      {.storage = disk, .key = key_, .random = random, .log = log, .distrust = {}}, profile_, now);
  if (!made) return false;
  const auto order = forge((*made)->DrawChallenge(now));
  if (!order) return false;
  const auto answer = (*made)->TakeOrder(*order, "203.0.113.9", now);
  const auto receipt = wire::ParseReceipt(answer.receipt);
  if (receipt && receipt->receipt.verdict != trust::Verdict::kDone) {
    ground_.trace.Add(Name() + " would say " + std::string(VerdictName(receipt->receipt.verdict)));
  }
  return receipt && receipt->receipt.verdict == trust::Verdict::kDone;
}

}  // namespace countersign::simulation
