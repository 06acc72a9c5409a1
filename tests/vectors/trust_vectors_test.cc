// Runs the vectors of ids and generations, first trust and rule A through the real code.
#include <gtest/gtest.h>

#include <set>

#include "base/encoding.h"
#include "tests/vectors/vector_file.h"
#include "trust/rule_a.h"
#include "trust/verdict.h"

namespace countersign::vectors {
namespace {

namespace json = boost::json;

// The parts of a certificate that ids_and_generations.json tells.
json::object Read(const crypto::Certificate& certificate) {
  json::object read;
  read["thumbprint"] = Base64UrlEncode(certificate.thumbprint());
  read["key_digest"] = Base64UrlEncode(certificate.key().digest());
  read["ca"] = certificate.is_ca();
  read["key_cert_sign"] = certificate.may_sign_certificates();
  read["authority_key_id"] = nullptr;
  if (const auto& id = certificate.authority_key_id()) {
    read["authority_key_id"] = Base64UrlEncode(*id);
  }
  read["generation"] = nullptr;
  if (const auto& generation = certificate.generation()) read["generation"] = *generation;
  json::array& ids = read["server_ids"].emplace_array();
  for (const ServerId& id : certificate.server_ids()) ids.emplace_back(id.Urn());
  return read;
}

TEST(VectorsTest, Keys) {
  const VectorFile file("ids_and_generations");
  for (const auto& one : file.Cases("keys")) {
    const auto key = crypto::PublicKey::FromSpki(CertificateOf(one.at("spki")));
    ASSERT_TRUE(key.has_value()) << TextOf(one.at("name"));
    EXPECT_EQ(key->digest(), DigestOf(one.at("digest")));
    EXPECT_EQ(Uuid::FromDigest(key->digest()), UuidOf(one.at("uuid")));
  }
  EXPECT_EQ(file.Cases("keys").size(), 5U);
}

TEST(VectorsTest, Certificates) {
  const VectorFile file("ids_and_generations");
  for (const auto& one : file.Cases("certificates")) {
    const auto certificate = crypto::Certificate::Parse(CertificateOf(one.at("certificate")));
    const json::value read = certificate ? json::value(Read(*certificate)) : json::value("refused");
    EXPECT_EQ(read, one.at("expect")) << TextOf(one.at("name"));
  }
  EXPECT_EQ(file.Cases("certificates").size(), 51U);
}

json::value FirstTrustOf(const Bytes& der) {
  const auto certificate = crypto::Certificate::Parse(der);
  if (!certificate) return "refused";
  const auto state = trust::FirstTrust(*certificate, nullptr);
  if (!state) return "refused";
  json::object trusted = Summary(*state);
  trusted.erase("x5t#S256");
  return trusted;
}

TEST(VectorsTest, FirstTrust) {
  const VectorFile file("first_trust");
  for (const auto& one : file.Cases()) {
    EXPECT_EQ(FirstTrustOf(CertificateOf(one.at("certificate"))), one.at("expect"))
        << TextOf(one.at("name"));
  }
  EXPECT_EQ(file.Cases().size(), 23U);
}

TEST(VectorsTest, RuleA) {
  const VectorFile file("rule_a");
  std::set<std::string, std::less<>> reasons;
  for (const auto& one : file.Cases()) {
    SCOPED_TRACE(TextOf(one.at("name")));
    const trust::TrustState held = file.State(TextOf(one.at("state")));
    const auto accepted = trust::RuleA(held, file.Bundle(one.at("bundle").as_array()),
                                       DistrustOf(one.at("distrusted").as_array()));
    reasons.emplace(TextOf(one.at("expect")));
    EXPECT_EQ(accepted ? "accepted" : trust::VerdictName(accepted.error()),
              TextOf(one.at("expect")));
    if (!accepted) continue;
    EXPECT_EQ(Summary(trust::Moved(held, *accepted)), one.at("after"));
  }
  EXPECT_EQ(file.Cases().size(), 67U);
  EXPECT_EQ(reasons.size(), 7U);  // accepted, and one for each reason
}

}  // namespace
}  // namespace countersign::vectors
