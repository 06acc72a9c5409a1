#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <utility>

#include "cli/agent_commands.h"
#include "cli/command_line.h"
#include "cli/history_commands.h"
#include "cli/server_commands.h"
#include "cli/web_certificate.h"

// countersign server …, countersign status, countersign events …
namespace countersign::cli {
namespace {

void AddIdentityOptions(CLI::App* init, InitCommand& command) {
  init->add_option("--import", command.import_file,
                   "take over keys and certificates from a PKCS#12 file, an OfficeScanAuth.dat or "
                   "the ZIP of CertificateManager -b");
  init->add_option("--key", command.import_key,
                   "with --import: which key of several: its thumbprint, or its begin");
  init->add_option("--follower", command.config.follower_of,
                   "with --import: this server shares the identity of the server with this name, "
                   "which alone makes its certificates");
  init->add_option("--owner-from", command.owner_file,
                   "another server's OfficeScanAuth.dat: its owner certifies this server, too, "
                   "which gets a certificate of its own");
  init->add_option("--password-file", command.password_file,
                   "file with the password of the automatic backup (- for standard input; else "
                   "COUNTERSIGN_PASSWORD, else asked for)");
  init->add_option("--password-fd", command.password_fd, "open file descriptor with it");
  init->add_option(
      "--import-password-file", command.import_password_file,
      "file with the password of the imported file (else COUNTERSIGN_IMPORT_PASSWORD)");
  init->add_option("--import-password-fd", command.import_password_fd,
                   "open file descriptor with it");
  init->add_option("--owner-password-file", command.owner_password_file,
                   "file with the password of the --owner-from file (else "
                   "COUNTERSIGN_OWNER_PASSWORD, else asked for)");
  init->add_flag("--generate-password", command.generate_password,
                 "draw the password of the automatic backup and print it once");
}

void AddSettings(CLI::App* init, store::ServerConfig& config) {
  init->add_option("--listen", config.listen, "address to listen on")->capture_default_str();
  init->add_flag("--http,!--no-http", config.http, "serve agents over HTTP (by default it does)");
  init->add_option("--http-port", config.http_port, "port for it")->capture_default_str();
  init->add_flag("--https,!--no-https", config.https,
                 "serve agents over HTTPS (by default it does)");
  init->add_option("--https-port", config.https_port, "port for it")->capture_default_str();
  init->add_option("--public-host", config.public_host,
                   "name or address by which agents reach this server");
  init->add_option("--call-network", config.call_networks,
                   "network (CIDR) that the server may call besides the addresses that reports "
                   "come from; repeatable")
      ->allow_extra_args(false);
  init->add_option("--common-name", config.common_name, "common name of certificates")
      ->capture_default_str();
  init->add_option_function<long>(
      "--report-interval",
      [&config](const long& seconds) { config.report_interval = Seconds(seconds); },
      "seconds between two reports of an agent (60 to 86400)");
}

void AddInit(CommandLine& line, CLI::App* server) {
  auto* const init = server->add_subcommand("init", "make a server's folder and its identity");
  init->footer("On a terminal and without options it asks for what it needs.");
  const auto command = std::make_shared<InitCommand>();
  AddIdentityOptions(init, *command);
  AddSettings(init, command->config);
  line.ThenAlone(init, [&line, init, command](Form form) {
    command->folder = DataFolder(line.data());
    command->has_options = std::ranges::any_of(
        init->get_options(), [](const auto* option) { return option->count() > 0; });
    return InitServer(*command, form);
  });
}

void AddWebCertificate(CommandLine& line, CLI::App* server) {
  auto* const web = server->add_subcommand("web-certificate", "with what this server speaks TLS")
                        ->require_subcommand(1);
  line.Then(web->add_subcommand("show", "the certificate, and the key that agents know"),
            [](Session& session, Form form) { return ShowWebCertificate(session, form); });
  line.Then(web->add_subcommand("renew", "make a new self-signed certificate for the same key"),
            [](Session& session, Form form) { return RenewWebCertificate(session, form); });
  auto* const install = web->add_subcommand("install", "use a certificate that somebody issued");
  struct Files {
    std::string certificate;
    std::string key;
  };
  const auto files = std::make_shared<Files>();
  install->add_option("--cert", files->certificate, "PEM with its chain after it, or DER")
      ->required();
  install->add_option("--key", files->key, "its private key: PEM without a password")->required();
  line.Then(install, [files](Session& session, Form form) {
    return InstallWebCertificate(session, files->certificate, files->key, form);
  });
}

}  // namespace

void AddServerCommands(CommandLine& line) {
  auto* const server = line.app().add_subcommand("server", "this server")->require_subcommand(1);
  AddInit(line, server);
  AddWebCertificate(line, server);
  line.Then(line.app().add_subcommand("status", "the server's certificate, its agents, warnings"),
            [](Session& session, Form form) { return ShowStatus(session, form); });
  auto* const events = line.app().add_subcommand("events", "what happened")->require_subcommand(1);
  line.Then(events->add_subcommand("list", "all events, oldest first"),
            [](Session& session, Form form) { return ListEvents(session, form); });
  line.Then(events->add_subcommand("history", "the signed lines of operations with keys"),
            [](Session& session, Form form) { return ExportHistory(session, form); });
  line.Then(events->add_subcommand("verify", "whether a line or an event was altered or removed"),
            [](Session& session, Form form) { return VerifyHistory(session, form); });
}

}  // namespace countersign::cli
