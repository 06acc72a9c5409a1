#include "server/web_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <filesystem>

#include "base/encoding.h"
#include "base/files.h"
#include "crypto/pem.h"
#include "crypto/tls_certificate.h"
#include "server/admin.h"
#include "store/scratch_folder.h"
#include "tests/support/file_permissions.h"
#include "tests/support/server_bench.h"

namespace countersign::server {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::ServerBench;

crypto::PrivateKey NewP256Key() {
  return crypto::PrivateKey::Generate(crypto::KeyKind::kP256).value();
}

class WebHostTest : public ::testing::Test {
 protected:
  WebHostTest() : folder_(scratch_.path()) {
    fs::create_directories(folder_.KeysPath());
    fs::permissions(folder_.KeysPath(), fs::perms::owner_all);
    config_.public_host = "server.example";
  }
  [[nodiscard]] Result<WebHost> Open() {
    return WebHost::Open(folder_, config_, bench_.random, bench_.now);
  }
  // What an administrator brings: a certificate with a key, as PEM.
  [[nodiscard]] Bytes CertificateFor(const crypto::PrivateKey& key, Instant until,
                                     const std::string& host = "server.example") {
    crypto::TlsCertificateRequest request;
    request.common_name = "brought";
    request.hosts = {host};
    request.not_before = FromUnix(0);
    request.not_after = until;
    return crypto::MakeTlsCertificate(request, key).value().der();
  }
  [[nodiscard]] Status Install(WebHost& web_host, const crypto::PrivateKey& key, const Bytes& der) {
    const auto pem = crypto::FormatPem(key, {}, KeyExportToken()).value();
    return web_host.Install(der, pem, bench_.server().book(), bench_.now);
  }
  [[nodiscard]] std::vector<std::string> Shown() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.WebHostingPath())) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }
  const Instant later_ = kLater();
  static Instant kLater() { return testing::kTestBegin + std::chrono::hours(24 * 3'000); }

  store::ScratchFolder scratch_;
  store::ServerFolder folder_;
  store::ServerConfig config_;
  ServerBench bench_;
};

TEST_F(WebHostTest, FirstStartMakesAKeyAndACertificateThatNamesTheHost) {
  const auto web_host = Open();
  ASSERT_TRUE(web_host.has_value()) << web_host.error().message;
  EXPECT_TRUE(crypto::NamesHost(web_host->certificate(), "server.example"));
  EXPECT_TRUE(web_host->is_self_signed());
  EXPECT_TRUE(web_host->Warnings(config_, bench_.now).empty());
  EXPECT_EQ(web_host->keys(), std::vector<Digest>{web_host->certificate().key().digest()});
  EXPECT_EQ(Shown(),
            std::vector<std::string>{HexLower(web_host->certificate().thumbprint()) + ".cer"});
  EXPECT_EQ(fs::status(folder_.WebHostKeyPath()).permissions(), testing::kPrivateFile);
}

TEST_F(WebHostTest, NextStartUsesTheSame) {
  const auto first = Open();
  const auto second = Open();
  EXPECT_EQ(first->certificate(), second->certificate());
}

TEST_F(WebHostTest, DamagedFileIsNotReplaced) {
  ASSERT_TRUE(Open().has_value());
  ASSERT_TRUE(WriteFileAtomically(folder_.WebHostKeyPath(), AsBytes("junk"), FileMode::kPrivate));
  const auto web_host = Open();
  ASSERT_FALSE(web_host.has_value());
  EXPECT_EQ(web_host.error().code, Code::kDamaged);
  EXPECT_THAT(web_host.error().next, HasSubstr("mv "));
}

TEST_F(WebHostTest, RenewalKeepsTheKey) {
  auto web_host = Open();
  const auto before = web_host->certificate();
  const auto changes = web_host->changes();
  bench_.now += std::chrono::hours(24 * 1'000);
  ASSERT_TRUE(web_host->Renew(config_, bench_.random, bench_.now));
  EXPECT_NE(web_host->certificate().serial(), before.serial());
  EXPECT_EQ(web_host->certificate().key(), before.key());
  EXPECT_GT(web_host->changes(), changes);
  EXPECT_EQ(Open()->certificate(), web_host->certificate());
  EXPECT_EQ(Shown().size(), 1U);
}

TEST_F(WebHostTest, OwnCertificateIsRenewedBeforeItEnds) {
  auto web_host = Open();
  const auto before = web_host->certificate();
  const auto renewed = [&] { return web_host->RenewIfDue(config_, bench_.random, bench_.now); };
  EXPECT_EQ(renewed().value(), false);
  bench_.now = before.not_after() - std::chrono::hours(24 * 29);
  EXPECT_EQ(renewed().value(), true);
  EXPECT_EQ(web_host->certificate().key(), before.key());
  EXPECT_GT(web_host->certificate().not_after(), before.not_after());
  EXPECT_TRUE(web_host->Warnings(config_, bench_.now).empty());
  EXPECT_EQ(renewed().value(), false);
  // Not one for another name: somebody chose it.
  auto elsewhere = config_;
  elsewhere.public_host = "elsewhere.example";
  bench_.now = web_host->certificate().not_after() + std::chrono::hours(1);
  EXPECT_EQ(web_host->RenewIfDue(elsewhere, bench_.random, bench_.now).value(), false);
}

TEST_F(WebHostTest, InstalledCertificateIsUsedAndKept) {
  auto web_host = Open();
  const auto key = NewP256Key();
  ASSERT_TRUE(Install(*web_host, key, CertificateFor(key, later_)));
  EXPECT_EQ(web_host->certificate().key(), key.public_key());
  EXPECT_EQ(Open()->certificate().key(), key.public_key());
}

TEST_F(WebHostTest, WhatDoesNotFitChangesNothing) {
  auto web_host = Open();
  const auto before = web_host->certificate();
  const auto key = NewP256Key();
  const auto expired = Install(*web_host, key, CertificateFor(key, bench_.now));
  EXPECT_EQ(expired.error().code, Code::kRefused);
  EXPECT_THAT(expired.error().message, HasSubstr("expired"));
  const auto other_key = Install(*web_host, NewP256Key(), CertificateFor(key, later_));
  EXPECT_EQ(other_key.error().code, Code::kUsage);
  const auto junk = Install(*web_host, key, Bytes(200, 0x30));
  EXPECT_EQ(junk.error().code, Code::kMalformed);
  EXPECT_EQ(web_host->certificate(), before);
  EXPECT_EQ(Open()->certificate(), before);
}

TEST_F(WebHostTest, ServerKeyNeverSignsTls) {
  auto web_host = Open();
  const auto& key = bench_.active.key;
  const auto refused = Install(*web_host, key, bench_.active.certificate.der());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_THAT(refused.error().message, HasSubstr("never TLS"));
}

TEST_F(WebHostTest, WarnsOfTheEndAndOfAnotherName) {
  auto web_host = Open();
  const auto key = NewP256Key();
  ASSERT_TRUE(
      Install(*web_host, key, CertificateFor(key, bench_.now + std::chrono::hours(24), "other")));
  const auto warnings = web_host->Warnings(config_, bench_.now);
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_THAT(warnings[0].text, HasSubstr("expires at"));
  EXPECT_THAT(warnings[1].text, HasSubstr("does not name this server's host, \"server.example\""));
}

TEST_F(WebHostTest, CommandsShowAndReplaceItAndAgentsAreTold) {
  auto web_host = Open();
  Admin admin(bench_.server());
  const auto ask = [&](const char* command) {
    AdminMessage request;
    request.json = {{"command", command}};
    return admin.Handle(request, User(), bench_.now);
  };
  EXPECT_FALSE(ask("web-certificate").json.at("ok").as_bool());
  admin.set_web_host(*web_host);
  const auto shown = ask("web-certificate");
  ASSERT_TRUE(shown.json.at("ok").as_bool()) << boost::json::serialize(shown.json);
  EXPECT_EQ(shown.json.at("key").as_string(), Base64UrlEncode(web_host->keys()[0]));
  ASSERT_TRUE(ask("web-certificate-renew").json.at("ok").as_bool());
  EXPECT_EQ(bench_.Events("web-certificate-renewed"), 1U);

  const auto key = NewP256Key();
  AdminMessage install;
  install.json = {{"command", "web-certificate-install"}};
  install.secrets.push_back(crypto::FormatPem(key, {}, KeyExportToken()).value());
  install.blobs.push_back(CertificateFor(key, later_));
  const auto installed = admin.Handle(install, User(), bench_.now);
  ASSERT_TRUE(installed.json.at("ok").as_bool()) << boost::json::serialize(installed.json);
  EXPECT_EQ(bench_.Events("web-certificate-installed"), 1U);
  auto agent = bench_.KnownAgent();
  EXPECT_EQ(bench_.Tell(agent).web, std::vector<Digest>{key.public_key().digest()});
}

}  // namespace
}  // namespace countersign::server
