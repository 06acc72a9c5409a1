#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/move.h"
#include "server/standing.h"
#include "tests/support/server_bench.h"
#include "wire/warrant.h"

namespace countersign::server {

// Two servers of two owners, and agents of the first.
class MoveFixture : public ::testing::Test {
 protected:
  [[nodiscard]] wire::MoveAnnouncement Announcement() {
    return AnnouncementOf(target_.server().book(), {"new.example:8080:4343"}).value();
  }
  [[nodiscard]] wire::Warrant Draft(std::vector<AgentId> agents) {
    const auto iat = static_cast<std::uint64_t>(ToUnix(old_.now));
    return {.x5c = old_.owner.certificate.der(),
            .jti = old_.random.Token(),
            .iat = iat,
            .exp = iat + 10 * 86'400,
            .server = old_.server_id,
            .act = wire::WarrantAct::kMove,
            .agents = std::move(agents),
            .target = Announcement().target};
  }
  [[nodiscard]] std::string Sign(const wire::Warrant& warrant) {
    return wire::SignWarrant(warrant, old_.owner.key).value();
  }
  [[nodiscard]] Selected Choose(const std::vector<AgentId>& agents) {
    Selected selected;
    for (const AgentId& agent : agents) {
      const auto row = old_.registry->FindAgent(agent).value().value();
      selected.agents[HeldServer(row, old_.server().book())].push_back(agent);
    }
    return selected;
  }
  [[nodiscard]] Result<store::MoveRow> TryStart(std::vector<AgentId> agents,
                                                std::vector<std::string> warrants,
                                                MoveTerms terms) {
    return StartMove(old_.server(),
                     {.target = Announcement(),
                      .selected = Choose(agents),
                      .warrants = std::move(warrants),
                      .terms = terms},
                     old_.now);
  }
  // Start begins a campaign for these agents, as fast as it goes.
  store::MoveRow Start(const std::vector<AgentId>& agents,
                       MoveTerms terms = {.rate_per_minute = 0}) {
    auto move = TryStart(agents, {Sign(Draft(agents))}, terms);
    Check(move.has_value(), move ? "" : move.error().message);
    old_.server().AdvanceMove(old_.now);
    return *move;
  }
  // Pass lets time go by on both servers, as their daemons do.
  void Pass(Seconds time) {
    old_.now += time;
    target_.now += time;
    old_.server().AdvanceMove(old_.now);
  }
  [[nodiscard]] store::MovingRow Moving(const testing::FakeAgent& agent) {
    return old_.registry->moves().FindMoving(agent.id).value().value();
  }
  [[nodiscard]] store::MovingCounts Counts() {
    return old_.registry->moves().CountMoving(Newest().id).value();
  }
  [[nodiscard]] store::MoveRow Newest() {
    return old_.registry->moves().ListMoves(1).value().front();
  }
  [[nodiscard]] trust::TrustState AtTarget() const {
    return target_.AcceptedStateOf(target_.active);
  }
  // Answer plays the agent's answer to its order to move: it holds `held` when it signs.
  void Answer(testing::FakeAgent& agent, trust::Verdict verdict, const std::string& result = "") {
    for (auto& call : old_.Due()) {
      if (call.agent != agent.id) continue;
      const std::string order = old_.Sign(call);
      if (verdict == trust::Verdict::kDone) agent.Hold(AtTarget());
      wire::Receipt receipt = agent.Receipt(order, verdict, old_.now);
      receipt.aud = old_.server_id;
      receipt.result = result;
      EXPECT_EQ(old_.server().TakeReceipt(call, agent.Sign(receipt), old_.now), CallNext::kEnded);
      return;
    }
    FAIL() << "no order is due for this agent";
  }

  // GiveManyOrders queues more orders than one reply carries.
  void GiveManyOrders(const testing::FakeAgent& agent) {
    for (std::size_t i = 0; i < Server::kMaxOrdersInReply + 4; ++i) {
      const auto given =
          old_.server().GiveOrder(agent.id, "ping", "", std::chrono::hours(48), old_.now);
      Check(given.has_value(), "an order is queued");
    }
  }
  [[nodiscard]] std::size_t OpenMoves(const testing::FakeAgent& agent) {
    return old_.registry->AllOpenOrders(agent.id, kMoveAct).value().size();
  }

  testing::ServerBench old_{1};
  testing::ServerBench target_{2};
};

}  // namespace countersign::server
