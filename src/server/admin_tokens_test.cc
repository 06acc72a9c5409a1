#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "server/admin.h"
#include "server/standing.h"
#include "tests/support/server_bench.h"

// Enrolment tokens as administrators make, see and revoke them; rows that belong to one machine.
namespace countersign::server {
namespace {

using testing::FakeAgent;
using testing::ServerBench;

class AdminTokensTest : public ::testing::Test {
 protected:
  AdminMessage Ask(boost::json::object request) {
    AdminMessage message;
    message.json = std::move(request);
    return Admin(bench_.server()).Handle(message, User(), bench_.now);
  }
  boost::json::object Ok(boost::json::object request) {
    auto answer = Ask(std::move(request));
    EXPECT_TRUE(answer.json.at("ok").as_bool()) << boost::json::serialize(answer.json);
    return answer.json;
  }
  std::string Refusal(boost::json::object request) {
    const auto answer = Ask(std::move(request));
    EXPECT_FALSE(answer.json.at("ok").as_bool());
    return std::string(answer.json.at("code").as_string());
  }
  boost::json::object Merge(const FakeAgent& stays, const FakeAgent& goes) {
    return {{"command", "merge"}, {"agents", boost::json::array{stays.id.Text(), goes.id.Text()}}};
  }
  ServerBench bench_;
};

TEST_F(AdminTokensTest, ListShowsWhatIsLeftAndNoSecret) {
  const auto made = Ok({{"command", "package"}, {"uses", 2}, {"domain", "eu/paris"}});
  (void)Ok({{"command", "package"}, {"days", 1}});
  bench_.now += std::chrono::hours(25);
  const auto listed = Ok({{"command", "tokens"}});
  const auto& tokens = listed.at("tokens").as_array();
  ASSERT_EQ(tokens.size(), 2U);
  for (const auto& value : tokens) {
    const auto& token = value.as_object();
    EXPECT_EQ(token.size(), 5U) << "token, note, expires, uses_left, state";
    const bool limited = token.at("token") == made.at("token");
    EXPECT_EQ(token.at("state").as_string(), limited ? "good" : "expired");
    if (limited) {
      EXPECT_EQ(token.at("uses_left").to_number<int>(), 2);
      EXPECT_EQ(token.at("note").as_string(), "package for domain \"eu/paris\"");
    } else {
      EXPECT_TRUE(token.at("uses_left").is_null());
    }
  }
}

TEST_F(AdminTokensTest, PagesOfTokens) {
  for (int i = 0; i < 3; ++i) (void)Ok({{"command", "package"}});
  const auto first = Ok({{"command", "tokens"}, {"limit", 2}});
  EXPECT_EQ(first.at("tokens").as_array().size(), 2U);
  const auto rest = Ok({{"command", "tokens"}, {"limit", 2}, {"after", first.at("next_after")}});
  EXPECT_EQ(rest.at("tokens").as_array().size(), 1U);
  EXPECT_EQ(rest.at("next_after").as_string(), "");
}

TEST_F(AdminTokensTest, UntilADate) {
  const auto until = ToUnix(bench_.now) + 7'200;
  const auto made = Ok({{"command", "package"}, {"until", until}});
  EXPECT_EQ(made.at("token_expires").as_string(), FormatUtc(FromUnix(until)));
  EXPECT_EQ(Refusal({{"command", "package"}, {"until", ToUnix(bench_.now)}}), "usage");
  EXPECT_EQ(Refusal({{"command", "package"}, {"days", 0}}), "usage");
}

TEST_F(AdminTokensTest, PackageWithoutAToken) {
  const auto answer = Ask({{"command", "package"}, {"without_token", true}});
  EXPECT_FALSE(answer.json.contains("token"));
  const auto package = store::ParsePackageConfig(AsText(answer.blobs.at(1)));
  ASSERT_TRUE(package.has_value());
  EXPECT_FALSE(package->enrol.has_value());
  EXPECT_TRUE(Ok({{"command", "tokens"}}).at("tokens").as_array().empty());
}

TEST_F(AdminTokensTest, PackageIsForAHostThatAgentsCanReportTo) {
  for (const char* host : {"eu server", "https://server.example", "server.example:8080", "a/b",
                           "m\u00fcnchen.example", "[2001:db8::1]"}) {
    EXPECT_EQ(Refusal({{"command", "package"}, {"host", host}}), "usage") << host;
  }
  EXPECT_TRUE(Ok({{"command", "tokens"}}).at("tokens").as_array().empty());
  EXPECT_EQ(bench_.Events("package-made"), 0U);
  for (const char* host : {"server.example", "192.0.2.7", "2001:db8::1"}) {
    (void)Ok({{"command", "package"}, {"host", host}});
  }
}

TEST_F(AdminTokensTest, RevokedAdmitsNobodyAndIsAnEvent) {
  const auto made = Ok({{"command", "package"}});
  const std::string id(made.at("token").as_string());
  const boost::json::object revoke = {{"command", "token-revoke"},
                                      {"tokens", boost::json::array{made.at("token")}}};
  EXPECT_EQ(Ok(revoke).at("revoked").to_number<int>(), 1);
  EXPECT_EQ(bench_.registry->FindToken(id).value(), std::nullopt);
  EXPECT_EQ(bench_.Events("token-revoked"), 1U);
  EXPECT_EQ(Refusal(revoke), "not-found");
  EXPECT_EQ(bench_.Events("token-revoke-refused"), 1U);
}

TEST_F(AdminTokensTest, MergeRetiresTheEarlierRow) {
  FakeAgent earlier = bench_.KnownAgent();
  bench_.now += std::chrono::hours(1);
  FakeAgent fresh = bench_.KnownAgent();
  (void)Ok(Merge(fresh, earlier));
  EXPECT_EQ(bench_.Row(earlier).standing, kRetired);
  EXPECT_EQ(bench_.Row(earlier).successor, fresh.id);
  EXPECT_EQ(bench_.Events("agent-retired"), 1U);
  EXPECT_EQ(Refusal(Merge(fresh, earlier)), "refused") << "it is retired already";
}

TEST_F(AdminTokensTest, MergeOfTwoThatRunIsRefused) {
  FakeAgent one = bench_.KnownAgent();
  bench_.now += std::chrono::hours(1);
  FakeAgent other = bench_.KnownAgent();
  bench_.now += std::chrono::hours(1);
  (void)bench_.Tell(one);
  EXPECT_EQ(Refusal(Merge(other, one)), "refused");
  EXPECT_EQ(bench_.Row(one).standing, kVerified);
}

TEST_F(AdminTokensTest, MergeNeedsTwoRowsAndAnAdmittedOne) {
  FakeAgent known = bench_.KnownAgent();
  bench_.now += std::chrono::hours(1);
  FakeAgent fresh = bench_.NewAgent();
  EXPECT_EQ(Refusal(Merge(fresh, known)), "not-found");
  (void)bench_.Tell(fresh);
  EXPECT_EQ(Refusal(Merge(fresh, known)), "refused") << "not admitted";
  EXPECT_EQ(Refusal(Merge(known, known)), "usage");
}

}  // namespace
}  // namespace countersign::server
