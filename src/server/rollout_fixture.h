#pragma once

// The fixture that the tests of rollouts share: a server whose reserve (generation 11) becomes the
// pending certificate, and fake agents that follow what they are offered, or refuse it.
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/rollout.h"
#include "server/server.h"
#include "server/standing.h"
#include "tests/support/server_bench.h"

namespace countersign::server {

class RolloutTest : public ::testing::Test {
 protected:
  enum class Signer { kActive, kPending, kOther };
  enum class With { kBundle, kNoBundle };
  struct Answer {
    Signer signer = Signer::kOther;
    With with = With::kNoBundle;
    std::size_t orders = 0;
    bool operator==(const Answer&) const = default;
  };

  RolloutTest() {
    bench_.config.report_interval = std::chrono::minutes(10);
    bench_.config.max_unadmitted_per_minute = 1'000;
    bench_.Put(next_.certificate, store::CertificateRole::kServer,
               store::CertificateState::kReserve);
    EXPECT_TRUE(bench_.ring->Add(next_.key, keys::Exportable::kNo).has_value());
    bench_.Restart();
  }

  void Start(const trust::RolloutTerms& terms = {}) {
    const auto issued = StartRollout(bench_.server().world(), bench_.config, nullptr, terms,
                                     ClockIsRight::kNo, bench_.now);
    ASSERT_TRUE(issued.has_value()) << issued.error().message;
    Reload();
  }
  void Reload() { ASSERT_TRUE(bench_.server().Reload(bench_.now).has_value()); }
  void Advance(Seconds later = Seconds(0)) {
    bench_.now += later;
    bench_.server().AdvanceRollout(bench_.now);
  }
  void Tick(Seconds later = Seconds(0)) {
    bench_.now += later;
    bench_.server().Tick(bench_.now);
  }
  [[nodiscard]] store::RolloutRow Rollout() {
    return bench_.registry->ListRollouts(1).value().at(0);
  }
  [[nodiscard]] trust::RolloutState State() { return Rollout().rollout.state; }
  [[nodiscard]] store::OfferCounts Counts() { return bench_.registry->CountOffers(11).value(); }
  [[nodiscard]] std::vector<testing::FakeAgent> Agents(int count, std::string_view domain = "") {
    std::vector<testing::FakeAgent> agents;
    for (int i = 0; i < count; ++i) {
      agents.push_back(bench_.KnownAgent());
      agents.back().profile.host = "host-" + std::to_string(i);
      agents.back().profile.domain = domain;
      (void)bench_.Tell(agents.back());
    }
    return agents;
  }

  // Exchange is one report and its reply, which the agent follows unless it refuses this
  // certificate.
  Answer Exchange(testing::FakeAgent& agent) {
    const auto answer = bench_.Give(agent.Sign(agent.Report(bench_.now)));
    EXPECT_EQ(answer.status, 200);
    const auto reply = wire::ParseReply(answer.reply);
    if (!reply) return {};
    agent.nonce = reply->reply.nonce;
    const bool pending = reply->reply.x5t == next_.certificate.thumbprint();
    const bool bundle = !reply->reply.x5c.empty();
    if (pending && refusing_.contains(agent.id)) {
      const auto time = static_cast<std::uint64_t>(ToUnix(bench_.now));
      agent.failures = {{.verdict = trust::Verdict::kDistrusted,
                         .source = std::string(wire::kServerSource),
                         .count = 1,
                         .first = time,
                         .last = time}};
    } else {
      agent.failures.clear();
      if (pending && bundle) agent.Hold(bench_.AcceptedStateOf(next_));
    }
    const bool active = reply->reply.x5t == bench_.active.certificate.thumbprint();
    return {.signer = pending  ? Signer::kPending
                      : active ? Signer::kActive
                               : Signer::kOther,
            .with = bundle ? With::kBundle : With::kNoBundle,
            .orders = reply->reply.orders.size()};
  }
  // Settle is as many exchanges as it takes to take over, or refuse, and prove it.
  void Settle(testing::FakeAgent& agent) {
    for (int i = 0; i < 3; ++i) (void)Exchange(agent);
  }
  [[nodiscard]] bool Holds(const testing::FakeAgent& agent) const {
    return agent.held->certificate.thumbprint() == next_.certificate.thumbprint();
  }
  [[nodiscard]] int NumHolding(const std::vector<testing::FakeAgent>& agents) const {
    int count = 0;
    for (const auto& agent : agents) count += Holds(agent) ? 1 : 0;
    return count;
  }
  [[nodiscard]] bool HasKey(const testing::Identity& identity) const {
    return bench_.ring->Find(identity.certificate.key().digest()).has_value();
  }
  [[nodiscard]] store::CertificateState StateOf(const testing::Identity& identity) {
    const auto rows = bench_.registry->ListCertificates().value();
    for (const auto& row : rows) {
      if (row.thumbprint == identity.certificate.thumbprint()) return row.state;
    }
    ADD_FAILURE() << "no such certificate";
    return store::CertificateState::kReplaced;
  }

  testing::ServerBench bench_;
  testing::Identity next_ = bench_.Issue(11);
  std::set<AgentId> refusing_;
};

}  // namespace countersign::server
