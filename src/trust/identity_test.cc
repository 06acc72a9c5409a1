#include "trust/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/support/certificate_factory.h"
#include "tests/support/forged_certificate.h"

namespace countersign::trust {
namespace {

using crypto::Certificate;
using crypto::KeyKind;
using testing::Forge;
using testing::ForgedCertificate;

class IdentityTest : public ::testing::Test {
 protected:
  static Certificate Parse(const Bytes& der) {
    auto certificate = Certificate::Parse(der);
    Check(certificate.has_value(), certificate ? "" : certificate.error().message);
    return *certificate;
  }
  // A certificate for the key of server_, issued by owner_ unless told otherwise.
  Certificate Issued(const ForgedCertificate& forged) const {
    return Parse(Forge(forged, server_key_.public_key(), owner_key_));
  }
  Certificate SelfSigned(const ForgedCertificate& forged) const {
    return Parse(Forge(forged, server_key_.public_key(), server_key_));
  }
  // What an owner issues: complete.
  ForgedCertificate Complete() const {
    ForgedCertificate forged;
    forged.subject.push_back({"dnQualifier", "77"});
    forged.authority_key_id = ToBytes(ByteView(owner_key_.public_key().digest()));
    forged.uris = {server_id_.Urn()};
    return forged;
  }
  std::string Refusal(const Certificate& certificate) const {
    const auto identity = IdentityOf(certificate);
    if (identity) return "accepted";
    EXPECT_EQ(identity.error().code, Code::kRefused);
    return identity.error().message;
  }

  testing::TestAuthority authority_;
  const crypto::PrivateKey owner_key_ = authority_.MakeKey();
  const crypto::PrivateKey server_key_ = authority_.MakeKey();
  const ServerId server_id_ = authority_.MakeServerId();
  const ServerId other_id_ = authority_.MakeServerId();
};

TEST_F(IdentityTest, IssuedCertificateBelongsToTheOwnerItsAuthorityKeyIdNames) {
  ForgedCertificate forged = Complete();
  forged.uris = {"https://example.test/", server_id_.Urn(), other_id_.Urn()};
  const auto identity = IdentityOf(Issued(forged));
  ASSERT_TRUE(identity.has_value()) << identity.error().message;
  EXPECT_EQ(identity->owner, owner_key_.public_key().digest());
  EXPECT_EQ(identity->server_ids, (std::vector<ServerId>{server_id_, other_id_}));
  EXPECT_EQ(identity->generation, 77U);
  EXPECT_FALSE(identity->self_signed);
  EXPECT_TRUE(identity->Names(other_id_));
  EXPECT_FALSE(identity->Names(Uuid()));
}

TEST_F(IdentityTest, ServerCertificateOfTheIssuerIsReadTheSameWay) {
  const testing::Identity owner = authority_.MakeOwner(KeyKind::kP384);
  const testing::Identity server =
      authority_.MakeServer(owner, {.server_ids = {server_id_}, .generation = 5});
  const auto identity = IdentityOf(server.certificate);
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->owner, owner.key.public_key().digest());
  EXPECT_EQ(identity->generation, 5U);
}

TEST_F(IdentityTest, AbsentBasicConstraintsCountAsNoCa) {
  ForgedCertificate forged = Complete();
  forged.is_ca = std::nullopt;
  EXPECT_EQ(Refusal(Issued(forged)), "accepted");
}

TEST_F(IdentityTest, IssuedCertificateThatLacksSomethingIsRefusedByName) {
  struct Case {
    std::string_view says;
    std::function<void(ForgedCertificate&)> change;
  };
  const std::vector<Case> cases = {
      {"CA certificate that another key signed", [](auto& c) { c.is_ca = true; }},
      {"32-byte digest", [](auto& c) { c.authority_key_id = std::nullopt; }},
      {"32-byte digest", [](auto& c) { c.authority_key_id = Bytes(20, 1); }},
      {"32-byte digest", [](auto& c) { c.authority_key_id = Bytes(31, 1); }},
      {"32-byte digest", [](auto& c) { c.authority_key_id = Bytes(33, 1); }},
      {"names no server id", [](auto& c) { c.uris.clear(); }},
      {"names no server id", [](auto& c) { c.uris = {"https://example.test/"}; }},
      {"names no server id",
       [](auto& c) { c.uris = {"urn:uuid:6BA7B810-9DAD-41D1-80B4-00C04FD430C8"}; }},
      {"no generation", [](auto& c) { c.subject.pop_back(); }},
      {"no generation", [](auto& c) { c.subject.back().value = "0"; }},
      {"no generation", [](auto& c) { c.subject.push_back({"dnQualifier", "78"}); }},
  };
  for (const Case& c : cases) {
    ForgedCertificate forged = Complete();
    c.change(forged);
    EXPECT_THAT(Refusal(Issued(forged)), ::testing::HasSubstr(c.says));
  }
}

TEST_F(IdentityTest, ImportedIdentityWithServerIdAndGenerationIsReadAsItStands) {
  const ForgedCertificate forged =
      Complete();  // its authority key id names another owner: not looked at
  const auto identity = IdentityOf(SelfSigned(forged));
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->owner, server_key_.public_key().digest());
  EXPECT_EQ(identity->server_ids, std::vector<ServerId>{server_id_});
  EXPECT_EQ(identity->generation, 77U);
  EXPECT_TRUE(identity->self_signed);
}

TEST_F(IdentityTest, ImportedIdentityThatLacksOneOfThemHasNeitherRead) {
  ForgedCertificate without_id = Complete();
  without_id.uris.clear();
  ForgedCertificate without_generation = Complete();
  without_generation.subject.pop_back();
  const ForgedCertificate bare;
  for (const auto& forged : {without_id, without_generation, bare}) {
    const auto identity = IdentityOf(SelfSigned(forged));
    ASSERT_TRUE(identity.has_value());
    EXPECT_EQ(identity->server_ids,
              std::vector<ServerId>{Uuid::FromDigest(server_key_.public_key().digest())});
    EXPECT_EQ(identity->generation, 1'767'225'600U);
    EXPECT_FALSE(identity->Names(server_id_));
  }
}

TEST_F(IdentityTest, ImportedIdentityMayBeACaAndHaveAnyKey) {
  for (const KeyKind kind : {KeyKind::kRsa, KeyKind::kP256, KeyKind::kP384}) {
    for (const bool is_ca : {false, true}) {
      const auto imported = authority_.MakeImported(kind, {.is_ca = is_ca});
      const auto identity = IdentityOf(imported.certificate);
      ASSERT_TRUE(identity.has_value());
      EXPECT_EQ(identity->owner, imported.key.public_key().digest());
    }
  }
}

TEST_F(IdentityTest, GenerationFromTheDateIsAtLeastOne) {
  for (const std::int64_t not_before : {-86'400, 0, 1}) {
    ForgedCertificate forged;
    forged.not_before = FromUnix(not_before);
    const auto identity = IdentityOf(SelfSigned(forged));
    ASSERT_TRUE(identity.has_value());
    EXPECT_EQ(identity->generation, 1U);
  }
}

TEST_F(IdentityTest, SelfIssuedNameDoesNotMakeAnImportedIdentity) {
  ForgedCertificate forged;  // issuer name = subject name, but another key signed it
  forged.is_ca = true;
  EXPECT_THAT(Refusal(Issued(forged)), ::testing::HasSubstr("another key signed"));
}

TEST(DistrustListTest, FindsCertificatesAndKeys) {
  testing::TestAuthority authority;
  const auto owner = authority.MakeOwner();
  const auto other = authority.MakeOwner();
  EXPECT_FALSE(DistrustList().HasEither(owner.certificate));
  const DistrustList by_key({owner.key.public_key().digest()});
  EXPECT_TRUE(by_key.HasEither(owner.certificate));
  EXPECT_TRUE(by_key.Has(owner.key.public_key().digest()));
  EXPECT_FALSE(by_key.HasEither(other.certificate));
  const DistrustList by_certificate({owner.certificate.thumbprint()});
  EXPECT_TRUE(by_certificate.HasEither(owner.certificate));
  EXPECT_FALSE(by_certificate.Has(owner.key.public_key().digest()));
}

}  // namespace
}  // namespace countersign::trust
