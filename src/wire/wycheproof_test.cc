#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>

#include "base/encoding.h"
#include "wire/compact.h"
#include "wire/json.h"

// Project Wycheproof's vectors for JSON Web Signatures, through the code that reads and verifies
// our messages. Their headers and payloads are not ours, so ParseCompact and IsSignedBy are the
// whole of it: what stands above them (closed lists) only refuses more.
namespace countersign::wire {
namespace {

namespace json = boost::json;

// Der is one element with a length of at most two octets.
Bytes Der(std::uint8_t tag, ByteView content) {
  Writer writer;
  writer.U8(tag);
  if (content.size() < 0x80) {
    writer.U8(static_cast<std::uint8_t>(content.size()));
  } else {
    writer.U8(0x82).U16(static_cast<std::uint16_t>(content.size()));
  }
  return writer.Raw(content).Take();
}

Bytes DerUnsigned(ByteView magnitude) {
  Writer writer;
  if (magnitude.front() >= 0x80) writer.U8(0);
  return Der(0x02, writer.Raw(magnitude).Take());
}

Bytes Member(const json::object& jwk, std::string_view name) {
  return Base64UrlDecode(std::string_view(jwk.at(name).as_string())).value();
}

std::string Text(const json::object& jwk, std::string_view name) {
  const json::value* value = jwk.if_contains(name);
  return value == nullptr ? "" : std::string(std::string_view(value->as_string()));
}

crypto::PublicKey RsaKey(const json::object& jwk) {
  const Bytes rsa_encryption = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
  const Bytes numbers =
      Writer().Raw(DerUnsigned(Member(jwk, "n"))).Raw(DerUnsigned(Member(jwk, "e"))).Take();
  const Bytes bits = Writer().U8(0).Raw(Der(0x30, numbers)).Take();
  const Bytes content = Writer().Raw(rsa_encryption).Raw(Der(0x03, bits)).Take();
  return crypto::PublicKey::FromSpki(Der(0x30, content)).value();
}

crypto::PublicKey P256Key(const json::object& jwk) {
  const auto coordinate = [&](std::string_view name) {
    return Base64UrlDecodeFixed<32>(std::string_view(jwk.at(name).as_string())).value();
  };
  return crypto::PublicKey::FromP256(coordinate("x"), coordinate("y")).value();
}

// KeyOf is the key of a group, if it is one that the protocol has: for signatures by ES256 or
// RS256. (There is no ES384 in this file; a key is used for its one algorithm, so a JWK for another
// one, or for encryption, has no place here.)
std::optional<crypto::PublicKey> KeyOf(const json::object& group) {
  const json::value* value = group.if_contains("public");
  if (value == nullptr) return std::nullopt;
  const json::object& jwk = value->as_object();
  const std::string alg = Text(jwk, "alg");
  const bool not_to_sign = Text(jwk, "use") == "enc" || jwk.contains("key_ops");
  if (not_to_sign && alg.empty()) return std::nullopt;
  if (alg == "RS256") return RsaKey(jwk);
  if (alg == "ES256") return P256Key(jwk);
  return std::nullopt;
}

// "RS256", "oct", "EC P-521": what the vectors are counted under.
std::string KindOf(const json::object& group) {
  const json::value* value = group.if_contains("public");
  if (value == nullptr) return "HMAC";
  const json::object& jwk = value->as_object();
  const std::string alg = Text(jwk, "alg");
  return alg.empty() ? "not for signatures" : alg;
}

bool Verifies(std::string_view message, const std::optional<crypto::PublicKey>& key) {
  JsonArena arena;
  const auto jws = ParseCompact(message, arena.storage());
  return jws && key && IsSignedBy(jws->envelope, *key);
}

json::value Vectors() {
  std::ifstream file(COUNTERSIGN_SOURCE_DIR "/tests/data/wycheproof/json_web_signature_test.json");
  return json::parse(std::string(std::istreambuf_iterator<char>(file), {}));
}

TEST(WycheproofTest, JsonWebSignatures) {
  std::map<std::string, int> valid;
  std::map<std::string, int> refused;
  const json::value vectors = Vectors();
  for (const json::value& entry : vectors.at("testGroups").as_array()) {
    const json::object& group = entry.as_object();
    const auto key = KeyOf(group);
    for (const json::value& test : group.at("tests").as_array()) {
      const bool expected = key && test.at("result").as_string() == "valid";
      const bool verifies = Verifies(std::string_view(test.at("jws").as_string()), key);
      EXPECT_EQ(verifies, expected) << "tcId " << test.at("tcId");
      ++(verifies ? valid : refused)[KindOf(group)];
    }
  }
  EXPECT_EQ(valid, (std::map<std::string, int>{{"ES256", 2}, {"RS256", 8}}));
  EXPECT_EQ(refused, (std::map<std::string, int>{{"ES256", 37},
                                                 {"ES521", 2},
                                                 {"HMAC", 40},
                                                 {"PS256", 50},
                                                 {"PS384", 5},
                                                 {"PS512", 20},
                                                 {"RS256", 225},
                                                 {"RS384", 4},
                                                 {"RS512", 4},
                                                 {"not for signatures", 4}}));
}

// The keys of the other RSA algorithms are good RSA keys: it is `alg` alone that keeps those
// messages out, and no header may bring them in.
TEST(WycheproofTest, OtherRsaAlgorithmsAreRefusedUnderTheirOwnKeys) {
  int num = 0;
  const json::value vectors = Vectors();
  for (const json::value& entry : vectors.at("testGroups").as_array()) {
    const std::string kind = KindOf(entry.as_object());
    if (kind.substr(0, 2) != "PS" && kind != "RS384" && kind != "RS512") continue;
    const crypto::PublicKey key = RsaKey(entry.at("public").as_object());
    for (const json::value& test : entry.at("tests").as_array()) {
      // Good RS256 by this key, called invalid because the JWK says PS512.
      if (test.at("tcId").as_int64() == 332) continue;
      EXPECT_FALSE(Verifies(std::string_view(test.at("jws").as_string()), key))
          << "tcId " << test.at("tcId");
      ++num;
    }
  }
  EXPECT_EQ(num, 82);
}

}  // namespace
}  // namespace countersign::wire
