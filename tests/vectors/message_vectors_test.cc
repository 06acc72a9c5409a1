// Runs the vectors of replies, receipts and reports through the real code.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "base/encoding.h"
#include "tests/vectors/agent_model.h"
#include "tests/vectors/world.h"
#include "wire/messages.h"

namespace countersign::vectors {
namespace {

namespace json = boost::json;

// The payload of a message that the code under test has written.
json::value PayloadOf(const Result<std::string>& message) {
  if (!message) return json::string(message.error().message);
  const std::size_t first = message->find('.') + 1;
  const std::string_view part(*message);
  const auto payload = Base64UrlDecode(part.substr(first, part.rfind('.') - first));
  return json::parse(json::string_view(AsText(payload.value())));
}

class MessageVectorsTest : public ::testing::Test {
 protected:
  const World world_{std::filesystem::path(COUNTERSIGN_VECTORS) / "keys.json"};
};

TEST_F(MessageVectorsTest, EveryReplyIsTakenAsExpected) {
  const VectorFile file("replies");
  for (const auto& one : file.Cases()) {
    SCOPED_TRACE(TextOf(one.at("name")));
    AgentModel agent(file, one.as_object());
    EXPECT_EQ(agent.TakeReply(TextOf(one.at("reply"))), one.at("expect").as_object());
    if (!one.as_object().contains("payload")) continue;
    const auto parsed = wire::ParseReply(TextOf(one.at("reply")));
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(PayloadOf(wire::SignReply(parsed->reply, world_.Key("server"))), one.at("payload"));
  }
  EXPECT_EQ(file.Cases().size(), 47U);
}

TEST_F(MessageVectorsTest, EveryReceiptIsReadAsExpected) {
  const VectorFile file("receipts");
  const auto key = crypto::PublicKey::FromSpki(CertificateOf(file.json().at("spki")));
  ASSERT_TRUE(key.has_value());
  for (const auto& one : file.Cases()) {
    SCOPED_TRACE(TextOf(one.at("name")));
    const auto parsed = wire::ParseReceipt(TextOf(one.at("receipt")));
    const std::string_view found = !parsed                              ? "malformed"
                                   : IsSignedBy(parsed->envelope, *key) ? "valid"
                                                                        : "bad-signature";
    EXPECT_EQ(found, TextOf(one.at("expect")));
    if (!parsed || !one.as_object().contains("payload")) continue;
    EXPECT_EQ(PayloadOf(wire::SignReceipt(parsed->receipt, world_.Key("agent"))),
              one.at("payload"));
  }
  EXPECT_EQ(file.Cases().size(), 54U);
}

TEST_F(MessageVectorsTest, EveryReportIsReadAsExpected) {
  const VectorFile file("reports");
  for (const auto& one : file.Cases()) {
    SCOPED_TRACE(TextOf(one.at("name")));
    const auto parsed = wire::ParseReport(TextOf(one.at("report")));
    const std::string_view found = !parsed                                     ? "malformed"
                                   : IsSignedBy(parsed->envelope, parsed->key) ? "valid"
                                                                               : "bad-signature";
    EXPECT_EQ(found, TextOf(one.at("expect")));
    if (!parsed || !one.as_object().contains("payload")) continue;
    EXPECT_EQ(PayloadOf(wire::SignReport(parsed->report, world_.Key("agent"))), one.at("payload"));
  }
  EXPECT_EQ(file.Cases().size(), 50U);
}

TEST_F(MessageVectorsTest, EnrolProofs) {
  const VectorFile file("reports");
  for (const auto& one : file.Cases("enrol_proofs")) {
    EXPECT_EQ(
        wire::EnrolProof(Base64UrlDecode(TextOf(one.at("secret"))).value(), UuidOf(one.at("agent")),
                         UuidOf(one.at("server")), TextOf(one.at("challenge"))),
        DigestOf(one.at("proof")));
  }
  EXPECT_EQ(file.Cases("enrol_proofs").size(), 1U);
}

}  // namespace
}  // namespace countersign::vectors
