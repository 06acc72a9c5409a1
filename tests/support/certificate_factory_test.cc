#include "tests/support/certificate_factory.h"

#include <gtest/gtest.h>

namespace countersign::testing {
namespace {

using crypto::KeyKind;

TEST(TestAuthorityTest, SameSeedSameKeys) {
  EXPECT_EQ(TestAuthority(3).MakeKey().public_key(), TestAuthority(3).MakeKey().public_key());
  EXPECT_FALSE(TestAuthority(3).MakeKey().public_key() == TestAuthority(4).MakeKey().public_key());
}

TEST(TestAuthorityTest, BundleOfSuccessionHangsTogether) {
  TestAuthority authority;
  const ServerId id = authority.MakeServerId();
  const Identity old_owner = authority.MakeOwner();
  const Identity new_owner = authority.MakeOwner(KeyKind::kP384);
  const auto succession = authority.IssueSuccession(old_owner, new_owner, {id});
  const Identity server = authority.MakeServer(new_owner, {.server_ids = {id}, .generation = 9});
  EXPECT_TRUE(server.certificate.IsSignedBy(succession.key()));
  EXPECT_TRUE(succession.IsSignedBy(old_owner.certificate.key()));
  EXPECT_EQ(server.certificate.generation(), 9U);
  EXPECT_TRUE(succession.Names(id));
}

TEST(TestAuthorityTest, OddCertificateHasJustWhatIsAsked) {
  TestAuthority authority;
  const Identity plain = authority.MakeImported(KeyKind::kRsa);
  EXPECT_TRUE(plain.certificate.IsSignedBy(plain.key.public_key()));
  EXPECT_FALSE(plain.certificate.is_ca());
  EXPECT_FALSE(plain.certificate.generation());
  const Identity odd = authority.MakeImported(
      KeyKind::kP256, {.dn_qualifier = "7",
                       .is_ca = true,
                       .key_cert_sign = true,
                       .authority_key_id = Bytes(32, 0xaa),
                       .uris = {"urn:uuid:00000000-0000-4000-8000-000000000001", "https://example"},
                       .not_after = kTestBegin});
  EXPECT_TRUE(odd.certificate.may_sign_certificates());
  EXPECT_EQ(odd.certificate.generation(), 7U);
  EXPECT_TRUE(odd.certificate.authority_key_id());
  EXPECT_EQ(odd.certificate.server_ids().size(), 1U);
  EXPECT_EQ(odd.certificate.not_after(), kTestBegin);
}

}  // namespace
}  // namespace countersign::testing
