#include <CLI/CLI.hpp>
#include <memory>

#include "cli/command_line.h"
#include "cli/owner_commands.h"

// countersign owner …: who certifies this server, and the owner's part done elsewhere.
namespace countersign::cli {
namespace {

void AddCreate(CommandLine& line, CLI::App* owner) {
  auto* const create = owner->add_subcommand(
      "create", "make a new owner key, certified by the present one, and a new certificate");
  const auto command = std::make_shared<OwnerCreateCommand>();
  const auto password = std::make_shared<PasswordFlags>();
  password->AddTo(create, "password of the automatic backup");
  create->add_option_function<std::string>(
      "--new-password-file",
      [command](const std::string& name) { command->new_password_file = name; },
      "file with a new one, \"\" asks (else COUNTERSIGN_NEW_PASSWORD, else it stays)");
  create->add_flag("--clock-is-right", command->clock_is_right,
                   "the clock stands before the newest certificate, and is right");
  create->add_flag("--offline", command->offline, "refused: says how it is done without a network");
  line.Then(create, [command, password](Session& session, Form form) {
    command->password = password->Source();
    return CreateOwner(session, *command, form);
  });
}

void AddRequest(CommandLine& line, CLI::App* owner) {
  auto* const request = owner->add_subcommand(
      "request", "ask the owner for a new certificate (CertificateManager -c -offline)");
  const auto command = std::make_shared<OwnerRequestCommand>();
  request->add_option("-o,--output", command->file, "file to write the request to")->required();
  request->add_flag("--compromised", command->compromised,
                    "the present keys were stolen: revoke their certificates");
  request->add_flag("--clock-is-right", command->clock_is_right,
                    "the clock stands before the newest certificate, and is right");
  request->add_flag("--replace", command->replace, "overwrite an existing file");
  line.Then(request,
            [command](Session& session, Form form) { return AskOwner(session, *command, form); });
}

void AddSign(CommandLine& line, CLI::App* owner) {
  auto* const sign = owner->add_subcommand(
      "sign", "the owner's part, on a machine without network and without a server's folder");
  const auto command = std::make_shared<OwnerSignCommand>();
  const auto password = std::make_shared<PasswordFlags>();
  sign->add_option("request", command->request, "the server's request")->required();
  sign->add_option("--backup", command->backup, "copy of OfficeScanAuth.dat")->required();
  sign->add_option("-o,--output", command->output, "file to write the answer to")->required();
  password->AddTo(sign, "password of the automatic backup");
  sign->add_flag("--clock-is-right", command->clock_is_right,
                 "this machine's clock is right, whatever the server's says");
  sign->add_flag("--yes", command->yes, "sign without asking");
  sign->add_flag("--replace", command->replace, "overwrite an existing file");
  line.ThenAlone(sign, [command, password](Form form) {
    command->password = password->Source();
    return SignRequest(*command, form);
  });
}

}  // namespace

void AddOwnerCommands(CommandLine& line) {
  auto* const owner =
      line.app().add_subcommand("owner", "who certifies this server")->require_subcommand(1);
  line.Then(owner->add_subcommand("show", "the owner key that agents follow, and earlier ones"),
            [](Session& session, Form form) { return ShowOwner(session, form); });
  AddCreate(line, owner);
  AddPasswordChange(line, owner, "change-password");
  AddRequest(line, owner);
  AddSign(line, owner);
  AddWarrantCommand(line, owner);
  auto* const install =
      owner->add_subcommand("install", "install the owner's answer on the server that asked");
  const auto file = std::make_shared<std::string>();
  install->add_option("answer", *file, "the owner's answer")->required();
  line.Then(install,
            [file](Session& session, Form form) { return InstallAnswer(session, *file, form); });
}

}  // namespace countersign::cli
