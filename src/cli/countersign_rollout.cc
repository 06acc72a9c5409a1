#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

#include "cli/command_line.h"
#include "cli/proof_command.h"
#include "cli/rollout_commands.h"

// countersign rollout …
namespace countersign::cli {
namespace {

void AddFirstWave(CLI::App* command, std::string& canary, std::vector<std::string>& domains) {
  command->add_option("--canary", canary,
                      "first wave: this share of all agents, like 5% or 0.5%, drawn by chance");
  command
      ->add_option("--domain", domains,
                   "first wave: agents of this domain and of those beneath it, like eu or "
                   "eu/paris; repeatable, and together with --canary")
      ->allow_extra_args(false);
}

void AddRolloutPlan(CommandLine& line, CLI::App* rollout) {
  auto* const plan = rollout->add_subcommand(
      "plan",
      "dry run: how many agents would take a new certificate over, when, and who needs "
      "hands and why; changes nothing");
  const auto command = std::make_shared<RolloutPlanCommand>();
  AddFirstWave(plan, command->canary, command->domains);
  plan->add_option("--names", command->names,
                   "list this class by name: taken (have it), at-once (the server calls them), "
                   "next-contact, unseen (when they come back) or hands (with the command to run)")
      ->check(CLI::IsMember({"taken", "at-once", "next-contact", "unseen", "hands"}));
  line.Then(plan, [command](Session& session, Form form) {
    return PlanRollout(session, *command, form);
  });
}

void AddRolloutStart(CommandLine& line, CLI::App* rollout) {
  auto* const start = rollout->add_subcommand(
      "start",
      "make a new certificate and offer it to the first wave (--canary, --domain), then by itself "
      "to everybody; without a first wave to everybody now");
  const auto command = std::make_shared<RolloutStartCommand>();
  const auto password = std::make_shared<PasswordFlags>();
  AddFirstWave(start, command->canary, command->domains);
  start->add_option("--rate", command->rate,
                    "after the first wave: offer it to at most this many agents an hour (0: no "
                    "limit)");
  start
      ->add_option("--halt-at", command->halt_at,
                   "stop by itself when a greater share than this of the agents that answer "
                   "refuse it")
      ->capture_default_str();
  start
      ->add_option("--soak", command->soak,
                   "the first wave has it at least this long before everybody gets it: 90s, "
                   "30min, 1h, 2d")
      ->capture_default_str();
  auto* const reserve =
      start->add_flag("--reserve", command->from_reserve,
                      "offer the reserve certificate instead of a new one: needs no password");
  start->add_flag("--clock-is-right", command->clock_is_right,
                  "the clock stands before the newest certificate, and is right");
  password->AddTo(start, "password of the automatic backup");
  for (const char* const option : {"--password-file", "--password-fd"}) {
    reserve->excludes(start->get_option(option));
  }
  line.Then(start, [command, password](Session& session, Form form) {
    command->password = password->Source();
    return StartRollout(session, *command, form);
  });
}

void AddRolloutStatus(CommandLine& line, CLI::App* rollout) {
  auto* const status = rollout->add_subcommand(
      "status",
      "how far it is: on a terminal a bar that follows it until it ends, halts, is paused or is at "
      "its gate (Ctrl-C ends only the watching); otherwise one JSON object");
  const auto command = std::make_shared<RolloutStatusCommand>();
  status->add_flag("--once", command->once, "print it once, as text, and end");
  status->add_option("--wait", command->wait,
                     "for scripts: wait at most this long (90s, 30min, 1h) until it does not go on "
                     "by itself; exit code 0: finished, 24: it waits for a person or was aborted, "
                     "9: still moving");
  line.Then(status, [command](Session& session, Form form) {
    return ShowRollout(session, *command, form);
  });
}

void AddPauseAndResume(CommandLine& line, CLI::App* rollout) {
  line.Then(rollout->add_subcommand(
                "pause", "offer it to nobody else for now; who has it stays commandable with it"),
            [](Session& session, Form form) { return PauseRollout(session, form); });
  auto* const resume = rollout->add_subcommand(
      "resume",
      "go on after a pause or a halt, and ask those anew that refused; from the first wave: go on "
      "to everybody now");
  const auto command = std::make_shared<RolloutResumeCommand>();
  resume->add_option("--halt-at", command->halt_at,
                     "another share of refusals that stops it, like 10%");
  resume->add_option_function<std::uint64_t>(
      "--rate", [command](const std::uint64_t& rate) { command->rate = rate; },
      "another number of agents an hour (0: no limit)");
  line.Then(resume, [command](Session& session, Form form) {
    return ResumeRollout(session, *command, form);
  });
}

void AddEnds(CommandLine& line, CLI::App* rollout) {
  const auto accept = std::make_shared<bool>(false);
  auto* const finish = rollout->add_subcommand(
      "finish",
      "make it the certificate in use, and destroy the earlier key; first names who does not have "
      "it, who will by themselves and who needs hands (exit code 24)");
  finish->add_flag("--accept", *accept, "go on after seeing them");
  line.Then(finish, [accept](Session& session, Form form) {
    return FinishRollout(session, *accept, form);
  });
  auto* const abort =
      rollout->add_subcommand("abort",
                              "offer it to nobody any more; its key is kept for agents that may "
                              "hold it, who are named, until each has proved a newer certificate");
  abort->add_flag(
      "--accept", *accept,
      "after that: destroy the key; agents that hold it obey nobody until the next certificate");
  line.Then(abort,
            [accept](Session& session, Form form) { return AbortRollout(session, *accept, form); });
  auto* const rollback = rollout->add_subcommand(
      "rollback",
      "a new certificate for the key in use, for everybody at once; the one that was rolled out is "
      "aborted");
  const auto command = std::make_shared<RollBackCommand>();
  const auto password = std::make_shared<PasswordFlags>();
  password->AddTo(rollback, "password of the automatic backup");
  rollback->add_flag("--clock-is-right", command->clock_is_right,
                     "the clock stands before the newest certificate, and is right");
  line.Then(rollback, [command, password](Session& session, Form form) {
    command->password = password->Source();
    return RollBack(session, *command, form);
  });
}

void AddProof(CommandLine& line, CLI::App* rollout) {
  auto* const proof = rollout->add_subcommand(
      "proof",
      "the message, signed by an agent, by which it first proved that it holds its newest "
      "certificate, and how anybody checks it");
  const auto command = std::make_shared<ProofCommand>();
  proof->add_option("--agent", command->agent, "agent id")->required();
  proof->add_option("-o,--output", command->output,
                    "new folder for the message, the agent's public key and the certificate, to "
                    "hand on; -: the message alone on standard output");
  line.Then(proof,
            [command](Session& session, Form form) { return ShowProof(session, *command, form); });
}

}  // namespace

void AddRolloutCommands(CommandLine& line) {
  auto* const rollout =
      line.app()
          .add_subcommand("rollout",
                          "bring a new certificate to the agents in waves, with a plan, "
                          "a gate and a way back")
          ->require_subcommand(1);
  AddRolloutPlan(line, rollout);
  AddRolloutStart(line, rollout);
  AddRolloutStatus(line, rollout);
  AddPauseAndResume(line, rollout);
  AddEnds(line, rollout);
  AddProof(line, rollout);
}

}  // namespace countersign::cli
