#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "wire/messages.h"
#include "wire/sample_messages.h"

namespace countersign::wire {
namespace {

TEST(EnrolTest, ProofCoversTheTextsOfThePayload) {
  const Bytes secret(32, 0x77);
  using namespace std::string_literals;
  const std::string message =
      "countersign enrol v1\0"
      "urn:uuid:a1a1a1a1-a1a1-81a1-a1a1-a1a1a1a1a1a1\0"
      "urn:uuid:51515151-5151-8151-9151-515151515151\0"
      "challenge"s;
  EXPECT_EQ(EnrolProof(secret, testing::SampleUuid(0xa1), testing::SampleUuid(0x51), "challenge"),
            crypto::HmacSha256(secret, AsBytes(message)));
}

TEST(EnrolTest, EachPartChangesTheProof) {
  const Bytes secret(32, 0x77);
  const Uuid agent = testing::SampleUuid(0xa1);
  const Uuid server = testing::SampleUuid(0x51);
  const Digest proof = EnrolProof(secret, agent, server, "challenge");
  EXPECT_NE(proof, EnrolProof(Bytes(32, 0x78), agent, server, "challenge"));
  EXPECT_NE(proof, EnrolProof(secret, server, server, "challenge"));
  EXPECT_NE(proof, EnrolProof(secret, agent, agent, "challenge"));
  EXPECT_NE(proof, EnrolProof(secret, agent, server, "challengf"));
}

}  // namespace
}  // namespace countersign::wire
