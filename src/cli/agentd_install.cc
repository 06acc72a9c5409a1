#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "agent/installation.h"
#include "agent/package_folder.h"
#include "base/acting_as.h"
#include "base/service_user.h"
#include "cli/agent_service.h"
#include "cli/agentd_commands.h"
#include "cli/agentd_mend.h"
#include "cli/folders.h"
#include "cli/shell_word.h"
#include "net/address.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUsualFolder = "/var/lib/countersign-agent";

bool WantsService(const InstallCommand& command, const fs::path& folder) {
  if (command.no_service || RealUser().uid != 0) return false;
  return command.service || command.packaged || fs::absolute(folder) == kUsualFolder;
}

Status SetListen(const std::string& listen, agent::InstallRequest& request) {
  if (listen.empty()) return {};
  const auto endpoint = net::ParseEndpoint(listen, 1);
  constexpr const char* kNext = "--listen 192.0.2.7, or --listen 192.0.2.7:20000";
  if (!endpoint) return Fail(Code::kUsage, "--listen: " + endpoint.error().message, kNext);
  if (!net::IpAddress::Parse(endpoint->host)) {
    return Fail(Code::kUsage, "--listen takes an address, not a name", kNext);
  }
  request.listen = endpoint->host;
  request.listen_port =
      listen.ends_with(':' + std::to_string(endpoint->port)) ? endpoint->port : std::uint16_t{0};
  return {};
}

// --listen over an agent changes nothing: it is not to look as if it did.
Status KeepsListen(const std::string& listen, const fs::path& folder) {
  agent::InstallRequest wanted{.package = {}, .path = folder};
  COUNTERSIGN_RETURN_IF_ERROR(SetListen(listen, wanted));
  if (listen.empty() || !IsAgentFolder(folder)) return {};
  const auto config = agent::ReadAgentConfig(folder);
  if (!config) return std::unexpected(config.error());
  const bool same_address = wanted.listen == config->listen;
  const bool same_port = wanted.listen_port == 0 || wanted.listen_port == config->listen_port;
  if (same_address && same_port) return {};
  const std::string now = net::Endpoint{config->listen, config->listen_port}.Text();
  return Fail(Code::kUsage,
              "--listen is for a new agent, and the one in " + folder.string() + " listens on " +
                  now + ". Nothing was changed",
              same_address
                  ? "the same command without --listen; for the port: IpXfer -s SERVER -c " +
                        std::to_string(wanted.listen_port) + " -e OfcNTCer.dat"
                  : "the same command without --listen; for the address: listen in " +
                        (folder / "agent.toml").string() + ", then start the agent anew");
}

// What the new agent sees of its server, before it ever runs: a package whose certificate the
// server does not use, and from which none leads on, is refused, and what was made is removed.
Status RefuseStale(const fs::path& folder, const AgentdActions& actions) {
  const auto facts = [&] {
    const auto acting = ActingAs::OwnerOf(folder);
    return acting ? actions.probe(folder, false) : doctor::AgentFacts();
  }();
  const auto diagnosis = doctor::DiagnoseAgent(facts);
  if (diagnosis.outcome != doctor::Outcome::kMismatch) return {};
  std::error_code failed;
  fs::remove_all(folder, failed);
  return StalePackage(facts.held.serial + " (SHA-256 " + facts.held.sha256 + ")",
                      facts.served
                          ? facts.served->serial + " (SHA-256 " + facts.served->sha256 + ")"
                          : "another one");
}

// Service makes the rest of the service; returns what is to be said of it.
Result<std::string> SetUpService(const InstallCommand& command, const fs::path& folder,
                                 const agent::PackageFolder& package) {
  const auto user = FindLocalUser(kServiceUser);
  if (!user) return Fail(Code::kIo, std::string("there is no user ") + kServiceUser);
  if (!command.packaged) {
    auto programs = package.Programs();
    if (!programs) return std::unexpected(std::move(programs).error());
    std::error_code failed;
    fs::path program = fs::path(kProgramFolder) / "countersign-agentd";
    if (programs->empty()) {
      program = fs::read_symlink("/proc/self/exe", failed);
    } else {
      COUNTERSIGN_RETURN_IF_ERROR(PlacePrograms(*programs));
    }
    COUNTERSIGN_RETURN_IF_ERROR(PlaceUnit(program, fs::absolute(folder)));
  }
  if (!HasSystemd()) {
    return "systemd does not run this machine: nothing was started, and nothing will start the "
           "agent at boot. By hand: countersign-agentd start";
  }
  COUNTERSIGN_RETURN_IF_ERROR(EnableAndStart());
  return std::string("The service ") + kServiceName + " runs, and starts at every boot.";
}

// What came of the first report of an agent that was just started.
std::string FirstReport(const fs::path& folder) {
  const auto answer = AskAgent(folder, {{"command", "update-now"}}, std::chrono::seconds(75));
  if (!answer) return "";
  if (Text(*answer, "result") != "verified") {
    return "Its first report: " + Text(*answer, "why") + ". " + AgentdCommand(folder) +
           " check says more.";
  }
  if (Flag(*answer, "accepted")) return "The server answered, and admits it.";
  return "The server answered, and does not admit it: the package has no token, or its token has "
         "expired, is used up or was revoked. On the server: countersign agents approve " +
         Text(*answer, "agent");
}

void PrintInstalled(const agent::Installed& installed, const fs::path& folder,
                    const std::string& service, Form form) {
  if (form == Form::kJson) {
    PrintJson({{"ok", true},
               {"result", "installed"},
               {"agent", installed.id.Text()},
               {"listen", installed.config.listen},
               {"listen_port", installed.config.listen_port},
               {"serial", installed.certificate.serial()},
               {"service", service}});
    return;
  }
  PrintLine("Agent " + installed.id.Text() + " is installed in " + folder.string() + ".");
  PrintLine("It trusts the certificate " + installed.certificate.serial() + " and reports to " +
            net::Endpoint{installed.config.server_host, installed.config.tls
                                                            ? installed.config.https_port
                                                            : installed.config.http_port}
                .Text() +
            (installed.config.tls ? " over HTTPS." : " over HTTP."));
  if (service.empty()) {
    PrintLine("next: " + AgentdCommand(folder));
    return;
  }
  PrintLine(service);
}

Exit InstallFresh(const InstallCommand& command, const fs::path& folder,
                  const agent::PackageFolder& package, const AgentdActions& actions, Form form) {
  agent::InstallRequest request{.package = package.path(), .path = folder};
  if (const auto set = SetListen(command.listen, request); !set) {
    return PrintError(set.error(), form);
  }
  const bool service = WantsService(command, folder);
  if (service) {
    const auto user = MakeServiceUser();
    if (!user) return PrintError(user.error(), form);
    request.owner = FindLocalUser(kServiceUser);
  }
  const auto installed = agent::Install(request);
  if (!installed) return PrintError(installed.error(), form);
  if (!command.no_verify) {
    const auto fresh = RefuseStale(folder, actions);
    if (!fresh) {
      (void)PrintError(fresh.error(), form);
      return Exit::kStalePackage;
    }
  }
  std::string said;
  if (service) {
    const auto set_up = SetUpService(command, folder, package);
    if (!set_up) return PrintError(set_up.error(), form);
    said = *set_up;
    if (HasSystemd()) said += " " + FirstReport(folder);
  }
  PrintInstalled(*installed, folder, said, form);
  return Exit::kOk;
}

// The agent is there: it keeps its folder and its key.
Exit InstallOver(const InstallCommand& command, const fs::path& folder,
                 const agent::PackageFolder& package, const AgentdActions& actions, Form form) {
  auto mended = MendAgent(command, folder, package.path(), actions);
  if (!mended) {
    (void)PrintError(mended.error().error, form);
    return mended.error().exit;
  }
  if (WantsService(command, folder)) {
    const auto service = [&]() -> Result<std::string> {
      COUNTERSIGN_RETURN_IF_ERROR(MakeServiceUser());
      const auto user = FindLocalUser(kServiceUser);
      const bool by_hand = AgentRuns(folder) && (!HasSystemd() || UnitFor(folder).empty());
      if (by_hand) {
        return "The agent runs by hand, and goes on with its old program: countersign-agentd stop, "
               "then install once more.";
      }
      if (!AgentRuns(folder) && user) COUNTERSIGN_RETURN_IF_ERROR(GiveTree(folder, *user));
      return SetUpService(command, folder, package);
    }();
    if (!service) return PrintError(service.error(), form);
    (*mended)["service"] = *service;
  }
  if (form == Form::kJson) {
    PrintJson(*mended);
  } else {
    PrintLine(Text(*mended, "text"));
    const std::string service = Text(*mended, "service");
    if (!service.empty()) PrintLine(service);
  }
  return Exit::kOk;
}

}  // namespace

Exit InstallAgent(const InstallCommand& command, const fs::path& folder,
                  const AgentdActions& actions, Form form) {
  std::error_code failed;
  if (fs::exists(folder, failed) && !fs::is_directory(folder, failed)) {
    return PrintError({Code::kAlreadyExists, folder.string() + " is there already, and no folder",
                       "--agent-folder with the name of a new one"},
                      form);
  }
  if (const auto listen = KeepsListen(command.listen, folder); !listen) {
    return PrintError(listen.error(), form);
  }
  const auto package = agent::PackageFolder::Open(command.package, folder);
  if (!package) {
    // A .deb, which the system's own program installs.
    const bool usage = package.error().code == Code::kUsage;
    return PrintError(OrNext(package.error(), usage ? "dpkg -i " + ShellWord(command.package) : ""),
                      form);
  }
  return IsAgentFolder(folder) ? InstallOver(command, folder, *package, actions, form)
                               : InstallFresh(command, folder, *package, actions, form);
}

}  // namespace countersign::cli
