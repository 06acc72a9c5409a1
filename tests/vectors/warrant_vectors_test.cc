// Runs the vectors of warrants through the real code.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <set>

#include "base/encoding.h"
#include "tests/support/must.h"
#include "tests/vectors/vector_file.h"
#include "tests/vectors/world.h"
#include "wire/warrant.h"

namespace countersign::vectors {
namespace {

namespace json = boost::json;
using testing::Must;

trust::TrustState StateOf(const VectorFile& file, const json::object& one) {
  trust::TrustState state = file.State(TextOf(one.at("state")));
  for (const auto& jti : one.at("spent").as_array()) {
    state.spent.push_back({.jti = Must(Jti::Parse(TextOf(jti))), .exp = FromUnix(kClock)});
  }
  return state;
}

wire::WarrantAct ActOf(const json::object& one) {
  return TextOf(one.at("act")) == "move" ? wire::WarrantAct::kMove : wire::WarrantAct::kUnlock;
}

json::value PayloadOf(const std::string& message) {
  const std::size_t first = message.find('.') + 1;
  const auto part = std::string_view(message).substr(first, message.rfind('.') - first);
  return json::parse(json::string_view(AsText(Must(Base64UrlDecode(part)))));
}

// The key that signed it, by the state's name.
std::string_view SignerOf(std::string_view state) {
  if (state == "P-384") return "owner-p384";
  return state == "imported" ? "imported-rsa" : "owner";
}

TEST(WarrantVectorsTest, EveryWarrantIsJudgedAsExpected) {
  const VectorFile file("warrants");
  const World world{std::filesystem::path(COUNTERSIGN_VECTORS) / "keys.json"};
  const AgentId agent = UuidOf(file.json().at("agent"));
  std::size_t taken = 0;
  std::set<std::string> reasons;
  for (const auto& value : file.Cases()) {
    const json::object& one = value.as_object();
    SCOPED_TRACE(TextOf(one.at("name")));
    const auto state = StateOf(file, one);
    const std::string_view text = TextOf(one.at("warrant"));
    const auto judged = wire::JudgeWarrant(
        text, {.held = state,
               .self = agent,
               .now = FromUnix(static_cast<std::int64_t>(NumberOf(one.at("clock")))),
               .act = ActOf(one)});
    EXPECT_EQ(judged ? "taken" : "bad-warrant", TextOf(one.at("expect")));
    if (!judged) {
      reasons.insert(judged.error().message);
      continue;
    }
    ++taken;
    const auto again = wire::SignWarrant(*judged, world.Key(SignerOf(TextOf(one.at("state")))));
    ASSERT_TRUE(again.has_value()) << again.error().message;
    EXPECT_EQ(PayloadOf(*again), one.at("payload"));
  }
  EXPECT_EQ(taken, 11U);
  EXPECT_EQ(file.Cases().size(), 64U);
  EXPECT_GT(reasons.size(), 30U) << "each with its own words";
}

}  // namespace
}  // namespace countersign::vectors
