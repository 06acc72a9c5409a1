#include <CLI/CLI.hpp>
#include <memory>

#include "cli/command_line.h"
#include "cli/unload_commands.h"
#include "cli/warrant_command.h"

// countersign agents unload-password …, countersign owner warrant.
namespace countersign::cli {
namespace {

void AddScope(CLI::App* app, const std::shared_ptr<UnloadCommand>& command) {
  auto* const group = app->add_option_group("whom it is for");
  group->add_option("--agent", command->agents, "agent id; repeatable")->allow_extra_args(false);
  group->add_option("--domain", command->domain, "all agents of a domain, and beneath it");
  group->add_flag("--all", command->all, "all agents of this server");
  group->require_option(1);
}

void AddSet(CommandLine& line, CLI::App* parent) {
  auto* const set = parent->add_subcommand("set", "have agents protected by a password");
  const auto command = std::make_shared<UnloadCommand>();
  AddScope(set, command);
  auto* const by_file = set->add_option("--password-file", command->password.file,
                                        "file with the unload password (- for standard input; else "
                                        "COUNTERSIGN_UNLOAD_PASSWORD, else asked for)");
  set->add_option("--password-fd", command->password.fd, "open file descriptor with it")
      ->excludes(by_file);
  line.Then(set,
            [command](Session& session, Form form) { return SetUnload(session, *command, form); });
}

}  // namespace

void AddUnloadCommands(CommandLine& line, CLI::App* agents) {
  auto* const unload = agents->add_subcommand(
      "unload-password", "what it takes to move, stop or uninstall an agent on its machine");
  unload->require_subcommand(1);
  AddSet(line, unload);
  auto* const clear = unload->add_subcommand("clear", "have it taken away");
  const auto command = std::make_shared<UnloadCommand>();
  AddScope(clear, command);
  line.Then(clear, [command](Session& session, Form form) {
    return ClearUnload(session, *command, form);
  });
  line.Then(unload->add_subcommand("show", "what was said, and which agent has got it"),
            [](Session& session, Form form) { return ShowUnload(session, form); });
}

void AddWarrantCommand(CommandLine& line, CLI::App* owner) {
  auto* const warrant =
      owner->add_subcommand("warrant", "allow at one agent, once, what no server can allow");
  const auto command = std::make_shared<WarrantCommand>();
  const auto password = std::make_shared<PasswordFlags>();
  warrant->add_option("--unlock", command->unlock, "agent whose unload password it passes")
      ->required();
  warrant->add_option("--expires", command->expires, "how long it is good: 12h, 7d (30d at most)");
  warrant->add_option("--server", command->server,
                      "server id of the agent, where the backup holds several");
  warrant->add_option("--backup", command->backup,
                      "copy of OfficeScanAuth.dat (else that of the server here)");
  warrant->add_option("-o,--output", command->output, "file to write it to")->required();
  warrant->add_flag("--replace", command->replace, "overwrite an existing file");
  password->AddTo(warrant, "password of the automatic backup");
  line.ThenAlone(warrant, [&line, command, password](Form form) {
    command->password = password->Source();
    command->data = line.data();
    return WriteUnlockWarrant(*command, form);
  });
}

}  // namespace countersign::cli
