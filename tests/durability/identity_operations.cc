#include "tests/durability/identity_operations.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/files.h"
#include "base/user.h"
#include "crypto/pkcs12.h"
#include "server/issuing.h"
#include "server/rollout.h"
#include "tests/support/command.h"
#include "tests/support/memory_log.h"
#include "tests/support/must.h"

namespace countersign::testing {
namespace {

namespace fs = std::filesystem;
using server::AdminMessage;
using server::Host;

constexpr Instant kChangeTime = kProbeNow + kProbeDay;

// What outlives every host.
MemoryLog& SharedLog() {
  static MemoryLog log;
  return log;
}

const SecretBytes& Password(std::string_view text) {
  static const SecretBytes own = SecretBytes::OwnText(kProbePassword);
  static const SecretBytes other = SecretBytes::OwnText(kOtherPassword);
  return text == kProbePassword ? own : other;
}

// A PKCS#12 file as an administrator brings it along.
const Bytes& BroughtFile() {
  static const Bytes file = [] {
    TestAuthority authority(3);
    const Identity identity = authority.MakeImported(crypto::KeyKind::kP256);
    crypto::Pkcs12Contents contents;
    contents.keys.push_back({identity.key, "key"});
    contents.certificates.push_back({identity.certificate.der(), "certificate"});
    return Must(crypto::WritePkcs12(contents, Password(kOtherPassword), kProbeIterations));
  }();
  return file;
}

Told FailureOf(std::string code, std::string message) {
  Told told{Told::Kind::kFailed, std::move(code), std::move(message)};
  if (told.message.starts_with("the new password is valid already")) {
    told.kind = Told::Kind::kUnfinished;
  } else if (told.message.find("is known at the next start only") != std::string::npos ||
             told.message.find("may be gone after a power cut") != std::string::npos) {
    told.kind = Told::Kind::kUnknown;
  }
  return told;
}
Told FailureOf(const Error& error) {
  return FailureOf(std::string(CodeName(error.code)), error.message);
}

Told Init(const fs::path& folder, const Bytes* file) {
  server::InitRequest request;
  request.path = folder;
  request.config.public_host = "127.0.0.1";
  request.backup_password = file == nullptr ? &Password(kProbePassword) : nullptr;
  request.import_file = file;
  request.import_password = file == nullptr ? nullptr : &Password(kOtherPassword);
  request.backup_iterations = kProbeIterations;
  const auto made = server::InitServerFolder(request, SharedLog(), kProbeNow);
  if (made) return {Told::Kind::kDone, "", ""};
  return FailureOf(made.error());
}

// What an answer to an administrator tells.
Told ToldBy(const AdminMessage& answer) {
  if (answer.json.at("ok").as_bool()) {
    const auto* const unfinished = answer.json.if_contains("unfinished");
    if (unfinished == nullptr) return {Told::Kind::kDone, "", ""};
    return {Told::Kind::kUnfinished, "", std::string(unfinished->as_string())};
  }
  return FailureOf(std::string(answer.json.at("code").as_string()),
                   std::string(answer.json.at("message").as_string()));
}

Told Ask(Host& host, boost::json::object json, std::vector<std::string_view> secrets,
         const Bytes* blob = nullptr) {
  AdminMessage request;
  request.json = std::move(json);
  for (const std::string_view secret : secrets) {
    request.secrets.push_back(SecretBytes::OwnText(secret));
  }
  if (blob != nullptr) request.blobs.push_back(*blob);
  return ToldBy(host.admin().Handle(request, RealUser(), kChangeTime));
}

// The ZIP of another server's -b, with its owner key.
const Bytes& ArchiveFile() {
  static const Bytes file = [] {
    const TemporaryFolder folder;
    server::InitRequest request;
    request.path = folder.path() / "other";
    request.config.export_allowed = true;
    request.backup_password = &Password(kProbePassword);
    request.backup_iterations = kProbeIterations;
    Check(server::InitServerFolder(request, SharedLog(), kProbeNow).has_value(), "a server");
    const auto host = Must(Host::Open(request.path, SharedLog(), kProbeNow, kProbeIterations));
    AdminMessage archive;
    archive.json = {{"command", "archive"}, {"by", "test"}, {"with_owner", true}};
    archive.secrets.push_back(SecretBytes::OwnText(kOtherPassword));
    archive.secrets.push_back(SecretBytes::OwnText(kProbePassword));
    auto answer = host->admin().Handle(archive, RealUser(), kProbeNow);
    Check(answer.blobs.size() == 1, boost::json::serialize(answer.json));
    return std::move(answer.blobs.front());
  }();
  return file;
}

Told Import(Host& host, bool exportable) {
  return Ask(host, {{"command", "import"}, {"exportable", exportable}, {"cut_off", true}},
             {kOtherPassword}, &BroughtFile());
}

// --- what is there before ---

void PrepareNothing(const fs::path&) { static_cast<void>(BroughtFile()); }

// With an agent that was admitted, for the backup to remember.
void AddAgent(const fs::path& folder) {
  const auto host = Must(Host::Open(folder, SharedLog(), kProbeNow, kProbeIterations));
  store::AgentRow row;
  row.id = Uuid::FromRandom({1, 2, 3});
  row.admitted = true;
  row.standing = "new";
  Check(host->server().world().registry.PutAgent(row).has_value(), "an agent");
}

void PrepareCreated(const fs::path& folder) {
  static_cast<void>(BroughtFile());
  const Told made = Init(folder, nullptr);
  Check(made.kind == Told::Kind::kDone, made.message);
  AddAgent(folder);
}

void PrepareForArchive(const fs::path& folder) {
  static_cast<void>(ArchiveFile());
  PrepareCreated(folder);
}

void PrepareImported(const fs::path& folder) {
  const Told made = Init(folder, &BroughtFile());
  Check(made.kind == Told::Kind::kDone, made.message);
  AddAgent(folder);
}

// With an agent that was sent the pending certificate.
void PrepareRollout(const fs::path& folder) {
  PrepareCreated(folder);
  const auto host = Must(Host::Open(folder, SharedLog(), kProbeNow, kProbeIterations));
  const Told told = Ask(*host, {{"command", "rollout-start"}}, {kProbePassword});
  Check(told.kind == Told::Kind::kDone, told.message);
  const auto generation = host->server().rollout()->rollout.generation;
  Check(host->server()
            .world()
            .registry.PutOffer({.agent = Uuid::FromRandom({1, 2, 3}), .generation = generation})
            .has_value(),
        "an offer");
}

// --- the operations ---

Told InitNew(std::unique_ptr<Host>&, const fs::path& folder) { return Init(folder, nullptr); }
Told InitByImport(std::unique_ptr<Host>&, const fs::path& folder) {
  return Init(folder, &BroughtFile());
}
Told Replace(std::unique_ptr<Host>& host, const fs::path&) {
  return Ask(*host, {{"command", "replace"}}, {kProbePassword});
}
Told ReplaceImported(std::unique_ptr<Host>& host, const fs::path&) {
  return Ask(*host, {{"command", "replace"}}, {kOtherPassword});
}
Told ImportExportable(std::unique_ptr<Host>& host, const fs::path&) { return Import(*host, true); }
Told ImportForGood(std::unique_ptr<Host>& host, const fs::path&) { return Import(*host, false); }
Told ImportBesideThePresent(std::unique_ptr<Host>& host, const fs::path&) {
  return Ask(*host, {{"command", "import"}, {"exportable", true}, {"cut_off", false}},
             {kOtherPassword, "", kProbePassword}, &BroughtFile());
}
Told Restore(std::unique_ptr<Host>& host, const fs::path&) {
  return Ask(*host,
             {{"command", "import"}, {"exportable", true}, {"cut_off", true}, {"restore", true}},
             {kOtherPassword}, &ArchiveFile());
}
Told ChangePassword(std::unique_ptr<Host>& host, const fs::path&) {
  return Ask(*host, {{"command", "backup-password"}}, {kProbePassword, kOtherPassword});
}
Told CreateOwner(std::unique_ptr<Host>& host, const fs::path&) {
  return Ask(*host, {{"command", "owner-create"}}, {kProbePassword, kOtherPassword});
}
Told StartRollout(std::unique_ptr<Host>& host, const fs::path&) {
  return Ask(*host, {{"command", "rollout-start"}, {"canary_share", 500}}, {kProbePassword});
}
Told FinishRollout(std::unique_ptr<Host>& host, const fs::path&) {
  const auto issued = server::FinishRollout(host->server().world(), kChangeTime);
  if (!issued) return FailureOf(issued.error());
  if (!issued->unfinished) return {Told::Kind::kDone, "", ""};
  return {Told::Kind::kUnfinished, "", issued->unfinished->message};
}
Told AbortRollout(std::unique_ptr<Host>& host, const fs::path&) {
  return Ask(*host, {{"command", "rollout-abort"}}, {});
}
Told RollBack(std::unique_ptr<Host>& host, const fs::path&) {
  return Ask(*host, {{"command", "rollout-rollback"}}, {kProbePassword});
}
Told Promote(std::unique_ptr<Host>& host, const fs::path&) {
  const auto issued = server::PromoteReserve(host->server().world(), kChangeTime);
  if (!issued) return FailureOf(issued.error());
  if (!issued->unfinished) return {Told::Kind::kDone, "", ""};
  return {Told::Kind::kUnfinished, "", issued->unfinished->message};
}

}  // namespace

const std::vector<Operation>& Operations() {
  using Ways = Operation::Ways;
  using Tells = Operation::Tells;
  static const std::vector<Operation> operations = {
      {.name = "Init", .prepare = PrepareNothing, .act = InitNew, .needs_host = false},
      {.name = "InitByImport",
       .prepare = PrepareNothing,
       .act = InitByImport,
       .needs_host = false,
       .ways = Ways::kKills},
      {.name = "Replace", .prepare = PrepareCreated, .act = Replace, .ways = Ways::kAll},
      {.name = "ReplaceImported", .prepare = PrepareImported, .act = ReplaceImported},
      {.name = "Import", .prepare = PrepareCreated, .act = ImportExportable, .ways = Ways::kAll},
      {.name = "ImportNotExportable",
       .prepare = PrepareCreated,
       .act = ImportForGood,
       .ways = Ways::kKills},
      {.name = "ImportBesideThePresent",
       .prepare = PrepareCreated,
       .act = ImportBesideThePresent,
       .ways = Ways::kKills},
      {.name = "Restore", .prepare = PrepareForArchive, .act = Restore},
      {.name = "Password",
       .prepare = PrepareCreated,
       .act = ChangePassword,
       .tells = Tells::kPassword},
      {.name = "OwnerCreate", .prepare = PrepareCreated, .act = CreateOwner, .ways = Ways::kKills},
      {.name = "Promote",
       .prepare = PrepareCreated,
       .act = Promote,
       .backup_keys = BackupKeys::kMayBeOlder},
      {.name = "RolloutStart",
       .prepare = PrepareCreated,
       .act = StartRollout,
       .tells = Tells::kRollout},
      {.name = "RolloutFinish",
       .prepare = PrepareRollout,
       .act = FinishRollout,
       .backup_keys = BackupKeys::kMayBeOlder},
      {.name = "RolloutAbort",
       .prepare = PrepareRollout,
       .act = AbortRollout,
       .tells = Tells::kRollout,
       .backup_keys = BackupKeys::kMayBeOlder,
       .ways = Ways::kKills},
      {.name = "RolloutBack", .prepare = PrepareRollout, .act = RollBack, .ways = Ways::kKills},
  };
  return operations;
}

const Operation& OperationNamed(std::string_view name) {
  const auto at = std::ranges::find(Operations(), name, &Operation::name);
  Check(at != Operations().end(), "an operation of this name");
  return *at;
}

}  // namespace countersign::testing
