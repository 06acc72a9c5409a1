#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "agent/installation.h"
#include "agent/present.h"
#include "agent/unload_lock.h"
#include "base/acting_as.h"
#include "cli/agent_service.h"
#include "cli/agentd_commands.h"
#include "cli/folders.h"
#include "net/open_when_free.h"
#include "store/agent_counters.h"

namespace countersign::cli {
namespace {

// StatusOfStopped reads what a stopped agent left.
Result<boost::json::object> StatusOfStopped(const std::filesystem::path& folder) {
  // Root looks at it as the user whose it is.
  const auto acting = ActingAs::OwnerOf(folder);
  if (!acting && acting.error().code != Code::kNotFound) return std::unexpected(acting.error());
  const auto installation =
      net::OpenWhenFree(folder, [&] { return agent::Installation::Open(folder); });
  if (!installation) return std::unexpected(installation.error());
  const auto file = installation->folder->LoadTrust();
  if (!file) return std::unexpected(file.error());
  const auto trust = trust::ParseTrustState(*file);
  if (!trust) return std::unexpected(trust.error());
  const auto counters = store::AgentCounters::Load(*installation->folder);
  if (!counters) return std::unexpected(counters.error());
  auto status = agent::StatusJson(Uuid::FromDigest(installation->key.public_key().digest()),
                                  installation->config, *trust, counters->head());
  status["ok"] = true;
  status["running"] = false;
  return status;
}

Result<boost::json::object> StatusOfRunning(const std::filesystem::path& folder) {
  return AskAgent(folder, {{"command", "status"}});
}

// What the machine says of the agent, and not the agent: its unit, and whether it can be unloaded
// without a password.
void AddMachineFacts(const std::filesystem::path& folder, boost::json::object& status) {
  const auto unit = HasSystemd() ? UnitFor(folder) : std::filesystem::path();
  status["unit"] = unit.string();
  if (status.contains("unload_password")) return;
  const auto acting = ActingAs::OwnerOf(folder);
  if (!acting) return;
  const auto lock = agent::UnloadLock::Open(folder);
  status["unload_password"] = boost::json::object{{"set", !lock || lock->is_set()}};
}

bool UnloadIsSet(const boost::json::object& status) {
  const auto* const unload = status.if_contains("unload_password");
  return unload != nullptr && unload->is_object() && Flag(unload->get_object(), "set");
}

// PrintActs says what orders can make the running agent do.
void PrintActs(const boost::json::object& acts) {
  PrintLine("Reports every " + Text(acts, "interval") + " s" +
            (Number(acts, "interval_by_order") == 0
                 ? ""
                 : " (an order said " + Text(acts, "interval_by_order") + ")"));
  PrintLine("Acts that its policy allows: " + ListText(acts, "allowed"));
  const std::string programs = ListText(acts, "programs");
  if (!programs.empty()) PrintLine("Programs that its policy names: " + programs);
  const std::string hooks = ListText(acts, "hooks");
  if (!hooks.empty()) PrintLine("Hooks: " + hooks);
  const std::string trouble = Text(acts, "policy_not_taken");
  if (!trouble.empty()) {
    PrintLine("WARNING: the local policy is not taken: " + trouble);
    PrintLine("  next: mend it, then: kill -HUP of the agent, or systemctl reload its service");
  }
}

}  // namespace

Exit ShowAgentStatus(const std::filesystem::path& folder, Form form) {
  auto status = StatusOfRunning(folder);
  if (!status && status.error().code == Code::kUnavailable) {
    status = StatusOfStopped(folder);
    // An agent that has just started has the folder now.
    if (!status && status.error().code == Code::kUnavailable) {
      if (auto started = StatusOfRunning(folder)) status = std::move(started);
    }
  }
  if (!status) return PrintError(status.error(), form);
  AddMachineFacts(folder, *status);
  if (form == Form::kJson) {
    PrintJson(*status);
    return Exit::kOk;
  }
  const bool running = status->at("running").as_bool();
  PrintLine("Agent " + Text(*status, "agent") + (running ? " is running." : " is not running."));
  PrintLine("Server: " + Text(*status, "server_host") + ", port " + Text(*status, "server_port"));
  PrintLine("Listens at: " + Text(*status, "listen") + ", port " + Text(*status, "listen_port"));
  const auto& certificate = status->at("certificate").as_object();
  PrintLine("Belongs to the server with the id " + Text(certificate, "server") + ", and trusts:");
  PrintCertificate(certificate, "  ");
  const auto& history = status->at("history").as_object();
  PrintLine("Server's history, newest line seen: " + Text(history, "head"));
  if (const auto* const step = history.at("noticed").if_object()) {
    PrintLine("WARNING: " + Text(*step, "at") + ": " + Text(*step, "text") + ".");
    PrintLine("  next: on the server, countersign events verify");
  }
  const std::string unit = Text(*status, "unit");
  PrintLine("Service: " + (unit.empty() ? "none; it is started by hand" : unit));
  PrintLine(std::string("Unload password: ") + (UnloadIsSet(*status) ? "set" : "none is set"));
  if (!running) return Exit::kOk;
  PrintLine(std::string("Admitted by the server: ") +
            (Flag(*status, "accepted") ? "yes" : "it has not said so since the agent's start"));
  PrintActs(status->at("acts").as_object());
  const std::string verified = Text(*status, "last_verified");
  PrintLine("Last verified reply: " + (verified.empty() ? "none since its start" : verified));
  const std::string error = Text(*status, "last_error");
  if (!error.empty()) PrintLine("Newest report: " + error);
  return Exit::kOk;
}

}  // namespace countersign::cli
