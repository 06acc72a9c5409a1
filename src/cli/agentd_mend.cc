#include "cli/agentd_mend.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "agent/installation.h"
#include "base/acting_as.h"
#include "base/encoding.h"
#include "base/files.h"
#include "cli/folders.h"
#include "cli/unload_commands.h"
#include "net/control_client.h"
#include "store/agent_files.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;
template <class T>
using Mended = std::expected<T, MendFailure>;

constexpr auto kMoveTimeout = std::chrono::seconds(120);

std::unexpected<MendFailure> Give(const Error& error) {
  return std::unexpected(MendFailure{error, ExitFor(error.code)});
}

struct Target {
  store::PackageConfig package;
  crypto::Certificate certificate;
};

Result<Target> ReadTarget(const fs::path& package) {
  const auto text = ReadFile(package / "package.toml", store::kMaxConfigLen);
  if (!text) return std::unexpected(text.error());
  auto config = store::ParsePackageConfig(AsText(*text));
  if (!config) return std::unexpected(std::move(config).error());
  auto certificate = agent::ReadCertificateFile(package / "OfcNTCer.dat");
  if (!certificate) return std::unexpected(std::move(certificate).error());
  return Target{*std::move(config), *std::move(certificate)};
}

Result<store::AgentConfig> ReadAgentConfig(const fs::path& folder) {
  const auto text = ReadFile(folder / "agent.toml", store::kMaxConfigLen);
  if (!text) return std::unexpected(text.error());
  return store::ParseAgentConfig(AsText(*text));
}

bool SamePlace(const store::PackageConfig& package, const store::AgentConfig& config) {
  return config.server_host == package.server_host && config.http_port == package.http_port &&
         config.https_port == package.https_port && config.tls == package.tls;
}

// What `IpXfer -e` asks for where the place stays, and its full form where it does not.
net::ControlMessage RequestFor(const Target& target, bool same_place, const SecretBytes* password,
                               const std::string& warrant) {
  boost::json::object request = {{"command", "renew"}, {"verify", true}};
  if (!same_place) {
    request = {{"command", "move"},
               {"host", target.package.server_host},
               {"http_port", target.package.http_port},
               {"https_port", target.package.https_port},
               {"tls", target.package.tls}};
    if (!target.package.domain.empty()) request["domain"] = target.package.domain;
  }
  if (!warrant.empty()) request["warrant"] = warrant;
  net::ControlMessage message{boost::json::serialize(request), {}, {target.certificate.der()}};
  if (password != nullptr) message.secrets.push_back(password->Clone());
  return message;
}

Result<boost::json::object> Move(const fs::path& folder, const Target& target, bool same_place,
                                 const SecretBytes* password, const std::string& warrant,
                                 const AgentdActions& actions) {
  const auto request = RequestFor(target, same_place, password, warrant);
  if (auto client = net::ControlClient::Connect(folder)) {
    const auto answer = client->Call(request, kMoveTimeout);
    if (!answer) return std::unexpected(answer.error());
    return ReadAnswer(answer->json);
  }
  const auto acting = ActingAs::OwnerOf(folder);
  if (!acting) return std::unexpected(acting.error());
  const auto answer = actions.move_stopped(folder, request);
  if (!answer) return std::unexpected(answer.error());
  return ReadAnswer(*answer);
}

Mended<boost::json::object> Judge(boost::json::object moved, const Target& target) {
  const std::string result = Text(moved, "result");
  if (result == "moved" || result == "repaired" || result == "verified") return moved;
  const std::string why = Text(moved, "why");
  if (result == "other-key" || result == "other-certificate") {
    return std::unexpected(
        MendFailure{StalePackage(target.certificate.serial() + " (SHA-256 " +
                                     HexLower(target.certificate.thumbprint()) + ")",
                                 why)
                        .error(),
                    Exit::kStalePackage});
  }
  if (result == "installed-not-verified") {
    // As with IpXfer: the certificate is right by local authority, and nobody could be asked.
    moved["why"] = why + "; countersign-agentd check says more";
    return moved;
  }
  const Code code = result == "unreachable" ? Code::kUnavailable
                    : result == "not-taken" ? Code::kRefused
                                            : Code::kIo;
  return Give({code, why, Text(moved, "next")});
}

// The token and the pins are settings beside the move: the running agent reads them anew.
Result<bool> TakeSettings(const fs::path& folder, const store::PackageConfig& package) {
  const auto acting = ActingAs::OwnerOf(folder);
  if (!acting) return std::unexpected(acting.error());
  const auto before = ReadAgentConfig(folder);
  if (!before) return std::unexpected(before.error());
  store::AgentConfig after = *before;
  if (package.enrol) after.enrol = package.enrol;
  if (!package.web_keys.empty()) after.web_keys = package.web_keys;
  if (!package.domain.empty()) after.domain = package.domain;
  if (after == *before) return false;
  COUNTERSIGN_RETURN_IF_ERROR(WriteFileAtomically(
      folder / "agent.toml", AsBytes(store::FormatAgentConfig(after)), FileMode::kPrivate));
  if (AgentRuns(folder)) {
    const auto reloaded = AskAgent(folder, {{"command", "reload"}});
    if (!reloaded) return std::unexpected(reloaded.error());
  }
  return true;
}

}  // namespace

std::unexpected<Error> StalePackage(const std::string& packaged, const std::string& used) {
  return Fail(Code::kRefused,
              "this package is stale: its certificate is " + packaged +
                  ", and the server uses another one (" + used + "). Nothing was changed",
              "countersign agents package -o DIR (on the server) makes a fresh one");
}

Mended<boost::json::object> MendAgent(const InstallCommand& command, const fs::path& folder,
                                      const fs::path& package, const AgentdActions& actions) {
  const auto target = ReadTarget(package);
  if (!target) return Give(target.error());
  const auto config = ReadAgentConfig(folder);
  if (!config) return Give(config.error());
  const auto held = store::ReadTrustForStatus(folder);
  if (!held) return Give(held.error());
  boost::json::object done = {
      {"ok", true},
      {"result", "kept"},
      {"text", "The agent is installed already, with this certificate and this server."}};
  const bool same_place = SamePlace(target->package, *config);
  const bool same_trust = held->certificate.thumbprint() == target->certificate.thumbprint();
  if (!same_place || !same_trust) {
    Mended<boost::json::object> judged = done;
    const auto passed =
        WithUnload(command.unload, [&](const SecretBytes* password, const std::string& warrant) {
          auto moved = Move(folder, *target, same_place, password, warrant, actions);
          if (!moved) return Status(std::unexpected(moved.error()));
          judged = Judge(*std::move(moved), *target);
          return Status();
        });
    if (!passed) return std::unexpected(MendFailure{passed.error(), UnloadExit(passed.error())});
    if (!judged) return judged;
    done = *std::move(judged);
    done["text"] = "The agent is mended (" + Text(done, "result") +
                   "); it keeps its key: " + Text(done, "why");
  }
  const auto settings = TakeSettings(folder, target->package);
  if (!settings) return Give(settings.error());
  done["settings_taken"] = *settings;
  return done;
}

}  // namespace countersign::cli
