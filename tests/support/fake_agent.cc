#include "tests/support/fake_agent.h"

#include <utility>

namespace countersign::testing {

wire::Report FakeAgent::Report(Instant now) {
  std::array<std::uint8_t, 16> challenge{};
  challenge[0] = static_cast<std::uint8_t>(++seq);
  challenge[1] = static_cast<std::uint8_t>(seq >> 8);
  return wire::MakeReport(profile, held.value(),
                          {.agent = id,
                           .challenge = Token128(challenge).Text(),
                           .echo = std::exchange(nonce, std::nullopt),
                           .seq = seq,
                           .instance = instance,
                           .time = now,
                           .failures = failures,
                           .with_bundle = show_bundle});
}

std::string FakeAgent::Sign(const wire::Report& report) const {
  return wire::SignReport(report, key).value();
}

wire::Receipt FakeAgent::Receipt(std::string_view order, trust::Verdict verdict, Instant now) {
  const auto parsed = wire::ParseOrder(order);
  return {.iss = id,
          .aud = held.value().server,
          .order = parsed ? std::optional(parsed->order.jti) : std::nullopt,
          .oh = wire::HashOfOrder(order),
          .verdict = verdict,
          .earlier = std::nullopt,
          .result = {},
          .held = wire::HeldOf(*held),
          .time = static_cast<std::uint64_t>(ToUnix(now)),
          .seq = ++seq,
          .instance = instance};
}

std::string FakeAgent::Sign(const wire::Receipt& receipt) const {
  return wire::SignReceipt(receipt, key).value();
}

void FakeAgent::Hold(const trust::TrustState& state) { held = state; }

void FakeAgent::Restart(RandomSource& random) {
  instance = random.Token();
  seq += 1'024;
  nonce.reset();
}

}  // namespace countersign::testing
