#include "cli/countersign.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "cli/agent_commands.h"
#include "cli/certificate_commands.h"
#include "cli/passwords.h"
#include "cli/server_commands.h"
#include "cli/usage.h"

namespace countersign::cli {
namespace {

// CommandLine declares every command; each sets `run_`, which main calls after parsing.
class CommandLine {
 public:
  CommandLine() : app_("countersign: agents obey only their own management server", "countersign") {
    app_.set_version_flag("--version", COUNTERSIGN_VERSION);
    app_.require_subcommand(1);
    app_.add_option("--data", data_,
                    "the server's folder (else COUNTERSIGN_DATA, /var/lib/countersign)");
    app_.add_flag("--json", json_, "one JSON object as output");
    app_.fallthrough();
    AddServer();
    AddStatus();
    AddAgents();
    AddOrder();
    AddCert();
    AddBackup();
  }

  int Run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return static_cast<int>(ExplainUsage(app_, error, argc, argv));
    }
    return static_cast<int>(run_());
  }

 private:
  using OnSession = std::function<Exit(Session&, Form)>;

  [[nodiscard]] Form form() const { return json_ ? Form::kJson : Form::kText; }

  // Then makes a command that talks to a server, running or not.
  void Then(CLI::App* command, OnSession action) {
    command->callback([this, action = std::move(action)] {
      run_ = [this, action] {
        auto session = Session::Open(DataFolder(data_));
        if (!session) return PrintError(session.error(), form());
        return action(*session, form());
      };
    });
  }

  // WithPassword makes one that needs the password of the automatic backup.
  void WithPassword(CLI::App* command,
                    std::function<Exit(Session&, const SecretBytes&, Form)> action) {
    command->add_option(
        "--password-file", password_file_,
        "file with the password of the automatic backup (- for standard input; else "
        "COUNTERSIGN_PASSWORD, else asked for)");
    Then(command, [this, action = std::move(action)](Session& session, Form form) {
      const auto password = GetPassword({.what = "password of the automatic backup",
                                         .file = password_file_,
                                         .environment = "COUNTERSIGN_PASSWORD",
                                         .credential = "",
                                         .option = "--password-file"},
                                        Prompt::kOnce);
      return password ? action(session, *password, form) : PrintError(password.error(), form);
    });
  }

  void AddServer() {
    auto* const server = app_.add_subcommand("server", "this server")->require_subcommand(1);
    auto* const init = server->add_subcommand("init", "make a server's folder and its identity");
    init->add_option("--import", init_.import_file,
                     "take over key and certificate from a PKCS#12 file or an OfficeScanAuth.dat");
    init->add_option("--password-file", init_.password_file,
                     "file with the password of the automatic backup (- for standard input; else "
                     "COUNTERSIGN_PASSWORD, else asked for)");
    init->add_option(
        "--import-password-file", init_.import_password_file,
        "file with the password of the imported file (else COUNTERSIGN_IMPORT_PASSWORD)");
    init->add_flag("--generate-password", init_.generate_password,
                   "draw the password of the automatic backup and print it once");
    init->add_option("--listen", init_.config.listen, "address to listen on")
        ->capture_default_str();
    init->add_option("--http-port", init_.config.http_port, "port for agents")
        ->capture_default_str();
    init->add_option("--public-host", init_.config.public_host,
                     "name or address by which agents reach this server");
    init->add_option("--call-network", init_.config.call_networks,
                     "network (CIDR) that the server may call besides the addresses that reports "
                     "come from; repeatable")
        ->allow_extra_args(false);
    init->add_option("--common-name", init_.config.common_name, "common name of certificates")
        ->capture_default_str();
    init->add_option_function<long>(
        "--report-interval",
        [this](const long& seconds) { init_.config.report_interval = Seconds(seconds); },
        "seconds between two reports of an agent (60 to 86400)");
    init->callback([this] {
      run_ = [this] {
        init_.folder = DataFolder(data_);
        return InitServer(init_, form());
      };
    });
  }

  void AddStatus() {
    Then(app_.add_subcommand("status", "the server's certificate, its agents, and warnings"),
         [](Session& session, Form form) { return ShowStatus(session, form); });
    auto* const events = app_.add_subcommand("events", "what happened")->require_subcommand(1);
    Then(events->add_subcommand("list", "all events, oldest first"),
         [](Session& session, Form form) { return ListEvents(session, form); });
  }

  void AddAgents() {
    auto* const agents =
        app_.add_subcommand("agents", "agents of this server")->require_subcommand(1);
    auto* const list = agents->add_subcommand("list", "all agents, or those of some standing");
    list->add_option("--standing", list_.standings,
                     "verified, behind, mismatched, new or quarantined; repeatable")
        ->allow_extra_args(false);
    list->add_flag("--mismatched", mismatched_, "only agents without a valid certificate");
    Then(list, [this](Session& session, Form form) {
      if (mismatched_) list_.standings = {"mismatched", "quarantined"};
      return ListAgents(session, list_, form);
    });
    auto* const show = agents->add_subcommand("show", "everything about one agent");
    show->add_option("agent", ids_, "agent id")->required()->expected(1);
    Then(show,
         [this](Session& session, Form form) { return ShowAgent(session, ids_.front(), form); });
    for (const auto& [name, text] : {std::pair("approve", "admit agents that wait for it"),
                                     std::pair("forget", "refuse agents' keys for ever")}) {
      auto* const command = agents->add_subcommand(name, text);
      command->add_option("agents", ids_, "agent ids")->required();
      Then(command, [this, verb = std::string(name)](Session& session, Form form) {
        return ChangeAgents(session, verb, ids_, form);
      });
    }
    auto* const package =
        agents->add_subcommand("package", "make an installation package for agents");
    package->add_option("-o,--output", package_.folder, "folder to make")->required();
    package->add_option("--domain", package_.domain, "domain of the agents, like eu/paris");
    package->add_option("--host", package_.host,
                        "the server's name or address, if not as configured");
    package->add_option("--uses", package_.uses,
                        "how many agents its token admits (0: any number)");
    package->add_option("--days", package_.days, "how long its token is good")
        ->capture_default_str();
    Then(package,
         [this](Session& session, Form form) { return MakePackage(session, package_, form); });
  }

  void AddOrder() {
    auto* const order = app_.add_subcommand("order", "orders to agents")->require_subcommand(1);
    auto* const send = order->add_subcommand("send", "send an order and wait for the receipts");
    // One value each time: what follows is the act.
    auto* const agent =
        send->add_option("--agent", order_.agents, "agent id; repeatable")->allow_extra_args(false);
    send->add_flag("--all", order_.all, "all admitted agents")->excludes(agent);
    send->add_option("act", order_.act, "ping, report or update-now")->required();
    send->add_option("--args", order_.args, "arguments as a JSON object");
    auto* const wait = send->add_option_function<long>(
        "--wait", [this](const long& seconds) { order_.wait = std::chrono::seconds(seconds); },
        "seconds to wait for the receipts (30)");
    send->add_flag_callback(
            "--no-wait", [this] { order_.wait = std::chrono::seconds(0); }, "queue it and return")
        ->excludes(wait);
    send->add_option_function<long>(
        "--expires",
        [this](const long& seconds) { order_.expires = std::chrono::seconds(seconds); },
        "seconds after which an order that was not delivered lapses (7 days)");
    Then(send, [this](Session& session, Form form) {
      if (order_.agents.empty() && !order_.all) {
        return PrintError(
            {Code::kUsage, "--agent ID or --all is needed", "countersign agents list"}, form);
      }
      return SendOrder(session, order_, form);
    });
  }

  void AddCert() {
    auto* const cert =
        app_.add_subcommand("cert", "the server's certificates")->require_subcommand(1);
    Then(cert->add_subcommand("list", "all certificates, with store, validity and thumbprints"),
         [](Session& session, Form form) { return ListCertificates(session, form); });
    auto* const replace =
        cert->add_subcommand("replace", "make a new certificate (CertificateManager -c)");
    replace->add_flag("--clock-is-right", clock_is_right_,
                      "the clock stands before the newest certificate, and is right");
    WithPassword(replace, [this](Session& session, const SecretBytes& password, Form form) {
      return ReplaceCertificate(session, password, clock_is_right_, form);
    });
    auto* const exporting =
        cert->add_subcommand("export", "export OfcNTCer.dat (CertificateManager -e)");
    exporting->add_option("path", path_, "file or folder")->required();
    Then(exporting,
         [this](Session& session, Form form) { return ExportCertificate(session, path_, form); });
  }

  void AddBackup() {
    auto* const backup =
        app_.add_subcommand("backup", "the automatic backup")->require_subcommand(1);
    auto* const password = backup->add_subcommand("password", "change its password");
    password->add_option(
        "--new-password-file", new_password_file_,
        "file with the new password (else COUNTERSIGN_NEW_PASSWORD, else asked for)");
    WithPassword(password, [this](Session& session, const SecretBytes& old_password, Form form) {
      const auto fresh = GetPassword({.what = "new password of the automatic backup",
                                      .file = new_password_file_,
                                      .environment = "COUNTERSIGN_NEW_PASSWORD",
                                      .credential = "",
                                      .option = "--new-password-file"},
                                     Prompt::kTwice);
      if (!fresh) return PrintError(fresh.error(), form);
      return ChangeBackupPassword(session, old_password, *fresh, form);
    });
  }

  CLI::App app_;
  std::function<Exit()> run_;
  std::string data_;
  bool json_ = false;
  InitCommand init_;
  ListCommand list_;
  bool mismatched_ = false;
  std::vector<std::string> ids_;
  PackageCommand package_;
  OrderCommand order_;
  std::string password_file_;
  std::string new_password_file_;
  bool clock_is_right_ = false;
  std::string path_;
};

}  // namespace

int RunCountersign(int argc, char** argv) { return CommandLine().Run(argc, argv); }

}  // namespace countersign::cli
