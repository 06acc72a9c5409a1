#include <CLI/CLI.hpp>
#include <memory>

#include "cli/command_line.h"
#include "cli/move_commands.h"

// countersign move …
namespace countersign::cli {
namespace {

void AddWhom(CLI::App* command, MoveWhom& whom) {
  command->add_option("--agent", whom.agents, "an agent id; repeatable")->allow_extra_args(false);
  command->add_option("--list", whom.list, "file that names agents, as move plan -o writes it");
  command->add_option("--domain", whom.domain, "agents of this domain and of those beneath it");
  command->add_flag("--all", whom.all, "all agents");
}

void AddMovePlan(CommandLine& line, CLI::App* move) {
  auto* const plan = move->add_subcommand(
      "plan",
      "dry run: who would be moved and when, and who needs hands and why (exit code 45); changes "
      "nothing");
  const auto command = std::make_shared<MovePlanCommand>();
  AddWhom(plan, command->whom);
  plan->add_option("-o,--output", command->output,
                   "file for the list of those that can be moved, for the target");
  plan->add_flag("--names", command->names, "show all of them, not only those that need hands");
  plan->add_flag("--replace", command->replace, "overwrite an existing file");
  line.Then(plan,
            [command](Session& session, Form form) { return PlanMove(session, *command, form); });
}

void AddExpect(CommandLine& line, CLI::App* move) {
  auto* const expect = move->add_subcommand(
      "expect",
      "on the target: admit the agents of this list when they come, and write what their server "
      "needs of this one");
  const auto command = std::make_shared<MoveExpectCommand>();
  expect->add_option("list", command->list, "file that names them, as move plan -o writes it")
      ->required();
  expect->add_option("-o,--output", command->output, "file for the announcement (target.json)");
  expect
      ->add_option("--address", command->addresses,
                   "where they reach this server: HOST, HOST:PORT or HOST:PORT:HTTPS_PORT; "
                   "repeatable, the first is tried first (its public host and ports)")
      ->allow_extra_args(false);
  expect->add_option("--days", command->days, "how long they are expected")
      ->capture_default_str()
      ->check(CLI::Range(1, 365));
  expect->add_option("--from", command->from,
                     "id of the server that they come from, where the list does not say it");
  expect->add_flag("--replace", command->replace, "overwrite an existing file");
  line.Then(expect, [command](Session& session, Form form) {
    return ExpectAgents(session, *command, form);
  });
}

void AddMoveStart(CommandLine& line, CLI::App* move) {
  auto* const start = move->add_subcommand(
      "start",
      "order agents to move, one after another; each tries the target first, and stays "
      "where it does not prove itself or does not expect it");
  const auto command = std::make_shared<MoveStartCommand>();
  const auto password = std::make_shared<PasswordFlags>();
  AddWhom(start, command->whom);
  start->add_option("--target", command->target, "what move expect wrote on the target")
      ->required();
  start->add_option("--rate", command->rate, "at most so many: 60/min, 5/s, 0 (no limit)")
      ->capture_default_str();
  start
      ->add_option("--halt-at", command->halt_at,
                   "stop by itself when a greater share than this of the answers are failures")
      ->capture_default_str();
  auto* const warrant =
      start->add_option("--warrant", command->warrant,
                        "warrants that move warrant made elsewhere: no password is needed here");
  password->AddTo(start, "password of the automatic backup");
  for (const char* const option : {"--password-file", "--password-fd"}) {
    warrant->excludes(start->get_option(option));
  }
  line.Then(start, [command, password](Session& session, Form form) {
    command->password = password->Source();
    return StartMove(session, *command, form);
  });
}

void AddMoveStatus(CommandLine& line, CLI::App* move) {
  auto* const status = move->add_subcommand(
      "status", "how far it is: on a terminal a bar that follows it, otherwise one JSON object");
  const auto command = std::make_shared<MoveStatusCommand>();
  status->add_flag("--once", command->once, "print it once, as text, and end");
  status->add_option(
      "--wait", command->wait,
      "for scripts: wait at most this long (90s, 30min) for its end; exit code 0: "
      "all are moved, 3: no move began here, 43: halted, 44: ended, and some are not "
      "moved, 46: aborted, 9: still moving");
  status->add_option("--names", command->names, "list those in this state by name, and why")
      ->check(CLI::IsMember({"waiting", "ordered", "moved", "failed"}));
  line.Then(status,
            [command](Session& session, Form form) { return ShowMove(session, *command, form); });
}

void AddResumeAndAbort(CommandLine& line, CLI::App* move) {
  auto* const resume =
      move->add_subcommand("resume", "go on after a halt, and order those anew that failed");
  const auto command = std::make_shared<MoveResumeCommand>();
  resume->add_option("--halt-at", command->halt_at, "another share that stops it, like 10%");
  resume->add_option("--rate", command->rate, "another rate");
  line.Then(resume,
            [command](Session& session, Form form) { return ResumeMove(session, *command, form); });
  line.Then(move->add_subcommand("abort", "order nobody else away; who has moved stays moved"),
            [](Session& session, Form form) { return AbortMove(session, form); });
}

void AddWarrant(CommandLine& line, CLI::App* move) {
  auto* const warrant = move->add_subcommand(
      "warrant", "the owner's part, on a machine without network: sign warrants for move start");
  const auto command = std::make_shared<MoveWarrantCommand>();
  const auto password = std::make_shared<PasswordFlags>();
  warrant->add_option("--target", command->target, "what move expect wrote on the target")
      ->required();
  warrant->add_option("--list", command->list, "file that names the agents");
  warrant->add_flag("--all", command->all, "for all agents of the server");
  warrant->add_option("--server", command->server,
                      "id of the server to which they belong (as the list says; with --all those "
                      "of each that the backup holds)");
  warrant->add_option("--backup", command->backup, "copy of that server's OfficeScanAuth.dat")
      ->required();
  warrant->add_option("-o,--output", command->output, "file for the warrants")->required();
  warrant->add_option("--days", command->days, "how long they are good")
      ->capture_default_str()
      ->check(CLI::Range(1, 30));
  warrant->add_flag("--replace", command->replace, "overwrite an existing file");
  password->AddTo(warrant, "password of the automatic backup");
  line.ThenAlone(warrant, [command, password](Form form) {
    command->password = password->Source();
    return MakeWarrant(*command, form);
  });
}

}  // namespace

void AddMoveCommands(CommandLine& line) {
  auto* const move =
      line.app()
          .add_subcommand("move", "take agents to another server, and expect some from another")
          ->require_subcommand(1);
  AddMovePlan(line, move);
  AddExpect(line, move);
  AddMoveStart(line, move);
  AddMoveStatus(line, move);
  AddResumeAndAbort(line, move);
  AddWarrant(line, move);
}

}  // namespace countersign::cli
