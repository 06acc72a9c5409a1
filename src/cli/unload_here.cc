#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "agent/agent.h"
#include "agent/installation.h"
#include "agent/unload_lock.h"
#include "base/process.h"
#include "cli/folders.h"
#include "cli/unload_commands.h"
#include "crypto/hash.h"
#include "net/control_client.h"
#include "net/open_when_free.h"

// countersign-agentd unload-password: the local administrator sets it, who shows the present one.
namespace countersign::cli {
namespace {

constexpr auto kTimeout = std::chrono::seconds(30);

// What is shown and what shall be set.
struct Change {
  SecretBytes present;
  std::string warrant;
  SecretBytes verifier;  // empty: none
};

class SilentLog final : public Log {
 public:
  void Write(LogLevel, std::string_view) override {}
};

// kUnavailable: none runs.
Status AskRunning(const std::filesystem::path& folder, const Change& change) {
  auto client = net::ControlClient::Connect(folder);
  if (!client) return std::unexpected(std::move(client).error());
  net::ControlMessage request;
  request.json = boost::json::serialize(
      boost::json::object{{"command", "set-unload"}, {"warrant", change.warrant}});
  request.secrets.push_back(change.present.Clone());
  request.secrets.push_back(change.verifier.Clone());
  const auto answer = client->Call(request, kTimeout);
  if (!answer) return std::unexpected(answer.error());
  boost::system::error_code failed;
  const auto value = boost::json::parse(answer->json, failed);
  if (failed || !value.is_object()) return Fail(Code::kInternal, "the agent's answer is no object");
  if (auto error = AnswerError(value.get_object())) return std::unexpected(*std::move(error));
  return {};
}

Status ChangeStopped(const std::filesystem::path& folder, const Change& change) {
  COUNTERSIGN_RETURN_IF_ERROR(BecomeOwnerOf(folder));
  auto installation = net::OpenWhenFree(folder, [&] { return agent::Installation::Open(folder); });
  if (!installation) return std::unexpected(std::move(installation).error());
  crypto::SystemRandom random;
  SilentLog log;
  const auto agent = agent::Agent::Create({*installation->folder, installation->key, random, log,
                                           installation->distrust, &installation->unload},
                                          installation->profile, ReadClocks());
  if (!agent) return std::unexpected(agent.error());
  const agent::UnloadKey key{.password = &change.present, .warrant = change.warrant};
  COUNTERSIGN_RETURN_IF_ERROR((*agent)->PassUnload(key, ReadClocks()));
  return installation->unload.Set(std::string(change.verifier.text()));
}

Status Try(const std::filesystem::path& folder, const Change& change) {
  auto tried = AskRunning(folder, change);
  if (tried || tried.error().code != Code::kUnavailable) return tried;
  tried = ChangeStopped(folder, change);
  // An agent that has just started has the folder now.
  if (tried || tried.error().code != Code::kUnavailable) return tried;
  return AskRunning(folder, change);
}

Result<Change> Read(const LocalUnloadCommand& command) {
  Change change;
  auto present = GivenPassword(command.present);
  if (!present) return std::unexpected(std::move(present).error());
  change.present = std::move(*present).value_or(SecretBytes());
  if (command.clear) return change;
  auto verifier = MakeUnloadVerifier(command.fresh);
  if (!verifier) return std::unexpected(std::move(verifier).error());
  change.verifier = *std::move(verifier);
  return change;
}

}  // namespace

Exit SetUnloadHere(const LocalUnloadCommand& command, Form form) {
  ForbidCoreDumps();
  std::string warrant;
  if (!command.warrant.empty()) {
    auto file = ReadWarrantFile(command.warrant);
    if (!file) return PrintUnloadError(file.error(), form);
    warrant = *std::move(file);
  }
  auto change = Read(command);
  if (!change) return PrintError(change.error(), form);
  change->warrant = std::move(warrant);
  auto done = Try(command.folder, *change);
  const bool nothing_shown = change->present.empty() && change->warrant.empty();
  if (!done && done.error().code == Code::kWrongPassword && nothing_shown) {
    auto asked = GetPassword(command.present, Prompt::kOnce);
    if (asked) {
      change->present = *std::move(asked);
      done = Try(command.folder, *change);
    }
  }
  if (!done) return PrintUnloadError(done.error(), form);
  if (form == Form::kJson) {
    PrintJson({{"ok", true}, {"set", !command.clear}});
  } else {
    PrintLine(command.clear ? "No unload password is set any more."
                            : "The unload password is set.");
  }
  return Exit::kOk;
}

}  // namespace countersign::cli
