#include "server/drill.h"

#include <utility>

#include "crypto/hash.h"
#include "server/issuing_internal.h"
#include "trust/rule_a.h"

namespace countersign::server {
namespace {

namespace fs = std::filesystem;

// Scratch removes what a drill has made, whatever becomes of it.
class Scratch {
 public:
  explicit Scratch(const fs::path& path) : path_(path) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

 private:
  const fs::path& path_;
};

std::string Compare(const IdentityBook& restored, const DrillRequest& request) {
  const auto& active = restored.Active()->certificate;
  if (active != request.active) {
    return "the restored server has certificate " + active.serial() + ", and " +
           request.active.serial() + " is in use";
  }
  if (!request.reserve) return {};
  const auto* const reserve = restored.Reserve();
  if (reserve == nullptr || reserve->certificate.thumbprint() != *request.reserve) {
    return "the restored server does not have the reserve certificate";
  }
  return {};
}

std::string CheckKeys(Host& host) {
  for (const auto* const entry : {host.server().book().Active(), host.server().book().Reserve()}) {
    if (entry == nullptr) continue;
    const auto signer = host.server().world().ring.Find(entry->certificate.key().digest());
    if (!signer) return signer.error().message;
  }
  return {};
}

// An agent that trusts the present certificate, and what the restored server would send it.
std::string LetAgentJudge(Host& host, const crypto::Certificate& held) {
  const auto trust = trust::FirstTrust(held, nullptr);
  if (!trust) return "no agent could trust the present certificate";
  const auto& book = host.server().book();
  const auto bundle = book.BundleFor(*book.Active(), trust->owner, trust->server);
  if (!bundle) return "there is no bundle from the present certificate to the new one";
  const auto accepted = trust::RuleA(*trust, *bundle, trust::DistrustList());
  if (!accepted) return "rule A refuses it: " + std::string(trust::VerdictName(accepted.error()));
  return {};
}

// Drill takes down the outcome of each step.
class Drill {
 public:
  // Step returns whether the next step makes sense.
  bool Step(std::string what, std::string problem) {
    steps_.push_back({.what = std::move(what), .problem = std::move(problem)});
    return steps_.back().problem.empty();
  }
  [[nodiscard]] std::vector<DrillStep> Take() { return std::move(steps_); }

 private:
  std::vector<DrillStep> steps_;
};

void DrillOpened(Drill& drill, Host& host, const DrillRequest& request, Instant now) {
  if (!drill.Step("the certificates are those in use", Compare(host.server().book(), request)) ||
      !drill.Step("their private keys are there", CheckKeys(host))) {
    return;
  }
  // A follower makes none itself; its backup is to show that it could take the issuer's place.
  store::ServerConfig issuing = host.server().config();
  issuing.follower_of.clear();
  const auto issued =
      ReplaceCertificate(host.server().world(), issuing, request.password, ReplaceOptions(), now);
  std::string problem = issued ? std::string() : issued.error().message;
  if (issued) {
    const auto reloaded = host.server().Reload(now);
    if (!reloaded) problem = reloaded.error().message;
  }
  if (!drill.Step("the owner key makes a new certificate", std::move(problem))) return;
  drill.Step("an agent with the present certificate takes the new one over",
             LetAgentJudge(host, request.active));
}

}  // namespace

Result<std::vector<DrillStep>> DrillBackup(const DrillRequest& request, Log& log, Instant now) {
  std::error_code failed;
  if (fs::exists(request.scratch, failed)) {
    return Fail(Code::kAlreadyExists, request.scratch.string() + " is there already",
                "give a folder that is not there");
  }
  const Scratch scratch(request.scratch);
  const Bytes file = ToBytes(request.file);
  const auto restored = InitServerFolder({.path = request.scratch,
                                          .config = request.config,
                                          .import_file = &file,
                                          .import_password = &request.password,
                                          .backup_iterations = request.backup_iterations},
                                         log, now);
  Drill drill;
  if (!restored && restored.error().code == Code::kWrongPassword) {
    // In its words: it is not any file to import.
    return std::unexpected(OpenBackupFile(request.file, request.password).error());
  }
  const std::string what = "a server is installed from the backup";
  if (!drill.Step(what, restored ? std::string() : restored.error().message)) return drill.Take();
  auto host = Host::Open(request.scratch, log, now, request.backup_iterations);
  if (drill.Step("it starts", host ? std::string() : host.error().message)) {
    DrillOpened(drill, **host, request, now);
  }
  return drill.Take();
}

}  // namespace countersign::server
