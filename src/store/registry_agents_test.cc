// What every engine of the registry has to pass (registry_conformance.h): agents.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "store/registry_conformance.h"
#include "store/registry_samples.h"

namespace countersign::store {
namespace {

class RegistryAgentsTest : public ::testing::TestWithParam<EngineCase> {
 protected:
  [[nodiscard]] Registry& registry() { return engine_.registry(); }
  void Put(const AgentRow& row) { ASSERT_TRUE(registry().PutAgent(row).has_value()); }
  RegistryUnderTest engine_{GetParam()};
};

std::vector<AgentId> IdsOf(const std::vector<AgentRow>& rows) {
  std::vector<AgentId> ids;
  for (const AgentRow& row : rows) ids.push_back(row.id);
  return ids;
}

std::vector<AgentId> SampleIds(std::initializer_list<std::uint32_t> numbers) {
  std::vector<AgentId> ids;
  for (const std::uint32_t number : numbers) ids.push_back(SampleAgentId(number));
  return ids;
}

TEST_P(RegistryAgentsTest, AgentComesBackWithEveryField) {
  Put(FullAgent(1));
  Put(PlainAgent(2));
  EXPECT_EQ(registry().FindAgent(SampleAgentId(1)).value(), FullAgent(1));
  EXPECT_EQ(registry().FindAgent(SampleAgentId(2)).value(), PlainAgent(2));
}

TEST_P(RegistryAgentsTest, AgentWithNothingSetComesBack) {
  AgentRow row;
  row.id = SampleAgentId(1);
  Put(row);
  EXPECT_EQ(registry().FindAgent(row.id).value(), row);
}

TEST_P(RegistryAgentsTest, PutAgentReplacesTheWholeRow) {
  Put(FullAgent(1));
  Put(PlainAgent(1));
  EXPECT_EQ(registry().FindAgent(SampleAgentId(1)).value(), PlainAgent(1));
  Put(FullAgent(1));
  EXPECT_EQ(registry().ListAgents({}).value(), std::vector{FullAgent(1)});
}

TEST_P(RegistryAgentsTest, BigAgentComesBack) {
  AgentRow row = FullAgent(1);
  row.host.assign(1024 * 1024, '\xff');
  row.held_bundle.assign(1024 * 1024, 0);
  row.addresses.assign(1'000, kOddText);
  Put(row);
  EXPECT_EQ(registry().FindAgent(row.id).value(), row);
}

TEST_P(RegistryAgentsTest, DeletedAgentIsGone) {
  Put(PlainAgent(1));
  Put(PlainAgent(2));
  EXPECT_TRUE(registry().DeleteAgent(SampleAgentId(1)).has_value());
  EXPECT_TRUE(registry().DeleteAgent(SampleAgentId(1)).has_value());  // again: nothing to do
  EXPECT_EQ(IdsOf(*registry().ListAgents({})), SampleIds({2}));
}

TEST_P(RegistryAgentsTest, ListPagesThroughAllInOrderOfId) {
  for (const std::uint32_t number : {300U, 2U, 1U, 70'000U, 5U}) Put(PlainAgent(number));
  AgentQuery query;
  query.limit = 2;
  EXPECT_EQ(IdsOf(*registry().ListAgents(query)), SampleIds({1, 2}));
  query.after = SampleAgentId(2);
  EXPECT_EQ(IdsOf(*registry().ListAgents(query)), SampleIds({5, 300}));
  query.after = SampleAgentId(299);  // need not be there
  EXPECT_EQ(IdsOf(*registry().ListAgents(query)), SampleIds({300, 70'000}));
  query.after = SampleAgentId(70'000);
  EXPECT_TRUE(registry().ListAgents(query)->empty());
  query.limit = 0;
  query.after.reset();
  EXPECT_TRUE(registry().ListAgents(query)->empty());
}

TEST_P(RegistryAgentsTest, ListByStandingsPagesInOrderOfId) {
  const std::array<std::string, 3> standings = {"verified", "behind", "o'dd\xff"};
  for (std::uint32_t number = 1; number <= 9; ++number) {
    AgentRow row = PlainAgent(number);
    row.standing = standings[number % 3];
    Put(row);
  }
  AgentQuery query;
  query.standings = {"behind"};
  EXPECT_EQ(IdsOf(*registry().ListAgents(query)), SampleIds({1, 4, 7}));
  query.standings = {"o'dd\xff", "behind", "behind", "unheard of"};
  query.limit = 3;
  EXPECT_EQ(IdsOf(*registry().ListAgents(query)), SampleIds({1, 2, 4}));
  query.after = SampleAgentId(4);
  EXPECT_EQ(IdsOf(*registry().ListAgents(query)), SampleIds({5, 7, 8}));
  query.standings = {"verified' OR '1'='1"};
  EXPECT_TRUE(registry().ListAgents(query)->empty());
}

TEST_P(RegistryAgentsTest, ForgottenAgentsAreListedOnlyIfAsked) {
  for (std::uint32_t number = 1; number <= 3; ++number) {
    AgentRow row = PlainAgent(number);
    row.forgotten = number == 2;
    Put(row);
  }
  AgentQuery query;
  EXPECT_EQ(IdsOf(*registry().ListAgents(query)), SampleIds({1, 3}));
  query.standings = {"verified"};
  EXPECT_EQ(IdsOf(*registry().ListAgents(query)), SampleIds({1, 3}));
  query.with_forgotten = true;
  EXPECT_EQ(IdsOf(*registry().ListAgents(query)), SampleIds({1, 2, 3}));
  query.standings.clear();
  EXPECT_EQ(IdsOf(*registry().ListAgents(query)), SampleIds({1, 2, 3}));
}

TEST_P(RegistryAgentsTest, FromOneAddressWithoutForgotten) {
  for (std::uint32_t number = 1; number <= 5; ++number) {
    AgentRow row = PlainAgent(number);
    if (number == 2) row.source = "192.0.2.99";
    row.forgotten = number == 3;
    Put(row);
  }
  auto rows = registry().AgentsFrom("192.0.2.1", 10).value();
  std::ranges::sort(rows, {}, &AgentRow::id);
  EXPECT_EQ(IdsOf(rows), SampleIds({1, 4, 5}));
  EXPECT_EQ(registry().AgentsFrom("192.0.2.1", 2)->size(), 2U);
  EXPECT_TRUE(registry().AgentsFrom("192.0.2.77", 2)->empty());
}

TEST_P(RegistryAgentsTest, CountIsByStandingWithoutForgotten) {
  for (std::uint32_t number = 1; number <= 6; ++number) {
    AgentRow row = PlainAgent(number);
    row.standing = number <= 4 ? "verified" : "behind";
    row.forgotten = number == 1;
    Put(row);
  }
  std::map<std::string, std::uint64_t> counts;
  const auto rows = registry().CountAgents().value();
  for (const StandingCount& row : rows) counts[row.standing] = row.count;
  EXPECT_EQ(counts, (std::map<std::string, std::uint64_t>{{"behind", 2}, {"verified", 3}}));
}

TEST_P(RegistryAgentsTest, ReachIsCountedByTimeWithoutForgotten) {
  for (std::uint32_t number = 1; number <= 6; ++number) {
    AgentRow row = PlainAgent(number);
    row.silent_at = FromUnix(1'000 * std::int64_t{number});
    row.unreachable = number % 2 == 0;
    row.forgotten = number == 6;
    Put(row);
  }
  EXPECT_EQ(registry().CountReach(FromUnix(2'000)).value(),
            (ReachCounts{.online = 2, .unreachable = 1, .offline = 2}));
  EXPECT_EQ(registry().CountReach(FromUnix(1'999)).value(),
            (ReachCounts{.online = 2, .unreachable = 2, .offline = 1}));
}

// Agents 1 to 4 wait for admission, first seen at 100 times their number.
AgentRow Unadmitted(std::uint32_t number, const std::string& source) {
  AgentRow row = PlainAgent(number);
  row.admitted = false;
  row.source = source;
  row.first_seen = FromUnix(100 * std::int64_t{number});
  row.last_contact = FromUnix(1'000 * std::int64_t{number});
  return row;
}

TEST_P(RegistryAgentsTest, UnadmittedAreCountedBySourceAndTime) {
  const std::string odd("192.0.2.1\0'", 11);
  Put(Unadmitted(1, "192.0.2.1"));
  Put(Unadmitted(2, "192.0.2.1"));
  Put(Unadmitted(3, odd));
  AgentRow admitted = Unadmitted(4, "192.0.2.1");
  admitted.admitted = true;
  Put(admitted);
  AgentRow forgotten = Unadmitted(5, "192.0.2.1");
  forgotten.forgotten = true;
  Put(forgotten);
  EXPECT_EQ(registry().CountUnadmitted("", FromUnix(0)).value(), 3U);
  EXPECT_EQ(registry().CountUnadmitted("", FromUnix(200)).value(), 2U);
  EXPECT_EQ(registry().CountUnadmitted("192.0.2.1", FromUnix(0)).value(), 2U);
  EXPECT_EQ(registry().CountUnadmitted("192.0.2.1", FromUnix(101)).value(), 1U);
  EXPECT_EQ(registry().CountUnadmitted(odd, FromUnix(0)).value(), 1U);
  EXPECT_EQ(registry().CountUnadmitted("192.0.2.9", FromUnix(0)).value(), 0U);
}

TEST_P(RegistryAgentsTest, AdmissionLeavesTheCountOfUnadmitted) {
  AgentRow row = Unadmitted(1, "192.0.2.1");
  Put(row);
  row.admitted = true;
  Put(row);
  EXPECT_EQ(registry().CountUnadmitted("", FromUnix(0)).value(), 0U);
}

TEST_P(RegistryAgentsTest, SilentUnadmittedAreDroppedAndNobodyElse) {
  Put(Unadmitted(1, "a"));
  Put(Unadmitted(2, "a"));
  AgentRow never = Unadmitted(3, "a");  // no contact: its first sight counts, 300
  never.last_contact.reset();
  Put(never);
  Put(PlainAgent(4));  // admitted
  AgentRow forgotten = Unadmitted(1, "a");
  forgotten.id = SampleAgentId(5);  // its key is refused for ever
  forgotten.forgotten = true;
  Put(forgotten);
  EXPECT_EQ(registry().DropSilentUnadmitted(FromUnix(300)).value(), 0U);
  EXPECT_EQ(registry().DropSilentUnadmitted(FromUnix(2'000)).value(), 2U);
  AgentQuery all;
  all.with_forgotten = true;
  EXPECT_EQ(IdsOf(*registry().ListAgents(all)), SampleIds({2, 4, 5}));
}

INSTANTIATE_TEST_SUITE_P(Engines, RegistryAgentsTest, ::testing::ValuesIn(EnginesUnderTest()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace countersign::store
