#include <benchmark/benchmark.h>

#include "base/error.h"
#include "crypto/hash.h"
#include "tests/support/certificate_factory.h"
#include "trust/challenge.h"
#include "trust/order_memory.h"
#include "trust/trust_state.h"
#include "wire/judge.h"
#include "wire/messages.h"

// Verification of an order at the agent, steps 1 to 9 without the disk, beside its unavoidable
// part: one ES256 verification of the same octets with the same key.
namespace countersign {
namespace {

constexpr Times kNow{testing::kTestBegin + Seconds(60), Uptime(1'000)};

// Bench is an agent's state and one good order for it.
class Bench {
 public:
  Bench()
      : authority_(7),
        owner_(authority_.MakeOwner()),
        server_id_(authority_.MakeServerId()),
        server_(authority_.MakeServer(owner_, {.server_ids = {server_id_}})),
        challenges_(SecretBytes(authority_.random().Array<32>())),
        agent_(Uuid::FromRandom(authority_.random().Array<16>())) {
    auto trust = trust::FirstTrust(server_.certificate, nullptr);
    Check(trust.has_value(), "first trust");
    trust_.emplace(*std::move(trust));
    auto message =
        wire::SignOrder({.x5t = server_.certificate.thumbprint(),
                         .x5c = {},
                         .iss = server_id_,
                         .aud = agent_,
                         .jti = authority_.random().Token(),
                         .iat = static_cast<std::uint64_t>(ToUnix(kNow.wall)),
                         .challenge = challenges_.Draw(trust::ChallengeUse::kListener,
                                                       authority_.random().Array<16>(), kNow.boot),
                         .act = "ping",
                         .args = {}},
                        server_.key);
    Check(message.has_value(), "an order is signed");
    message_ = *std::move(message);
  }

  // Steps 1 to 9. True if the order may run.
  [[nodiscard]] bool Verify() const {
    const auto order = wire::ParseOrder(message_);
    if (!order) return false;
    const bool good =
        challenges_.IsGood(order->order.challenge, trust::ChallengeUse::kListener, kNow.boot);
    const auto judgement = wire::JudgeOrder({*trust_, distrust_, agent_, kNow.wall}, *order, good);
    if (judgement.refused) return false;
    trust::OrderMemory memory;
    if (memory.Seen(order->order.jti)) return false;
    const auto record = memory.Start(order->order.jti, trust_->certificate.thumbprint(), kNow.wall);
    return record.has_value() && order->order.act == "ping";
  }

  // Bare is the verification alone.
  [[nodiscard]] bool Bare() const { return wire::IsSignedBy(envelope(), server_.key.public_key()); }

 private:
  [[nodiscard]] const wire::Envelope& envelope() const {
    static const wire::Envelope parsed = wire::ParseOrder(message_)->envelope;
    return parsed;
  }

  testing::TestAuthority authority_;
  testing::Identity owner_;
  ServerId server_id_;
  testing::Identity server_;
  trust::ChallengeKeeper challenges_;
  AgentId agent_;
  trust::DistrustList distrust_;
  std::optional<trust::TrustState> trust_;
  std::string message_;
};

const Bench& TheBench() {
  static const Bench bench;
  return bench;
}

void BareEs256(benchmark::State& state) {
  for (auto _ : state) Check(TheBench().Bare(), "the signature is good");
}
BENCHMARK(BareEs256);

void OrderSteps1To9(benchmark::State& state) {
  for (auto _ : state) Check(TheBench().Verify(), "the order is good");
}
BENCHMARK(OrderSteps1To9);

}  // namespace
}  // namespace countersign

BENCHMARK_MAIN();
