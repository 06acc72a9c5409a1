#pragma once

// The fixture that the tests of an agent's reports share: an agent, and its server's key.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "agent/agent.h"
#include "tests/support/agent_bench.h"

namespace countersign::agent {

using testing::AgentBench;
using testing::AgentFile;
using testing::Fate;
using testing::Identity;
using trust::Verdict;

class AgentReportsFixture : public ::testing::Test {
 protected:
  [[nodiscard]] bool IsHeld(const Identity& identity) {
    return bench_.agent().trust().certificate == identity.certificate;
  }
  [[nodiscard]] Uptime Wait() { return bench_.agent().NextReportAt() - bench_.now.boot; }
  Agent::ReplyOutcome Answer(const wire::Reply& reply) {
    return bench_.Take(reply, bench_.server.key);
  }
  // The receipts of a reply with these orders, signed by the held certificate.
  std::vector<wire::Receipt> TakeOrders(const std::vector<wire::Order>& orders) {
    auto reply = bench_.Reply(bench_.Report());
    for (wire::Order order : orders) {
      if (order.challenge.empty()) order.challenge = reply.challenge;
      reply.orders.push_back(AgentBench::Sign(order, bench_.server.key));
    }
    const auto outcome = Answer(reply);
    EXPECT_FALSE(outcome.refused.has_value());
    std::vector<wire::Receipt> receipts;
    for (const auto& receipt : outcome.receipts) receipts.push_back(bench_.Read(receipt));
    return receipts;
  }
  [[nodiscard]] wire::Order OrderForReply(std::string act = "ping") {
    auto order = bench_.Order(std::move(act));
    order.challenge.clear();  // that of the reply
    return order;
  }
  AgentBench bench_;
};

}  // namespace countersign::agent
