#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/agent_commands.h"
#include "cli/command_line.h"
#include "cli/package_command.h"
#include "cli/repair_kit.h"
#include "server/standing.h"

// countersign agents …, countersign order …
namespace countersign::cli {
namespace {

CLI::Option* AddStandings(CLI::App* command, std::vector<std::string>& standings) {
  const std::vector<std::string> words(server::kStandings.begin(), server::kStandings.end());
  return command->add_option("--standing", standings, "only agents of this standing; repeatable")
      ->check(CLI::IsMember(words))
      ->allow_extra_args(false);
}

void AddList(CommandLine& line, CLI::App* agents) {
  auto* const list = agents->add_subcommand("list", "all agents, or those of some standing");
  const auto command = std::make_shared<ListCommand>();
  const auto mismatched = std::make_shared<bool>(false);
  AddStandings(list, command->standings);
  list->add_option("--reach", command->reach, "only agents that are online, unreachable or offline")
      ->check(CLI::IsMember({"online", "unreachable", "offline"}));
  list->add_flag("--exposed", command->exposed, "only agents that a stolen key may still command");
  list->add_flag("--earlier-owner", command->earlier_owner,
                 "only agents that have not proved to follow the present owner");
  list->add_flag("--mismatched", *mismatched, "only agents without a valid certificate");
  line.Then(list, [command, mismatched](Session& session, Form form) {
    if (*mismatched) command->standings = {"mismatched", "quarantined"};
    return ListAgents(session, *command, form);
  });
}

void AddOne(CommandLine& line, CLI::App* agents) {
  const auto ids = std::make_shared<std::vector<std::string>>();
  auto* const show = agents->add_subcommand("show", "everything about one agent");
  show->add_option("agent", *ids, "agent id")->required()->expected(1);
  line.Then(show,
            [ids](Session& session, Form form) { return ShowAgent(session, ids->front(), form); });
  for (const auto& [name, text] : {std::pair("approve", "admit agents that wait for it"),
                                   std::pair("forget", "refuse agents' keys for ever")}) {
    auto* const command = agents->add_subcommand(name, text);
    command->add_option("agents", *ids, "agent ids")->required();
    line.Then(command, [ids, verb = std::string(name)](Session& session, Form form) {
      return ChangeAgents(session, verb, *ids, form);
    });
  }
}

void AddRepairKit(CommandLine& line, CLI::App* agents) {
  auto* const kit = agents->add_subcommand(
      "repair-kit", "make a ZIP with all that repairs agents in bulk: docs/repair-kit.md");
  const auto command = std::make_shared<RepairKitCommand>();
  const auto by_name = std::make_shared<bool>(false);
  kit->add_option("-o,--output", command->file, "file to write, like kit.zip")->required();
  auto* const mismatched = kit->add_flag("--mismatched", command->mismatched,
                                         "the agents of CertificateManager -l that it mends");
  AddStandings(kit, command->standings)->excludes(mismatched);
  kit->add_option("--agent", command->agents, "only this agent, by its id; repeatable")
      ->allow_extra_args(false);
  kit->add_option("--domain", command->domain, "only this domain and those beneath it");
  kit->add_flag("--by-name", *by_name, "go to hosts by their names, not by their addresses");
  kit->add_option("--mover", command->mover_folder,
                  "the folder with IpXfer and IpXfer_x64, if not beside this program");
  line.Then(kit, [command, by_name](Session& session, Form form) {
    if (!command->mismatched && command->standings.empty() && command->agents.empty() &&
        command->domain.empty()) {
      return PrintError({Code::kUsage, "--mismatched, --standing, --agent or --domain is needed",
                         "countersign agents repair-kit --mismatched -o kit.zip"},
                        form);
    }
    command->by = *by_name ? RepairBy::kName : RepairBy::kAddress;
    return MakeRepairKit(session, *command, form);
  });
}

void AddOrder(CommandLine& line) {
  auto* const order = line.app().add_subcommand("order", "orders to agents")->require_subcommand(1);
  auto* const send = order->add_subcommand("send", "send an order and wait for the receipts");
  const auto command = std::make_shared<OrderCommand>();
  // One value each time: what follows is the act.
  auto* const agent =
      send->add_option("--agent", command->agents, "agent id; repeatable")->allow_extra_args(false);
  send->add_flag("--all", command->all, "all admitted agents")->excludes(agent);
  send->add_option("act", command->act,
                   "ping, report, update-now, restart, set-interval, run, or an act for which the "
                   "agents have a hook")
      ->required();
  auto* const args = send->add_option("--args", command->args, "arguments as a JSON object");
  auto* const args_file =
      send->add_option("--args-file", command->args_file, "file with them")->excludes(args);
  send->add_option("program", command->program,
                   "with run: the name that the agents' policy has for the program, and its "
                   "arguments (put -- before them if one begins with -)")
      ->excludes(args)
      ->excludes(args_file);
  send->footer(
      "Examples:\n"
      "  countersign order send --all ping\n"
      "  countersign order send --agent ID set-interval --args '{\"seconds\":300}'\n"
      "  countersign order send --agent ID run -- df -h /var\n"
      "  countersign order send --all --wait 300 scan --args-file scan.json\n"
      "What an agent does of it, its local policy says: docs/actions.md.");
  auto* const wait = send->add_option_function<long>(
      "--wait", [command](const long& seconds) { command->wait = std::chrono::seconds(seconds); },
      "seconds to wait for the receipts (30)");
  send->add_flag_callback(
          "--no-wait", [command] { command->wait = std::chrono::seconds(0); },
          "queue it and return")
      ->excludes(wait);
  send->add_option_function<long>(
      "--expires",
      [command](const long& seconds) { command->expires = std::chrono::seconds(seconds); },
      "seconds after which an order that was not delivered lapses (7 days)");
  line.Then(send, [command](Session& session, Form form) {
    if (command->agents.empty() && !command->all) {
      return PrintError({Code::kUsage, "--agent ID or --all is needed", "countersign agents list"},
                        form);
    }
    return SendOrder(session, *command, form);
  });
}

}  // namespace

void AddAgentCommands(CommandLine& line) {
  auto* const agents =
      line.app().add_subcommand("agents", "agents of this server")->require_subcommand(1);
  AddList(line, agents);
  AddOne(line, agents);
  AddRepairKit(line, agents);
  AddUnloadCommands(line, agents);
  AddPackageCommands(line, agents);
  AddOrder(line);
}

}  // namespace countersign::cli
