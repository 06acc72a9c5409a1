// Every change of identity, stopped at every write: by a failure before or after the write, and by
// a power cut before or after it. What is left is the old identity or the new one, and the next
// start mends the rest (protocol section 1, F4).
#include <cstddef>
#include <ostream>
#include <string_view>

#include "server/issuing_fixture.h"
#include "tests/support/forwarding_registry.h"

namespace countersign::server {
namespace {

using testing::WriteFault;

enum class Stop { kFailureBefore, kFailureAfter, kPowerCutBefore, kPowerCutAfter };
constexpr std::array kStops = {Stop::kFailureBefore, Stop::kFailureAfter, Stop::kPowerCutBefore,
                               Stop::kPowerCutAfter};

struct PowerCut {};

// Fault stops the n-th write of all, whatever it is.
class Fault {
 public:
  Fault(Stop stop, std::size_t at) : stop_(stop), at_(at) {}

  // Write carries out `effect` as far as the fault lets it. `Status effect()`.
  template <class Effect>
  Status Write(Effect effect) {
    const bool now = ++count_ == at_;
    if (!now) return effect();
    if (stop_ == Stop::kPowerCutBefore) throw PowerCut();
    if (stop_ == Stop::kFailureBefore) return Fail(Code::kIo, "injected");
    const Status done = effect();
    EXPECT_TRUE(done.has_value());
    if (stop_ == Stop::kPowerCutAfter) throw PowerCut();
    return Fail(Code::kIo, "injected after the write");
  }
  [[nodiscard]] bool Happened() const { return count_ >= at_; }

 private:
  Stop stop_;
  std::size_t at_;
  std::size_t count_ = 0;
};

class FaultyRing final : public keys::KeyRing {
 public:
  FaultyRing(keys::KeyRing& ring, Fault& fault) : ring_(ring), fault_(fault) {}
  Status Add(const crypto::PrivateKey& key, keys::Exportable exportable) override {
    return fault_.Write([&] { return ring_.Add(key, exportable); });
  }
  Status Destroy(const Digest& key) override {
    return fault_.Write([&] { return ring_.Destroy(key); });
  }
  Result<std::shared_ptr<const crypto::Signer>> Find(const Digest& key) const override {
    return ring_.Find(key);
  }
  Result<crypto::PrivateKey> Export(const Digest& key, KeyExportToken token) const override {
    return ring_.Export(key, token);
  }
  Result<keys::Exportable> IsExportable(const Digest& key) const override {
    return ring_.IsExportable(key);
  }
  Result<std::vector<Digest>> List() const override { return ring_.List(); }

 private:
  keys::KeyRing& ring_;
  Fault& fault_;
};

class FaultyStorage final : public store::ServerStorage {
 public:
  FaultyStorage(store::ServerStorage& storage, Fault& fault) : storage_(storage), fault_(fault) {}
  Result<Bytes> ReadBackup() override { return storage_.ReadBackup(); }
  std::string BackupPlace() const override { return storage_.BackupPlace(); }
  Result<Bytes> ReadStagedBackup() override { return storage_.ReadStagedBackup(); }
  Status StageBackup(ByteView file) override {
    return fault_.Write([&] { return storage_.StageBackup(file); });
  }
  Status CommitStagedBackup() override {
    return fault_.Write([&] { return storage_.CommitStagedBackup(); });
  }
  Status DiscardStagedBackup() override {
    return fault_.Write([&] { return storage_.DiscardStagedBackup(); });
  }
  Result<std::string> KeepBackup() override {
    Result<std::string> kept = std::string();
    const auto written = fault_.Write([&]() -> Status {
      kept = storage_.KeepBackup();
      return kept ? Status() : std::unexpected(kept.error());
    });
    if (!written) return std::unexpected(written.error());
    return kept;
  }
  Result<std::vector<std::string>> KeptBackups() override { return storage_.KeptBackups(); }
  bool HasPublicCertificate(ByteView der) override { return storage_.HasPublicCertificate(der); }
  bool HasStored(const store::StoredCertificate& file) override { return storage_.HasStored(file); }
  Status WriteStores(const std::vector<store::StoredCertificate>& files) override {
    return fault_.Write([&] { return storage_.WriteStores(files); });
  }
  Status WritePublicCertificate(ByteView der) override {
    return fault_.Write([&] { return storage_.WritePublicCertificate(der); });
  }

 private:
  store::ServerStorage& storage_;
  Fault& fault_;
};

// A transaction is one write, and so is each row in it: a row that fails rolls all back.
class FaultyRegistry final : public testing::ForwardingRegistry {
 public:
  FaultyRegistry(store::Registry& registry, Fault& fault)
      : ForwardingRegistry(registry), fault_(fault) {}
  Status Transact(const std::function<Status()>& body) override {
    return fault_.Write([&] { return ForwardingRegistry::Transact(body); });
  }
  Status PutCertificate(const store::CertificateRow& row) override {
    return fault_.Write([&] { return ForwardingRegistry::PutCertificate(row); });
  }
  Status PutMeta(std::string_view key, std::string_view value) override {
    return fault_.Write([&] { return ForwardingRegistry::PutMeta(key, value); });
  }
  Status PutAgent(const store::AgentRow& row) override {
    return fault_.Write([&] { return ForwardingRegistry::PutAgent(row); });
  }
  Status AddEvent(const store::EventRow& row) override {
    return fault_.Write([&] { return ForwardingRegistry::AddEvent(row); });
  }

 private:
  Fault& fault_;
};

class IssuingFaultsTest;

// One kind of change: what is there before it, and how it is made. `change` returns whether it says
// that it was made.
struct Case {
  const char* name;
  std::string_view password_before;
  std::string_view password_after;
  void (*prepare)(IssuingFaultsTest&, ServerInMemory&);
  bool (*change)(IssuingFaultsTest&, World&);
  OldKeys old_keys = OldKeys::kNone;  // before the change or after it
};

void PrintTo(const Case& test, std::ostream* out) { *out << test.name; }

class IssuingFaultsTest : public IssuingTest, public ::testing::WithParamInterface<Case> {
 public:
  // --- what the cases are made of ---
  void PrepareNothing(ServerInMemory& /*server*/) {}
  void PrepareCreated(ServerInMemory& server) { static_cast<void>(Create(server)); }
  void PrepareImported(ServerInMemory& server) { EXPECT_TRUE(Import(server, file_).has_value()); }
  void PreparePromoted(ServerInMemory& server) {
    PrepareCreated(server);
    EXPECT_TRUE(PromoteReserve(server.world(), kNow + kDay).has_value());
  }
  bool ChangeByCreating(World& world) {
    return CreateIdentity(world, config_, Secret(kPassword), kNow).has_value();
  }
  bool ChangeByReplacing(World& world, std::string_view password) {
    return ReplaceCertificate(world, config_, Secret(password), {}, kNow + kDay).has_value();
  }
  bool ChangeOwner(World& world, std::string_view password) {
    const auto fresh = Secret(kFilePassword);
    return ReplaceCertificate(world, config_, Secret(password),
                              {.new_owner = true, .new_password = &fresh}, kNow + kDay)
        .has_value();
  }
  bool ChangeByImporting(World& world) {
    return ImportIdentity(world, config_, file_, Secret(kFilePassword), {}, kNow + kDay)
        .has_value();
  }
  bool ChangeByImportingWhole(World& world) {
    return ImportIdentity(world, config_, whole_, Secret(kPassword), {}, kNow + kDay).has_value();
  }
  static bool ChangeByPromoting(World& world) {
    return PromoteReserve(world, kNow + kDay).has_value();
  }
  bool ChangePassword(World& world) {
    const auto changed = ChangeBackupPassword(world, config_, Secret(kPassword),
                                              Secret(kFilePassword), kNow + 2 * kDay);
    return changed || changed.error().message.starts_with("the new password is valid already");
  }

 protected:
  IssuingFaultsTest() {
    ServerInMemory other(42);
    static_cast<void>(Create(other));
    other.AddAgent(HoldingAgent(other.Book().Active()->certificate));
    EXPECT_TRUE(Replace(other, kNow).has_value());
    whole_ = *other.storage.content.backup;
    GetParam().prepare(*this, prepared_);
  }

  // Try runs the change with a fault at write `at`; false once it has no so many writes.
  bool Try(const Case& test, Stop stop, std::size_t at) {
    SCOPED_TRACE("stop " + std::to_string(static_cast<int>(stop)) + " at write " +
                 std::to_string(at));
    ServerInMemory server;
    server.CopyFrom(prepared_);
    const auto before = Active(server);
    Fault fault(stop, at);
    const std::optional<bool> told = Run(test, server, fault);

    server.log.lines.clear();
    EXPECT_TRUE(FinishIdentityChange(server.world()).has_value());
    ExpectOldOrNew(test, server, before, told);
    const auto num_lines = server.log.lines.size();
    EXPECT_TRUE(FinishIdentityChange(server.world()).has_value());
    EXPECT_EQ(server.log.lines.size(), num_lines) << "the second time there is nothing to mend";
    if (stop == Stop::kPowerCutBefore) ExpectUsable(test, server);
    return fault.Happened();
  }

 private:
  static std::optional<Digest> Active(ServerInMemory& server) {
    const IdentityBook book = server.Book();
    if (book.Active() == nullptr) return std::nullopt;
    return book.Active()->certificate.thumbprint();
  }

  // Nothing if the power was cut.
  std::optional<bool> Run(const Case& test, ServerInMemory& server, Fault& fault) {
    FaultyRegistry registry(*server.registry, fault);
    FaultyRing ring(*server.ring, fault);
    FaultyStorage storage(server.storage, fault);
    World world{registry, ring, storage, server.random, server.log, kFewIterations};
    try {
      return test.change(*this, world);
    } catch (const PowerCut&) {
      return std::nullopt;
    }
  }

  // The password tells which backup is in place, and the active certificate which identity.
  static void ExpectOldOrNew(const Case& test, ServerInMemory& server,
                             const std::optional<Digest>& before, std::optional<bool> told) {
    const auto after = Active(server);
    if (!before && !after) {  // still no identity
      EXPECT_NE(told, true);
      EXPECT_FALSE(server.storage.content.backup.has_value());
      EXPECT_FALSE(server.storage.content.staged.has_value());
      return;
    }
    const bool is_new = test.password_before == test.password_after
                            ? after != before
                            : server.OpenBackup(test.password_after).has_value();
    ExpectWhole(server, is_new ? test.password_after : test.password_before, test.old_keys);
    EXPECT_EQ(told.value_or(is_new), is_new) << "what was told is true";
  }

  // The next change by a person goes through.
  void ExpectUsable(const Case& test, ServerInMemory& server) {
    if (!Active(server)) {
      static_cast<void>(Create(server, kNow + 3 * kDay));
      ExpectWhole(server, kPassword);
      return;
    }
    const bool is_new = server.OpenBackup(test.password_after).has_value();
    const auto password = is_new ? test.password_after : test.password_before;
    const auto next = Replace(server, kNow + 1'100 * kDay, password);
    ASSERT_TRUE(next.has_value()) << next.error().message;
    ExpectWhole(server, password);
  }

  Bytes file_ = FileOf({MakeImported()});
  Bytes whole_;
  ServerInMemory prepared_;  // each try begins with a copy of it
};

TEST_P(IssuingFaultsTest, OldOrNewWhateverStopsTheChange) {
  for (const Stop stop : kStops) {
    std::size_t at = 1;
    while (Try(GetParam(), stop, at)) ++at;
    EXPECT_GE(at, 8U) << "there are fewer writes than there should be";
    if (HasFailure()) return;
  }
}

using Test = IssuingFaultsTest;
constexpr auto kNothing = [](Test& test, ServerInMemory& server) { test.PrepareNothing(server); };
constexpr auto kCreated = [](Test& test, ServerInMemory& server) { test.PrepareCreated(server); };
constexpr auto kImported = [](Test& test, ServerInMemory& server) { test.PrepareImported(server); };
constexpr auto kPromoted = [](Test& test, ServerInMemory& server) { test.PreparePromoted(server); };
constexpr auto kImport = [](Test& test, World& world) { return test.ChangeByImporting(world); };
constexpr auto kNewPassword = [](Test& test, World& world) { return test.ChangePassword(world); };

INSTANTIATE_TEST_SUITE_P(
    Changes, IssuingFaultsTest,
    ::testing::Values(
        Case{"Create", kPassword, kPassword, kNothing,
             [](Test& test, World& world) { return test.ChangeByCreating(world); }},
        Case{"Replace", kPassword, kPassword, kCreated,
             [](Test& test, World& world) { return test.ChangeByReplacing(world, kPassword); }},
        Case{"ReplaceAnImportedOne", kFilePassword, kFilePassword, kImported,
             [](Test& test, World& world) { return test.ChangeByReplacing(world, kFilePassword); }},
        Case{"MakeANewOwner", kPassword, kFilePassword, kCreated,
             [](Test& test, World& world) { return test.ChangeOwner(world, kPassword); }},
        Case{"MakeAnOwnerForAnImportedOne", kFilePassword, kFilePassword, kImported,
             [](Test& test, World& world) { return test.ChangeOwner(world, kFilePassword); }},
        Case{"ImportIntoNothing", kFilePassword, kFilePassword, kNothing, kImport},
        Case{"ImportInsteadOfAnother", kPassword, kFilePassword, kCreated, kImport},
        Case{"ImportAWholeBackup", kPassword, kPassword, kCreated,
             [](Test& test, World& world) { return test.ChangeByImportingWhole(world); }},
        Case{"PromoteTheReserve", kPassword, kPassword, kCreated,
             [](Test&, World& world) { return Test::ChangeByPromoting(world); },
             OldKeys::kMayBeInBackup},
        Case{"ChangeThePassword", kPassword, kFilePassword, kCreated, kNewPassword},
        Case{"ChangeThePasswordWithoutReserve", kPassword, kFilePassword, kPromoted, kNewPassword,
             OldKeys::kMayBeInBackup}),
    [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace countersign::server
