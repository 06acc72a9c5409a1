#include "wire/jwk.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <string>

#include "base/encoding.h"
#include "base/ids.h"

namespace countersign::wire {
namespace {

// The key of RFC 7515, appendix A.3.
constexpr char kJwk[] = R"({"kty":"EC","crv":"P-256",)"
                        R"("x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                        R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";

Result<crypto::PublicKey> Read(const std::string& text) {
  return ReadJwk(boost::json::parse(text).as_object());
}

std::string JwkWith(std::string_view from, std::string_view to) {
  std::string text = kJwk;
  return text.replace(text.find(from), from.size(), to);
}

TEST(JwkTest, KeyOfTheStandardIsReadAndMadeAgain) {
  const auto key = Read(kJwk);
  ASSERT_TRUE(key.has_value()) << key.error().message;
  EXPECT_EQ(boost::json::serialize(MakeJwk(*key)), kJwk);
}

TEST(JwkTest, SubjectPublicKeyInfoIsThePrefixAndTheTwoCoordinates) {
  // What docs/rollouts.md computes an agent's id with.
  const Bytes prefix = Base64Decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE").value();
  const auto key = Read(kJwk).value();
  const auto point = key.P256Coordinates();
  Bytes whole = prefix;
  whole.insert(whole.end(), point.begin(), point.end());
  EXPECT_EQ(key.spki(), whole);
}

TEST(JwkTest, AnythingElseIsRefused) {
  EXPECT_FALSE(Read("{}").has_value());
  EXPECT_FALSE(Read(JwkWith("EC", "RSA")).has_value());
  EXPECT_FALSE(Read(JwkWith("P-256", "P-384")).has_value());
  EXPECT_FALSE(Read(JwkWith("\"x\"", "\"z\"")).has_value()) << "unknown member";
  EXPECT_FALSE(Read(JwkWith("f83O", "f83P")).has_value()) << "not on the curve";
  EXPECT_FALSE(Read(JwkWith("RVEU", "RVEV")).has_value()) << "not canonical";
  EXPECT_FALSE(Read(JwkWith("\"kty\"", R"("d":"AAAA","kty")")).has_value()) << "a private key";
}

}  // namespace
}  // namespace countersign::wire
