#include "agent/agent.h"

#include <algorithm>
#include <utility>

#include "agent/unload_lock.h"
#include "store/policy.h"

namespace countersign::agent {

Result<std::unique_ptr<Agent>> Agent::Create(World world, wire::AgentProfile profile, Times now) {
  auto trust_file = world.storage.LoadTrust();
  if (!trust_file) return std::unexpected(std::move(trust_file).error());
  auto trust = trust::ParseTrustState(*trust_file);
  if (!trust) return WithContext("file \"trust\"", std::move(trust).error());
  auto orders_file = world.storage.LoadOrders();
  if (!orders_file) return std::unexpected(std::move(orders_file).error());
  auto memory = trust::OrderMemory::Parse(*orders_file);
  if (!memory) return WithContext("file \"orders\"", std::move(memory).error());
  // The file may bring back what a change of trust has dropped.
  memory->TrustMoved(trust->certificate.thumbprint());
  auto counters = store::AgentCounters::Load(world.storage);
  if (!counters) return WithContext("file \"counters\"", std::move(counters).error());
  return std::unique_ptr<Agent>(new Agent(std::move(world), std::move(profile), *std::move(trust),
                                          *std::move(memory), *std::move(counters), now));
}

Agent::Agent(World world, wire::AgentProfile profile, trust::TrustState trust,
             trust::OrderMemory memory, store::AgentCounters counters, Times now)
    : world_(std::move(world)),
      profile_(std::move(profile)),
      id_(Uuid::FromDigest(world_.key.public_key().digest())),
      instance_(world_.random.Token()),
      trust_(std::move(trust)),
      memory_(std::move(memory)),
      // The file may end in a torn record, behind which nothing may be appended.
      memory_torn_(true),
      counters_(std::move(counters)),
      challenges_(SecretBytes(world_.random.Array<32>())),
      policy_(std::make_shared<const store::Policy>()),
      started_at_(now.boot),
      next_report_at_(now.boot) {
  AddBuiltInActs();
}

std::string Agent::DrawChallenge(Times now) {
  return challenges_.Draw(trust::ChallengeUse::kListener, world_.random.Array<16>(), now.boot);
}

Status Agent::CommitTrust(const trust::TrustState& next) {
  if (next == trust_) return {};
  COUNTERSIGN_RETURN_IF_ERROR(world_.storage.StoreTrust(next));
  world_.log.Write(LogLevel::kInfo, "trust moved from certificate " + trust_.certificate.serial() +
                                        " (generation " + std::to_string(trust_.generation) +
                                        ") to " + next.certificate.serial() + " (generation " +
                                        std::to_string(next.generation) + ")");
  trust_ = next;
  memory_.TrustMoved(trust_.certificate.thumbprint());
  return {};
}

Status Agent::AdoptTrust(const trust::TrustState& state, Times now) {
  COUNTERSIGN_RETURN_IF_ERROR(CommitTrust(state));
  // What another server gave is nothing to prove oneself with.
  verified_nonce_.reset();
  field_nonce_.reset();
  want_bundle_ = false;
  report_challenge_.reset();
  failed_reports_ = 0;
  next_report_at_ = now.boot;
  return {};
}

Status Agent::PassUnload(const UnloadKey& key, Times now) {
  if (world_.unload == nullptr) return {};
  const auto passed = world_.unload->Pass(key, trust_, id_, now);
  if (!passed) {
    world_.log.Write(LogLevel::kWarning, "unload password not passed: " + passed.error().message);
    return std::unexpected(passed.error());
  }
  const auto& spent = passed->spent;
  if (!spent) return {};
  const auto next = trust::WithSpent(trust_, *spent, now.wall);
  if (!next) return std::unexpected(next.error());
  if (const auto stored = world_.storage.StoreTrust(*next); !stored) {
    return Fail(Code::kIo, "the warrant cannot be kept as used up: " + stored.error().message);
  }
  trust_ = *next;
  world_.log.Write(LogLevel::kWarning,
                   "the owner's warrant " + spent->jti.Text() + " passed the unload password");
  return {};
}

Status Agent::AppendOrderRecord(ByteView record) {
  if (memory_torn_ || memory_.NeedsCompaction()) {
    // The whole memory already has the new record: one replacement takes the place of the append.
    COUNTERSIGN_RETURN_IF_ERROR(world_.storage.ReplaceOrders(memory_.Encode()));
    memory_.Compacted();
    memory_torn_ = false;
    return {};
  }
  auto appended = world_.storage.AppendOrders(record);
  if (!appended) memory_torn_ = true;
  return appended;
}

std::optional<std::string> Agent::Receipt(const std::optional<Jti>& order, const Digest& oh,
                                          Verdicts verdicts, Times now) {
  return ReceiptFor(trust_.server, order, oh, std::move(verdicts), now);
}

std::optional<std::string> Agent::ReceiptFor(const ServerId& server,
                                             const std::optional<Jti>& order, const Digest& oh,
                                             Verdicts verdicts, Times now) {
  const auto seq = counters_.NextSeq();
  if (!seq) {
    world_.log.Write(LogLevel::kError, "no receipt: " + seq.error().message);
    return std::nullopt;
  }
  const wire::Receipt receipt{
      .iss = id_,
      .aud = server,
      .order = order,
      .oh = oh,
      .verdict = verdicts.verdict,
      .earlier = std::move(verdicts.earlier),
      .result = std::move(verdicts.result),
      .held = wire::HeldOf(trust_),
      .time = static_cast<std::uint64_t>(std::max<std::int64_t>(0, ToUnix(now.wall))),
      .seq = *seq,
      .instance = instance_};
  auto signed_receipt = wire::SignReceipt(receipt, world_.key);
  if (!signed_receipt) {
    world_.log.Write(LogLevel::kError, "no receipt: " + signed_receipt.error().message);
    return std::nullopt;
  }
  return *std::move(signed_receipt);
}

void Agent::CountFailure(trust::Verdict verdict, std::string_view source, std::string_view what,
                         Times now) {
  counters_.CountFailure(verdict, source, now.wall);
  if (!failures_due_at_) failures_due_at_ = now.boot + kFailuresWithin;
  world_.log.Write(LogLevel::kWarning, std::string(what) + " from " + std::string(source) +
                                           " refused: " + std::string(VerdictName(verdict)));
}

Uptime Agent::Jitter(Uptime most) {
  const auto random = world_.random.Array<8>();
  Reader reader(random);
  if (most.count() <= 0) return Uptime(0);
  return Uptime(
      static_cast<std::int64_t>(reader.ReadU64() % static_cast<std::uint64_t>(most.count())));
}

}  // namespace countersign::agent
