#include "cli/agentd.h"

#include <CLI/CLI.hpp>

#include "base/user.h"
#include "cli/agentd_commands.h"
#include "cli/agentd_unload.h"
#include "cli/folders.h"
#include "cli/output.h"
#include "cli/usage.h"

namespace countersign::cli {
namespace {

void AddUnloadFlags(CLI::App* command, UnloadFlags& flags) {
  auto* const file = command->add_option(
      "--password-file", flags.file,
      "file with the unload password, where one is set (- for standard input; else "
      "COUNTERSIGN_UNLOAD_PASSWORD, else asked for)");
  command->add_option("--password-fd", flags.fd, "open file descriptor with it")->excludes(file);
  command->add_option("--warrant", flags.warrant,
                      "file with a warrant of the owner, in place of the unload password");
}

// AgentdLine is the command line; what was parsed lives as long as it.
class AgentdLine {
 public:
  AgentdLine()
      : app_("countersign-agentd: the agent on this machine", "countersign-agentd"),
        unload_password_(app_) {
    app_.set_version_flag("--version", COUNTERSIGN_VERSION);
    app_.add_option(
        "--agent-folder", folder_,
        "the agent's folder (else COUNTERSIGN_AGENT_FOLDER, /var/lib/countersign-agent)");
    app_.add_flag("--json", json_, "JSON output; for the running agent, a log of JSON lines");
    app_.fallthrough();
    app_.footer("Without a command it runs the agent in the foreground.");
    AddInstall();
    AddOthers();
  }

  int Run(int argc, char** argv, const AgentdActions& actions) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return static_cast<int>(ExplainUsage(app_, error, argc, argv));
    }
    return static_cast<int>(Act(actions));
  }

 private:
  void AddInstall() {
    install_ = app_.add_subcommand(
        "install", "make the agent from a package, or mend the one that is installed");
    install_
        ->add_option("--from", command_.package,
                     "the package: a folder with OfcNTCer.dat and package.toml, or a .tar.gz file")
        ->required();
    install_->add_option("--listen", command_.listen,
                         "address:port to listen on (0.0.0.0 and a drawn port)");
    auto* const service = install_->add_flag(
        "--service", command_.service, "also a service, though the folder is not the usual one");
    install_->add_flag("--no-service", command_.no_service, "only the folder: no user, no service")
        ->excludes(service);
    install_->add_flag("--packaged", command_.packaged,
                       "programs and unit are in place (for packages of the system)");
    install_->add_flag("--no-verify", command_.no_verify,
                       "although the server cannot be asked, or uses another certificate");
    AddUnloadFlags(install_, command_.unload);
  }

  void AddOthers() {
    uninstall_ = app_.add_subcommand("uninstall", "remove the agent, its folder and its service");
    AddUnloadFlags(uninstall_, flags_);
    start_ = app_.add_subcommand("start", "start the agent");
    stop_ = app_.add_subcommand("stop", "stop the agent");
    AddUnloadFlags(stop_, flags_);
    stop_->add_flag("--unload", unload_,
                    "ask for the unload password also if it does not run (for packages)");
    status_ = app_.add_subcommand("status", "what the agent trusts, and how it is doing");
    update_ =
        app_.add_subcommand("update-now", "report to the server now, and say what came of it");
    check_ = app_.add_subcommand("check",
                                 "is a certificate mismatch the problem, or what else: exit code 0 "
                                 "all well, 47 mismatch, 48 something else");
  }

  Exit Act(const AgentdActions& actions) {
    const Form form = json_ ? Form::kJson : Form::kText;
    const auto path = AgentFolderPath(folder_);
    // Who may not look into the folder would be told that no agent is there.
    if (!app_.get_subcommands().empty()) {
      const auto may = CheckAdministers(path);
      if (!may) return PrintError(may.error(), form);
    }
    if (install_->parsed()) return InstallAgent(command_, path, actions, form);
    if (uninstall_->parsed()) return UninstallAgent(path, flags_, form);
    if (start_->parsed()) return StartAgent(path, form);
    if (stop_->parsed()) return StopAgent(path, flags_, unload_, form);
    if (check_->parsed()) return CheckAgent(path, actions, form);
    if (const auto there = CheckAgentFolder(path, "--agent-folder"); !there) {
      return PrintError(there.error(), app_.get_subcommands().empty() ? Form::kText : form);
    }
    if (status_->parsed()) return ShowAgentStatus(path, form);
    if (update_->parsed()) return UpdateNow(path, form);
    if (unload_password_.parsed()) return unload_password_.Run(path, form);
    const Status ended = actions.run(path, json_);
    return ended ? Exit::kOk : PrintError(ended.error(), Form::kText);
  }

  CLI::App app_;
  AgentdUnload unload_password_;
  std::string folder_;
  bool json_ = false;
  bool unload_ = false;
  InstallCommand command_;
  UnloadFlags flags_;
  CLI::App* install_ = nullptr;
  CLI::App* uninstall_ = nullptr;
  CLI::App* start_ = nullptr;
  CLI::App* stop_ = nullptr;
  CLI::App* status_ = nullptr;
  CLI::App* update_ = nullptr;
  CLI::App* check_ = nullptr;
};

}  // namespace

int RunAgentd(int argc, char** argv, const AgentdActions& actions) {
  return AgentdLine().Run(argc, argv, actions);
}

}  // namespace countersign::cli
