#include "server/issuing_fixture.h"

namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;
using ::testing::HasSubstr;

using IssuingCreateTest = IssuingTest;

TEST_F(IssuingCreateTest, NewIdentityHasOwnerActiveAndReserve) {
  ServerInMemory server;
  const Issued issued = Create(server);
  EXPECT_FALSE(issued.replaced.has_value());
  EXPECT_FALSE(issued.unfinished.has_value());
  ExpectWhole(server, kPassword);

  const IdentityBook book = server.Book();
  ASSERT_EQ(book.entries().size(), 3U);
  const auto& active = *book.Active();
  const auto& reserve = *book.Reserve();
  EXPECT_EQ(active.certificate, issued.certificate);
  EXPECT_EQ(active.certificate.common_name(), "OfficeScan Server NTSG");
  EXPECT_EQ(active.identity.generation, static_cast<std::uint64_t>(ToUnix(kNow)));
  EXPECT_EQ(reserve.identity.generation, active.identity.generation + 1);
  EXPECT_EQ(reserve.identity.server_ids, active.identity.server_ids);
  EXPECT_EQ(reserve.identity.owner, active.identity.owner);
  EXPECT_EQ(book.server_ids().size(), 1U);
  EXPECT_EQ(book.server_ids().front().bytes()[6] >> 4, 4) << "a random UUID";
}

TEST_F(IssuingCreateTest, ValidityIsThatOfTheConfiguration) {
  ServerInMemory server;
  config_.certificate_days = 100;
  config_.common_name = "Zentrale";
  const Issued issued = Create(server);
  const IdentityBook book = server.Book();
  EXPECT_EQ(issued.certificate.common_name(), "Zentrale");
  EXPECT_EQ(issued.certificate.not_before(), kNow - kDay);
  EXPECT_EQ(issued.certificate.not_after(), kNow + 100 * kDay);
  EXPECT_EQ(book.Reserve()->certificate.not_after(), kNow + 200 * kDay);
}

TEST_F(IssuingCreateTest, OwnerCertificateIsForeverAndNamesTheServer) {
  ServerInMemory server;
  static_cast<void>(Create(server));
  const IdentityBook book = server.Book();
  const auto* const owner = book.OwnerCertificate();
  ASSERT_NE(owner, nullptr);
  EXPECT_EQ(owner->common_name(),
            "Countersign Owner " + book.server_ids().front().Text().substr(0, 8));
  EXPECT_TRUE(owner->IsSignedBy(owner->key()));
  EXPECT_TRUE(owner->may_sign_certificates());
  EXPECT_FALSE(owner->has_authority_key_id());
  EXPECT_EQ(owner->not_before(), kNow - kDay);
  EXPECT_EQ(FormatUtc(owner->not_after()), "9999-12-31T23:59:59Z");
  EXPECT_TRUE(book.Active()->certificate.IsSignedBy(owner->key()));
}

TEST_F(IssuingCreateTest, OwnerKeyIsInTheBackupAndNowhereElse) {
  ServerInMemory server;
  static_cast<void>(Create(server));
  const auto backup = server.OpenBackup(kPassword).value();
  ASSERT_TRUE(backup.owner_key.has_value());
  EXPECT_EQ(backup.server_keys.size(), 2U);
  EXPECT_EQ(backup.certificates.size(), 3U);
  EXPECT_FALSE(server.Keys().contains(backup.owner_key->public_key().digest()));
  EXPECT_EQ(backup.manifest->written_at, kNow);
}

TEST_F(IssuingCreateTest, ShortPasswordIsRefused) {
  ServerInMemory server;
  const auto error = FailureOf(CreateIdentity(server.world(), config_, Secret("short"), kNow));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_TRUE(server.Keys().empty());
  EXPECT_TRUE(server.Book().entries().empty());
}

TEST_F(IssuingCreateTest, SecondIdentityIsRefused) {
  ServerInMemory server;
  const Issued issued = Create(server);
  const auto error =
      FailureOf(CreateIdentity(server.world(), config_, Secret(kPassword), kNow + kDay));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.next, HasSubstr("-c"));
  EXPECT_EQ(server.Book().Active()->certificate, issued.certificate);
  ExpectWhole(server, kPassword);
}

TEST_F(IssuingCreateTest, BackupOfAnIdentityUnknownToTheRegistryIsNotOverwritten) {
  ServerInMemory server;
  server.storage.content.backup = ToBytes("the only copy");
  const auto error = FailureOf(CreateIdentity(server.world(), config_, Secret(kPassword), kNow));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr("OfficeScanAuth.dat"));
  EXPECT_EQ(server.storage.content.backup, ToBytes("the only copy"));
}

TEST_F(IssuingCreateTest, EventIsKept) {
  ServerInMemory server;
  const Issued issued = Create(server);
  const auto events = server.registry->ListEvents(0, 10).value();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, "identity-created");
  EXPECT_THAT(events[0].text, HasSubstr(issued.certificate.serial()));
}

}  // namespace
}  // namespace countersign::server
