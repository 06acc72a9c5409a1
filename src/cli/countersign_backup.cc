#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

#include "cli/backup_commands.h"
#include "cli/command_line.h"

// countersign backup …
namespace countersign::cli {
namespace {

void AddVerify(CommandLine& line, CLI::App* backup) {
  auto* const verify = backup->add_subcommand(
      "verify", "open it with its password, and say what a restore would bring back");
  const auto command = std::make_shared<BackupVerifyCommand>();
  const auto password = std::make_shared<PasswordFlags>();
  verify->add_option("file", command->file,
                     "a copy, or another file with keys (else the automatic backup itself)");
  password->AddTo(verify, "password of the backup");
  line.Then(verify, [command, password](Session& session, Form form) {
    command->password = password->Source();
    return VerifyBackup(session, *command, form);
  });
}

void AddDrill(CommandLine& line, CLI::App* backup) {
  auto* const drill = backup->add_subcommand(
      "drill", "restore it into a scratch folder, make a certificate there, and compare");
  const auto command = std::make_shared<BackupDrillCommand>();
  const auto password = std::make_shared<PasswordFlags>();
  password->AddTo(drill, "password of the automatic backup");
  drill->add_option("--scratch", command->scratch,
                    "folder to make and remove again (else one in the server's folder)");
  line.Then(drill, [command, password](Session& session, Form form) {
    command->password = password->Source();
    return DrillBackup(session, *command, form);
  });
}

}  // namespace

void AddPasswordChange(CommandLine& line, CLI::App* parent, const std::string& name) {
  auto* const change = parent->add_subcommand(name, "change the password of the automatic backup");
  const auto password = std::make_shared<PasswordFlags>();
  const auto fresh = std::make_shared<PasswordFlags>();
  password->AddTo(change, "present password of the automatic backup");
  auto* const by_file = change->add_option(
      "--new-password-file", fresh->file,
      "file with the new password (else COUNTERSIGN_NEW_PASSWORD, else asked for)");
  change->add_option("--new-password-fd", fresh->fd, "open file descriptor with it")
      ->excludes(by_file);
  line.Then(change, [password, fresh](Session& session, Form form) {
    BackupPasswordCommand command{.password = password->Source(), .fresh = fresh->Source()};
    command.fresh.what = "new password of the automatic backup";
    command.fresh.environment = "COUNTERSIGN_NEW_PASSWORD";
    command.fresh.option = "--new-password-file";
    return ChangeBackupPassword(session, command, form);
  });
}

void AddBackupCommands(CommandLine& line) {
  auto* const backup =
      line.app().add_subcommand("backup", "the automatic backup")->require_subcommand(1);
  line.Then(backup->add_subcommand("status", "where it is, how old, and when it was verified"),
            [](Session& session, Form form) { return ShowBackupStatus(session, form); });
  AddVerify(line, backup);
  AddDrill(line, backup);
  AddPasswordChange(line, backup, "password");
}

}  // namespace countersign::cli
