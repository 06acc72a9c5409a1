#include "cli/agentd.h"

#include <CLI/CLI.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "agent/installation.h"
#include "agent/present.h"
#include "base/process.h"
#include "cli/agentd_unload.h"
#include "cli/output.h"
#include "cli/session.h"
#include "cli/usage.h"
#include "net/address.h"
#include "net/control_client.h"
#include "net/open_when_free.h"
#include "store/agent_counters.h"

namespace countersign::cli {
namespace {

Exit InstallAgent(agent::InstallRequest request, const std::string& listen, Form form) {
  if (!listen.empty()) {
    const auto endpoint = net::ParseEndpoint(listen, 1);
    if (!endpoint) return PrintError(endpoint.error(), form);
    if (!net::IpAddress::Parse(endpoint->host)) {
      return PrintError({Code::kUsage, "--listen takes an address, not a name", ""}, form);
    }
    request.listen = endpoint->host;
    request.listen_port =
        listen.ends_with(':' + std::to_string(endpoint->port)) ? endpoint->port : std::uint16_t{0};
  }
  const auto installed = agent::Install(request);
  if (!installed) return PrintError(installed.error(), form);
  if (form == Form::kJson) {
    PrintJson({{"ok", true},
               {"agent", installed->id.Text()},
               {"listen", installed->config.listen},
               {"listen_port", installed->config.listen_port},
               {"serial", installed->certificate.serial()}});
    return Exit::kOk;
  }
  PrintLine("Agent " + installed->id.Text() + " is installed in " + request.path.string() + ".");
  PrintLine("It trusts the certificate " + installed->certificate.serial() + " and reports to " +
            net::Endpoint{installed->config.server_host, installed->config.tls
                                                             ? installed->config.https_port
                                                             : installed->config.http_port}
                .Text() +
            (installed->config.tls ? " over HTTPS." : " over HTTP."));
  PrintLine("next: countersign-agentd --agent-folder " + request.path.string());
  return Exit::kOk;
}

// StatusOfStopped reads what a stopped agent left.
Result<boost::json::object> StatusOfStopped(const std::filesystem::path& folder) {
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
  auto client = net::ControlClient::Connect(folder);
  if (!client) return std::unexpected(std::move(client).error());
  const auto answer = client->Call({R"({"command":"status"})", {}, {}}, std::chrono::seconds(10));
  if (!answer) return std::unexpected(answer.error());
  boost::system::error_code failed;
  const auto value = boost::json::parse(answer->json, failed);
  if (failed || !value.is_object()) return Fail(Code::kInternal, "the agent's answer is no object");
  if (auto error = AnswerError(value.get_object())) return std::unexpected(*std::move(error));
  return value.get_object();
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
  if (form == Form::kJson) {
    PrintJson(*status);
    return Exit::kOk;
  }
  const bool running = status->at("running").as_bool();
  PrintLine("Agent " + Text(*status, "agent") + (running ? " is running." : " is not running."));
  PrintLine("Server: " + Text(*status, "server_host") + ", port " + Text(*status, "server_port"));
  PrintLine("Listens at: " + Text(*status, "listen") + ", port " + Text(*status, "listen_port"));
  PrintLine("It trusts:");
  PrintCertificate(status->at("certificate").as_object(), "  ");
  const auto& history = status->at("history").as_object();
  PrintLine("Server's history, newest line seen: " + Text(history, "head"));
  if (const auto* const step = history.at("noticed").if_object()) {
    PrintLine("WARNING: " + Text(*step, "at") + ": " + Text(*step, "text") + ".");
    PrintLine("  next: on the server, countersign events verify");
  }
  if (!running) return Exit::kOk;
  PrintActs(status->at("acts").as_object());
  const std::string verified = Text(*status, "last_verified");
  PrintLine("Last verified reply: " + (verified.empty() ? "none since its start" : verified));
  const std::string error = Text(*status, "last_error");
  if (!error.empty()) PrintLine("Newest report: " + error);
  return Exit::kOk;
}

int Finish(const Status& ended) {
  return static_cast<int>(ended ? Exit::kOk : PrintError(ended.error(), Form::kText));
}

int Parse(CLI::App& app, int argc, char** argv, const std::function<int()>& then) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return static_cast<int>(ExplainUsage(app, error, argc, argv));
  }
  return then();
}

}  // namespace

int RunAgentd(int argc, char** argv, const RunDaemon& run) {
  CLI::App app("countersign-agentd: the agent on this machine", "countersign-agentd");
  app.set_version_flag("--version", COUNTERSIGN_VERSION);
  std::string folder;
  std::string listen;
  std::string package;
  bool json = false;
  app.add_option("--agent-folder", folder,
                 "the agent's folder (else COUNTERSIGN_AGENT_FOLDER, /var/lib/countersign-agent)");
  app.add_flag("--json", json, "JSON output; for the running agent, a log of JSON lines");
  app.fallthrough();
  app.footer("Without a command it runs the agent in the foreground.");
  auto* const install = app.add_subcommand("install", "make the agent's folder from a package");
  install->add_option("--from", package, "folder with OfcNTCer.dat and package.toml")->required();
  install->add_option("--listen", listen, "address:port to listen on (0.0.0.0 and a drawn port)");
  auto* const status = app.add_subcommand("status", "what the agent trusts, and how it is doing");
  AgentdUnload unload(app);
  return Parse(app, argc, argv, [&]() -> int {
    const Form form = json ? Form::kJson : Form::kText;
    const auto path = AgentFolderPath(folder);
    if (install->parsed()) {
      return static_cast<int>(InstallAgent({.package = package, .path = path}, listen, form));
    }
    if (status->parsed()) return static_cast<int>(ShowAgentStatus(path, form));
    if (unload.parsed()) return static_cast<int>(unload.Run(path, form));
    return Finish(run(path, json));
  });
}

int RunServerd(int argc, char** argv, const RunDaemon& run) {
  CLI::App app("countersignd: the management server", "countersignd");
  app.set_version_flag("--version", COUNTERSIGN_VERSION);
  std::string folder;
  bool json = false;
  app.add_option("--data", folder,
                 "the server's folder (else COUNTERSIGN_DATA, /var/lib/countersign)");
  app.add_flag("--json", json, "a log of JSON lines");
  app.footer(
      "Runs in the foreground until SIGTERM; SIGHUP reads the configuration anew.\n"
      "countersign server init makes the folder.");
  return Parse(app, argc, argv, [&] { return Finish(run(DataFolder(folder), json)); });
}

}  // namespace countersign::cli
