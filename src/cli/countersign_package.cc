#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

#include "cli/agent_commands.h"
#include "cli/package_command.h"

// countersign agents package, countersign agents merge, countersign token …
namespace countersign::cli {
namespace {

void AddToken(CommandLine& line) {
  auto* const token =
      line.app().add_subcommand("token", "enrolment tokens of packages")->require_subcommand(1);
  auto* const list = token->add_subcommand("list", "tokens, and whom they still admit");
  line.Then(list, [](Session& session, Form form) { return ListTokens(session, form); });
  auto* const revoke = token->add_subcommand("revoke", "let tokens admit nobody any more");
  const auto ids = std::make_shared<std::vector<std::string>>();
  revoke->add_option("tokens", *ids, "ids of tokens")->required();
  line.Then(revoke,
            [ids](Session& session, Form form) { return RevokeTokens(session, *ids, form); });
}

void AddMerge(CommandLine& line, CLI::App* agents) {
  auto* const merge = agents->add_subcommand(
      "merge", "say that two rows are one machine: the earlier one is retired");
  const auto ids = std::make_shared<std::vector<std::string>>();
  merge->add_option("agents", *ids, "the new agent's id, then the earlier one's")
      ->required()
      ->expected(2);
  line.Then(merge, [ids](Session& session, Form form) {
    return ChangeAgents(session, "merge", *ids, form);
  });
}

}  // namespace

void AddPackageCommands(CommandLine& line, CLI::App* agents) {
  auto* const package =
      agents->add_subcommand("package", "make an installation package for agents");
  const auto command = std::make_shared<PackageCommand>();
  package
      ->add_option("-o,--output", command->output,
                   "folder to make, or a file that ends in .tar.gz or .deb")
      ->required();
  package->add_option("--domain", command->domain, "domain of the agents, like eu/paris");
  package->add_option("--host", command->host,
                      "the server's name or address, if not as configured");
  auto* const uses = package->add_option("--uses", command->uses,
                                         "how many agents its token admits (0: any number)");
  auto* const once = package->add_flag_callback(
      "--one-time", [command] { command->uses = 1; }, "its token admits one agent");
  once->excludes(uses);
  auto* const days = package->add_option("--days", command->days, "how long its token is good")
                         ->capture_default_str();
  auto* const until =
      package->add_option("--until", command->until, "the last day of its token, like 2027-01-31");
  until->excludes(days);
  auto* const none =
      package->add_flag("--no-token", command->without_token, "no token: a person admits agents");
  for (auto* const option : {uses, once, days, until}) none->excludes(option);
  auto* const without = package->add_flag("--no-programs", command->without_programs,
                                          "only OfcNTCer.dat and package.toml");
  package
      ->add_option("--programs", command->programs,
                   "folder with countersign-agentd and IpXfer for the endpoints")
      ->excludes(without);
  line.Then(package, [command](Session& session, Form form) {
    return MakePackage(session, *command, form);
  });
  AddMerge(line, agents);
  AddToken(line);
}

}  // namespace countersign::cli
