#include "net/control_message.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace countersign::net {
namespace {

Bytes Encode(const ControlMessage& message, ControlKind kind = ControlKind::kRequest) {
  const auto encoder = ControlEncoder::Create(message, kind);
  if (!encoder) {
    ADD_FAILURE() << encoder.error().message;
    return {};
  }
  Bytes all;
  for (const ByteView piece : encoder->pieces()) all.insert(all.end(), piece.begin(), piece.end());
  return all;
}

Bytes Frame(char type, std::size_t claimed_len, std::string_view payload = {}) {
  Writer writer;
  writer.U8(static_cast<std::uint8_t>(type)).U32(static_cast<std::uint32_t>(claimed_len));
  writer.Raw(AsBytes(payload));
  return writer.Take();
}

Bytes Join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// Feed gives octets to the decoder, at most `piece_len` at once, up to the end of a message.
Status Feed(ControlDecoder& decoder, ByteView octets, std::size_t piece_len) {
  while (!octets.empty() && !decoder.done()) {
    const auto room = decoder.Want();
    EXPECT_FALSE(room.empty());
    const std::size_t len = std::min({room.size(), octets.size(), piece_len});
    std::copy_n(octets.begin(), len, room.begin());
    octets = octets.subspan(len);
    COUNTERSIGN_RETURN_IF_ERROR(decoder.Commit(len));
  }
  return {};
}

bool IsRefused(const Bytes& octets, ControlKind kind = ControlKind::kRequest) {
  ControlDecoder decoder(kind);
  const Status status = Feed(decoder, octets, octets.size());
  return !status && status.error().code == Code::kMalformed;
}

TEST(ControlMessage, RoundTripsInPiecesOfAnySize) {
  ControlMessage message;
  message.json = "{\"do\":\"it\"}";
  message.secrets.push_back(SecretBytes::OwnText("pass word"));
  message.secrets.emplace_back();
  message.blobs.push_back(Bytes(200'000, 7));
  message.blobs.emplace_back();
  const Bytes octets = Encode(message);
  for (const std::size_t piece_len : {std::size_t{1}, std::size_t{4096}, octets.size()}) {
    ControlDecoder decoder(ControlKind::kRequest);
    for (int repetition = 0; repetition < 2; ++repetition) {
      ASSERT_TRUE(Feed(decoder, octets, piece_len).has_value());
      ASSERT_TRUE(decoder.done());
      const ControlMessage got = decoder.Take();
      EXPECT_EQ(got.json, message.json);
      EXPECT_EQ(got.blobs, message.blobs);
      ASSERT_EQ(got.secrets.size(), 2U);
      EXPECT_EQ(got.secrets[0].text(), "pass word");
      EXPECT_TRUE(got.secrets[1].empty());
      EXPECT_FALSE(decoder.has_begun());
    }
  }
}

TEST(ControlDecoder, RefusesFramesOverTheirLimitFromTheHeaderAlone) {
  const Bytes json = Frame('J', 2, "{}");
  EXPECT_TRUE(IsRefused(Frame('J', kMaxRequestJsonLen + 1)));
  EXPECT_FALSE(IsRefused(Frame('J', kMaxRequestJsonLen)));
  EXPECT_FALSE(IsRefused(Frame('J', kMaxRequestJsonLen + 1), ControlKind::kResponse));
  EXPECT_TRUE(IsRefused(Frame('J', kMaxResponseJsonLen + 1), ControlKind::kResponse));
  EXPECT_TRUE(IsRefused(Join({json, Frame('S', kMaxSecretLen + 1)})));
  EXPECT_TRUE(IsRefused(Join({json, Frame('B', kMaxBlobLen + 1)})));
  EXPECT_TRUE(IsRefused(Join({json, Frame('E', 1)})));
}

TEST(ControlDecoder, RefusesUnknownTypesAndWrongOrder) {
  const Bytes json = Frame('J', 2, "{}");
  EXPECT_TRUE(IsRefused(Frame('X', 0)));
  EXPECT_TRUE(IsRefused(Frame('S', 1)));
  EXPECT_TRUE(IsRefused(Frame('E', 0)));
  EXPECT_TRUE(IsRefused(Join({json, json})));
}

TEST(ControlDecoder, RefusesTooManyFrames) {
  for (const char type : {'S', 'B'}) {
    Bytes octets = Frame('J', 2, "{}");
    for (int i = 0; i < 16; ++i) octets = Join({octets, Frame(type, 1, "x")});
    EXPECT_FALSE(IsRefused(octets));
    EXPECT_TRUE(IsRefused(Join({octets, Frame(type, 1, "x")})));
  }
}

TEST(ControlDecoder, MemoryGrowsWithWhatCameNotWithWhatIsClaimed) {
  ControlDecoder decoder(ControlKind::kResponse);
  ASSERT_TRUE(Feed(decoder, Frame('J', kMaxResponseJsonLen), 99).has_value());
  EXPECT_LE(decoder.Want().size(), 64U * 1024);
}

TEST(ControlEncoder, RefusesAMessageOverItsLimits) {
  const auto refused = [](const ControlMessage& message) {
    return !ControlEncoder::Create(message, ControlKind::kRequest).has_value();
  };
  ControlMessage message;
  message.json.resize(kMaxRequestJsonLen + 1);
  EXPECT_TRUE(refused(message));
  EXPECT_TRUE(ControlEncoder::Create(message, ControlKind::kResponse).has_value());
  message.json = "{}";
  EXPECT_FALSE(refused(message));
  message.blobs.emplace_back(kMaxBlobLen + 1);
  EXPECT_TRUE(refused(message));
  message.blobs.clear();
  message.secrets.emplace_back(Bytes(kMaxSecretLen + 1));
  EXPECT_TRUE(refused(message));
}

}  // namespace
}  // namespace countersign::net
