#include "cli/agentd_mend.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <thread>
#include <utility>

#include "agent/installation.h"
#include "base/acting_as.h"
#include "base/encoding.h"
#include "base/files.h"
#include "cli/folders.h"
#include "cli/unload_commands.h"
#include "net/control_client.h"
#include "net/control_path.h"
#include "store/agent_files.h"
#include "store/config_edit.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;
template <class T>
using Mended = std::expected<T, MendFailure>;

constexpr auto kMoveTimeout = std::chrono::seconds(120);
constexpr auto kAnewTimeout = std::chrono::seconds(10);

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

// Always the mover's full form, also where the place stays: the server has to prove itself before
// anything changes. An old package must not lead trust back while nobody can be asked.
net::ControlMessage RequestFor(const Target& target, const SecretBytes* password,
                               const std::string& warrant) {
  const auto& package = target.package;
  boost::json::object request = {{"command", "move"},
                                 {"host", package.server_host},
                                 {"http_port", package.http_port},
                                 {"https_port", package.https_port},
                                 {"tls", package.tls}};
  if (!package.domain.empty()) request["domain"] = package.domain;
  boost::json::array keys;
  for (const Digest& key : package.web_keys) keys.emplace_back(HexLower(key));
  if (!keys.empty()) request["web_keys"] = std::move(keys);
  if (!warrant.empty()) request["warrant"] = warrant;
  if (package.enrol) request["enrol"] = package.enrol->id;
  net::ControlMessage message{boost::json::serialize(request), {}, {target.certificate.der()}};
  if (password != nullptr) {
    message.secrets.push_back(password->Clone());
  } else if (package.enrol) {
    message.secrets.emplace_back();
  }
  if (package.enrol) message.secrets.emplace_back(package.enrol->secret);
  return message;
}

// Answered is what came of a request to move. `of_lock`: it was refused by the unload password.
struct Answered {
  Result<boost::json::object> answer;
  bool of_lock = false;
};

Answered Understood(const Result<std::string>& json) {
  if (!json) return {std::unexpected(json.error())};
  boost::system::error_code failed;
  const auto value = boost::json::parse(*json, failed);
  return {ReadAnswer(*json), !failed && value.is_object() && Flag(value.get_object(), "unload")};
}

// A running agent that has moved reads its folder anew: until then its socket is the earlier one's.
void AwaitAnew(const fs::path& folder, fs::file_time_type earlier) {
  const auto until = std::chrono::steady_clock::now() + kAnewTimeout;
  std::error_code failed;
  while (std::chrono::steady_clock::now() < until) {
    const auto socket = fs::last_write_time(folder / net::kControlName, failed);
    if (!failed && socket != earlier && AgentRuns(folder)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

Answered Move(const fs::path& folder, const Target& target, const SecretBytes* password,
              const std::string& warrant, const AgentdActions& actions) {
  const auto request = RequestFor(target, password, warrant);
  std::error_code failed;
  const auto socket = fs::last_write_time(folder / net::kControlName, failed);
  if (auto client = net::ControlClient::Connect(folder)) {
    auto answer = client->Call(request, kMoveTimeout);
    if (!answer) return {std::unexpected(std::move(answer).error())};
    auto answered = Understood(std::move(answer->json));
    const std::string result = answered.answer ? Text(*answered.answer, "result") : "";
    if (result == "moved" || result == "repaired") AwaitAnew(folder, socket);
    return answered;
  }
  const auto acting = ActingAs::OwnerOf(folder);
  if (!acting) return {std::unexpected(acting.error())};
  return Understood(actions.move_stopped(folder, request));
}

Mended<boost::json::object> Judge(boost::json::object moved, const Target& target) {
  const std::string result = Text(moved, "result");
  if (result == "moved" || result == "repaired") return moved;
  const std::string why = Text(moved, "why");
  if (result == "other-key") {
    return std::unexpected(
        MendFailure{StalePackage(target.certificate.serial() + " (SHA-256 " +
                                     HexLower(target.certificate.thumbprint()) + ")",
                                 why)
                        .error(),
                    Exit::kStalePackage});
  }
  if (result == "unreachable") {
    return Give({Code::kUnavailable,
                 why + ". The server has to prove that the package is its own; nothing was changed",
                 "countersign-agentd check; when the server can be reached, the same once more"});
  }
  return Give({result == "not-taken" ? Code::kRefused : Code::kIo, why + "; nothing was changed",
               Text(moved, "next")});
}

// The token and the pins are settings beside the move: the running agent reads them anew.
Result<bool> TakeSettings(const fs::path& folder, const store::PackageConfig& package) {
  const auto acting = ActingAs::OwnerOf(folder);
  if (!acting) return std::unexpected(acting.error());
  const fs::path file = folder / "agent.toml";
  const auto text = ReadFile(file, store::kMaxConfigLen);
  if (!text) return std::unexpected(text.error());
  const auto before = store::ParseAgentConfig(AsText(*text));
  if (!before) return std::unexpected(before.error());
  store::AgentConfig after = *before;
  if (package.enrol) after.enrol = package.enrol;
  if (!package.web_keys.empty()) after.web_keys = package.web_keys;
  if (!package.domain.empty()) after.domain = package.domain;
  if (after == *before) return false;
  const std::string edited = store::RewriteAgentConfig(AsText(*text), after);
  if (!store::IsEdited(AsText(*text), edited)) {
    COUNTERSIGN_RETURN_IF_ERROR(
        WriteFileAtomically(folder / "agent.toml.old", *text, FileMode::kPrivate));
  }
  COUNTERSIGN_RETURN_IF_ERROR(WriteFileAtomically(file, AsBytes(edited), FileMode::kPrivate));
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
    bool of_lock = true;  // until the agent is asked: the file of a warrant
    const auto passed =
        WithUnload(command.unload, [&](const SecretBytes* password, const std::string& warrant) {
          auto moved = Move(folder, *target, password, warrant, actions);
          of_lock = moved.of_lock;
          if (!moved.answer) return Status(std::unexpected(moved.answer.error()));
          judged = Judge(*std::move(moved.answer), *target);
          return Status();
        });
    if (!passed && of_lock) {
      return std::unexpected(MendFailure{passed.error(), UnloadExit(passed.error())});
    }
    if (!passed) return Give(passed.error());
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
