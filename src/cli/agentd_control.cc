#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <thread>
#include <utility>

#include "agent/installation.h"
#include "base/acting_as.h"
#include "base/files.h"
#include "base/run_tool.h"
#include "base/service_user.h"
#include "base/terminal.h"
#include "cli/agent_service.h"
#include "cli/agentd_commands.h"
#include "cli/folders.h"
#include "cli/passwords.h"
#include "cli/unload_commands.h"
#include "doctor/agent_check.h"
#include "net/control_client.h"
#include "net/open_when_free.h"

// start, stop, uninstall and update-now.
namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

constexpr auto kStopTimeout = std::chrono::seconds(60);
constexpr auto kStartTimeout = std::chrono::seconds(30);

PasswordSource SourceOf(const UnloadFlags& flags) {
  PasswordSource source = UnloadPassword();
  source.file = flags.file;
  source.fd = flags.fd;
  return source;
}

template <class Condition>
bool Within(std::chrono::seconds most, const Condition& condition) {
  const auto until = std::chrono::steady_clock::now() + most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

Exit Said(const std::string& what, const boost::json::object& json, Form form) {
  if (form == Form::kJson) {
    PrintJson(json);
  } else {
    PrintLine(what);
  }
  return Exit::kOk;
}

// The end of what a program that did not start had to say.
std::string EndOfLog(const fs::path& log) {
  const auto text = ReadFile(log, 1024UL * 1024);
  if (!text) return {};
  const std::string_view all = AsText(*text);
  return std::string(all.substr(all.size() - std::min<std::size_t>(all.size(), 1'000)));
}

bool IsService(const fs::path& folder) { return HasSystemd() && !UnitFor(folder).empty(); }

Status StartByHand(const fs::path& folder) {
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  const fs::path log = folder / "agent.log";
  const auto pid =
      StartDetached(program, {"--agent-folder", fs::absolute(folder).string()}, folder, log);
  if (!pid) return std::unexpected(pid.error());
  bool ended = false;
  const bool started = Within(kStartTimeout, [&] {
    ended = HasEnded(*pid);
    return ended || AgentRuns(folder);
  });
  if (started && !ended) return {};
  return Fail(started ? Code::kRefused : Code::kTimedOut,
              "the agent did not start: " + EndOfLog(log), AgentdCommand(folder));
}

// The code with which `check` would end where a report ended so.
Exit ExitOfReport(const boost::json::object& answer) {
  const std::string result = Text(answer, "result");
  if (result == "verified") return Flag(answer, "accepted") ? Exit::kOk : Exit::kOtherFault;
  const bool mismatch = result == "refused" && doctor::IsMismatch(Text(answer, "verdict"));
  return mismatch ? Exit::kMismatch : Exit::kOtherFault;
}

}  // namespace

Result<boost::json::object> AskAgent(const fs::path& folder, boost::json::object request,
                                     std::chrono::seconds timeout) {
  auto client = net::ControlClient::Connect(folder);
  if (!client) return std::unexpected(std::move(client).error());
  const auto answer = client->Call({boost::json::serialize(request), {}, {}}, timeout);
  if (!answer) return std::unexpected(answer.error());
  return ReadAnswer(answer->json);
}

bool AgentRuns(const fs::path& folder) { return net::ControlClient::Connect(folder).has_value(); }

bool IsAgentFolder(const fs::path& folder) {
  std::error_code failed;
  return fs::exists(folder / "trust", failed) && fs::exists(folder / "agent.key", failed);
}

Status WithUnload(const UnloadFlags& flags, const UnloadAct& act) {
  std::string warrant;
  if (!flags.warrant.empty()) {
    auto file = ReadWarrantFile(flags.warrant);
    if (!file) return std::unexpected(std::move(file).error());
    warrant = *std::move(file);
  }
  const auto read = GivenPassword(SourceOf(flags));
  if (!read) return std::unexpected(read.error());
  const std::optional<SecretBytes>& given = *read;
  const SecretBytes* const password = given ? &*given : nullptr;
  auto done = act(password, warrant);
  const bool asks = !done && done.error().code == Code::kWrongPassword && password == nullptr &&
                    warrant.empty() && InputIsTerminal();
  if (!asks) return done;
  const auto typed = PromptSecret("Unload password of this agent: ");
  if (!typed) return done;
  return act(&*typed, warrant);
}

Status StopRunning(const fs::path& folder, const UnloadFlags& flags) {
  bool ended = false;
  const auto stopped =
      WithUnload(flags, [&](const SecretBytes* password, const std::string& warrant) -> Status {
        auto client = net::ControlClient::Connect(folder);
        if (!client) return std::unexpected(std::move(client).error());
        boost::json::object request = {{"command", "stop"}};
        if (!warrant.empty()) request["warrant"] = warrant;
        net::ControlMessage message{boost::json::serialize(request), {}, {}};
        if (password != nullptr) message.secrets.push_back(password->Clone());
        const auto answer = client->Call(message, kStopTimeout);
        if (!answer) return std::unexpected(answer.error());
        const auto read = ReadAnswer(answer->json);
        if (!read) return std::unexpected(read.error());
        // Its last deeds come after the answer, and its user is free only when it is gone.
        ended = client->AwaitEnd(kStopTimeout);
        return {};
      });
  if (!stopped) return stopped;
  if (ended && Within(kStopTimeout, [&] { return !AgentRuns(folder); })) return {};
  return Fail(Code::kTimedOut, "the agent was told to stop, and still runs",
              AgentdCommand(folder) + " status");
}

Exit StopAgent(const fs::path& folder, const UnloadFlags& flags, bool unload, Form form) {
  if (!IsAgentFolder(folder)) {
    // Nothing to be stopped; a package that never got so far can be removed.
    if (unload) return Said("There is no agent in " + folder.string() + ".", {{"ok", true}}, form);
    return PrintError({Code::kNotFound, "there is no agent in " + folder.string(),
                       "countersign-agentd install --from PACKAGE"},
                      form);
  }
  if (AgentRuns(folder)) {
    const auto stopped = StopRunning(folder, flags);
    if (!stopped) return PrintUnloadError(stopped.error(), form);
    // It ended by itself; the service manager settles what it knows of it.
    if (IsService(folder)) (void)RunTool("systemctl", {"stop", kServiceName});
    return Said("The agent is stopped.", {{"ok", true}, {"was_running", true}}, form);
  }
  if (unload) {
    const auto passed =
        WithUnload(flags, [&](const SecretBytes* password, const std::string& warrant) {
          return PassUnloadHere(folder, password, warrant);
        });
    if (!passed) return PrintUnloadError(passed.error(), form);
  }
  return Said("The agent is not running.", {{"ok", true}, {"was_running", false}}, form);
}

Exit StartAgent(const fs::path& folder, Form form) {
  if (!IsAgentFolder(folder)) {
    return PrintError({Code::kNotFound, "there is no agent in " + folder.string(),
                       "countersign-agentd install --from PACKAGE"},
                      form);
  }
  if (AgentRuns(folder)) {
    return Said("The agent is running already.", {{"ok", true}, {"started", false}}, form);
  }
  const bool service = IsService(folder);
  const auto started =
      service ? MustRunTool("systemctl", {"start", kServiceName}) : StartByHand(folder);
  if (!started) return PrintError(started.error(), form);
  return Said(service ? "The agent is started, by systemd."
                      : "The agent is started, until this machine stops; its log: " +
                            (folder / "agent.log").string() + ".",
              {{"ok", true}, {"started", true}, {"by", service ? "systemd" : "hand"}}, form);
}

Exit UninstallAgent(const fs::path& folder, const UnloadFlags& flags, Form form) {
  if (UnitFor(folder) == kPackagedUnitPath) {
    return PrintError({Code::kRefused, "this agent was installed by dpkg",
                       "dpkg --purge countersign-agent   (COUNTERSIGN_UNLOAD_PASSWORD in the "
                       "environment, if an unload password is set)"},
                      form);
  }
  const bool has_unit = UnitFor(folder) == kUnitPath;
  if (!IsAgentFolder(folder)) {
    return PrintError({Code::kNotFound, "there is no agent in " + folder.string(), ""}, form);
  }
  std::string id;
  if (const auto installation = AskAgent(folder, {{"command", "status"}})) {
    id = Text(*installation, "agent");
  }
  const auto unloaded =
      AgentRuns(folder)
          ? StopRunning(folder, flags)
          : WithUnload(flags, [&](const SecretBytes* password, const std::string& warrant) {
              return PassUnloadHere(folder, password, warrant);
            });
  if (!unloaded) return PrintUnloadError(unloaded.error(), form);
  if (has_unit) {
    const auto removed = RemoveService();
    if (!removed) return PrintError(removed.error(), form);
  }
  // Away in one step: what is left over after a failure is no agent any more.
  if (const auto removed = RemoveFolder(folder); !removed) {
    return PrintError(removed.error(), form);
  }
  if (has_unit) {
    const auto removed = RemoveServiceUser();
    if (!removed) {
      return PrintError(
          WithContext("the agent is removed, its user is not", removed.error()).error(), form);
    }
  }
  return Said("The agent is removed" + std::string(has_unit ? ", with its service." : ".") +
                  (id.empty() ? "" : " On the server: countersign agents forget " + id),
              {{"ok", true}, {"agent", id}, {"service_removed", has_unit}}, form);
}

Exit UpdateNow(const fs::path& folder, Form form) {
  const auto answer = AskAgent(folder, {{"command", "update-now"}}, std::chrono::seconds(75));
  if (!answer) {
    Error error = answer.error();
    if (error.code == Code::kUnavailable) error.next = AgentdCommand(folder) + " start";
    return PrintError(error, form);
  }
  const std::string result = Text(*answer, "result");
  const Exit exit = ExitOfReport(*answer);
  if (form == Form::kJson) {
    PrintJson(*answer);
    return exit;
  }
  if (result != "verified") {
    PrintLine(result + ": " + Text(*answer, "why"));
    PrintLine("next: " + AgentdCommand(folder) + " check");
    return exit;
  }
  PrintLine(Flag(*answer, "moved")
                ? "Verified; the agent took over the certificate " + Text(*answer, "serial") + "."
                : "Verified; the agent holds the newest certificate, " + Text(*answer, "serial") +
                      ".");
  if (!Flag(*answer, "accepted")) {
    PrintLine("The server does not admit it yet: countersign agents approve ID, on the server.");
  }
  return exit;
}

}  // namespace countersign::cli
