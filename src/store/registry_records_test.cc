// What every engine of the registry has to pass (registry_conformance.h): certificates, tokens,
// events and settings.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/registry_conformance.h"
#include "store/registry_samples.h"

namespace countersign::store {
namespace {

class RegistryRecordsTest : public ::testing::TestWithParam<EngineCase> {
 protected:
  [[nodiscard]] Registry& registry() { return engine_.registry(); }
  void Put(const AgentRow& row) { ASSERT_TRUE(registry().PutAgent(row).has_value()); }
  RegistryUnderTest engine_{GetParam()};
};

TEST_P(RegistryRecordsTest, CertificatesComeBackBySince) {
  const CertificateRow late{Sample32(1),
                            Bytes(16 * 1024, 9),
                            CertificateRole::kServer,
                            CertificateState::kPending,
                            (std::uint64_t{1} << 53) - 1,
                            FromUnix(300)};
  const CertificateRow early{
      Sample32(2), Bytes(10, 8), CertificateRole::kSuccession, CertificateState::kRevoked,
      0,           FromUnix(100)};
  const CertificateRow also_late{
      Sample32(3), {}, CertificateRole::kOwner, CertificateState::kReserve, 5, FromUnix(300)};
  for (const CertificateRow& row : {also_late, late, early}) {
    ASSERT_TRUE(registry().PutCertificate(row).has_value());
  }
  EXPECT_EQ(registry().ListCertificates().value(), (std::vector{early, late, also_late}));
}

TEST_P(RegistryRecordsTest, PutCertificateReplacesByThumbprint) {
  CertificateRow row{Sample32(1), Bytes(10, 8), CertificateRole::kServer, CertificateState::kActive,
                     7,           FromUnix(100)};
  ASSERT_TRUE(registry().PutCertificate(row).has_value());
  row.state = CertificateState::kReplaced;
  row.since = FromUnix(200);
  ASSERT_TRUE(registry().PutCertificate(row).has_value());
  EXPECT_EQ(registry().ListCertificates().value(), std::vector{row});
}

TEST_P(RegistryRecordsTest, TokensComeBackAndAreReplaced) {
  const TokenRow endless{"id-1", Bytes(32, 1), std::nullopt, std::nullopt, kOddText};
  TokenRow limited{kOddText, Bytes(32, 0), FromUnix(100), 0, ""};
  ASSERT_TRUE(registry().PutToken(endless).has_value());
  ASSERT_TRUE(registry().PutToken(limited).has_value());
  EXPECT_EQ(registry().FindToken("id-1").value(), endless);
  EXPECT_EQ(registry().FindToken(kOddText).value(), limited);
  EXPECT_EQ(registry().FindToken("ID-1").value(), std::nullopt);
  limited.uses_left = ~std::uint32_t{0};
  limited.expires.reset();
  ASSERT_TRUE(registry().PutToken(limited).has_value());
  EXPECT_EQ(registry().FindToken(kOddText).value(), limited);
}

TEST_P(RegistryRecordsTest, TokensAreListedByIdAndDeleted) {
  std::vector<TokenRow> all;
  for (const char* id : {"a", "b", "c"}) {
    all.push_back({id, Bytes(32, 1), FromUnix(100), 3, "note"});
    ASSERT_TRUE(registry().PutToken(all.back()).has_value());
  }
  EXPECT_EQ(registry().ListTokens("", 10).value(), all);
  EXPECT_EQ(registry().ListTokens("a", 1).value(), std::vector{all[1]});
  EXPECT_TRUE(registry().ListTokens("", 0)->empty());
  ASSERT_TRUE(registry().DeleteToken("b").has_value());
  ASSERT_TRUE(registry().DeleteToken("b").has_value());
  EXPECT_EQ(registry().ListTokens("", 10).value(), (std::vector{all[0], all[2]}));
}

TEST_P(RegistryRecordsTest, HistoryIsByNumberAndNoLineIsOverwritten) {
  EXPECT_EQ(registry().LastHistory().value(), std::nullopt);
  const HistoryRow seven{7, kOddText};
  const HistoryRow eight{8, "eight"};
  const HistoryRow ten{10, ""};
  for (const HistoryRow& row : {eight, ten, seven}) {
    ASSERT_TRUE(registry().AddHistory(row).has_value());
  }
  EXPECT_EQ(registry().ListHistory(0, 10).value(), (std::vector{seven, eight, ten}));
  EXPECT_EQ(registry().ListHistory(7, 1).value(), std::vector{eight});
  EXPECT_EQ(registry().LastHistory().value(), ten);
  const auto twice = registry().AddHistory({8, "another"});
  ASSERT_FALSE(twice.has_value());
  EXPECT_EQ(twice.error().code, Code::kAlreadyExists);
  EXPECT_EQ(registry().ListHistory(7, 1).value(), std::vector{eight});
}

TEST_P(RegistryRecordsTest, EventsGetGrowingIdsAndArePaged) {
  for (int i = 1; i <= 5; ++i) {
    const EventRow row{.id = 99,
                       .at = FromUnix(10 - i),
                       .kind = "kind-" + std::to_string(i),
                       .agent = SampleAgentId(1).Text(),
                       .text = kOddText};
    ASSERT_TRUE(registry().AddEvent(row).has_value());
  }
  const auto first = registry().ListEvents(0, 2).value();
  ASSERT_EQ(first.size(), 2U);
  EXPECT_GT(first[0].id, 0);
  EXPECT_LT(first[0].id, first[1].id);
  EXPECT_EQ(first[1],
            (EventRow{first[1].id, FromUnix(8), "kind-2", SampleAgentId(1).Text(), kOddText}));
  const auto rest = registry().ListEvents(first[1].id, 100).value();
  ASSERT_EQ(rest.size(), 3U);
  EXPECT_EQ(rest[2].kind, "kind-5");
  EXPECT_TRUE(registry().ListEvents(rest[2].id, 100)->empty());
}

TEST_P(RegistryRecordsTest, EventsTellWhoOrThatItWasTheServer) {
  const Actor actor{~std::uint32_t{0}, kOddText, kOddText, kOddText};
  const Actor root{0, "root", "none", ""};
  for (const auto& by : {std::optional<Actor>(), std::optional(actor), std::optional(root)}) {
    EventRow row{.id = 0, .at = FromUnix(1), .kind = "k", .agent = {}, .text = {}};
    row.by = by;
    ASSERT_TRUE(registry().AddEvent(row).has_value());
  }
  const auto events = registry().ListEvents(0, 10).value();
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].by, std::nullopt);
  EXPECT_EQ(events[1].by, actor);
  EXPECT_EQ(events[2].by, root);
}

TEST_P(RegistryRecordsTest, SettingsComeBackAndAreReplaced) {
  const std::string big(4 * 1024 * 1024, '\0');
  ASSERT_TRUE(registry().PutMeta("key", kOddText).has_value());
  ASSERT_TRUE(registry().PutMeta(kOddText, big).has_value());
  ASSERT_TRUE(registry().PutMeta("", "").has_value());
  EXPECT_EQ(registry().GetMeta("key").value(), kOddText);
  EXPECT_EQ(registry().GetMeta(kOddText).value(), big);
  EXPECT_EQ(registry().GetMeta("").value(), "");
  EXPECT_EQ(registry().GetMeta("Key").value(), std::nullopt);
  EXPECT_EQ(registry().GetMeta(std::string_view("key\0", 4)).value(), std::nullopt);
  ASSERT_TRUE(registry().PutMeta("key", "new").has_value());
  EXPECT_EQ(registry().GetMeta("key").value(), "new");
}

TEST_P(RegistryRecordsTest, TextThatLooksLikeSqlIsOnlyText) {
  const std::string attack = "'); DROP TABLE agents; --";
  Put(PlainAgent(1));
  ASSERT_TRUE(registry().PutMeta(attack, attack).has_value());
  EXPECT_EQ(registry().GetMeta(attack).value(), attack);
  EXPECT_EQ(registry().FindToken(attack).value(), std::nullopt);
  EXPECT_EQ(registry().FindAgent(SampleAgentId(1)).value(), PlainAgent(1));
}

INSTANTIATE_TEST_SUITE_P(Engines, RegistryRecordsTest, ::testing::ValuesIn(EnginesUnderTest()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace countersign::store
