#include "server/fleet.h"

#include "server/fleet_json.h"
#include "server/rollout_fixture.h"

// Who will take a certificate over, and who will not (protocol section 9).
namespace countersign::server {
namespace {

using testing::FakeAgent;

class FleetTest : public RolloutTest {
 protected:
  [[nodiscard]] Fleet Look() {
    seen_.clear();
    auto fleet =
        LookAtFleet(bench_.server(), bench_.now,
                    [&](const store::AgentRow& row, const Member& one) { seen_[row.id] = one; });
    EXPECT_TRUE(fleet.has_value());
    return fleet ? *std::move(fleet) : Fleet();
  }
  void Change(const FakeAgent& agent, const std::function<void(store::AgentRow&)>& change) {
    auto row = bench_.Row(agent);
    change(row);
    bench_.Put(row);
  }
  std::map<AgentId, Member> seen_;
};

TEST_F(FleetTest, EachClassByItself) {
  auto agents = Agents(6, "eu");
  Change(agents[1], [](auto& row) { row.port = 0; });  // nobody can call it
  Change(agents[2], [&](auto& row) { row.last_contact = bench_.now - std::chrono::hours(24 * 8); });
  Change(agents[3], [](auto& row) { row.last_contact.reset(); });
  Change(agents[4], [](auto& row) {
    row.standing = kMismatched;
    row.reason = "other-owner";
  });
  Change(agents[5], [](auto& row) {
    row.cloned = true;
    row.reason = "cloned";
  });
  const Fleet fleet = Look();
  EXPECT_EQ(fleet.all.agents, 6U);
  EXPECT_EQ(fleet.all.at_once, 1U);
  EXPECT_EQ(fleet.all.next_contact, 1U);
  EXPECT_EQ(fleet.all.unseen, 2U);
  EXPECT_EQ(fleet.all.hands, 2U);
  EXPECT_EQ(fleet.never_seen, 1U);
  EXPECT_EQ(fleet.unseen_since, (std::array<std::uint64_t, 4>{1, 1, 0, 0}));
  EXPECT_EQ(fleet.reasons,
            (std::map<std::string, std::uint64_t>{{"cloned", 1}, {"other-owner", 1}}));
  EXPECT_EQ(fleet.domains.at("eu").agents, 6U);
  EXPECT_EQ(seen_.at(agents[0].id).prospect, Prospect::kAtOnce);
  EXPECT_EQ(seen_.at(agents[4].id).reason, "other-owner");
}

TEST_F(FleetTest, OnlyAdmittedOnesThatAreStillThere) {
  FakeAgent stranger = bench_.NewAgent();
  (void)bench_.Tell(stranger);
  auto agents = Agents(3);
  Change(agents[0], [](auto& row) { row.forgotten = true; });
  Change(agents[1], [&](auto& row) { row.successor = agents[2].id; });
  EXPECT_EQ(Look().all.agents, 1U);
}

TEST_F(FleetTest, WhatTheNextCertificateMends) {
  auto agents = Agents(3);
  const std::vector<std::string> reasons = {"ahead", "stranded", "fork"};
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    Change(agents[i], [&](auto& row) {
      row.standing = kMismatched;
      row.reason = reasons[i];
    });
  }
  EXPECT_EQ(Look().all.hands, 1U);
  ASSERT_EQ(bench_.server().rollout(), std::nullopt);
}

TEST_F(FleetTest, UnderWayTooAHigherGenerationMends) {
  auto agents = Agents(2);
  Start();
  Change(agents[0], [](auto& row) {
    row.standing = kMismatched;
    row.reason = "stranded";
  });
  Change(agents[1], [](auto& row) {
    row.standing = kMismatched;
    row.reason = "ahead";
    row.held_generation = 12;
  });
  const Fleet fleet = Look();
  EXPECT_EQ(seen_.at(agents[0].id).prospect, Prospect::kAtOnce);
  EXPECT_EQ(seen_.at(agents[1].id).prospect, Prospect::kHands);
}

TEST_F(FleetTest, UnderWayWhoHasItAndWhoRefuses) {
  auto agents = Agents(4);
  refusing_ = {agents[0].id};
  Start({.halt_at = trust::kEverybody});
  for (std::size_t i = 0; i < 3; ++i) Settle(agents[i]);
  const Fleet fleet = Look();
  EXPECT_EQ(fleet.all.taken, 2U);
  EXPECT_EQ(fleet.all.hands, 1U);
  EXPECT_EQ(fleet.all.at_once, 1U);
  EXPECT_EQ(fleet.reasons.at("distrusted"), 1U);
}

TEST_F(FleetTest, WalksMoreThanAPage) {
  auto agents = Agents(2);
  Start();
  Settle(agents[0]);
  // Rows between and beyond those of the agents, each with an offer that was refused.
  for (std::uint32_t i = 0; i < 2'500; ++i) {
    store::AgentRow row;
    std::array<std::uint8_t, 16> bytes = bench_.random.Array<16>();
    row.id = AgentId(bytes);
    row.admitted = true;
    row.standing = kVerified;
    row.last_contact = bench_.now;
    bench_.Put(row);
    if (i % 2 == 0) continue;
    ASSERT_TRUE(bench_.registry
                    ->PutOffer({.agent = row.id,
                                .generation = 11,
                                .state = store::OfferState::kRefused,
                                .verdict = "chain"})
                    .has_value());
  }
  const Fleet fleet = Look();
  EXPECT_EQ(fleet.all.agents, 2'502U);
  EXPECT_EQ(fleet.all.taken, 1U);
  EXPECT_EQ(fleet.reasons.at("chain"), 1'250U);
}

TEST_F(FleetTest, JsonSumsUpSmallDomains) {
  Fleet fleet;
  for (int i = 0; i < 130; ++i) {
    fleet.domains["d" + std::to_string(i)] = {.agents = i == 129 ? 5U : 1U, .hands = 1};
  }
  const auto json = FleetJson(fleet);
  const auto& domains = json.at("domains").as_array();
  ASSERT_EQ(domains.size(), 101U);
  EXPECT_EQ(domains[0].at("domain"), "d129");
  EXPECT_TRUE(domains[100].at("domain").is_null());
  EXPECT_EQ(domains[100].at("agents").to_number<int>(), 30);
  EXPECT_EQ(domains[100].at("hands").to_number<int>(), 30);
}

}  // namespace
}  // namespace countersign::server
