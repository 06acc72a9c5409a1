#include "tests/simulation/site.h"

#include <utility>

#include "crypto/pkcs12.h"
#include "keys/backup.h"
#include "server/offline.h"
#include "tests/support/must.h"

namespace countersign::simulation {
namespace {

using testing::Must;

constexpr std::string_view kPasswords[] = {"correct horse battery", "battery horse correct"};

SecretBytes Secret(std::string_view text) { return SecretBytes::OwnText(text); }

}  // namespace

Bytes Site::FileOf(const testing::Identity& identity) {
  crypto::Pkcs12Contents contents;
  contents.keys.push_back({identity.key, "key"});
  contents.certificates.push_back({identity.certificate.der(), "certificate"});
  return Must(crypto::WritePkcs12(contents, Secret(kFilePassword), kIterations));
}

Site::Site(Ground ground, std::uint64_t seed, Origin origin)
    : ground_(ground), kind_(Kind::kGenuine), log_(ground.trace, "server"), random_(seed) {
  cut_ring_.emplace(*ring_, power_);
  storage_.fault = [this](std::string_view) {
    power_.Pass();
    return testing::WriteFault::kNone;
  };
  token_ = {"token", ToBytes(random_.Array<32>())};
  Must(registry_.PutToken({.id = token_.id,
                           .secret = token_.secret,
                           .expires = std::nullopt,
                           .uses_left = std::nullopt,
                           .note = {}}));
  auto given = Given();
  if (origin == Origin::kCreated) {
    (void)Must(server::CreateIdentity(given, config_, Secret(password_), Now()));
  } else {
    testing::TestAuthority authority(seed ^ 0x1413);
    const SecretBytes password = Secret(password_);
    (void)Must(server::ImportIdentity(
        given, config_, FileOf(authority.MakeImported(crypto::KeyKind::kP256)),
        Secret(kFilePassword), {.backup_password = &password}, Now()));
  }
  Start();
}

Site::Site(Ground ground, std::uint64_t seed, const Copy& stolen)
    : ground_(ground), kind_(Kind::kStolen), log_(ground.trace, "thief's server"), random_(seed) {
  registry_.PutBack(stolen.registry);
  storage_.content = stolen.files;
  FillRing(stolen);
  Start();
}

Site::Copy Site::Take() const {
  Copy copy{.registry = registry_.content(), .keys = {}, .files = storage_.content};
  for (const Digest& key : Must(ring_->List())) {
    copy.keys.emplace_back(Must(ring_->Export(key, KeyExportToken())),
                           Must(ring_->IsExportable(key)));
  }
  return copy;
}

void Site::FillRing(const Copy& copy) {
  ring_ = keys::MakeMemoryKeyRing();
  for (const auto& [key, exportable] : copy.keys) Must(ring_->Add(key, exportable));
  cut_ring_.emplace(*ring_, power_);
}

void Site::PutBack(const Copy& copy, Part part) {
  Stop();
  registry_.PutBack(copy.registry);
  if (part == Part::kAll) {
    storage_.content = copy.files;
    FillRing(copy);
    RememberPassword();
  }
  Start();
}

void Site::PutBackupBack(const std::optional<Bytes>& backup) {
  Stop();
  storage_.content.backup = backup;
  RememberPassword();
  Start();
}

server::World Site::Given() {
  return {cut_registry_, *cut_ring_, storage_, random_, log_, kIterations};
}

void Site::Start() {
  if (server_) return;
  power_.CutAt(0);
  auto given = Given();
  Must(server::FinishIdentityChange(given));
  server_.emplace(Must(server::Server::Create(Given(), config_)));
  Note();
}

void Site::Stop() { server_.reset(); }

template <class What>
bool Site::Do(What what) {
  if (!server_) return false;
  try {
    what();
  } catch (const testing::PowerCut&) {
    ground_.trace.Add("the server's power is cut");
    Stop();
    Start();
    return false;
  }
  return true;
}

std::optional<server::ReportAnswer> Site::TakeReport(const std::string& message,
                                                     const std::string& source) {
  std::optional<server::ReportAnswer> answer;
  const bool done = Do(
      [&] { answer = server_->TakeReport(message, net::IpAddress::Parse(source).value(), Now()); });
  return done ? answer : std::nullopt;
}

void Site::TakePostedReceipt(const std::string& message) {
  Do([&] { (void)server_->TakePostedReceipt(message, Now()); });
}

void Site::Tick() {
  if (!server_) return;
  const Digest before = book().Active()->certificate.thumbprint();
  Do([&] { server_->Tick(Now()); });
  if (server_ && book().Active()->certificate.thumbprint() != before) ++num_promotions_;
  if (server_) Note();
}

template <class What>
bool Site::Change(std::string_view story, What what) {
  bool done = false;
  const auto attempt = [&](server::ClockIsRight clock) {
    return Do([&] {
      const Status changed = what(clock);
      ground_.trace.Add(std::string(story) + (changed ? "" : ": " + changed.error().message));
      done = changed.has_value();
      if (done) Must(server_->Reload(Now()));
    });
  };
  if (attempt(server::ClockIsRight::kNo) && !done) {
    SetClock(Seconds(0));
    attempt(server::ClockIsRight::kYes);
  }
  if (server_) Note();
  return done;
}

bool Site::Replace(const Replacement& how) {
  const std::string story = std::string("the owner replaces the certificate") +
                            (how.compromised ? ", it was stolen" : "") +
                            (how.offline ? ", offline" : "") +
                            (how.new_owner ? ", under a new owner" : "");
  const bool done = Change(story, [&](server::ClockIsRight clock) -> Status {
    const server::ReplaceOptions options{
        .clock = clock, .compromised = how.compromised, .new_owner = how.new_owner};
    auto given = Given();
    const auto issued =
        how.offline ? ReplaceOffline(options)
                    : server::ReplaceCertificate(given, config_, Secret(password_), options, Now());
    if (!issued) return std::unexpected(issued.error());
    return {};
  });
  if (done) ++num_replacements_;
  return done;
}

Result<server::Issued> Site::ReplaceOffline(const server::ReplaceOptions& options) {
  auto given = Given();
  const auto request = server::MakeOwnerRequest(given, config_, options, Now());
  if (!request) return std::unexpected(request.error());
  // The owner's machine has a clock that is right.
  const auto made = server::SignOwnerRequest(
      *request, storage_.content.backup.value(), Secret(password_),
      {.clock = server::ClockIsRight::kYes, .backup_iterations = kIterations}, random_,
      ground_.WallClock(Seconds(0)));
  if (!made) return std::unexpected(made.error());
  return server::InstallOwnerAnswer(given, made->answer, Now());
}

bool Site::TakeOverLaterOwner() {
  if (!server_ || !storage_.content.backup) return false;
  const auto opened = Must(keys::OpenBackup(*storage_.content.backup, Secret(password_)));
  const auto* const owner = book().OwnerCertificate();
  if (owner == nullptr || !opened.owner_key || opened.owner_key->public_key() == owner->key()) {
    return false;
  }
  return Change("the owner brings the later owner's backup", [&](server::ClockIsRight) -> Status {
    auto given = Given();
    const SecretBytes password = Secret(password_);
    const Bytes file = *storage_.content.backup;
    const auto issued = server::ImportIdentity(
        given, config_, file, password,
        {.backup_password = &password, .present_password = &password}, Now());
    if (!issued) return std::unexpected(issued.error());
    return {};
  });
}

bool Site::ImportBeside(ByteView file) {
  return Change("the owner brings another fleet in", [&](server::ClockIsRight) -> Status {
    auto given = Given();
    const SecretBytes present = Secret(password_);
    const auto issued =
        server::ImportIdentity(given, config_, file, Secret(kFilePassword),
                               {.backup_password = &present, .present_password = &present}, Now());
    if (!issued) return std::unexpected(issued.error());
    return {};
  });
}

bool Site::ChangePassword() {
  const std::string_view next = kPasswords[password_ == kPasswords[0] ? 1 : 0];
  const bool done = Change("the owner changes the password", [&](server::ClockIsRight) {
    auto given = Given();
    return server::ChangeBackupPassword(given, config_, Secret(password_), Secret(next), Now());
  });
  RememberPassword();
  return done;
}

// After a power cut, or a restore, the owner tries which of the two it is.
void Site::RememberPassword() {
  for (const std::string_view password : kPasswords) {
    if (!storage_.content.backup) return;
    if (keys::OpenBackup(*storage_.content.backup, Secret(password))) password_ = password;
  }
}

std::optional<server::AdminMessage> Site::Ask(boost::json::object request) {
  const std::string command(request.at("command").as_string());
  std::optional<server::AdminMessage> answer;
  const bool done = Do([&] {
    server::AdminMessage message{.json = std::move(request), .secrets = {}, .blobs = {}};
    message.json["from"] = boost::json::object{{"terminal", "none"}, {"login", ""}};
    message.secrets.push_back(Secret(password_));
    answer = server::Admin(*server_).Handle(message, {.uid = 0, .name = "root"}, Now());
  });
  if (server_) Note();
  if (!done) return std::nullopt;
  const auto* const why = answer->json.if_contains("message");
  ground_.trace.Add(command + (why == nullptr ? "" : ": " + std::string(why->as_string())));
  return answer;
}

bool Site::HasKey(const crypto::Certificate& certificate) const {
  return ring_->Find(certificate.key().digest()).has_value();
}

void Site::LoseKeysOfAborted() {
  if (!server_) return;
  for (const auto* const entry : book().Aborted()) {
    Must(ring_->Destroy(entry->certificate.key().digest()));
  }
}

std::vector<StolenKey> Site::KeysNow() const {
  std::vector<StolenKey> keys;
  if (!server_ || book().server_ids().empty()) return keys;
  for (const auto& entry : book().entries()) {
    if (entry.row.role != store::CertificateRole::kServer) continue;
    const auto key = ring_->Export(entry.certificate.key().digest(), KeyExportToken());
    if (!key) continue;
    const auto bundle = book().BundleFor(entry, entry.identity.owner, book().server_ids().front());
    keys.push_back(
        {*key, entry.certificate, bundle.value_or(std::vector<Bytes>{entry.certificate.der()})});
  }
  return keys;
}

StolenKey Site::OwnerKey() {
  auto backup = Must(keys::OpenBackup(storage_.content.backup.value(), Secret(password_)));
  const auto& owner = *book().OwnerCertificate();
  return {backup.owner_key.value(), owner, {owner.der()}};
}

void Site::Note() {
  if (kind_ == Kind::kStolen) return;
  for (const auto& entry : book().entries()) {
    if (entry.row.role == store::CertificateRole::kServer) {
      ground_.checker.Certified(entry.certificate);
    }
  }
  const auto& active = book().Active()->certificate;
  if (packages_.empty() || packages_.back() != active) packages_.push_back(active);
  for (auto& key : KeysNow()) {
    const Digest thumbprint = key.certificate.thumbprint();
    keys_ever_.emplace(thumbprint, std::move(key));
  }
}

}  // namespace countersign::simulation
