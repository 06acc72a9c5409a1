#include "store/row_codec.h"

#include <gtest/gtest.h>

#include "store/registry_samples.h"

namespace countersign::store {
namespace {

// Every blob cut short, or with something behind it, is refused, and so is another version.
template <class Decode>
void ExpectStrict(const Bytes& blob, Decode&& decode, std::size_t entry_len) {
  ASSERT_TRUE(decode(blob).has_value());
  for (std::size_t len = 1; len < blob.size(); ++len) {
    const bool between_entries = entry_len != 0 && len > 1 && (len - 1) % entry_len == 0;
    EXPECT_EQ(decode(ByteView(blob).first(len)).has_value(), between_entries) << len;
  }
  Bytes longer = blob;
  longer.push_back(0);
  EXPECT_FALSE(decode(longer).has_value());
  Bytes newer = blob;
  newer[0] = 2;
  EXPECT_FALSE(decode(newer).has_value());
}

TEST(RowCodecTest, EmptyListsAreEmptyBlobs) {
  EXPECT_TRUE(EncodeTexts({}).empty());
  EXPECT_EQ(DecodeTexts({}), std::vector<std::string>());
  EXPECT_TRUE(EncodeNonces({}).empty());
  EXPECT_EQ(DecodeNonces({}), std::vector<GivenNonce>());
}

TEST(RowCodecTest, ListsComeBack) {
  const AgentRow row = FullAgent(1);
  EXPECT_EQ(DecodeTexts(EncodeTexts(row.addresses)), row.addresses);
  EXPECT_EQ(DecodeTimes(EncodeTimes(row.returns)), row.returns);
  EXPECT_EQ(DecodeNonces(EncodeNonces(row.nonces)), row.nonces);
  EXPECT_EQ(DecodeReplaced(EncodeReplaced(row.replaced)), row.replaced);
  const OrderRow order = FullOrder(1, row.id);
  EXPECT_EQ(DecodeVersions(EncodeVersions(order.versions)), order.versions);
}

TEST(RowCodecTest, AnythingElseIsRefused) {
  const AgentRow row = FullAgent(1);
  ExpectStrict(EncodeTimes(row.returns), DecodeTimes, 8);
  ExpectStrict(EncodeNonces(row.nonces), DecodeNonces, 41);
  ExpectStrict(EncodeReplaced(row.replaced), DecodeReplaced, 24);
  ExpectStrict(EncodeVersions(FullOrder(1, row.id).versions), DecodeVersions, 56);
  ExpectStrict(EncodeTexts({"one text"}), DecodeTexts, 0);
}

TEST(RowCodecTest, NonceWithAThirdTruthIsRefused) {
  Bytes blob = EncodeNonces(FullAgent(1).nonces);
  blob.back() = 2;
  EXPECT_FALSE(DecodeNonces(blob).has_value());
}

}  // namespace
}  // namespace countersign::store
