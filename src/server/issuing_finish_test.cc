#include "server/issuing_fixture.h"

namespace countersign::server {
namespace {

class IssuingFinishTest : public IssuingTest {
 protected:
  void Finish() {
    const auto finished = FinishIdentityChange(server_.world());
    ASSERT_TRUE(finished.has_value()) << finished.error().message;
  }
  ServerInMemory server_;
};

TEST_F(IssuingFinishTest, EmptyServerIsLeftAlone) {
  const auto key = authority_.MakeKey();
  ASSERT_TRUE(server_.ring->Add(key, keys::Exportable::kYes).has_value());
  Finish();
  EXPECT_EQ(server_.Keys().size(), 1U) << "an empty registry says nothing about the keys";
  EXPECT_TRUE(server_.log.lines.empty());
}

TEST_F(IssuingFinishTest, NothingToMendIsNothingToTell) {
  static_cast<void>(Create(server_));
  Finish();
  Finish();
  EXPECT_TRUE(server_.log.lines.empty());
  ExpectWhole(server_, kPassword);
}

TEST_F(IssuingFinishTest, StoresAndPublicCertificateAreMadeAnew) {
  static_cast<void>(Create(server_));
  server_.storage.content.stores.clear();
  server_.storage.content.public_certificate = ToBytes("something else");
  EXPECT_EQ(MissingOutputs(server_.world(), server_.Book()).size(), 2U);
  Finish();
  ExpectWhole(server_, kPassword);
  EXPECT_TRUE(server_.log.Says("OfcNTCer.dat"));
  EXPECT_TRUE(server_.log.Says("in the store \"OfficeScan NT\" was missing"));
  EXPECT_TRUE(MissingOutputs(server_.world(), server_.Book()).empty());
}

TEST_F(IssuingFinishTest, StagedBackupOfNobodyIsDiscarded) {
  static_cast<void>(Create(server_));
  server_.storage.content.staged = ToBytes("half a change");
  Finish();
  ExpectWhole(server_, kPassword);
  EXPECT_TRUE(server_.log.Says("did not happen"));
}

TEST_F(IssuingFinishTest, StagedBackupThatTheRegistryExpectsIsPutInPlace) {
  static_cast<void>(Create(server_));
  server_.storage.content.staged = server_.storage.content.backup;
  server_.storage.content.backup = ToBytes("the one before");
  Finish();
  ExpectWhole(server_, kPassword);
  EXPECT_TRUE(server_.log.Says("put in place"));
}

TEST_F(IssuingFinishTest, KeyOfNoCertificateIsDestroyed) {
  static_cast<void>(Create(server_));
  ASSERT_TRUE(server_.ring->Add(authority_.MakeKey(), keys::Exportable::kYes).has_value());
  Finish();
  ExpectWhole(server_, kPassword);
  EXPECT_TRUE(server_.log.Says("is destroyed"));
}

TEST_F(IssuingFinishTest, KeysThatARestoredRegistryDoesNotKnowAreKept) {
  static_cast<void>(Create(server_));
  const auto rows = server_.registry->ListCertificates().value();
  const auto digest = server_.registry->GetMeta("backup_digest").value().value();
  ASSERT_TRUE(Replace(server_, kNow + kDay).has_value());
  const auto keys = server_.Keys();
  server_.registry = store::OpenSqlite(":memory:").value();
  for (const auto& row : rows) ASSERT_TRUE(server_.registry->PutCertificate(row).has_value());
  ASSERT_TRUE(server_.registry->PutMeta("backup_digest", digest).has_value());
  Finish();
  EXPECT_EQ(server_.Keys(), keys);
  EXPECT_TRUE(server_.log.Says("not the one that this server wrote last"));
  EXPECT_TRUE(server_.log.Says("is left alone"));
  EXPECT_TRUE(server_.log.Says("CertificateManager -c"));
}

TEST_F(IssuingFinishTest, MissingBackupAndKeysAreToldAndNoError) {
  static_cast<void>(Create(server_));
  const IdentityBook book = server_.Book();
  server_.storage.content.backup.reset();
  for (const Digest& key : server_.Keys()) {
    ASSERT_TRUE(server_.ring->Destroy(key).has_value());
  }
  Finish();
  EXPECT_TRUE(server_.log.Says("automatic backup (AuthCertBackup/OfficeScanAuth.dat) is missing"));
  EXPECT_TRUE(server_.log.Says("active certificate " + book.Active()->certificate.serial()));
  EXPECT_TRUE(server_.log.Says("reserve certificate " + book.Reserve()->certificate.serial()));
}

TEST_F(IssuingFinishTest, WhatCannotBeWrittenIsAnErrorAndTheRestIsDone) {
  static_cast<void>(Create(server_));
  server_.storage.content.public_certificate.reset();
  server_.storage.fault = [](std::string_view write) {
    return write == "WriteStores" ? testing::WriteFault::kBefore : testing::WriteFault::kNone;
  };
  EXPECT_EQ(FailureOf(FinishIdentityChange(server_.world())).code, Code::kIo);
  EXPECT_TRUE(server_.storage.content.public_certificate.has_value());
}

TEST_F(IssuingFinishTest, ChangeWhoseEndFailsIsToldAsMade) {
  const Issued first = Create(server_);
  server_.storage.fault = [](std::string_view write) {
    return write == "CommitStagedBackup" ? testing::WriteFault::kBefore
                                         : testing::WriteFault::kNone;
  };
  const auto second = Replace(server_, kNow + kDay);
  ASSERT_TRUE(second.has_value()) << second.error().message;
  ASSERT_TRUE(second->unfinished.has_value());
  EXPECT_NE(second->certificate, first.certificate);
  server_.storage.fault = {};
  EXPECT_TRUE(Replace(server_, kNow + 2 * kDay).has_value()) << "by the backup that is staged";
  ExpectWhole(server_, kPassword);
}

}  // namespace
}  // namespace countersign::server
