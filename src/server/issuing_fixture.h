#pragma once

// The fixture that the tests of identity changes share: a server in memory, and the promises that
// hold for it after every change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "keys/backup.h"
#include "server/day_fixture.h"
#include "server/identity_book.h"
#include "server/issuing.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/memory_storage.h"
#include "trust/rule_a.h"

namespace countersign::server {

// LineLog keeps what was told.
class LineLog final : public Log {
 public:
  void Write(LogLevel /*level*/, std::string_view text) override { lines.emplace_back(text); }
  [[nodiscard]] bool Says(std::string_view part) const {
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find(part) != std::string::npos;
    });
  }
  std::vector<std::string> lines;
};

constexpr Instant kNow = testing::kTestBegin + std::chrono::hours(24 * 30);
constexpr int kFewIterations = 1'000;
constexpr std::string_view kPassword = "correct horse battery";
constexpr std::string_view kFilePassword = "password of the file";
constexpr std::string_view kArchivePassword = "password of the archive";

inline SecretBytes Secret(std::string_view text) { return SecretBytes::OwnText(text); }

// FailureOf is the error of a result that must be one.
template <class T>
Error FailureOf(const Result<T>& result) {
  EXPECT_FALSE(result.has_value());
  return result ? Error{Code::kInternal, "(it went through)"} : result.error();
}

// ServerInMemory is a server's world.
class ServerInMemory {
 public:
  ServerInMemory() = default;
  explicit ServerInMemory(std::uint64_t seed) : random(seed) {}

  // world is made anew each time: a test may put another registry in the place of the first.
  [[nodiscard]] World& world() {
    return world_.emplace(*registry, *ring, storage, random, log, iterations);
  }
  [[nodiscard]] IdentityBook Book() {
    auto book = IdentityBook::Load(*registry);
    EXPECT_TRUE(book.has_value()) << book.error().message;
    return book ? *std::move(book) : IdentityBook();
  }
  [[nodiscard]] std::set<Digest> Keys() {
    const auto keys = ring->List().value();
    return {keys.begin(), keys.end()};
  }
  [[nodiscard]] Result<keys::BackupContents> OpenBackup(std::string_view password) {
    return keys::OpenBackup(storage.content.backup.value(), Secret(password));
  }
  void AddAgent(store::AgentRow row) {
    row.admitted = true;
    row.standing = "verified";
    EXPECT_TRUE(registry->PutAgent(row).has_value());
  }

  // CopyFrom makes this new server one like `other`, agents and events apart.
  void CopyFrom(const ServerInMemory& other) {
    const auto rows = other.registry->ListCertificates().value();
    for (const auto& row : rows) {
      EXPECT_TRUE(registry->PutCertificate(row).has_value());
    }
    for (const std::string_view name : {"backup_digest", "newest_issue"}) {
      const auto value = other.registry->GetMeta(name).value();
      EXPECT_TRUE(!value || registry->PutMeta(name, *value).has_value());
    }
    const auto keys = other.ring->List().value();
    for (const Digest& key : keys) {
      EXPECT_TRUE(ring->Add(other.ring->Export(key, KeyExportToken()).value(),
                            other.ring->IsExportable(key).value())
                      .has_value());
    }
    storage.content = other.storage.content;
  }

  std::unique_ptr<store::Registry> registry = store::OpenSqlite(":memory:").value();
  std::unique_ptr<keys::KeyRing> ring = keys::MakeMemoryKeyRing();
  testing::MemoryServerStorage storage;
  testing::SeededRandom random{7};
  LineLog log;
  int iterations = kFewIterations;

 private:
  std::optional<World> world_;
};

// A change without the password leaves the keys that it destroys in the backup.
enum class OldKeys { kNone, kMayBeInBackup };

// ExpectWhole checks everything that is promised of a server with an identity between two changes.
inline void ExpectWhole(ServerInMemory& server, std::string_view password,
                        OldKeys old_keys = OldKeys::kNone) {
  const IdentityBook book = server.Book();
  ASSERT_NE(book.Active(), nullptr);
  std::set<Digest> keys = {book.Active()->certificate.key().digest()};  // in use
  if (book.Reserve() != nullptr) keys.insert(book.Reserve()->certificate.key().digest());
  EXPECT_EQ(server.Keys(), keys) << "the ring holds the keys in use and no others";

  const auto& content = server.storage.content;
  EXPECT_FALSE(content.staged.has_value());
  EXPECT_EQ(content.public_certificate, book.Active()->certificate.der());
  ASSERT_TRUE(content.backup.has_value());
  EXPECT_EQ(server.registry->GetMeta("backup_digest").value(),
            HexLower(crypto::Sha256(*content.backup)));

  std::set<std::string> stores;
  for (const auto& file : content.stores) stores.insert(file.store + "/" + file.name);
  std::set<std::string> expected;
  for (const auto& entry : book.entries()) {
    if (entry.row.role != store::CertificateRole::kServer) continue;
    if (entry.row.state == store::CertificateState::kReserve) continue;
    const bool active = entry.row.state == store::CertificateState::kActive;
    expected.insert(std::string(active ? store::kStoreActive : store::kStoreExpired) + "/" +
                    HexLower(entry.row.thumbprint) + ".cer");
  }
  EXPECT_EQ(stores, expected);

  const auto backup = server.OpenBackup(password);
  ASSERT_TRUE(backup.has_value()) << backup.error().message;
  ASSERT_TRUE(backup->manifest.has_value());
  EXPECT_EQ(backup->manifest->server_ids, book.server_ids());
  const auto* const newest = book.Reserve() != nullptr ? book.Reserve() : book.Active();
  EXPECT_GE(backup->manifest->generations.at(book.server_ids().front()),
            newest->identity.generation);
  EXPECT_EQ(backup->owner_key.has_value(), !book.Active()->identity.self_signed);
  if (backup->owner_key) {
    EXPECT_EQ(backup->owner_key->public_key().digest(), book.Active()->identity.owner);
  }
  for (const auto& key : backup->server_keys) {
    EXPECT_TRUE(old_keys == OldKeys::kMayBeInBackup || keys.contains(key.public_key().digest()))
        << "the backup holds no key that is not in use";
  }
}

class IssuingTest : public ::testing::Test {
 protected:
  Issued Create(ServerInMemory& server, Instant now = kNow) {
    const auto issued = CreateIdentity(server.world(), config_, Secret(kPassword), now);
    EXPECT_TRUE(issued.has_value()) << issued.error().message;
    return *issued;
  }
  Result<Issued> Replace(ServerInMemory& server, Instant now, std::string_view password = kPassword,
                         const ReplaceOptions& options = {}) {
    return ReplaceCertificate(server.world(), config_, Secret(password), options, now);
  }
  Result<Issued> Import(ServerInMemory& server, ByteView file, const ImportOptions& options = {},
                        std::string_view password = kFilePassword, Instant now = kNow) {
    return ImportIdentity(server.world(), config_, file, Secret(password), options, now);
  }
  // FileOf is a PKCS#12 file as an administrator brings it along.
  static Bytes FileOf(const std::vector<testing::Identity>& identities,
                      std::string_view password = kFilePassword) {
    crypto::Pkcs12Contents contents;
    for (const auto& identity : identities) {
      contents.keys.push_back({identity.key, "key"});
      contents.certificates.push_back({identity.certificate.der(), "certificate"});
    }
    return crypto::WritePkcs12(contents, Secret(password), kFewIterations).value();
  }
  testing::Identity MakeImported(crypto::KeyKind kind = crypto::KeyKind::kP256) {
    return authority_.MakeImported(kind);
  }
  // HoldingAgent is an agent that proved to hold this certificate.
  store::AgentRow HoldingAgent(const crypto::Certificate& certificate) {
    const auto trust = trust::FirstTrust(certificate, nullptr).value();
    store::AgentRow row;
    row.id = Uuid::FromRandom(authority_.random().Array<16>());
    row.held_known = true;
    row.held_thumbprint = certificate.thumbprint();
    row.held_generation = trust.generation;
    row.held_owner = trust.owner;
    row.held_server = trust.server;
    return row;
  }
  // TakesOver: an agent that holds `held` accepts the active certificate by the server's bundle.
  static bool TakesOver(const crypto::Certificate& held, const IdentityBook& book) {
    const auto trust = trust::FirstTrust(held, nullptr).value();
    const auto bundle = book.BundleFor(*book.Active(), trust.owner, trust.server);
    if (!bundle) return false;
    const auto accepted = trust::RuleA(trust, *bundle, trust::DistrustList());
    return accepted && accepted->certificate() == book.Active()->certificate;
  }

  store::ServerConfig config_;
  testing::TestAuthority authority_{3};
};

}  // namespace countersign::server
